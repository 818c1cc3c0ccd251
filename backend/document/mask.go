package document

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// MaskedText returns the file's text with every secret value replaced by [Mask], in comments too. Lines stay where
// they are: of a value on several lines, each line is replaced.
func (d *Document) MaskedText() string {
	text := strings.TrimPrefix(string(d.Raw), byteOrderMark)
	if d.Kind == KindEntity {
		return text
	}
	m := &masker{src: newSource(text), nodes: starts(d.Root, nil)}
	d.secrets(func(n *Node) bool { m.mask(n); return true })
	m.out.WriteString(text[m.done:])
	return maskComments(m.out.String())
}

// starts lists where each value and each key starts, in the order of the file.
func starts(n *Node, list [][2]int) [][2]int {
	list = append(list, [2]int{n.Line, n.Column})
	for i := range n.Entries {
		list = append(list, [2]int{n.Entries[i].Line, n.Entries[i].Column})
		list = starts(n.Entries[i].Value, list)
	}
	for _, item := range n.Items {
		list = starts(item, list)
	}
	return list
}

// masker writes a text with some scalars replaced; they come in the order of the file.
type masker struct {
	src   *source
	nodes [][2]int
	out   strings.Builder
	done  int // bytes of the source that were written
}

func (m *masker) mask(n *Node) {
	from := m.src.at(n.Line, n.Column)
	to := m.end(n, from)
	m.out.WriteString(m.src.text[m.done:from])
	m.out.WriteString(maskLines(m.src.text[from:to]))
	m.done = to
}

// end returns where the text of a scalar ends, or a place after that but before the next value.
func (m *masker) end(n *Node, from int) int {
	rest := m.src.text[from:]
	switch {
	case strings.HasPrefix(rest, `"`):
		return from + quotedEnd(rest, `\`)
	case strings.HasPrefix(rest, "'"):
		return from + quotedEnd(rest, "'")
	case !n.Quoted && strings.HasPrefix(rest, n.Raw):
		return from + len(n.Raw)
	}
	// Block text, or plain text on several lines: everything up to the line of the next value.
	next := m.next(n)
	if next == nil {
		return len(m.src.text)
	}
	if next[0] == n.Line {
		return m.src.at(next[0], next[1])
	}
	lead := m.src.lineText(next[0])
	if at := m.src.at(next[0], next[1]); strings.Trim(lead[:at-m.src.starts[next[0]-1]], " -?") != "" {
		return at
	}
	return m.src.starts[next[0]-1]
}

// next returns the first start after a scalar.
func (m *masker) next(n *Node) *[2]int {
	i, _ := slices.BinarySearchFunc(m.nodes, [2]int{n.Line, n.Column + 1}, func(a, b [2]int) int { return slices.Compare(a[:], b[:]) })
	if i == len(m.nodes) {
		return nil
	}
	return &m.nodes[i]
}

// quotedEnd returns the length of a quoted text. The escape is the backslash, or the quote itself when it is doubled.
func quotedEnd(text, escape string) int {
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == escape[0] && escape[0] != text[0], text[i] == text[0] && escape[0] == text[0] && i+1 < len(text) && text[i+1] == text[0]:
			i++
		case text[i] == text[0]:
			return i + 1
		}
	}
	return len(text)
}

// maskLines replaces each line of a text by the mask, and keeps indentation, empty lines and line ends.
func maskLines(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		body := strings.TrimRight(line, "\r\n")
		indent := len(body) - len(strings.TrimLeft(body, " \t"))
		out.WriteString(body[:indent])
		if indent < len(body) {
			out.WriteString(Mask)
		}
		out.WriteString(line[len(body):])
	}
	return out.String()
}

var (
	comment    = regexp.MustCompile(`(^|\s)#.*`)
	assignment = regexp.MustCompile(`[\pL\pN_.\-]+["']?\s*[:=]\s*`)
)

// maskComments masks what a comment says that a secret is: # password: old.
func maskComments(text string) string {
	if !strings.Contains(text, "#") {
		return text
	}
	var out strings.Builder
	for line := range strings.Lines(text) {
		at := comment.FindStringIndex(line)
		if at == nil {
			out.WriteString(line)
			continue
		}
		body := strings.TrimRight(line[at[0]:], "\r\n")
		masked, _ := maskAssignment(body)
		out.WriteString(line[:at[0]] + masked + line[at[0]+len(body):])
	}
	return out.String()
}

// maskAssignment masks the rest of a line after the first secret-looking key in it, and reports whether there was one.
func maskAssignment(line string) (string, bool) {
	for _, at := range assignment.FindAllStringIndex(line, -1) {
		if key := strings.TrimRight(line[at[0]:at[1]], " \t:=\"'"); SecretKey(key) {
			if at[1] == len(line) {
				return line, true
			}
			return line[:at[1]] + Mask, true
		}
	}
	if at := secretInText.FindStringIndex(line); at != nil {
		return line[:at[0]] + Mask, false
	}
	return line, false
}

// MaskText masks secrets in a text that is not a document, line by line: what stands after a secret-looking key, and
// the lines below it that are indented further. It hides too much rather than too little, and keeps the lines. Bytes
// that are not UTF-8 are replaced.
func MaskText(raw []byte) string {
	text := strings.TrimPrefix(strings.ToValidUTF8(string(raw), string(utf8.RuneError)), byteOrderMark)
	var out strings.Builder
	below := -1 // the indentation of the secret key above, -1 when there is none
	for line := range strings.Lines(text) {
		body := strings.TrimRight(line, "\r\n")
		indent := len(body) - len(strings.TrimLeft(body, " \t-"))
		switch {
		case indent == len(body):
			out.WriteString(body)
		case below >= 0 && indent > below:
			out.WriteString(body[:indent] + Mask)
		default:
			masked, secret := maskAssignment(body)
			out.WriteString(masked)
			below = -1
			if secret {
				below = indent
			}
		}
		out.WriteString(line[len(body):])
	}
	return out.String()
}
