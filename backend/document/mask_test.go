package document

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// maskCase writes random configs that hold the word hunter2 in secret places only.
type maskCase struct {
	*rapid.T
	out   strings.Builder
	count int
}

// scalar writes a value in a random style; in braces only the styles that fit there.
func (c *maskCase) scalar(word string, indent int, flow bool) string {
	styles := []string{"%[1]s", "'%[1]s'", "\"%[1]s\"", "'%[1]s '' %[1]s'", "\"%[1]s \\\" %[1]s\"", "%[1]s\n%[2]s%[1]s", "'%[1]s\n%[2]s%[1]s'", "\"%[1]s\n\n%[2]s%[1]s\\\n%[2]s%[1]s\"", "é %[1]s"}
	if !flow {
		styles = append(styles, "|\n%[2]s%[1]s\n%[2]s  %[1]s", ">-\n%[2]s%[1]s\n\n%[2]s%[1]s", "|2\n%[3]s  %[1]s\n%[3]s   %[1]s", "\n%[2]s%[1]s\n%[2]s%[1]s", "|+ # %[4]s\n%[2]s%[1]s\n\n", "|\n%[2]s# %[1]s")
	}
	style := rapid.SampledFrom(styles).Draw(c.T, "style")
	note := "note"
	pad := strings.Repeat(" ", indent+3)
	return fmt.Sprintf(style+"%.0[1]s%.0[2]s%.0[3]s%.0[4]s", word, pad, strings.Repeat(" ", indent), note)
}

func (c *maskCase) key(secret bool) string {
	c.count++
	names := []string{"level", "keyboard", "'name'", "\"a b\"", "é"}
	if secret {
		names = []string{"password", "apiKey", "'client secret'", "\"token\"", "é.key"}
	}
	name := rapid.SampledFrom(names).Draw(c.T, "key")
	if end := strings.LastIndexAny(name, `'"`); end > 0 {
		return fmt.Sprintf("%s_%d%s", strings.TrimSuffix(name[:end], "_"), c.count, name[end:])
	}
	return fmt.Sprintf("n%d_%s", c.count, name)
}

// mapping writes entries at an indentation.
func (c *maskCase) mapping(indent, depth int, secret bool) {
	for range rapid.IntRange(1, 4).Draw(c.T, "entries") {
		mine := secret || rapid.Bool().Draw(c.T, "secret")
		word := "shown"
		if mine {
			word = "hunter2"
		}
		pad := strings.Repeat(" ", indent)
		key := c.key(mine)
		if mine && strings.HasPrefix(key, "'client") {
			key = strings.Replace(key, "_", " ", 1)
		}
		switch kind := rapid.IntRange(0, 4).Draw(c.T, "kind"); {
		case kind == 0 && depth > 0:
			fmt.Fprintf(&c.out, "%s%s:\n", pad, key)
			c.mapping(indent+2, depth-1, mine)
		case kind == 1:
			fmt.Fprintf(&c.out, "%s%s:\n%s  - %s\n%s  - %s\n", pad, key, pad, c.scalar(word, indent+2, false), pad, c.scalar(word, indent+2, false))
		case kind == 2:
			fmt.Fprintf(&c.out, "%s%s: [%s, {x: %s}, %s]\n", pad, key, c.scalar(word, indent, true), c.scalar(word, indent, true), c.scalar(word, indent, true))
		default:
			fmt.Fprintf(&c.out, "%s%s: %s\n", pad, key, c.scalar(word, indent, false))
		}
		if rapid.Bool().Draw(c.T, "comment") {
			c.out.WriteString(pad + "# a note\n")
		}
	}
}

// TestMaskedTextHidesEverySecret writes secrets in every style of YAML and looks for them.
func TestMaskedTextHidesEverySecret(t *testing.T) {
	loaded := 0
	rapid.Check(t, func(t *rapid.T) {
		c := &maskCase{T: t}
		c.mapping(0, 3, false)
		text := c.out.String()
		if rapid.Bool().Draw(t, "windows") {
			text = strings.ReplaceAll(text, "\n", "\r\n")
		}
		doc, problems := Loader{}.Load("config/menu.yaml", []byte(text))
		if doc == nil {
			t.Fatalf("%v in\n%s", problems, text)
		}
		loaded++
		masked := doc.MaskedText()
		if strings.Contains(masked, "hunter2") {
			t.Fatalf("a secret is shown:\n%s\nof\n%s", masked, text)
		}
		if strings.Count(masked, "\n") != strings.Count(text, "\n") {
			t.Fatalf("lines moved:\n%s\nof\n%s", masked, text)
		}
		if doc.HasSecrets() != strings.Contains(text, "hunter2") {
			t.Fatalf("secrets: %v in\n%s", doc.HasSecrets(), text)
		}
		if strings.Contains(fmt.Sprint(MaskedValue("", doc.Root)), "hunter2") {
			t.Fatalf("a secret value is shown of\n%s", text)
		}
		if got := strings.Count(masked, "shown"); got != strings.Count(text, "shown") && !strings.Contains(text, "hunter2\n") && !strings.Contains(text, "hunter2\r\n") {
			t.Fatalf("something else is hidden:\n%s\nof\n%s", masked, text)
		}
	})
	if loaded == 0 {
		t.Error("nothing was loaded")
	}
}
