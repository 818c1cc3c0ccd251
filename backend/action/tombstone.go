package action

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"unicode/utf8"

	"marain/backend/document"
)

// Life is one incarnation of an entity that is in use, with those of its fields. A tag names an incarnation: whatever
// is taken out of use belongs to its tag, never to a name.
type Life struct {
	Tag    string            `json:"tag"`
	Fields map[string]string `json:"fields"` // field id to tag
}

// Clone returns a copy that may be changed.
func (l Life) Clone() Life {
	fields := make(map[string]string, len(l.Fields))
	for id, tag := range l.Fields {
		fields[id] = tag
	}
	return Life{Tag: l.Tag, Fields: fields}
}

// TombstoneKind says what part of an incarnation a tombstone holds.
type TombstoneKind string

// The kinds of tombstones.
const (
	Whole     TombstoneKind = "whole"     // a content type, or one of its fields
	Revisions TombstoneKind = "revisions" // the revisions of a content type that keeps none any more
	// Displaced holds what rows had before a way back gave them what was written since.
	Displaced TombstoneKind = "displaced"
	// Filled marks the rows that were given a value because they had none: a way back gives them none again.
	Filled TombstoneKind = "filled"
	// Cleared marks the rows whose single value was taken away, or has no counterpart, with the first of the several. Its Life
	// has the incarnation of the several values, Of that of the single one.
	Cleared TombstoneKind = "cleared"
	// Foreign is a column that another program made in the place of ours. Its Shape has the table's name, and its Life the
	// incarnation of the field in whose place it was.
	Foreign TombstoneKind = "foreign"
)

// Tombstone is an entity or a field that was taken out of use by renaming it, with its data inside.
type Tombstone struct {
	ID        string           `json:"id"`
	Kind      TombstoneKind    `json:"kind"`
	Entity    string           `json:"entity"`
	EntityTag string           `json:"entity_tag"`
	Field     string           `json:"field"` // empty: the whole entity
	Tag       string           `json:"tag"`
	ActionID  string           `json:"action_id"` // the batch that took it out of use
	Shape     *document.Entity `json:"shape"`     // what it was when it went; of a field: an entity with just that field
	Life      Life             `json:"life"`      // of an entity: the incarnations of its fields
	Of        string           `json:"of"`        // of marks: the incarnation whose rows they are about
	Fill      string           `json:"fill"`      // of marks: the value that was given, as it was answered
}

// Tag names a new incarnation: of the entity itself, or of one of its fields. It follows from the version of the file
// that brings it, so a plan shows exactly the names that an apply will use.
func Tag(path string, version int, entity, field string) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{path, strconv.Itoa(version), entity, field}, "\x00")))
	return hex.EncodeToString(sum[:5])
}

// maxName is how long a name may be on every database, in bytes.
const maxName = 63

// OutOfUse is the name that a column or table has while it is out of use. No document can ask for a name that begins
// with an underscore, so it is always free.
func OutOfUse(tag, name string) string {
	full := "_old_" + tag + "_" + name
	if len(full) <= maxName {
		return full
	}
	sum := sha256.Sum256([]byte(name))
	cut := full[:maxName-9]
	for !utf8.ValidString(cut) {
		cut = cut[:len(cut)-1]
	}
	return cut + "_" + hex.EncodeToString(sum[:4])
}

// IsOutOfUse reports whether a name is one that [OutOfUse] gives.
func IsOutOfUse(name string) bool { return strings.HasPrefix(name, "_old_") }

// createField brings a new field into use.
func createField(e *document.Entity, f *document.Field) []Step {
	if f.Multiple() {
		var steps []Step
		for _, t := range fieldTables(e, f) {
			steps = append(steps, CreateTable{t})
		}
		return steps
	}
	table := document.ContentTable(e.ID)
	steps := []Step{AddColumn{table, fieldColumn(f)}}
	if e.Versioned {
		steps = append(steps, AddColumn{document.RevisionsTable(e.ID), revisionColumn(f)})
	}
	return append(steps, createIndexes(fieldIndexes(table, f.ID, f))...)
}

