package document

import (
	"strings"
	"unicode/utf8"
)

// source finds bytes by line and column. Columns count characters, so a look-up walks its line; it remembers where it
// was, so that look-ups in reading order cost one walk over the text together. It is for one goroutine.
type source struct {
	text   string
	starts []int // byte offset of each line

	line, column, offset int // where the last look-up ended
}

func newSource(text string) *source {
	return &source{text: text, starts: lineStarts(text)}
}

// lineStarts returns the byte offset of each line. Lines end with \n, \r\n or a lone \r, as in YAML.
func lineStarts(text string) []int {
	starts := make([]int, 1, strings.Count(text, "\n")+2)
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\n', text[i] == '\r' && (i+1 == len(text) || text[i+1] != '\n'):
			starts = append(starts, i+1)
		}
	}
	return starts
}

// at returns the byte offset of a position, at most the length of the text.
func (s *source) at(line, column int) int {
	if line < 1 {
		return 0
	}
	if line > len(s.starts) {
		return len(s.text)
	}
	from, walked := s.starts[line-1], 1
	if line == s.line && column >= s.column {
		from, walked = s.offset, s.column
	}
	for ; walked < column && from < len(s.text); walked++ {
		_, size := utf8.DecodeRuneInString(s.text[from:])
		from += size
	}
	s.line, s.column, s.offset = line, walked, from
	return from
}

// lineText returns a line without its end; lines count from 1.
func (s *source) lineText(line int) string {
	if line < 1 || line > len(s.starts) {
		return ""
	}
	end := len(s.text)
	if line < len(s.starts) {
		end = s.starts[line]
	}
	return strings.TrimRight(s.text[s.starts[line-1]:end], "\r\n")
}
