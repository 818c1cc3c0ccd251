package diff

import (
	"fmt"

	"marain/backend/document"
)

// Change is one difference between two documents. The set is closed: every change is one of the structs of this
// package, and a type switch over them ends in an error for what it does not know.
type Change interface {
	// Describe returns what the change says about itself.
	Describe() Head
	change()
}

// change is embedded by every change.
func (Head) change() {}

// Describe returns the head itself.
func (h Head) Describe() Head { return h }

type (
	// Reformatted is a change of the text without one of the meaning.
	Reformatted struct{ Head }
	// EntityAdded is a new content type.
	EntityAdded struct {
		Head
		Entity *document.Entity
	}
	// EntityRemoved is a content type that is gone.
	EntityRemoved struct {
		Head
		Entity *document.Entity
	}
	// EntityAltered is a changed property of the content type itself.
	EntityAltered struct{ Head }
	// FieldAdded is a new field.
	FieldAdded struct {
		Head
		Entity *document.Entity
		Field  *document.Field
	}
	// FieldRemoved is a field that is gone.
	FieldRemoved struct {
		Head
		Entity *document.Entity
		Field  *document.Field
	}
	// FieldRenamed is a field under a new id, declared by renamed_from.
	FieldRenamed struct {
		Head
		Entity   *document.Entity
		From, To *document.Field
	}
	// FieldAltered is a changed property of a field; Rule says which.
	FieldAltered struct {
		Head
		Entity   *document.Entity
		From, To *document.Field
	}
	// ConfigAltered is a changed, added or removed part of a configuration, or the whole of it.
	ConfigAltered struct {
		Head
		Config *document.Config
	}
	// GenericAltered is a change of a file that Marain only keeps and announces.
	GenericAltered struct{ Head }
)

// Hints say what the text alone cannot: which field goes on under which name.
type Hints struct {
	Renamed  map[string]string // new field id to former field id; nil: what the files declare
	Replaced map[string]bool   // field ids whose values are another incarnation's, though the id is the same
}

// Documents returns what changed from old to new, in the order of the file. Either may be nil: the file is new, or
// gone. Two nil documents, or two with equal bytes, have no changes.
func Documents(old, new *document.Document, hints Hints) []Change {
	// The same text may stand for other values: fields that swapped their names, or an earlier incarnation of one.
	sameFields := len(hints.Replaced) == 0 && len(hints.Renamed) == 0
	switch {
	case old == nil && new == nil, old != nil && new != nil && old.Hash == new.Hash && sameFields:
		return nil
	case old == nil:
		return added(new)
	case new == nil:
		return removed(old)
	case old.Kind != new.Kind:
		return append(removed(old), added(new)...)
	case old.Canonical == new.Canonical && sameFields:
		return []Change{Reformatted{head(Format, "", nil, nil, FormatOnly, "Only comments, order, quoting or white space changed: no effect", 0)}}
	}
	var changes []Change
	switch new.Kind {
	case document.KindEntity:
		changes = Entities(old.Entity, new.Entity, hints)
	case document.KindConfig:
		changes = configs(old.Config, new.Config, new.Root)
	default:
		changes = trees("", old.Root, new.Root, generic)
	}
	if len(changes) == 0 {
		// The meaning differs and no rule says how: never a reason to go on silently.
		changes = []Change{GenericAltered{head(Modify, "", nil, nil, UnknownRule, "The meaning of the file changed in a way that no rule describes", 1)}}
	}
	return changes
}

// Worst returns the highest category of the changes.
func Worst(changes []Change) Category {
	worst := Safe
	for _, c := range changes {
		worst = max(worst, c.Describe().Category)
	}
	return worst
}

func head(op Op, key string, old, new any, rule Rule, message string, line int) Head {
	return Head{Op: op, Key: key, Old: old, New: new, Category: rule.TextCategory(), Rule: rule, Message: message, Line: line}
}

func added(d *document.Document) []Change {
	switch d.Kind {
	case document.KindEntity:
		message := fmt.Sprintf("New content type %s with %s", d.Entity.ID, count(len(d.Entity.Fields), "field"))
		return []Change{EntityAdded{Head: head(Add, "", nil, d.Entity.ID, EntityAddedRule, message, 1), Entity: d.Entity}}
	case document.KindConfig:
		changes := []Change{ConfigAltered{
			Head:   head(Add, "", nil, d.Config.ID, ConfigAdded, fmt.Sprintf("New configuration %s", d.Config.ID), 1),
			Config: d.Config,
		}}
		if d.HasSecrets() {
			message := "The file holds a secret in plain text; a reference such as {source: env, name: …} keeps it out of the file"
			changes = append(changes, ConfigAltered{Head: head(Add, "values", nil, nil, PlainTextSecret, message, d.Config.Values.Line), Config: d.Config})
		}
		return changes
	default:
		return []Change{GenericAltered{head(Add, "", nil, nil, GenericAdded, "New file", 1)}}
	}
}

func removed(d *document.Document) []Change {
	switch d.Kind {
	case document.KindEntity:
		message := fmt.Sprintf("Content type %s is removed; its tables are kept out of use with their rows inside", d.Entity.ID)
		return []Change{EntityRemoved{Head: head(Remove, "", d.Entity.ID, nil, EntityRemovedRule, message, 1), Entity: d.Entity}}
	case document.KindConfig:
		return []Change{ConfigAltered{
			Head:   head(Remove, "", d.Config.ID, nil, ConfigRemoved, fmt.Sprintf("Configuration %s is removed", d.Config.ID), 1),
			Config: d.Config,
		}}
	default:
		return []Change{GenericAltered{head(Remove, "", nil, nil, GenericRemoved, "The file is removed", 1)}}
	}
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
