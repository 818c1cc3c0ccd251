// Package document turns one YAML file into a typed, validated [Document] with positions.
//
// gopkg.in/yaml.v3 parses a file to nodes and no further; one walker of this package turns nodes into documents,
// because decoding to structs loses positions, ignores duplicate keys and typos, and panics on some inputs.
// Every problem of a file is reported, not just the first. Everything in this package is a pure function of its
// arguments and safe for concurrent use; documents are immutable once they are returned.
package document

// Kind says what a file describes.
type Kind string

// The kinds of document. [Loader.Kind] decides which one a path has.
const (
	KindEntity  Kind = "entity"  // a content type: a set of typed tables
	KindConfig  Kind = "config"  // configuration that running code reads
	KindGeneric Kind = "generic" // any other YAML file in a watched folder
)

// Document is one loaded and validated file. It must not be modified.
type Document struct {
	Path      string  // relative to the project, with forward slashes
	Kind      Kind    // decided by the path
	Hash      string  // lower-case hex SHA-256 of Raw
	Raw       []byte  // the file, byte for byte
	Root      *Node   // what the file says, with positions
	Canonical string  // lower-case hex SHA-256 of the meaning: equal when only comments, order of keys or fields, quoting or white space differ
	Entity    *Entity // set for KindEntity only
	Config    *Config // set for KindConfig only
}

// NodeKind is the shape of a [Node].
type NodeKind uint8

// The shapes of a node.
const (
	Scalar NodeKind = iota
	Mapping
	Sequence
)

// Node is a YAML value with its position. Lines and columns count from 1; columns count characters.
type Node struct {
	Kind    NodeKind
	Line    int
	Column  int
	Value   any     // Scalar: nil, bool, int64, float64 or string, by the YAML 1.2 core schema (0123 and 1_000 are text)
	Raw     string  // Scalar: the text as written, without quotes
	Quoted  bool    // Scalar: written in quotes or as a block
	Entries []Entry // Mapping: in the order of the file, no key twice
	Items   []*Node // Sequence

	refused bool // a problem was reported for the value, so that what it stands for is not looked at
}

// Entry is one key of a mapping.
type Entry struct {
	Key    string
	Line   int // of the key
	Column int
	Value  *Node
}

// FieldType is the type of an entity's field.
type FieldType string

// The field types.
const (
	Text            FieldType = "text"
	LongText        FieldType = "long_text"
	RichText        FieldType = "rich_text"
	Slug            FieldType = "slug"
	Integer         FieldType = "integer"
	Float           FieldType = "float"
	Boolean         FieldType = "boolean"
	Datetime        FieldType = "datetime"
	EntityReference FieldType = "entity_reference"
	Component       FieldType = "component"
)

// Unlimited is the cardinality of a field that takes any number of values.
const Unlimited = -1

// Entity is a content type.
type Entity struct {
	ID          string
	Name        string
	Description string
	Versioned   bool    // keeps a revision of every edit
	Recursive   bool    // reads pull referenced entities in
	Cacheable   bool    // content reads may be cached
	Fields      []Field // in the order of the file: Fields[i] is Root.Lookup("fields").Items[i]
}

// Field is one field of an entity or of a component.
type Field struct {
	ID          string
	Type        FieldType
	Label       string // default: the id, in words
	Description string
	Required    bool
	Cardinality int    // 1, n > 1 (at most n values) or Unlimited
	Target      string // EntityReference: the id of the entity it points at
	Fields      []Field
	Unique      bool // slug is unique by default
	Indexed     bool
	Default     any    // nil for none, else the field type's Go value: string, int64, float64, bool; datetime is RFC 3339 text in UTC; component is its canonical JSON text
	RenamedFrom string // the field's former id, or empty

	Line         int // where the field's mapping starts
	Column       int
	TargetLine   int // where target_entity's value stands, 0 without one
	TargetColumn int
}

// Multiple reports whether the field may have more than one value, so that its values live in a table of their own.
func (f *Field) Multiple() bool { return f.Cardinality != 1 }

// Field returns the field with that id, or nil.
func (e *Entity) Field(id string) *Field {
	for i := range e.Fields {
		if e.Fields[i].ID == id {
			return &e.Fields[i]
		}
	}
	return nil
}

// Config is one configuration file.
type Config struct {
	ID          string
	Name        string
	Description string
	Provider    string
	Version     string
	Environment string // the file name's environment suffix, or empty
	Live        bool   // whether it counts in the loader's environment
	Values      *Node  // always a Mapping
}
