package document

import (
	"bytes"
	"slices"
	"strings"
)

// FieldEdit changes the text of one field of an entity: Key is required, unique, indexed or type, and Value what stands
// there afterwards. With the key id it adds an optional field of the type Value at the end.
type FieldEdit struct {
	Field string
	Key   string
	Value string
}

// Edit returns a document with edits made in its text and everything else as it was, byte for byte: comments, order,
// quotes and line ends. It is false when the text cannot be edited so that it says exactly the wanted; then the person
// has to.
func (l Loader) Edit(d *Document, edits []FieldEdit) (*Document, bool) {
	for _, e := range edits {
		if d.Entity == nil {
			return nil, false
		}
		raw, ok := edited(d, e)
		if !ok {
			return nil, false
		}
		next, problems := l.Load(d.Path, raw)
		if len(problems) > 0 || !says(next.Entity, d.Entity, e) {
			return nil, false
		}
		d = next
	}
	return d, true
}

// says proves that an edit changed what it was to change and nothing else.
func says(got, before *Entity, e FieldEdit) bool {
	want := *before
	want.Fields = slices.Clone(before.Fields)
	if e.Key == "id" {
		added := got.Field(e.Field)
		if added == nil || before.Field(e.Field) != nil || added.Type != FieldType(e.Value) || added.Required || added.Unique || added.Indexed || added.Multiple() {
			return false
		}
		want.Fields = append(want.Fields, *added)
		return meaning(got) == meaning(&want)
	}
	f, now := want.Field(e.Field), got.Field(e.Field)
	if f == nil || now == nil {
		return false
	}
	switch e.Key {
	case "required":
		f.Required = e.Value == "true"
	case "unique":
		f.Unique = e.Value == "true"
	case "indexed":
		f.Indexed = e.Value == "true"
	case "type":
		f.Type, f.Default = FieldType(e.Value), now.Default // which is read by the type
	default:
		return false
	}
	return meaning(got) == meaning(&want)
}

// meaning is the hash of what an entity says, wherever it stands.
func meaning(e *Entity) string { return canonical(&Document{Kind: KindEntity, Entity: e}) }

// edited makes one edit in the text of an entity.
func edited(d *Document, e FieldEdit) ([]byte, bool) {
	mark := []byte(byteOrderMark)
	body, marked := bytes.CutPrefix(d.Raw, mark)
	t := &textEdit{src: newSource(string(body)), end: "\n"}
	if strings.Contains(t.src.text, "\r\n") {
		t.end = "\r\n"
	}
	list := d.Root.Lookup("fields")
	var text string
	var ok bool
	if e.Key == "id" {
		text, ok = t.addField(d.Root, list, e)
	} else {
		i := indexOf(d.Entity.Fields, d.Entity.Field(e.Field))
		if i < 0 {
			return nil, false
		}
		text, ok = t.setKey(list.Items[i], e)
	}
	if marked {
		text = byteOrderMark + text
	}
	return []byte(text), ok
}

// textEdit is a text that is being edited.
type textEdit struct {
	src *source
	end string // of its lines
}

// setKey replaces the value of a key, or adds the key after the field's type.
func (t *textEdit) setKey(item *Node, e FieldEdit) (string, bool) {
	text := t.src.text
	if entry := item.Entry(e.Key); entry != nil {
		from, to, ok := t.scalar(entry.Value)
		if !ok {
			return "", false
		}
		return text[:from] + e.Value + text[to:], true
	}
	kind := item.Entry("type")
	if kind == nil {
		return "", false
	}
	_, to, ok := t.scalar(kind.Value)
	if !ok {
		return "", false
	}
	key := t.src.at(kind.Line, kind.Column)
	lead := text[t.src.starts[kind.Line-1]:key]
	if strings.Trim(lead, " -") != "" { // on a line with others: { id: a, type: text }
		return text[:to] + ", " + e.Key + ": " + e.Value + text[to:], true
	}
	return t.insertLine(kind.Value.Line, strings.Repeat(" ", len(lead))+e.Key+": "+e.Value), true
}

// scalar returns where a value on one line stands.
func (t *textEdit) scalar(n *Node) (from, to int, ok bool) {
	from = t.src.at(n.Line, n.Column)
	rest := t.src.text[from:]
	switch {
	case n.Kind != Scalar || n.Raw == "":
		return 0, 0, false
	case !n.Quoted && strings.HasPrefix(rest, n.Raw):
		return from, from + len(n.Raw), true
	case n.Quoted && len(rest) > 0 && (rest[0] == '"' || rest[0] == '\'') && strings.HasPrefix(rest[1:], n.Raw+rest[:1]):
		return from, from + len(n.Raw) + 2, true
	}
	return 0, 0, false
}

// insertLine puts a line after another one.
func (t *textEdit) insertLine(after int, line string) string {
	text := t.src.text
	if after >= len(t.src.starts) { // the last line, without an end
		return text + t.end + line
	}
	at := t.src.starts[after]
	return text[:at] + line + t.end + text[at:]
}

// addField adds a field after the last one.
func (t *textEdit) addField(root, list *Node, e FieldEdit) (string, bool) {
	entry := root.Entry("fields")
	at := t.src.at(list.Line, list.Column)
	if at < len(t.src.text) && t.src.text[at] == '[' {
		if len(list.Items) > 0 {
			return "", false
		}
		closed := strings.IndexByte(t.src.text[at:], ']')
		if closed < 0 {
			return "", false
		}
		text := t.end + "  - id: " + e.Field + t.end + "    type: " + e.Value
		return strings.TrimRight(t.src.text[:at], " ") + text + t.src.text[at+closed+1:], true
	}
	if entry == nil || len(list.Items) == 0 {
		return "", false
	}
	first := list.Items[0]
	lead := t.src.text[t.src.starts[first.Line-1]:t.src.at(first.Line, first.Column)]
	if strings.Trim(lead, " -") != "" || strings.Count(lead, "-") != 1 {
		return "", false
	}
	last := len(t.src.starts)
	for _, other := range root.Entries {
		if other.Line > entry.Line {
			last = min(last, other.Line-1)
		}
	}
	for last > entry.Line && t.idle(last) {
		last--
	}
	text := t.insertLine(last, lead+"id: "+e.Field+t.end+strings.Repeat(" ", len(lead))+"type: "+e.Value)
	return text, true
}

// idle reports whether a line says nothing.
func (t *textEdit) idle(line int) bool {
	text := strings.TrimSpace(t.src.lineText(line))
	return text == "" || text[0] == '#' || text == "---" || text == "..."
}