// retireField takes a field out of use: every rule and every name it holds is released, then it is renamed.
func retireField(e *document.Entity, f *document.Field, tag string) []Step {
	if f.Multiple() {
		return retireList(fieldTables(e, f), tag)
	}
	table := document.ContentTable(e.ID)
	steps := dropIndexes(fieldIndexes(table, f.ID, f))
	if f.Required {
		steps = append(steps, DropNotNull{table, f.ID})
	}
	steps = append(steps, RenameColumn{table, f.ID, OutOfUse(tag, f.ID)})
	if e.Versioned {
		steps = append(steps, RenameColumn{document.RevisionsTable(e.ID), f.ID, OutOfUse(tag, f.ID)})
	}
	return steps
}

// restoreField brings a field back that was called was when it went, under the rules that f has now: beside the rows,
// and where places says so beside their revisions. Found
// says that a table of several values has the index of [retireList].
func restoreField(e *document.Entity, f *document.Field, was, tag string, places []bool, found bool) []Step {
	if f.Multiple() {
		former := *f
		former.ID = was
		return restoreList(fieldTables(e, &former)[:len(places)], fieldTables(e, f)[:len(places)], tag, found)
	}
	table := document.ContentTable(e.ID)
	var steps []Step
	for _, revisions := range places {
		steps = append(steps, RenameColumn{rowTable(e.ID, revisions), OutOfUse(tag, was), f.ID})
	}
	if f.Required {
		steps = append(steps, SetNotNull{table, f.ID})
	}
	return append(steps, createIndexes(fieldIndexes(table, f.ID, f))...)
}

// renameField gives a field in use another id; from and to have the same type and shape.
func renameField(e *document.Entity, from, to *document.Field) []Step {
	if from.Multiple() {
		var steps []Step
		before, after := fieldTables(e, from), fieldTables(e, to)
		for i := range before {
			steps = append(steps, dropIndexes(before[i].Indexes)...)
			steps = append(steps, RenameTable{before[i].Name, after[i].Name})
			steps = append(steps, createIndexes(after[i].Indexes)...)
		}
		return steps
	}
	table := document.ContentTable(e.ID)
	steps := dropIndexes(fieldIndexes(table, from.ID, from))
	steps = append(steps, RenameColumn{table, from.ID, to.ID})
	if e.Versioned {
		steps = append(steps, RenameColumn{document.RevisionsTable(e.ID), from.ID, to.ID})
	}
	return append(steps, createIndexes(fieldIndexes(table, to.ID, to))...)
}

// waiting is the name of a table of a field that waits for its new id, while another one still has it: not longer than
// any other. It is there only while a plan runs.
func waiting(f *document.Field, table string) string {
	if !IsOutOfUse(f.ID) {
		return table
	}
	return "_mid_" + strings.TrimPrefix(OutOfUse(Tag("", 0, table, ""), f.ID), "_old_")
}

func retireEntity(e *document.Entity, tag string) []Step { return retireTables(Tables(e), tag) }

func restoreEntity(e *document.Entity, tag string) []Step {
	return renameTables(Tables(e), Tables(e), tag)
}

func retireTables(tables []Table, tag string) []Step {
	var steps []Step
	for _, t := range tables {
		steps = append(steps, dropIndexes(t.Indexes)...)
		steps = append(steps, RenameTable{t.Name, OutOfUse(tag, t.Name)})
	}
	return steps
}

func renameTables(was, now []Table, tag string) []Step {
	var steps []Step
	for i := range now {
		steps = append(steps, RenameTable{OutOfUse(tag, was[i].Name), now[i].Name})
		steps = append(steps, createIndexes(now[i].Indexes)...)
	}
	return steps
}

func createIndexes(indexes []Index) []Step {
	steps := make([]Step, 0, len(indexes))
	for _, index := range indexes {
		steps = append(steps, CreateIndex{index})
	}
	return steps
}

func dropIndexes(indexes []Index) []Step {
	steps := make([]Step, 0, len(indexes))
	for _, index := range indexes {
		steps = append(steps, DropIndex{index})
	}
	return steps
}

// Place is where something out of use lies.
type Place struct {
	Table  string
	Column string // empty: the whole table
	// Maybe says that the values may also lie in another of the places, or never were kept: those of revisions, which
	// come and go with the setting of their content type.
	Maybe bool
}

// Layout says what names incarnations have now, so that it is known where everything out of use lies: a table goes out
// of use with its content type, and a list of values follows the name of its field.
type Layout struct {
	buried map[string]bool   // incarnations of content types that are out of use as a whole
	names  map[string]string // of fields, by incarnation
}

