package twins

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// schema is a content type as its file describes it.
type schema struct {
	ID        string  `yaml:"id"`
	Name      string  `yaml:"name"`
	Versioned bool    `yaml:"versioned"`
	Fields    []field `yaml:"fields"`
}

type field struct {
	ID          string `yaml:"id"`
	Type        string `yaml:"type"`
	Cardinality int    `yaml:"cardinality"`
	Required    bool   `yaml:"required,omitempty"`
	Unique      bool   `yaml:"unique,omitempty"`
	Indexed     bool   `yaml:"indexed,omitempty"`
	From        string `yaml:"renamed_from,omitempty"`
}

func pathOf(id string) string { return "schemas/" + id + ".schema.yaml" }

// readSchema reads a file as it is now; false when there is none, or none that can be read.
func readSchema(root, id string) (s schema, size int, ok bool) {
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(pathOf(id))))
	if err != nil || yaml.Unmarshal(text, &s) != nil || s.ID == "" {
		return schema{}, 0, false
	}
	return s, len(text), true
}

// save puts a file in place at once, as editors do. It is never shorter than before, because what becomes shorter is
// waited for.
func (s *schema) save(root string, size int) error {
	s.Name = s.ID
	text, err := yaml.Marshal(s)
	if err != nil {
		return err
	}
	if missing := size - len(text); missing > 0 {
		text = append(text, "# "+strings.Repeat(".", missing)+"\n"...)
	}
	return replaceFile(root, pathOf(s.ID), text)
}

func replaceFile(root, path string, text []byte) error {
	full := filepath.Join(root, filepath.FromSlash(path))
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		return err
	}
	part, err := os.CreateTemp(root, ".part-*")
	if err != nil {
		return err
	}
	_, err = part.Write(text)
	if closed := part.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(part.Name(), full)
	}
	return err
}

func (s *schema) has(id string) bool {
	return slices.ContainsFunc(s.Fields, func(f field) bool { return f.ID == id })
}

var types = []string{"text", "long_text", "slug", "integer", "float", "boolean", "datetime"}

// change changes a content type at random: one to three things of it.
func (s *schema) change(r *rand.Rand, number int) {
	for i := range s.Fields {
		s.Fields[i].From = "" // it was renamed when that was applied
	}
	for range 1 + r.IntN(3) {
		s.changeOnce(r, number)
	}
	for i := range s.Fields {
		f := &s.Fields[i]
		if f.Type == "boolean" {
			f.Unique = false
		}
		if s.has(f.From) {
			f.From = ""
		}
	}
}

func (s *schema) changeOnce(r *rand.Rand, number int) {
	if len(s.Fields) < 2 || len(s.Fields) < 7 && r.IntN(4) == 0 {
		id := fmt.Sprintf("f%d", r.IntN(9))
		if !s.has(id) {
			s.Fields = append(s.Fields, field{ID: id, Type: types[r.IntN(len(types))], Cardinality: []int{1, 1, 1, -1}[r.IntN(4)]})
		}
		return
	}
	i := r.IntN(len(s.Fields))
	f := &s.Fields[i]
	switch r.IntN(9) {
	case 0:
		s.Fields = slices.Delete(s.Fields, i, i+1)
	case 1, 2:
		f.Type = types[r.IntN(len(types))]
	case 3:
		f.Cardinality = []int{1, -1, 3}[r.IntN(3)]
	case 4:
		f.Required = !f.Required
	case 5:
		f.Indexed = !f.Indexed
	case 6:
		f.Unique = !f.Unique
	case 7:
		if id := fmt.Sprintf("n%d", number%100); !s.has(id) {
			f.ID, f.From = id, f.ID
		}
	default:
		s.Versioned = !s.Versioned
	}
}
