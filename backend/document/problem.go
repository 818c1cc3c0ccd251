package document

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Problem is one thing that is wrong with a file.
type Problem struct {
	File    string `json:"file_path"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Code    string `json:"code"`    // a stable snake_case word
	Message string `json:"message"` // what is wrong
	Hint    string `json:"hint"`    // what to do
}

// String returns the problem on one line: file:line:column code message (hint).
func (p Problem) String() string {
	return fmt.Sprintf("%s:%d:%d %s %s (%s)", p.File, p.Line, p.Column, p.Code, p.Message, p.Hint)
}

// maxProblems is how many problems of one file are listed; a file of a million bytes can hold very many.
const maxProblems = 1000

// report collects the problems of one file.
type report struct {
	file     string
	problems []Problem
	left     int // how many more there were
}

func (r *report) add(line, column int, code, message, hint string) {
	if len(r.problems) >= maxProblems {
		r.left++
		return
	}
	r.problems = append(r.problems, Problem{
		File: r.file, Line: max(line, 1), Column: max(column, 1), Code: code, Message: message, Hint: hint,
	})
}

// at adds a problem at a node.
func (r *report) at(n *Node, code, message, hint string) {
	r.add(n.Line, n.Column, code, message, hint)
}

// sorted returns the problems in the order of their positions.
func (r *report) sorted() []Problem {
	sortProblems(r.problems)
	if r.left > 0 {
		last := r.problems[len(r.problems)-1]
		last.Code, last.Message = "too_many_problems", fmt.Sprintf("and %d more problems", r.left)
		last.Hint = "mend the ones above first"
		r.problems = append(r.problems, last)
		r.left = 0
	}
	return r.problems
}

func sortProblems(problems []Problem) {
	slices.SortStableFunc(problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Code, b.Code), cmp.Compare(a.Message, b.Message))
	})
}

// quote shows text from a file in a message: in quotes, hidden characters escaped, long text cut.
func quote(text string) string {
	const longest = 60
	if utf8.RuneCountInString(text) > longest {
		text = string([]rune(text)[:longest]) + "…"
	}
	return strconv.Quote(text)
}

// oneOf lists words for a hint: a, b or c.
func oneOf(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}
