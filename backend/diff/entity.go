package diff

import (
	"fmt"
	"reflect"

	"marain/backend/document"
)

// Entities returns what changed from one version of a content type to another, whatever file they are in. Equal ones
// have no changes.
func Entities(old, new *document.Entity, hints Hints) []Change {
	if old.ID != new.ID {
		// Another id means other tables: the old ones go out of use as a whole and new ones are made.
		return []Change{
			EntityRemoved{Head: head(Remove, "id", old.ID, nil, EntityRemovedRule,
				fmt.Sprintf("Content type %s is removed: its id became %s", old.ID, new.ID), 1), Entity: old},
			EntityAdded{Head: head(Add, "id", nil, new.ID, EntityAddedRule,
				fmt.Sprintf("New content type %s with %s", new.ID, count(len(new.Fields), "field")), 1), Entity: new},
		}
	}
	return append(properties(old, new), fields(old, new, hints)...)
}

func properties(old, new *document.Entity) []Change {
	var changes []Change
	property := func(key string, from, to any, rule Rule, message string) {
		if from != to {
			changes = append(changes, EntityAltered{head(Modify, key, from, to, rule, message, 1)})
		}
	}
	property("name", old.Name, new.Name, EntityLabelled, "The name changes")
	property("description", old.Description, new.Description, EntityLabelled, "The description changes")
	property("versioned", old.Versioned, new.Versioned, VersionedChanged, switched(new.Versioned,
		"Every edit keeps a revision from now on", "Edits keep no revision from now on"))
	property("recursive", old.Recursive, new.Recursive, BehaviourChanged, switched(new.Recursive,
		"Reads pull referenced content in", "Reads leave referenced content out"))
	property("cacheable", old.Cacheable, new.Cacheable, BehaviourChanged, switched(new.Cacheable,
		"Content reads may be cached", "Content reads are not cached any more"))
	return changes
}

// Declared returns the renames that the files themselves declare: new field id to former field id.
func Declared(old, new *document.Entity) map[string]string {
	renamed := map[string]string{}
	for i := range new.Fields {
		f := &new.Fields[i]
		if f.RenamedFrom != "" && old.Field(f.ID) == nil && new.Field(f.RenamedFrom) == nil && old.Field(f.RenamedFrom) != nil {
			renamed[f.ID] = f.RenamedFrom
		}
	}
	return renamed
}

// fields compares the fields of two versions: those that stay, come or are renamed in the new file's order, then those
// that are gone in the old file's order.
func fields(old, new *document.Entity, hints Hints) []Change {
	renamed := hints.Renamed
	if renamed == nil {
		renamed = Declared(old, new)
	}
	stays := map[string]bool{} // ids of old fields that go on, under whatever name
	for _, source := range renamed {
		stays[source] = true
	}
	var changes []Change
	for i := range new.Fields {
		to := &new.Fields[i]
		if source, ok := renamed[to.ID]; ok {
			from := old.Field(source)
			message := fmt.Sprintf("Field %s is renamed to %s and keeps its values", from.ID, to.ID)
			changes = append(changes, FieldRenamed{
				Head: head(Modify, key(to), from.ID, to.ID, FieldRenamedRule, message, to.Line), Entity: new, From: from, To: to,
			})
			changes = append(changes, fieldAltered(new, from, to)...)
			continue
		}
		from := old.Field(to.ID)
		if from == nil || stays[to.ID] || hints.Replaced[to.ID] {
			changes = append(changes, fieldAdded(new, to))
			continue
		}
		stays[to.ID] = true
		changes = append(changes, fieldAltered(new, from, to)...)
	}
	for i := range old.Fields {
		if gone := &old.Fields[i]; !stays[gone.ID] {
			message := fmt.Sprintf("Field %s is removed; its values are kept out of use", gone.ID)
			changes = append(changes, FieldRemoved{
				Head: head(Remove, key(gone), summary(gone), nil, FieldRemovedRule, message, gone.Line), Entity: old, Field: gone,
			})
		}
	}
	return changes
}

func fieldAdded(entity *document.Entity, field *document.Field) Change {
	rule, word := FieldAddedOptional, "optional"
	if field.Required {
		rule, word = FieldAddedRequired, "required"
	}
	message := fmt.Sprintf("New %s field %s (%s)", word, field.ID, shape(field))
	return FieldAdded{Head: head(Add, key(field), nil, summary(field), rule, message, field.Line), Entity: entity, Field: field}
}

