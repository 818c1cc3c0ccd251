package document

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// parse turns text into the node of its one document, nil when there is none. It is false when a problem was reported.
func parse(r *report, text string) (*yaml.Node, bool) {
	first, second, err := decodeTwo(strings.NewReader(text))
	if err != nil {
		addSyntax(r, text, err)
		return nil, false
	}
	if second != nil {
		r.add(second.Line, second.Column, "several_documents", "a second document starts here",
			"keep one document in a file: remove the line --- or move what follows to a file of its own")
		return nil, false
	}
	if first == nil || len(first.Content) == 0 {
		return nil, true
	}
	return first.Content[0], true
}

// errParserPanic is returned by decodeTwo when the parser panicked.
var errParserPanic = errors.New("parser panic")

// decodeTwo parses at most two documents to nodes; the second shows that there is more than one. The parser is known
// to panic on some inputs: that is an error here.
func decodeTwo(in io.Reader) (first, second *yaml.Node, err error) {
	defer func() {
		if p := recover(); p != nil {
			first, second, err = nil, nil, fmt.Errorf("%w: %v", errParserPanic, p)
		}
	}()
	dec := yaml.NewDecoder(in)
	for _, into := range []**yaml.Node{&first, &second} {
		var doc yaml.Node
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return first, second, nil
		}
		if err != nil {
			return nil, nil, err
		}
		*into = &doc
	}
	return first, second, nil
}

// syntax is one message of the parser in our words. The parser's own text is never shown when it could quote a value.
type syntax struct {
	part    string // of the parser's message
	code    string
	message string
	hint    string
	ahead   bool // the parser names the start of the surrounding block: find where it stopped instead
}

func syntaxTable() []syntax {
	const indentation = "check the indentation: entries of one level start in the same column, with spaces"
	return []syntax{
		{
			"mapping values are not allowed", "bad_indentation", "a key with a colon is not allowed here",
			"check the indentation, or put quotes around a text that holds a colon and a space", false,
		},
		{
			"block sequence entries are not allowed", "bad_indentation", "a list item is not allowed here",
			"start the list on a new line under its key", false,
		},
		{"mapping keys are not allowed", "bad_indentation", "a key is not allowed here", indentation, false},
		{
			"could not find expected ':'", "missing_colon", "this is not a key: there is no colon after it",
			"write key: value, or indent the line so that it continues the text above", false,
		},
		{
			"found unexpected end of stream", "unclosed_quote", "the quotes that open here are never closed",
			"close them with the same kind of quote", false,
		},
		{
			"found unexpected document indicator", "unclosed_quote", "the quotes that open here are never closed",
			"close them with the same kind of quote", false,
		},
		{"found a tab character", "tab_indentation", "a tab is used to indent", "indent with spaces", false},
		{
			"unknown escape character", "bad_escape", "a backslash sequence in double quotes is not known",
			"double the backslash, or use single quotes, in which it is plain text", false,
		},
		{
			"hexdecimal number", "bad_escape", "a backslash sequence in double quotes is cut short",
			"double the backslash, or use single quotes, in which it is plain text", false,
		},
		{
			"invalid Unicode character escape", "bad_escape", "a backslash sequence stands for no character",
			"double the backslash, or use single quotes, in which it is plain text", false,
		},
		{
			"exceeded max depth", "too_deep", fmt.Sprintf("more than %d levels inside each other", MaxDepth),
			"make it flatter, or split the file", true,
		},
		{
			"unknown anchor", "alias_not_allowed", "an alias (*) is not allowed",
			"write the value out, or put quotes around a text that starts with *", true,
		},
		{
			"expected ',' or ']'", "unclosed_bracket", "a list in brackets is not closed before this",
			"add the missing comma or ]", true,
		},
		{
			"expected ',' or '}'", "unclosed_bracket", "a mapping in braces is not closed before this",
			"add the missing comma or }, or put quotes around a text that starts with {", true,
		},
		{"did not find expected key", "bad_indentation", "this does not line up with the entries above", indentation, true},
		{"expected '-' indicator", "bad_indentation", "this does not line up with the list above", indentation, true},
		{"expected node content", "missing_value", "a value is missing before this", "write the value, or remove the key", true},
		{
			"<document start>", "bad_indentation", "this does not belong to the document above",
			"check the indentation; a file is one mapping, and nothing may follow a value that stands alone", true,
		},
		{
			"alphabetic or numeric character", "alias_not_allowed", "an anchor (&) or alias (*) without a name",
			"put quotes around a text that starts with & or *", false,
		},
		{"tag", "tag_not_allowed", "a tag (!) is not allowed", "put quotes around a text that starts with !", false},
		{"incompatible YAML document", "bad_directive", "this %YAML version is not understood", "remove the line", false},
		{"directive", "bad_directive", "a line that starts with % is not allowed here", "remove it, or put quotes around the text", false},
		{
			"comment or line break", "bad_block_text", "only a line break or a comment may follow | or >",
			"start the text on the next line, indented", false,
		},
		{"indentation indicator equal to 0", "bad_block_text", "the indentation after | or > cannot be 0", "remove the 0", false},
		{"cannot start any token", "bad_character", "this character cannot start a value", "put quotes around the text", false},
	}
}

