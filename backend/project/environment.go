package project

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// environmentFile is the project's own list of environment variables.
const environmentFile = ".env"

// readEnvironment returns the variables of the project's .env file. A project without one has none.
func readEnvironment(files *Files, getenv func(string) string) (map[string]string, error) {
	file := files.Read(environmentFile)
	if file.Err != nil {
		return nil, fmt.Errorf("read %s: %w", environmentFile, file.Err)
	}
	if !file.Exists {
		return map[string]string{}, nil
	}
	variables, err := parseEnvironment(string(file.Data), getenv)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", environmentFile, err)
	}
	return variables, nil
}

// parseEnvironment reads lines of NAME=value. A value may stand in single quotes, as it is, or in double quotes, with
// the escapes \n \r \t \" \\ \$; without quotes it ends before " #". ${NAME} is replaced outside single quotes; a lone
// dollar sign is kept, because passwords hold them. Errors name the line and never show what is on it.
func parseEnvironment(text string, getenv func(string) string) (map[string]string, error) {
	if !utf8.ValidString(text) {
		return nil, errors.New("it is not UTF-8 text")
	}
	text = strings.TrimPrefix(text, "\ufeff")
	variables := map[string]string{}
	look := func(name string) string {
		if value := getenv(name); value != "" {
			return value
		}
		return variables[name]
	}
	for number, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		line = strings.TrimSpace(strings.TrimPrefix(line, "export "))
		name, value, found := strings.Cut(line, "=")
		name = strings.TrimSpace(name)
		if !found || !isVariable(name) {
			return nil, fmt.Errorf("line %d: want NAME=value", number+1)
		}
		parsed, err := environmentValue(strings.TrimSpace(value), look)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number+1, err)
		}
		variables[name] = parsed
	}
	return variables, nil
}

// environmentValue reads what stands behind the equals sign.
func environmentValue(text string, look func(string) string) (string, error) {
	if text == "" {
		return "", nil
	}
	switch text[0] {
	case '\'':
		end := strings.IndexByte(text[1:], '\'')
		if end < 0 {
			return "", errors.New("the single quote is not closed")
		}
		return text[1 : 1+end], afterQuote(text[end+2:])
	case '"':
		return doubleQuoted(text[1:], look)
	}
	if at := strings.Index(text, " #"); at >= 0 {
		text = strings.TrimSpace(text[:at])
	}
	if strings.HasPrefix(text, "#") {
		return "", nil
	}
	return expand(text, look), nil
}

// doubleQuoted reads up to the closing double quote.
func doubleQuoted(text string, look func(string) string) (string, error) {
	var out, plain strings.Builder
	flush := func() {
		out.WriteString(expand(plain.String(), look))
		plain.Reset()
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			flush()
			return out.String(), afterQuote(text[i+1:])
		case c == '\\' && i+1 < len(text):
			flush()
			i++
			out.WriteString(unescape(text[i]))
		default:
			plain.WriteByte(c)
		}
	}
	return "", errors.New("the double quote is not closed")
}

// unescape returns what a backslash followed by c stands for.
func unescape(c byte) string {
	switch c {
	case 'n':
		return "\n"
	case 'r':
		return "\r"
	case 't':
		return "\t"
	case '"', '\\', '$':
		return string(c)
	}
	return "\\" + string(c)
}

// afterQuote refuses anything but a comment behind a closing quote.
func afterQuote(rest string) error {
	rest = strings.TrimSpace(rest)
	if rest == "" || strings.HasPrefix(rest, "#") {
		return nil
	}
	return errors.New("there is text behind the closing quote")
}

// expand replaces ${NAME}, and nothing else.
func expand(text string, look func(string) string) string {
	var out strings.Builder
	for {
		start := strings.Index(text, "${")
		if start < 0 {
			break
		}
		end := strings.IndexByte(text[start:], '}')
		if end < 0 || !isVariable(text[start+2:start+end]) {
			out.WriteString(text[:start+2])
			text = text[start+2:]
			continue
		}
		out.WriteString(text[:start])
		out.WriteString(look(text[start+2 : start+end]))
		text = text[start+end+1:]
	}
	out.WriteString(text)
	return out.String()
}

// isVariable reports whether a name can be that of an environment variable.
func isVariable(name string) bool {
	for i, c := range name {
		letter := c == '_' || c == '.' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}
