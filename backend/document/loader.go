package document

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"strings"
)

// The limits of one file.
const (
	MaxSize  = 1 << 20 // bytes, checked before anything else is done with the file
	MaxDepth = 64      // mappings and lists inside each other, the outermost one counted
	MaxKeys  = 10000   // keys of all mappings together
)

// Loader decides what kind of document a path is and loads it. The zero value uses the folders schemas and config and
// the environment dev. A Loader is a plain value, safe for concurrent use as long as nobody changes it.
type Loader struct {
	SchemaDir   string // folder of entities, relative to the project, with forward slashes; empty means schemas
	ConfigDir   string // folder of configs, relative to the project, with forward slashes; empty means config
	Environment string // configs with this suffix are live, as are those without one; empty means dev
}

// Kind returns what the file at path describes. It is false for a path that is not a document: outside both folders,
// another suffix than .yaml or .yml, or a name that editors and tools use for files in passing.
func (l Loader) Kind(file string) (Kind, bool) {
	clean := path.Clean(file)
	if clean != file || strings.HasPrefix(file, "/") || strings.HasPrefix(file, "../") {
		return "", false
	}
	inSchemas, schemaRest := inside(l.schemaDir(), file)
	inConfig, configRest := inside(l.configDir(), file)
	switch {
	case inSchemas && !passing(schemaRest) && isEntityName(path.Base(file)):
		return KindEntity, true
	case inConfig && !passing(configRest) && isConfigName(path.Base(file)):
		return KindConfig, true
	case inSchemas && !passing(schemaRest), inConfig && !passing(configRest):
		return KindGeneric, true
	}
	return "", false
}

// Load turns the text of the file at path into a document. With problems the document is nil; every problem of the
// file is reported, in the order of their positions. A UTF-8 byte order mark is accepted and ignored; UTF-16, Latin-1
// and anything else that is not UTF-8 is a problem. The document keeps raw, which must not be modified afterwards.
func (l Loader) Load(file string, raw []byte) (*Document, []Problem) {
	r := &report{file: file}
	kind, ok := l.Kind(file)
	if !ok {
		r.add(1, 1, "not_a_document", "this path is not a document of the project",
			fmt.Sprintf("use a .yaml or .yml file under %s or %s", l.schemaDir(), l.configDir()))
		return nil, r.sorted()
	}
	doc := &Document{Path: file, Kind: kind, Raw: raw}
	if doc.Root = read(r, kind, raw); doc.Root == nil {
		return nil, r.sorted()
	}
	switch kind {
	case KindEntity:
		doc.Entity = buildEntity(r, doc.Root)
	case KindConfig:
		doc.Config = buildConfig(r, doc.Root, file)
		doc.Config.Live = doc.Config.Environment == "" || doc.Config.Environment == l.environment()
	case KindGeneric:
	}
	if len(r.problems) > 0 {
		return nil, r.sorted()
	}
	sum := sha256.Sum256(raw)
	doc.Hash = hex.EncodeToString(sum[:])
	doc.Canonical = canonical(doc)
	return doc, nil
}

// read checks the bytes, parses them and walks the result. It returns nil when nothing can be built on it.
func read(r *report, kind Kind, raw []byte) *Node {
	if len(raw) > MaxSize {
		r.add(1, 1, "too_large", fmt.Sprintf("the file has %d bytes, more than the limit of %d", len(raw), MaxSize),
			"split it into several files")
		return nil
	}
	text, ok := checkText(r, raw)
	if !ok {
		return nil
	}
	tree, ok := parse(r, text)
	if !ok {
		return nil
	}
	if tree == nil {
		addEmpty(r)
		return nil
	}
	w := &walker{report: r, kind: kind, src: newSource(text), tags: strings.ContainsRune(text, '!')}
	root := w.root(tree)
	if w.stopped {
		return nil
	}
	if root.isNull() && len(r.problems) == 0 {
		addEmpty(r)
		return nil
	}
	return root
}

func addEmpty(r *report) {
	r.add(1, 1, "empty_file", "incomplete file: there is nothing in it but comments or white space",
		"write the document, or delete the file if it is not wanted any more")
}

func (l Loader) schemaDir() string   { return folder(l.SchemaDir, "schemas") }
func (l Loader) configDir() string   { return folder(l.ConfigDir, "config") }
func (l Loader) environment() string { return orDefault(l.Environment, "dev") }

func folder(dir, byDefault string) string { return path.Clean(orDefault(dir, byDefault)) }

func orDefault(text, byDefault string) string {
	if text == "" {
		return byDefault
	}
	return text
}

// inside reports whether file lies under dir, and its path from there.
func inside(dir, file string) (bool, string) {
	if dir == "." {
		return true, file
	}
	rest, ok := strings.CutPrefix(file, dir+"/")
	return ok, rest
}

// passing reports whether a path holds a name that an editor or a tool uses only in passing (hidden files, backups,
// lock files, half-written copies), or has a suffix that is not ours.
func passing(file string) bool {
	for part := range strings.SplitSeq(file, "/") {
		if part == "" || strings.ContainsAny(part[:1], ".~#") || strings.HasSuffix(part, "~") ||
			strings.Contains(part, "___jb_tmp___") || strings.Contains(part, "___jb_old___") {
			return true
		}
	}
	stem, ok := cutSuffix(path.Base(file))
	return !ok || stem == "4913"
}

func cutSuffix(name string) (string, bool) {
	if stem, ok := strings.CutSuffix(name, ".yaml"); ok {
		return stem, stem != ""
	}
	stem, ok := strings.CutSuffix(name, ".yml")
	return stem, ok && stem != ""
}

func isEntityName(name string) bool {
	stem, ok := cutSuffix(name)
	return ok && strings.HasSuffix(stem, ".schema") && stem != ".schema"
}

func isConfigName(name string) bool {
	_, _, ok := configName(name)
	return ok
}

// configName splits config.<id>[.<environment>].yaml.
func configName(name string) (id, environment string, ok bool) {
	stem, ok := cutSuffix(name)
	if !ok {
		return "", "", false
	}
	parts := strings.Split(stem, ".")
	if len(parts) < 2 || len(parts) > 3 || parts[0] != "config" {
		return "", "", false
	}
	for _, part := range parts[1:] {
		if part == "" {
			return "", "", false
		}
	}
	if len(parts) == 3 {
		environment = parts[2]
	}
	return parts[1], environment, true
}

// ConfigName splits the name of a configuration file, config.<id>[.<environment>].yaml, with or without its folder.
func ConfigName(file string) (id, environment string, ok bool) { return configName(path.Base(file)) }
