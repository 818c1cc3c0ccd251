package postgres

import (
	"strconv"
	"strings"
)

// numbered writes the parameters of a query the way PostgreSQL wants them: the first ? becomes $1, the second $2.
// Question marks in texts, quoted names and comments stay.
func numbered(query string) string {
	if !strings.Contains(query, "?") {
		return query
	}
	var out strings.Builder
	out.Grow(len(query) + 8)
	for i, n := 0, 0; i < len(query); {
		end := i + skip(query[i:])
		switch {
		case end > i:
			out.WriteString(query[i:end])
			i = end
			continue
		case query[i] == '?':
			n++
			out.WriteByte('$')
			out.WriteString(strconv.Itoa(n))
		default:
			out.WriteByte(query[i])
		}
		i++
	}
	return out.String()
}

// skip returns the length of the text, quoted name or comment that a piece of SQL begins with, 0 for none.
func skip(text string) int {
	switch {
	case text[0] == '\'' || text[0] == '"':
		return quoted(text)
	case strings.HasPrefix(text, "--"):
		if end := strings.IndexByte(text, '\n'); end >= 0 {
			return end
		}
		return len(text)
	case strings.HasPrefix(text, "/*"):
		return comment(text)
	case text[0] == '$':
		return dollars(text)
	case text[0] == 'E' || text[0] == 'e':
		if len(text) > 1 && text[1] == '\'' {
			return escaped(text)
		}
		return word(text)
	}
	return word(text)
}

// word returns the length of a name or a number: an e or a $ inside of one begins nothing.
func word(text string) int {
	n := 0
	for n < len(text) && (text[n] == '_' || text[n] == '$' && n > 0 || text[n] >= 0x80 ||
		'0' <= text[n] && text[n] <= '9' || 'a' <= text[n]|0x20 && text[n]|0x20 <= 'z') {
		n++
	}
	return n
}

// quoted returns the length of a text or name in quotes. A doubled quote is two that touch, which comes to the same.
func quoted(text string) int {
	if end := strings.IndexByte(text[1:], text[0]); end >= 0 {
		return end + 2
	}
	return len(text)
}

// escaped returns the length of a text with backslashes: E'...'.
func escaped(text string) int {
	for i := 2; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '\'':
			if i+1 < len(text) && text[i+1] == '\'' {
				i++
				continue
			}
			return i + 1
		}
	}
	return len(text)
}

// comment returns the length of a comment, which may hold others.
func comment(text string) int {
	depth := 0
	for i := 0; i+1 < len(text); i++ {
		switch text[i : i+2] {
		case "/*":
			depth++
			i++
		case "*/":
			depth--
			i++
			if depth == 0 {
				return i + 1
			}
		}
	}
	return len(text)
}

// dollars returns the length of a text between dollar signs, 0 when none begins here.
func dollars(text string) int {
	n := 1
	for n < len(text) && text[n] != '$' {
		if word(text[n:n+1]) == 0 {
			return 0
		}
		n++
	}
	if n == len(text) || n > 1 && '0' <= text[1] && text[1] <= '9' {
		return 0
	}
	tag := text[:n+1]
	if end := strings.Index(text[n+1:], tag); end >= 0 {
		return n + 1 + end + len(tag)
	}
	return len(text)
}
