package document

import (
	"fmt"
	"strings"
)

func entityKeys() []string {
	return []string{"id", "name", "description", "versioned", "recursive", "cacheable", "fields"}
}

// buildEntity reads an entity; what is wrong is reported.
func buildEntity(rep *report, root *Node) *Entity {
	e := &Entity{}
	if root.Kind != Mapping {
		rep.at(root, "not_a_mapping", "an entity is a mapping with keys, and this is "+root.shape(), "start with id: and name:")
		return e
	}
	r := reader{report: rep, at: root, what: "an entity"}
	r.knownKeys(entityKeys())
	r.require("id", "name", "fields")
	e.ID = r.id("id")
	e.Name = r.filled("name")
	e.Description = r.text("description")
	e.Versioned = r.boolean("versioned", false)
	e.Recursive = r.boolean("recursive", false)
	e.Cacheable = r.boolean("cacheable", false)
	list := r.list("fields")
	e.Fields = buildFields(rep, list, false)
	checkRenames(rep, list, e.Fields)
	checkNames(rep, root, list, e)
	return e
}

// id returns an id, or an empty text with a problem reported.
func (r reader) id(key string) string {
	n := r.value(key)
	if n == nil {
		return ""
	}
	if n.Kind != Scalar || n.isNull() {
		r.wrongType(n, key, "text")
		return ""
	}
	if hidden, ok := firstHidden(n.Raw); ok {
		r.report.at(n, "hidden_character", fmt.Sprintf("%q holds the invisible character U+%04X", key, hidden), "type the id again")
		return ""
	}
	if !isID(n.Raw) {
		r.report.at(n, "invalid_id", fmt.Sprintf("%s is not an id", quote(n.Raw)),
			"use small letters, digits and underscores, and start with a letter")
		return ""
	}
	return n.Raw
}

// list returns a value that must be a list, nil with a problem reported when it is not.
func (r reader) list(key string) *Node {
	n := r.value(key)
	if n == nil {
		return nil
	}
	if n.Kind != Sequence {
		r.report.at(n, "wrong_type", fmt.Sprintf("%q must be a list, and is %s", key, n.shape()),
			"write its items on lines that start with a hyphen, or [] for none")
		return nil
	}
	return n
}

// checkRenames reports former ids that cannot be what they say.
func checkRenames(rep *report, list *Node, fields []Field) {
	former := make(map[string]string)
	for i := range fields {
		f := &fields[i]
		if f.RenamedFrom == "" {
			continue
		}
		n := list.Items[i].Lookup("renamed_from")
		switch other, twice := former[f.RenamedFrom]; {
		case f.RenamedFrom == f.ID:
			rep.at(n, "renamed_from_itself", fmt.Sprintf("the field %q says that it was renamed from itself", f.ID),
				"write the former id, or remove renamed_from")
		case hasField(fields, f.RenamedFrom):
			rep.at(n, "renamed_from_present", fmt.Sprintf("the field %q says that it was %q, which is still there", f.ID, f.RenamedFrom),
				fmt.Sprintf("remove the field %s, or remove renamed_from", f.RenamedFrom))
		case twice:
			rep.at(n, "renamed_from_twice", fmt.Sprintf("both %q and %q say that they were %q", other, f.ID, f.RenamedFrom),
				"keep renamed_from at one of them")
		}
		former[f.RenamedFrom] = f.ID
	}
}

func hasField(fields []Field, id string) bool {
	for i := range fields {
		if fields[i].ID == id {
			return true
		}
	}
	return false
}

// checkNames reports ids that make names which no database takes.
func checkNames(rep *report, root, list *Node, e *Entity) {
	for i := range e.Fields {
		f := &e.Fields[i]
		n := list.Items[i].Lookup("id")
		switch {
		case f.ID == "":
		case ReservedColumn(f.ID):
			rep.at(n, "reserved_id", fmt.Sprintf("%q is the name of a built-in column", f.ID),
				fmt.Sprintf("choose another id, such as %s_%s", orDefault(e.ID, "my"), strings.Trim(f.ID, "_")))
		case len(f.ID) > MaxName:
			rep.at(n, "name_too_long", fmt.Sprintf("the column name %s has %d bytes, more than %d", quote(f.ID), len(f.ID), MaxName),
				"choose a shorter id")
		}
	}
	if e.ID == "" {
		return
	}
	reported := map[*Field]bool{}
	for _, t := range e.tables() {
		if t.field != nil && (t.field.ID == "" || reported[nil]) || reported[t.field] {
			continue
		}
		at := root.Lookup("id")
		if t.field != nil {
			at = list.Items[indexOf(e.Fields, t.field)].Lookup("id")
		}
		switch {
		case len(t.table) > MaxName:
			rep.at(at, "name_too_long", fmt.Sprintf("the table name %q has %d bytes, more than %d", t.table, len(t.table), MaxName),
				"choose a shorter id")
		case ReservedTable(t.table):
			rep.at(at, "reserved_name", fmt.Sprintf("the table name %q is reserved", t.table), "choose another id")
		default:
			continue
		}
		reported[t.field] = true
	}
}

func indexOf(fields []Field, f *Field) int {
	for i := range fields {
		if &fields[i] == f {
			return i
		}
	}
	return -1
}