// NewLayout makes the layout of what is in use and what is not.
func NewLayout(lives map[string]Life, tombstones []Tombstone) Layout {
	l := Layout{buried: map[string]bool{}, names: map[string]string{}}
	note := func(fields map[string]string) {
		for id, tag := range fields {
			l.names[tag] = id
		}
	}
	for _, t := range tombstones {
		switch {
		case t.Kind != Whole:
		case t.Field == "":
			l.buried[t.Tag] = true
			note(t.Life.Fields)
		default:
			l.names[t.Tag] = t.Field
		}
	}
	for _, life := range lives {
		note(life.Fields)
	}
	return l
}

// Buried reports whether the content type that a tombstone belongs to is out of use as a whole.
func (l Layout) Buried(t Tombstone) bool { return l.buried[t.EntityTag] }

// name returns what a field is called now, or what it was called when nothing is known of it any more.
func (l Layout) name(tag, was string) string {
	if now, known := l.names[tag]; known {
		return now
	}
	return was
}

// Places returns where a tombstone lies.
func (l Layout) Places(t Tombstone) []Place {
	var places []Place
	if t.Kind == Revisions {
		return append(l.lists(t), Place{Table: OutOfUse(t.Tag, document.RevisionsTable(t.Entity))})
	}
	if t.Kind == Foreign {
		return l.foreign(t)
	}
	if t.Field == "" {
		for _, table := range Tables(t.Shape) {
			places = append(places, Place{Table: OutOfUse(t.Tag, table.Name)})
		}
		if t.Shape.Versioned {
			return places
		}
		return append(places, l.lists(t)...)
	}
	field := &t.Shape.Fields[0]
	if field.Multiple() {
		return append(places, Place{Table: OutOfUse(t.Tag, document.FieldTable(t.Entity, field.ID))},
			Place{Table: OutOfUse(t.Tag, document.FieldRevisionsTable(t.Entity, field.ID)), Maybe: true})
	}
	column := OutOfUse(t.Tag, field.ID)
	rows, revisions := document.ContentTable(t.Entity), document.RevisionsTable(t.Entity)
	if l.Buried(t) {
		rows = OutOfUse(t.EntityTag, rows)
	} else {
		places = append(places, Place{Table: revisions, Column: column, Maybe: true})
	}
	return append(places, Place{Table: rows, Column: column}, Place{Table: OutOfUse(t.EntityTag, revisions), Column: column, Maybe: true})
}

// foreign is where a column lies that another program made. Its table goes out of use with the content type, with its
// revisions or with the field that it holds.
func (l Layout) foreign(t Tombstone) []Place {
	field := &t.Shape.Fields[0]
	column := field.ID
	if field.Multiple() {
		column = "value"
	}
	column = OutOfUse(t.Tag, column)
	rows, table, tag := document.ContentTable(t.Entity), t.Shape.Name, t.Life.Fields[t.Field]
	switch {
	case table == rows && l.Buried(t):
		return []Place{{Table: OutOfUse(t.EntityTag, rows), Column: column}}
	case table == rows:
		return []Place{{Table: rows, Column: column}}
	case table == document.FieldTable(t.Entity, t.Field):
		table = document.FieldTable(t.Entity, l.name(tag, t.Field))
	case table == document.FieldRevisionsTable(t.Entity, t.Field):
		table = document.FieldRevisionsTable(t.Entity, l.name(tag, t.Field))
	}
	places := []Place{{Table: OutOfUse(t.EntityTag, table), Column: column, Maybe: true}}
	if !l.Buried(t) {
		places = append(places, Place{Table: table, Column: column, Maybe: true})
	}
	return append(places, Place{Table: OutOfUse(tag, table), Column: column, Maybe: true})
}

// lists are where the revisions of fields with several values lie while their content type keeps none: they belong to
// those fields.
func (l Layout) lists(t Tombstone) []Place {
	var places []Place
	for i := range t.Shape.Fields {
		if f := &t.Shape.Fields[i]; f.Multiple() {
			tag := t.Life.Fields[f.ID]
			places = append(places, Place{Table: OutOfUse(tag, document.FieldRevisionsTable(t.Entity, l.name(tag, f.ID))), Maybe: true})
		}
	}
	return places
}
