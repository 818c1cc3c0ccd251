package document

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Check reports what is wrong between documents that are fine each on its own: two entities or two live configs with
// one id, references to entities that do not exist, derived table names that two entities want, and paths that a file
// system could take for one. Every problem names the other files, and is reported in every file involved. The order of
// docs does not matter; the result is sorted by file and position.
func Check(docs []*Document) []Problem {
	c := &checker{}
	docs = slices.Clone(docs)
	slices.SortFunc(docs, func(a, b *Document) int { return cmp.Compare(a.Path, b.Path) })
	c.paths(docs)
	c.ids(docs)
	c.references(docs)
	c.tables(docs)
	sortProblems(c.problems)
	return c.problems
}

// checker collects problems of many files.
type checker struct {
	problems []Problem
}

func (c *checker) add(d *Document, line, column int, code, message, hint string) {
	c.problems = append(c.problems, Problem{
		File: d.Path, Line: max(line, 1), Column: max(column, 1), Code: code, Message: message, Hint: hint,
	})
}

func (c *checker) at(d *Document, n *Node, code, message, hint string) {
	if n == nil {
		n = d.Root
	}
	c.add(d, n.Line, n.Column, code, message, hint)
}

// groups sorts documents by a key and hands out those that share one, in the order of their paths. Documents with an
// empty key are left out.
func groups(docs []*Document, key func(*Document) string, visit func(key string, same []*Document)) {
	byKey := make(map[string][]*Document, len(docs))
	for _, d := range docs {
		if k := key(d); k != "" {
			byKey[k] = append(byKey[k], d)
		}
	}
	for k, same := range byKey {
		if len(same) > 1 {
			visit(k, same)
		}
	}
}

// others names the documents of a group without one of them.
func others(same []*Document, without *Document) string {
	const most = 3
	var names []string
	for _, d := range same {
		if d == without {
			continue
		}
		if len(names) == most {
			return fmt.Sprintf("%s and %d more", strings.Join(names, ", "), len(same)-1-most)
		}
		names = append(names, d.Path)
	}
	return strings.Join(names, " and ")
}

// paths reports paths that differ only by case or by how accents are encoded.
func (c *checker) paths(docs []*Document) {
	groups(docs, func(d *Document) string { return foldPath(d.Path) }, func(_ string, same []*Document) {
		for _, d := range same {
			c.add(d, 1, 1, "path_collision", fmt.Sprintf("the path %s differs from %s only by case or accents", quote(d.Path), others(same, d)),
				"rename one of them: some file systems take them for one file")
		}
	})
}

// foldPath returns what a path looks like to a file system that ignores case and the encoding of accents.
func foldPath(file string) string {
	for i := range len(file) {
		if file[i] >= 0x80 {
			return norm.NFC.String(cases.Fold().String(norm.NFC.String(file)))
		}
	}
	return strings.ToLower(file)
}

// ids reports entities, and live configs, that share an id.
func (c *checker) ids(docs []*Document) {
	groups(docs, entityID, func(id string, same []*Document) {
		for _, d := range same {
			c.at(d, d.Root.Lookup("id"), "duplicate_entity", fmt.Sprintf("the entity %q is also in %s", id, others(same, d)),
				"give one of them another id, or remove it")
		}
	})
	groups(docs, liveConfigID, func(id string, same []*Document) {
		for _, d := range same {
			c.at(d, d.Root.Lookup("id"), "duplicate_config", fmt.Sprintf("the config %q is also in %s, and both are live", id, others(same, d)),
				"keep one of them live: remove one, or give it the suffix of another environment")
		}
	})
}

func entityID(d *Document) string {
	if d.Entity == nil {
		return ""
	}
	return d.Entity.ID
}

func liveConfigID(d *Document) string {
	if d.Config == nil || !d.Config.Live {
		return ""
	}
	return d.Config.ID
}

// references reports entity references to entities that do not exist.
func (c *checker) references(docs []*Document) {
	known := make(map[string]bool, len(docs))
	var ids []string
	for _, d := range docs {
		if id := entityID(d); id != "" && !known[id] {
			known[id] = true
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	hints := make(map[string]string)
	for _, d := range docs {
		if d.Entity != nil {
			c.fieldReferences(d, d.Entity.Fields, known, ids, hints)
		}
	}
}

// maxGuesses is how many missing entities get a "did you mean": guessing looks at every entity.
const maxGuesses = 50

func (c *checker) fieldReferences(d *Document, fields []Field, known map[string]bool, ids []string, hints map[string]string) {
	for i := range fields {
		f := &fields[i]
		c.fieldReferences(d, f.Fields, known, ids, hints)
		if f.Target == "" || known[f.Target] {
			continue
		}
		hint, ok := hints[f.Target]
		if !ok {
			hint = fmt.Sprintf("add a file with the entity %s, or point at one that exists", f.Target)
			if len(hints) < maxGuesses {
				hint = didYouMean(f.Target, ids, hint)
			}
			hints[f.Target] = hint
		}
		c.add(d, f.TargetLine, f.TargetColumn, "unknown_entity", fmt.Sprintf("there is no entity %q", f.Target), hint)
	}
}

// claim is one document's wish for a table name.
type claim struct {
	doc   *Document
	field int // index of the field, -1 for the entity's own tables
}

// tables reports table names that two different entities want.
func (c *checker) tables(docs []*Document) {
	claims := make(map[string][]claim, 2*len(docs))
	for _, d := range docs {
		if d.Entity == nil {
			continue
		}
		for _, t := range d.Entity.tables() {
			field := -1
			if t.field != nil {
				field = indexOf(d.Entity.Fields, t.field)
			}
			claims[t.table] = append(claims[t.table], claim{d, field})
		}
	}
	for table, same := range claims {
		if len(same) > 1 {
			c.collision(table, same)
		}
	}
}

func (c *checker) collision(table string, same []claim) {
	for _, mine := range same {
		for _, other := range same {
			// Two documents of one entity want all the same tables: that they are two was reported.
			if other == mine || other.doc != mine.doc && other.doc.Entity.ID == mine.doc.Entity.ID {
				continue
			}
			c.at(mine.doc, mine.node(), "name_collision", fmt.Sprintf("%s and %s in %s both want the table %q",
				mine.words(), other.words(), other.doc.Path, table), "give one of them another id")
			break
		}
	}
}

func (m claim) node() *Node {
	if m.field < 0 {
		return m.doc.Root.Lookup("id")
	}
	return m.doc.Root.Lookup("fields").Items[m.field].Lookup("id")
}

func (m claim) words() string {
	if m.field < 0 {
		return fmt.Sprintf("the entity %q", m.doc.Entity.ID)
	}
	return fmt.Sprintf("the field %q of %q", m.doc.Entity.Fields[m.field].ID, m.doc.Entity.ID)
}