var (
	parserLine   = regexp.MustCompile(`\bline ([0-9]+): `)
	unknownAlias = regexp.MustCompile(`unknown anchor '(.*)' referenced`)
)

// addSyntax reports what stopped the parser.
func addSyntax(r *report, text string, err error) {
	src := newSource(text)
	if errors.Is(err, errParserPanic) {
		r.add(1, 1, "parser_failure", "the text cannot be read: it breaks the YAML parser",
			"simplify it: keys must be plain words, and values must not refer to each other")
		return
	}
	found := syntax{code: "bad_yaml", message: "this is not valid YAML", hint: "check quotes, brackets and indentation"}
	for _, s := range syntaxTable() {
		if strings.Contains(err.Error(), s.part) {
			found = s
			break
		}
	}
	line := syntaxLine(src, found, err.Error())
	if found.code == "bad_character" && strings.HasPrefix(strings.TrimLeft(src.lineText(line), " -?"), "\t") {
		found.code, found.message, found.hint = "tab_indentation", "a tab is used to indent", "indent with spaces"
	}
	r.add(line, syntaxColumn(found.code, src.lineText(line)), found.code, found.message, found.hint)
}

// syntaxLine returns the line of a syntax problem.
func syntaxLine(src *source, found syntax, parserSays string) int {
	if found.code == "alias_not_allowed" {
		if m := unknownAlias.FindStringSubmatch(parserSays); m != nil {
			// The parser gives no position: the first place where the alias can stand is close enough.
			at := strings.Index(src.text, " *"+m[1])
			return strings.Count(src.text[:max(at, 0)], "\n") + 1
		}
	}
	if found.code == "bad_directive" {
		for line := range src.starts {
			if strings.HasPrefix(src.lineText(line+1), "%") {
				return line + 1
			}
		}
	}
	m := parserLine.FindStringSubmatch(parserSays)
	if m == nil || found.ahead {
		return stopLine(src.text)
	}
	line, _ := strconv.Atoi(m[1])
	line = min(line, len(src.starts))
	if found.code == "tab_indentation" {
		for ahead := line; ahead <= len(src.starts); ahead++ {
			if text := src.lineText(ahead); strings.Contains(text[:len(text)-len(strings.TrimLeft(text, " \t"))], "\t") {
				return ahead
			}
		}
	}
	if found.code == "unclosed_quote" && !strings.ContainsAny(src.lineText(line), `"'`) {
		return 1 // the parser does not name the first line
	}
	return max(line, 1)
}

// syntaxColumn points at what is wrong in a line, as far as the parser's message tells.
func syntaxColumn(code, line string) int {
	at := len(line) - len(strings.TrimLeft(line, " "))
	value := at
	if colon := strings.Index(line, ": "); colon >= 0 {
		value = colon + len(line[colon+1:]) - len(strings.TrimLeft(line[colon+1:], " ")) + 1
	}
	found := -1
	switch code {
	case "tab_indentation":
		found = strings.IndexByte(line, '\t')
	case "unclosed_quote":
		found = strings.IndexAny(line, `"'`)
	case "alias_not_allowed":
		found = strings.IndexAny(line, "*&")
	case "bad_escape":
		found = strings.IndexByte(line, '\\')
	case "bad_block_text":
		found = strings.IndexAny(line, "|>")
	case "bad_character", "tag_not_allowed":
		found = value
	case "bad_indentation":
		if second := strings.Index(line[value:]+" ", ": "); second >= 0 && value > at {
			found = value + second
		}
	}
	return utf8.RuneCountInString(line[:max(at, found)]) + 1
}

// stopLine parses again, handing the parser one line at a time, and returns the last line that it asked for before it
// gave up. That is where the trouble shows; the parser's own message names the start of the surrounding block.
func stopLine(text string) int {
	lines := &lineReader{src: newSource(text)}
	if _, _, err := decodeTwo(lines); err == nil {
		return 1
	}
	for lines.line > 1 && strings.TrimSpace(lines.src.lineText(lines.line)) == "" {
		lines.line--
	}
	return max(lines.line, 1)
}

// lineReader reads a text line by line, never more than one line in one read.
type lineReader struct {
	src  *source
	line int // the last line that was handed out, in part or whole
	at   int // bytes handed out
}

// Read implements io.Reader.
func (l *lineReader) Read(into []byte) (int, error) {
	if l.at >= len(l.src.text) {
		return 0, io.EOF
	}
	for l.line < len(l.src.starts) && l.src.starts[l.line] <= l.at {
		l.line++
	}
	end := len(l.src.text)
	if l.line < len(l.src.starts) {
		end = l.src.starts[l.line]
	}
	n := copy(into, l.src.text[l.at:end])
	l.at += n
	return n, nil
}
