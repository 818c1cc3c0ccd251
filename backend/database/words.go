package database

import "strings"

// Words returns the names that a piece of SQL mentions, in small letters: plain and quoted ones, but nothing of its texts
// and comments. A star stands for itself. It is meant for finding out what might be meant, not for understanding it.
func Words(sql string) map[string]bool {
	words := map[string]bool{}
	for i := 0; i < len(sql); {
		n, word := nextWord(sql[i:])
		if word != "" {
			words[strings.ToLower(word)] = true
		}
		i += n
	}
	return words
}

// nextWord returns how much of a text the first thing in it takes, and the name that it is.
func nextWord(sql string) (length int, word string) {
	switch c := sql[0]; {
	case c == '\'':
		return closing(sql, '\''), ""
	case c == '"' || c == '`':
		n := closing(sql, c)
		return n, strings.ReplaceAll(strings.Trim(sql[:n], string(c)), string(c)+string(c), string(c))
	case c == '[':
		n := closing(sql, ']')
		return n, strings.Trim(sql[:n], "[]")
	case strings.HasPrefix(sql, "--"):
		return upTo(sql, "\n"), ""
	case strings.HasPrefix(sql, "/*"):
		return upTo(sql, "*/"), ""
	case c == '*':
		return 1, "*"
	case !wordByte(c):
		return 1, ""
	}
	n := 1
	for n < len(sql) && wordByte(sql[n]) {
		n++
	}
	return n, sql[:n]
}

func wordByte(c byte) bool {
	return c == '_' || c == '$' || c >= 0x80 || '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
}

// closing returns the length of something in quotes; a doubled quote belongs to it.
func closing(sql string, quote byte) int {
	for i := 1; i < len(sql); i++ {
		if sql[i] != quote {
			continue
		}
		if i+1 < len(sql) && sql[i+1] == quote {
			i++
			continue
		}
		return i + 1
	}
	return len(sql)
}

func upTo(sql, end string) int {
	if i := strings.Index(sql, end); i >= 0 {
		return i + len(end)
	}
	return len(sql)
}

// Checks returns the conditions of the CHECK constraints of a CREATE TABLE statement.
func Checks(create string) []string { return following(create, "check") }

// Generated returns what the generated columns of a CREATE TABLE statement are computed from, in their order.
func Generated(create string) []string { return following(create, "as") }

// following returns everything in parentheses that comes right after a word.
func following(create, keyword string) []string {
	var list []string
	for i := 0; i < len(create); {
		plain := wordByte(create[i])
		n, word := nextWord(create[i:])
		i += n
		if !plain || !strings.EqualFold(word, keyword) {
			continue
		}
		for i < len(create) && strings.IndexByte(" \t\r\n", create[i]) >= 0 {
			i++
		}
		if i == len(create) || create[i] != '(' {
			continue
		}
		end := i + parenthesis(create[i:])
		list = append(list, create[i:end])
		i = end
	}
	return list
}

// parenthesis returns the length of what a text begins with, up to the parenthesis that closes the first one.
func parenthesis(sql string) int {
	depth := 0
	for i := 0; i < len(sql); {
		switch sql[i] {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i + 1
			}
		}
		n, _ := nextWord(sql[i:])
		i += n
	}
	return len(sql)
}
