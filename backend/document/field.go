package document

import (
	"fmt"
	"slices"
)

func fieldKeys() []string {
	return []string{
		"id", "type", "required", "label", "description", "cardinality", "target_entity", "fields", "unique", "indexed",
		"default", "renamed_from",
	}
}

// FieldTypes returns every field type, in the order of the documentation.
func FieldTypes() []FieldType {
	return []FieldType{Text, LongText, RichText, Slug, Integer, Float, Boolean, Datetime, EntityReference, Component}
}

func fieldTypeNames() []string {
	types := FieldTypes()
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = string(t)
	}
	return names
}

// buildFields reads the fields of an entity or, nested, of a component. The result has one field for each item of the
// list, so that positions agree.
func buildFields(rep *report, list *Node, nested bool) []Field {
	if list == nil {
		return nil
	}
	fields := make([]Field, len(list.Items))
	lines := make(map[string]int, len(list.Items))
	for i, item := range list.Items {
		fields[i].Cardinality = 1
		if item.refused {
			continue
		}
		if item.Kind != Mapping {
			rep.at(item, "not_a_mapping", "a field is a mapping with keys, and this is "+item.shape(), "write - id: and type: for each field")
			continue
		}
		fields[i] = buildField(rep, item, nested)
		id := fields[i].ID
		if id == "" {
			continue
		}
		n := item.Lookup("id")
		if first, twice := lines[id]; twice {
			rep.at(n, "duplicate_field", fmt.Sprintf("the field %q is given twice, on lines %d and %d", id, first, n.Line),
				"give one of them another id, or remove it")
			continue
		}
		lines[id] = n.Line
	}
	return fields
}

func buildField(rep *report, at *Node, nested bool) Field {
	r := reader{report: rep, at: at, what: "a field"}
	r.knownKeys(fieldKeys())
	r.require("id", "type")
	f := Field{Line: at.Line, Column: at.Column}
	f.ID = r.id("id")
	f.Type = r.fieldType()
	f.Required = r.boolean("required", false)
	f.Label = orDefault(r.text("label"), inWords(f.ID))
	f.Description = r.text("description")
	f.Cardinality = r.cardinality()
	f.Unique = r.boolean("unique", f.Type == Slug && !nested)
	f.Indexed = r.boolean("indexed", false)
	r.indexes(&f, nested)
	r.target(&f)
	r.component(&f)
	if n := r.given("renamed_from"); n != nil {
		f.RenamedFrom = r.id("renamed_from")
	}
	if n := r.given("default"); n != nil {
		f.Default = r.fieldDefault(&f, n)
	}
	return f
}

func (r reader) fieldType() FieldType {
	name := r.filled("type")
	if name == "" {
		return ""
	}
	if names := fieldTypeNames(); !slices.Contains(names, name) {
		r.report.at(r.value("type"), "unknown_type", fmt.Sprintf("%s is not a field type", quote(name)),
			typeHint(name, names))
		return ""
	}
	return FieldType(name)
}

// typeHint knows what other systems call our types.
func typeHint(name string, names []string) string {
	var ours FieldType
	switch name {
	case "string", "str", "varchar", "char", "email", "url", "uuid":
		ours = Text
	case "int", "bigint", "long":
		ours = Integer
	case "number", "double", "decimal", "real":
		ours = Float
	case "bool":
		ours = Boolean
	case "date", "time", "timestamp":
		ours = Datetime
	case "reference", "relation", "ref", "link", "entity":
		ours = EntityReference
	case "object", "json", "group", "struct", "map":
		ours = Component
	case "html", "markdown":
		ours = RichText
	default:
		return didYouMean(name, names, "the types are "+oneOf(names))
	}
	return fmt.Sprintf("did you mean %s?", ours)
}

func (r reader) cardinality() int {
	c := r.integer("cardinality", 1)
	if c < 1 && c != Unlimited {
		r.report.at(r.value("cardinality"), "invalid_cardinality", fmt.Sprintf("a field cannot have %d values", c),
			"use 1, a larger number for at most that many, or -1 for any number")
		return 1
	}
	return c
}

// indexes reports keys that need a column of the field's own where it has none.
func (r reader) indexes(f *Field, nested bool) {
	for _, key := range []string{"unique", "indexed", "renamed_from"} {
		e := r.at.Entry(key)
		switch {
		case e == nil || e.Value.isNull() || e.Value.Raw == "false":
		case nested:
			r.add(e.Line, e.Column, "not_in_component", fmt.Sprintf("%q is not possible inside a component, which is stored as one value", key),
				"remove it, or make this a field of the entity")
		case f.Type == Component && key != "renamed_from":
			r.add(e.Line, e.Column, "not_for_component", fmt.Sprintf("a component cannot be %s", key), "remove "+key)
		}
	}
}

// target reads target_entity, which an entity reference must have and no other type may have.
func (r reader) target(f *Field) {
	n := r.given("target_entity")
	switch {
	case f.Type == "":
	case f.Type == EntityReference && !r.has("target_entity"):
		r.report.at(r.at, "missing_key", `an entity_reference needs the key "target_entity"`, "add target_entity with the id of an entity")
	case f.Type == EntityReference:
		f.Target = r.id("target_entity")
		at := r.at.Lookup("target_entity")
		f.TargetLine, f.TargetColumn = at.Line, at.Column
	case n != nil:
		e := r.at.Entry("target_entity")
		r.add(e.Line, e.Column, "unexpected_key", fmt.Sprintf("a field of type %s has no target_entity", f.Type),
			"remove target_entity, or make the type entity_reference")
	}
}

// component reads the fields of a component, which it must have and no other type may have.
func (r reader) component(f *Field) {
	n := r.given("fields")
	switch {
	case f.Type == Component && !r.has("fields"):
		r.report.at(r.at, "missing_key", `a component needs the key "fields"`, "add fields with at least one field")
	case f.Type == Component:
		list := r.list("fields")
		if list != nil && len(list.Items) == 0 {
			r.report.at(list, "empty_component", "a component without fields holds nothing", "add at least one field")
		}
		f.Fields = buildFields(r.report, list, true)
	case f.Type != "" && n != nil && (n.Kind != Sequence || len(n.Items) > 0):
		e := r.at.Entry("fields")
		r.add(e.Line, e.Column, "unexpected_key", fmt.Sprintf("a field of type %s has no fields of its own", f.Type),
			"remove fields, or make the type component")
	}
}
