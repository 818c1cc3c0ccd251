package document

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"unicode/utf8"
)

// MaxName is the longest name of a table, column, index or constraint, in bytes, on every database.
const MaxName = 63

// ContentTable returns the name of the table that holds an entity's rows.
func ContentTable(entity string) string { return "content_" + entity }

// RevisionsTable returns the name of the table that holds the revisions of a versioned entity's rows.
func RevisionsTable(entity string) string { return "content_revisions_" + entity }

// FieldTable returns the name of the table that holds the values of a field with more than one value.
func FieldTable(entity, field string) string { return "field_" + entity + "_" + field }

// FieldRevisionsTable returns the name of the table that holds the revisions of such a field of a versioned entity.
func FieldRevisionsTable(entity, field string) string {
	return "field_revisions_" + entity + "_" + field
}

// IndexName returns the name of a plain index on a column.
func IndexName(table, column string) string { return shortName("idx", table, column) }

// UniqueName returns the name of a unique index or constraint on a column.
func UniqueName(table, column string) string { return shortName("uq", table, column) }

// PrimaryKeyName returns the name of a table's primary key.
func PrimaryKeyName(table string) string { return shortName("pk", table, "") }

// ForeignKeyName returns the name of a foreign key on a column.
func ForeignKeyName(table, column string) string { return shortName("fk", table, column) }

// shortName builds prefix_table__column. A hash of the parts is added where the name would be longer than MaxName, and
// where two underscores inside a part would let two pairs of parts make one name.
func shortName(prefix, table, column string) string {
	name := prefix + "_" + table
	if column != "" {
		name += "__" + column
	}
	if len(name) <= MaxName && !strings.Contains(table, "__") && !strings.Contains(column, "__") {
		return name
	}
	sum := sha256.Sum256([]byte(prefix + "\x00" + table + "\x00" + column))
	suffix := "_" + hex.EncodeToString(sum[:5])
	cut := min(len(name), MaxName-len(suffix))
	for cut < len(name) && cut > 0 && !utf8.RuneStart(name[cut]) {
		cut--
	}
	return name[:cut] + suffix
}

// BuiltinColumns returns the columns that every content table has. No field may take such a name.
func BuiltinColumns() []string {
	return []string{"id", "user", "rid", "last_cached", "cache_ttl", "content_hash", "created_at", "updated_at"}
}

// ReservedColumn reports whether no field may have this id: a built-in column, or one that a database gives to every
// row, so that a column of that name could not be made or not be renamed. Both databases take the same files.
func ReservedColumn(id string) bool {
	return slices.Contains(BuiltinColumns(), id) || slices.Contains([]string{"rowid", "oid", "_rowid_", "ctid", "tableoid", "xmin", "xmax", "cmin", "cmax"}, id)
}

// ReservedTable reports whether a table name belongs to the bookkeeping or to the database itself.
func ReservedTable(name string) bool {
	return name == "file_versions" || strings.HasPrefix(name, "marain_") || strings.HasPrefix(name, "sqlite_") ||
		strings.HasPrefix(name, "pg_")
}

// derived is one table that an entity gets.
type derived struct {
	table string
	field *Field // nil for the tables of the entity itself
}

// tables lists the tables that an entity gets.
func (e *Entity) tables() []derived {
	list := []derived{{ContentTable(e.ID), nil}}
	if e.Versioned {
		list = append(list, derived{RevisionsTable(e.ID), nil})
	}
	for i := range e.Fields {
		f := &e.Fields[i]
		if !f.Multiple() {
			continue
		}
		list = append(list, derived{FieldTable(e.ID, f.ID), f})
		if e.Versioned {
			list = append(list, derived{FieldRevisionsTable(e.ID, f.ID), f})
		}
	}
	return list
}

// isID reports whether a text is an id of an entity or a field: ^[a-z][a-z0-9_]*$.
func isID(text string) bool {
	for i := range len(text) {
		c := text[i]
		if (c < 'a' || c > 'z') && (i == 0 || (c < '0' || c > '9') && c != '_') {
			return false
		}
	}
	return text != ""
}

// inWords turns an id into words: user_id becomes User id.
func inWords(id string) string {
	words := strings.Join(strings.FieldsFunc(id, func(r rune) bool { return r == '_' }), " ")
	if words == "" {
		return id
	}
	return strings.ToUpper(words[:1]) + words[1:]
}