// fieldAltered compares the properties of one field. Each property has a rule of its own, so that each is graded and
// carried out on its own.
func fieldAltered(entity *document.Entity, from, to *document.Field) []Change {
	var changes []Change
	property := func(name string, old, new any, rule Rule, message string) {
		if reflect.DeepEqual(old, new) {
			return
		}
		changes = append(changes, FieldAltered{
			Head: head(Modify, key(to)+"."+name, old, new, rule, message, to.Line), Entity: entity, From: from, To: to,
		})
	}
	id := to.ID
	property("type", string(from.Type), string(to.Type), either(widened(from.Type, to.Type), TypeWidened, TypeChanged), fmt.Sprintf("Field %s changes from %s to %s", id, from.Type, to.Type))
	property("cardinality", from.Cardinality, to.Cardinality, cardinalityRule(from, to),
		fmt.Sprintf("Field %s: %s becomes %s", id, values(from.Cardinality), values(to.Cardinality)))
	property("target_entity", from.Target, to.Target, TargetChanged, fmt.Sprintf("Field %s points at %s instead of %s", id, to.Target, from.Target))
	if from.Type == document.Component && to.Type == document.Component {
		property("fields", summaries(from.Fields), summaries(to.Fields), ComponentChanged, fmt.Sprintf("The shape of component %s changes", id))
	}
	property("required", from.Required, to.Required, either(to.Required, OptionalToRequired, RequiredToOptional),
		fmt.Sprintf("Field %s becomes %s", id, switched(to.Required, "required", "optional")))
	property("unique", from.Unique, to.Unique, either(to.Unique, UniqueAdded, UniqueDropped),
		fmt.Sprintf("Values of %s %s", id, switched(to.Unique, "must be unique", "need not be unique any more")))
	property("indexed", from.Indexed, to.Indexed, either(to.Indexed, IndexAdded, IndexDropped),
		fmt.Sprintf("Field %s %s", id, switched(to.Indexed, "gets an index", "loses its index")))
	property("default", from.Default, to.Default, DefaultChanged, fmt.Sprintf("The default of %s changes for what is written from now on", id))
	property("label", from.Label, to.Label, FieldLabelled, fmt.Sprintf("The label of %s changes", id))
	property("description", from.Description, to.Description, FieldLabelled, fmt.Sprintf("The description of %s changes", id))
	property("renamed_from", from.RenamedFrom, to.RenamedFrom, FieldLabelled, fmt.Sprintf("The note of %s's former id changes", id))
	return changes
}

// widened reports whether every value of one type is one of the other too, stored and shown as it is.
func widened(from, to document.FieldType) bool {
	switch to {
	case document.Text, document.LongText, document.RichText:
		return from == document.Text || from == document.LongText || from == document.RichText || from == document.Slug
	default:
		return false
	}
}

func cardinalityRule(from, to *document.Field) Rule {
	if to.Cardinality == document.Unlimited || (from.Cardinality != document.Unlimited && to.Cardinality > from.Cardinality) {
		return CardinalityRaised
	}
	return CardinalityLowered
}

// key is the key path of a field: by id, because its place in the list does not matter.
func key(field *document.Field) string { return "fields." + field.ID }

// summary is what a whole field looks like in a change: what somebody would write in the file, defaults left out.
func summary(f *document.Field) map[string]any {
	m := map[string]any{"id": f.ID, "type": string(f.Type)}
	set := func(name string, value any, present bool) {
		if present {
			m[name] = value
		}
	}
	set("required", true, f.Required)
	set("unique", f.Unique, f.Unique != (f.Type == document.Slug))
	set("indexed", true, f.Indexed)
	set("cardinality", f.Cardinality, f.Cardinality != 1)
	set("target_entity", f.Target, f.Target != "")
	set("default", f.Default, f.Default != nil)
	set("label", f.Label, f.Label != "")
	set("description", f.Description, f.Description != "")
	set("fields", summaries(f.Fields), len(f.Fields) > 0)
	return m
}

func summaries(list []document.Field) []any {
	all := make([]any, len(list))
	for i := range list {
		all[i] = summary(&list[i])
	}
	return all
}

func shape(f *document.Field) string {
	text := string(f.Type)
	if f.Target != "" {
		text += " to " + f.Target
	}
	if f.Multiple() {
		text += ", " + values(f.Cardinality)
	}
	return text
}

func values(cardinality int) string {
	switch cardinality {
	case 1:
		return "one value"
	case document.Unlimited:
		return "any number of values"
	default:
		return fmt.Sprintf("up to %d values", cardinality)
	}
}

func switched(on bool, yes, no string) string {
	if on {
		return yes
	}
	return no
}

func either(on bool, yes, no Rule) Rule {
	if on {
		return yes
	}
	return no
}
