package corpus_test

import (
	"fmt"
	"strings"
)

// schema is the text of a file, and what the test has to know of it to read the rows.
type schema struct {
	versioned bool
	fields    []field
	text      string
}

type field struct {
	id, kind string
	many     bool
}

// parse makes a content type of a short form: parts with semicolons between them, of which a part "versioned",
// "recursive" or "name=word" is about the content type and every other one is a field, its id and type first. Behind
// them stand required, unique, ununique, indexed, many, and with a value each max, default, to, from, label and about. A
// component has its fields in braces behind all of that, with commas between them; one inside has
// them in parentheses, with bars.
func parse(id, form string) schema {
	s := schema{}
	name, head := id, ""
	var fields strings.Builder
	for _, part := range strings.Split(form, ";") {
		switch part = strings.TrimSpace(part); {
		case part == "":
		case part == "versioned":
			s.versioned = true
			head += "versioned: true\n"
		case part == "recursive":
			head += "recursive: true\n"
		case strings.HasPrefix(part, "name="):
			name = strings.TrimPrefix(part, "name=")
		default:
			f, text := parseField(part, "  ")
			s.fields = append(s.fields, f)
			fields.WriteString(text)
		}
	}
	s.text = "id: " + id + "\nname: " + name + "\n" + head + "fields:\n" + fields.String()
	if fields.Len() == 0 {
		s.text = strings.TrimSuffix(s.text, "\n") + " []\n"
	}
	return s
}

func parseField(part, indent string) (field, string) {
	part, inside, component := strings.Cut(part, "{")
	between := ","
	if !component {
		part, inside, component = strings.Cut(part, "(")
		between = "|"
	}
	words := strings.Fields(part)
	f := field{id: words[0], kind: words[1]}
	var text strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&text, indent+"  "+format+"\n", args...) }
	fmt.Fprintf(&text, "%s- id: %s\n", indent, f.id)
	line("type: %s", f.kind)
	for _, word := range words[2:] {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "required", "unique", "indexed":
			line("%s: true", key)
		case "ununique":
			line("unique: false")
		case "many":
			f.many = true
			line("cardinality: -1")
		case "max":
			f.many = true
			line("cardinality: %s", value)
		case "default", "label":
			line("%s: %s", key, value)
		case "about":
			line("description: %s", value)
		case "to":
			line("target_entity: %s", value)
		case "from":
			line("renamed_from: %s", value)
		default:
			panic("unknown word " + word)
		}
	}
	if component {
		line("fields:")
		for _, sub := range strings.Split(strings.TrimRight(strings.TrimSpace(inside), "})"), between) {
			_, lines := parseField(strings.TrimSpace(sub), indent+"    ")
			text.WriteString(lines)
		}
	}
	return f, text.String()
}
