package cli

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/width"
)

// style is how a piece of text looks on a terminal: parameters of the escape sequence "select graphic rendition".
type style string

const (
	plain  style = ""
	bold   style = "1"
	dim    style = "2"
	red    style = "31"
	green  style = "32"
	yellow style = "33"
	cyan   style = "36"
)

// piece is text in a style.
type piece struct {
	style style
	text  string
}

// is returns text in a style.
func (s style) is(format string, args ...any) piece {
	return piece{style: s, text: fmt.Sprintf(format, args...)}
}

// The widths of output.
const (
	defaultWidth  = 100 // when it is not a terminal
	sideBySide    = 130 // from here on, texts stand side by side
	columnSpacing = 2
)

// printer lays out text for people. Everything that it is given is made harmless: a file name or a value in a file can
// hold escape sequences that would otherwise drive the terminal.
type printer struct {
	out      io.Writer
	buffer   bytes.Buffer
	terminal bool
	colour   bool
	width    int
	location *time.Location
	project  string // as --project named it: commands that are suggested repeat it
}

// newPrinter returns a printer for w. Colours are for terminals only, and never with NO_COLOR.
func newPrinter(env Env, w io.Writer) *printer {
	columns, terminal := size(w)
	p := &printer{out: w, terminal: terminal, width: defaultWidth, location: env.Location}
	if terminal {
		p.width = columns
		p.colour = env.Getenv("NO_COLOR") == "" && env.Getenv("TERM") != "dumb"
	}
	if p.location == nil {
		p.location = time.Local
	}
	return p
}

// Sized is a terminal to write to or to read from. *os.File is looked at directly; others say it with this method.
type Sized interface {
	// Size returns the terminal's width in characters, or false when it is not a terminal.
	Size() (columns int, terminal bool)
}

// size returns a terminal's width, or false for anything else.
func size(stream any) (columns int, terminal bool) {
	if sized, ok := stream.(Sized); ok {
		return sized.Size()
	}
	file, ok := stream.(interface{ Fd() uintptr })
	if !ok {
		return 0, false
	}
	columns, terminal = terminalSize(file.Fd())
	if terminal && columns <= 0 {
		columns = defaultWidth
	}
	return columns, terminal
}

// flush writes everything at once, without an empty line at the end.
func (p *printer) flush() error {
	text := p.buffer.Bytes()
	if bytes.HasSuffix(text, []byte("\n\n")) {
		text = text[:len(text)-1]
	}
	return writeAll(p.out, text)
}

// command is a command line that a person can copy.
func (p *printer) command(format string, args ...any) piece {
	text := "marain " + fmt.Sprintf(format, args...)
	if p.project != "" {
		text += " --project " + quoted(p.project)
	}
	return cyan.is("%s", text)
}

// line writes strings and pieces, one after the other, as one line.
func (p *printer) line(parts ...any) {
	var line strings.Builder
	for _, part := range parts {
		switch part := part.(type) {
		case piece:
			line.WriteString(p.render(part))
		default:
			line.WriteString(harmless(fmt.Sprint(part)))
		}
	}
	p.buffer.WriteString(strings.TrimRight(line.String(), " "))
	p.buffer.WriteByte('\n')
}

// blank writes an empty line, unless nothing or one was written just before.
func (p *printer) blank() {
	if p.buffer.Len() > 0 && !bytes.HasSuffix(p.buffer.Bytes(), []byte("\n\n")) {
		p.buffer.WriteByte('\n')
	}
}

// table writes rows whose columns are aligned. The last column is not padded.
func (p *printer) table(indent string, rows [][]piece) {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], columns(harmless(cell.text)))
		}
	}
	for _, row := range rows {
		parts := []any{indent}
		for i, cell := range row {
			parts = append(parts, cell)
			if i < len(row)-1 && widths[i] > 0 {
				parts = append(parts, strings.Repeat(" ", widths[i]-columns(harmless(cell.text))+columnSpacing))
			}
		}
		p.line(parts...)
	}
}

// render returns a piece as it is written.
func (p *printer) render(part piece) string {
	text := harmless(part.text)
	if !p.colour || part.style == plain || text == "" {
		return text
	}
	return "\x1b[" + string(part.style) + "m" + text + "\x1b[0m"
}

// clock returns a time of the REST door in the reader's own time zone.
func (p *printer) clock(at, layout string) string {
	parsed, err := time.Parse(time.RFC3339, at)
	if err != nil {
		return at
	}
	return parsed.In(p.location).Format(layout)
}

// harmless replaces what would not show as itself: control characters, and the invisible ones that reorder or hide text.
func harmless(text string) string {
	if !strings.ContainsFunc(text, hidden) {
		return text
	}
	var out strings.Builder
	for _, r := range text {
		switch {
		case !hidden(r):
			out.WriteRune(r)
		case r == '\t':
			out.WriteString("    ")
		default:
			out.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		}
	}
	return out.String()
}

func hidden(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) || r == unicode.ReplacementChar
}

// columns is how many columns a text takes on a terminal.
func columns(text string) int {
	n := 0
	for _, r := range text {
		switch {
		case unicode.In(r, unicode.Mn, unicode.Me):
		case width.LookupRune(r).Kind() == width.EastAsianWide, width.LookupRune(r).Kind() == width.EastAsianFullwidth:
			n += 2
		default:
			n++
		}
	}
	return n
}

// cut shortens a text to a width, with a mark where something is missing.
func cut(text string, limit int) string {
	text = harmless(text)
	if columns(text) <= limit {
		return text
	}
	var out strings.Builder
	n := 0
	for _, r := range text {
		w := columns(string(r))
		if n+w > limit-1 {
			break
		}
		out.WriteRune(r)
		n += w
	}
	return out.String() + "…"
}

// many returns "1 file" or "3 files".
func many(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + one + "s"
}
