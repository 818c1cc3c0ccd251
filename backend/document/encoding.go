package document

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

const byteOrderMark = "\ufeff"

// checkText reports bytes that are not UTF-8 text and returns the text without a byte order mark. It is false when the
// text must not be parsed.
func checkText(r *report, raw []byte) (string, bool) {
	if name, ok := otherEncoding(raw); ok {
		r.add(1, 1, "not_utf8", "the file is "+name+", not UTF-8", "save it with the encoding UTF-8")
		return "", false
	}
	text := strings.TrimPrefix(string(raw), byteOrderMark)
	line, column := 1, 1
	clean := true
	for i := 0; i < len(text); {
		c := text[i]
		if c >= 0x20 && c < 0x7f || c == '\t' {
			i, column = i+1, column+1
			continue
		}
		if c == '\n' || c == '\r' {
			if c == '\r' && i+1 < len(text) && text[i+1] == '\n' {
				i++
			}
			i, line, column = i+1, line+1, 1
			continue
		}
		char, size := utf8.DecodeRuneInString(text[i:])
		if char == utf8.RuneError && size == 1 {
			r.add(line, column, "not_utf8", fmt.Sprintf("the byte 0x%02X is not UTF-8 text", c),
				"save the file with the encoding UTF-8; it looks like Latin-1 or another older one")
			return "", false
		}
		clean = checkCharacter(r, char, line, column) && clean
		i, column = i+size, column+1
	}
	if keyLines(text) > 2*MaxKeys {
		addTooManyKeys(r, 1, 1)
		return "", false
	}
	return text, clean
}

// checkCharacter reports a character that YAML refuses, or that moves the line numbers away from those of an editor.
func checkCharacter(r *report, char rune, line, column int) bool {
	switch {
	case char == 0x85 || char == 0x2028 || char == 0x2029:
		r.add(line, column, "line_separator", fmt.Sprintf("the invisible line break U+%04X is not allowed", char),
			"remove it, or write it in double quotes as "+fmt.Sprintf(`"\u%04X"`, char))
	case char < 0xa0 || char == 0xfeff || char == 0xfffe || char == 0xffff:
		r.add(line, column, "control_character", fmt.Sprintf("the control character U+%04X is not allowed", char),
			"remove it")
	default:
		return true
	}
	return false
}

// otherEncoding recognises UTF-16 and UTF-32, with or without a byte order mark.
func otherEncoding(raw []byte) (string, bool) {
	switch {
	case bytes.HasPrefix(raw, []byte{0xff, 0xfe, 0, 0}), bytes.HasPrefix(raw, []byte{0, 0, 0xfe, 0xff}):
		return "UTF-32", true
	case bytes.HasPrefix(raw, []byte{0xff, 0xfe}), bytes.HasPrefix(raw, []byte{0xfe, 0xff}):
		return "UTF-16", true
	case len(raw) >= 4 && (raw[0] == 0) != (raw[1] == 0) && (raw[2] == 0) != (raw[3] == 0):
		return "UTF-16", true
	}
	return "", false
}

// keyLines counts the lines that look like a key with a value outside block text. It is a cheap guess which spares
// the parser a file that has far too many keys; the walker counts exactly.
func keyLines(text string) int {
	if strings.Count(text, ":") <= 2*MaxKeys {
		return 0
	}
	count, blockIndent := 0, -1
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		rest := strings.TrimLeft(line, " ")
		indent := len(line) - len(rest)
		if rest == "" || blockIndent >= 0 && indent > blockIndent {
			continue
		}
		blockIndent = -1
		if rest[0] == '#' {
			continue
		}
		switch {
		case strings.Contains(rest, "{"):
			count += strings.Count(rest, ": ")
		case strings.Contains(rest, ": "), strings.HasSuffix(rest, ":"):
			count++
		}
		if end := strings.TrimRight(rest, "0123456789+- "); strings.HasSuffix(end, "|") || strings.HasSuffix(end, ">") {
			blockIndent = indent
		}
	}
	return count
}

func addTooManyKeys(r *report, line, column int) {
	r.add(line, column, "too_many_keys", fmt.Sprintf("the file has more than %d keys", MaxKeys), "split it into several files")
}
