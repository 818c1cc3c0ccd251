package document

import (
	"reflect"
	"strings"
	"testing"
)

func TestKind(t *testing.T) {
	own := Loader{SchemaDir: "./cms/schemas/", ConfigDir: "cms/config", Environment: "prd"}
	flat := Loader{SchemaDir: ".", ConfigDir: "."}
	tests := []struct {
		loader Loader
		path   string
		want   Kind
	}{
		{Loader{}, "schemas/article.schema.yaml", KindEntity},
		{Loader{}, "schemas/article.schema.yml", KindEntity},
		{Loader{}, "schemas/deep/er/article.schema.yaml", KindEntity},
		{Loader{}, "schemas/article.yaml", KindGeneric},
		{Loader{}, "schemas/config.system.yaml", KindGeneric},
		{Loader{}, "config/config.system.yaml", KindConfig},
		{Loader{}, "config/config.system.dev.yml", KindConfig},
		{Loader{}, "config/deep/config.system.yaml", KindConfig},
		{Loader{}, "config/config.yaml", KindGeneric},
		{Loader{}, "config/config..yaml", KindGeneric},
		{Loader{}, "config/config.a.b.c.yaml", KindGeneric},
		{Loader{}, "config/menu.yaml", KindGeneric},
		{Loader{}, "config/article.schema.yaml", KindGeneric},
		{own, "cms/schemas/a.schema.yaml", KindEntity},
		{own, "cms/config/config.a.prd.yaml", KindConfig},
		{own, "schemas/a.schema.yaml", ""},
		{flat, "a.schema.yaml", KindEntity},
		{flat, "config.a.yaml", KindConfig},

		{Loader{}, "data/article.schema.yaml", ""},
		{Loader{}, "article.schema.yaml", ""},
		{Loader{}, "schemas", ""},
		{Loader{}, "schemas/", ""},
		{Loader{}, "schemas/../schemas/a.schema.yaml", ""},
		{Loader{}, "../schemas/a.schema.yaml", ""},
		{Loader{}, "/schemas/a.schema.yaml", ""},
		{Loader{}, "schemas/a.schema.json", ""},
		{Loader{}, "schemas/a.schema.YAML", ""},
		{Loader{}, "schemas/.yaml", ""},
		{Loader{}, "schemas/.schema.yaml", ""},
		{Loader{}, "schemas/.a.schema.yaml.swp", ""},
		{Loader{}, "schemas/.a.schema.yaml", ""},
		{Loader{}, "schemas/.#a.schema.yaml", ""},
		{Loader{}, "schemas/#a.schema.yaml#", ""},
		{Loader{}, "schemas/#a.schema.yaml", ""},
		{Loader{}, "schemas/~a.schema.yaml", ""},
		{Loader{}, "schemas/a.schema.yaml~", ""},
		{Loader{}, "schemas/a.schema.yaml.bak", ""},
		{Loader{}, "schemas/4913", ""},
		{Loader{}, "schemas/4913.yaml", ""},
		{Loader{}, "schemas/a.schema.yaml___jb_tmp___", ""},
		{Loader{}, "schemas/a___jb_old___.yaml", ""},
		{Loader{}, "schemas/.git/a.schema.yaml", ""},
		{Loader{}, "schemas/..data/a.schema.yaml", ""},
		{Loader{}, "schemas/old~/a.schema.yaml", ""},
	}
	for _, tt := range tests {
		kind, ok := tt.loader.Kind(tt.path)
		if kind != tt.want || ok != (tt.want != "") {
			t.Errorf("%s: %q, %v; want %q", tt.path, kind, ok, tt.want)
		}
	}
}

func TestLoadEntity(t *testing.T) {
	raw := readFile(t, "testdata/valid/article.schema.yaml")
	doc := mustLoad(t, "schemas/article.schema.yaml", string(raw))
	e := doc.Entity
	if doc.Kind != KindEntity || doc.Config != nil || len(doc.Hash) != 64 || len(doc.Canonical) != 64 || string(doc.Raw) != string(raw) {
		t.Errorf("the document is not whole: %+v", doc)
	}
	head := *e
	head.Fields = nil
	if want := (Entity{ID: "article", Name: "Article", Description: "A piece of text", Versioned: true, Recursive: true, Cacheable: true}); !reflect.DeepEqual(head, want) {
		t.Errorf("the entity is %+v", head)
	}
	want := []Field{
		{ID: "title", Type: Text, Required: true, Label: "Title", Description: "A brief handle", Cardinality: 1, Line: 9, Column: 5},
		{ID: "slug_of_it", Type: Slug, Label: "Slug of it", Cardinality: 1, Unique: true, Line: 14, Column: 5},
		{ID: "user_id", Type: Text, Label: "User id", Cardinality: 1, Line: 15, Column: 5},
		{ID: "float", Type: Float, Label: "Float", Cardinality: 1, Default: -1500.0, Line: 16, Column: 5},
		{ID: "bool", Type: Boolean, Label: "Bool", Cardinality: 1, Default: true, Line: 17, Column: 5},
		{ID: "count", Type: Integer, Label: "Count", Cardinality: 1, Default: int64(-7), Indexed: true, Line: 18, Column: 5},
		{ID: "since", Type: Datetime, Label: "Since", Cardinality: 1, Default: "2024-01-31T12:00:00Z", Line: 22, Column: 5},
		{ID: "tags", Type: Text, Label: "Tags", Cardinality: Unlimited, Required: true, Line: 25, Column: 5},
		{ID: "author", Type: EntityReference, Label: "Author", Cardinality: 1, Target: "user", Default: "01H8XGJWBWBAQ4Z4M9D5K4Z3E1", Line: 29, Column: 5, TargetLine: 31, TargetColumn: 20},
		{ID: "version", Type: Text, Label: "Version", Cardinality: 1, Default: "1.10", RenamedFrom: "release", Line: 33, Column: 5},
		{
			ID: "box", Type: Component, Label: "Box", Cardinality: 1, Line: 37, Column: 5,
			Default: `{"id":"007","inner":[{"when":"2024-02-29T00:00:00Z"}],"width":3}`,
			Fields: []Field{
				{ID: "width", Type: Integer, Label: "Width", Cardinality: 1, Required: true, Line: 40, Column: 9},
				{ID: "id", Type: Text, Label: "Id", Cardinality: 1, Line: 41, Column: 9},
				{ID: "on", Type: Boolean, Label: "On", Cardinality: 1, Line: 42, Column: 9},
				{ID: "inner", Type: Component, Label: "Inner", Cardinality: 3, Line: 43, Column: 9, Fields: []Field{
					{ID: "when", Type: Datetime, Label: "When", Cardinality: 1, Line: 46, Column: 18},
				}},
			},
		},
	}
	if len(e.Fields) != len(want) {
		t.Fatalf("%d fields, want %d", len(e.Fields), len(want))
	}
	for i := range want {
		if !reflect.DeepEqual(e.Fields[i], want[i]) {
			t.Errorf("field %d is\n%+v, want\n%+v", i, e.Fields[i], want[i])
		}
		if item := doc.Root.Lookup("fields").Items[i]; item.Line != want[i].Line {
			t.Errorf("field %d stands on line %d of the tree", i, item.Line)
		}
	}
	if e.Field("tags") == nil || !e.Field("tags").Multiple() || e.Field("title").Multiple() || e.Field("nothing") != nil {
		t.Error("fields are not found by their ids")
	}
}

func TestLoadEntityDefaults(t *testing.T) {
	doc := mustLoad(t, "schemas/a.schema.yaml", "id: a\nname: 12\nfields: []\n")
	if e := doc.Entity; e.Name != "12" || e.Versioned || e.Recursive || e.Cacheable || len(e.Fields) != 0 {
		t.Errorf("the entity is %+v", e)
	}
	doc = mustLoad(t, "schemas/a.schema.yaml", `
id: a
name: A
fields:
  - {id: x, type: text, default: null, renamed_from: null, target_entity: null, fields: [], label: , description: ~}
  - {id: y, type: text, default: '', unique: true}
  - {id: z, type: text, default: "null"}
  - {id: s, type: slug, unique: false}
`)
	f := doc.Entity.Fields
	if f[0].Default != nil || f[0].RenamedFrom != "" || f[0].Label != "X" || f[1].Default != "" || !f[1].Unique || f[2].Default != "null" || f[3].Unique {
		t.Errorf("the fields are %+v", f)
	}
}

func TestLoadConfig(t *testing.T) {
	const text = `id: system
name: System
description: Everything
provider: core
version: 1.0
values:
  logging:
    level: info
    files: [a, 2, true, ~, 1.5, 0x10]
`
	tests := []struct {
		path, environment string
		live              bool
	}{
		{"config/config.system.yaml", "", true},
		{"config/config.system.dev.yaml", "dev", true},
		{"config/config.system.prd.yaml", "prd", false},
	}
	for _, tt := range tests {
		c := mustLoad(t, tt.path, text).Config
		if c.Environment != tt.environment || c.Live != tt.live {
			t.Errorf("%s: %+v", tt.path, c)
		}
		if c.ID != "system" || c.Name != "System" || c.Description != "Everything" || c.Provider != "core" || c.Version != "1.0" {
			t.Errorf("%s: %+v", tt.path, c)
		}
		want := map[string]any{"logging": map[string]any{"level": "info", "files": []any{"a", int64(2), true, nil, 1.5, int64(16)}}}
		if got := c.Values.Interface(); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: values are %#v", tt.path, got)
		}
	}
	if doc, problems := (Loader{Environment: "prd"}).Load("config/config.system.prd.yaml", []byte(text)); doc == nil || !doc.Config.Live {
		t.Errorf("not live in its environment: %v", problems)
	}
	mustLoad(t, "config/config.a-B_1.yaml", "id: a-B_1\nvalues: {}\n")
}

func TestLoadGeneric(t *testing.T) {
	for _, text := range []string{"a: {b: [1, x]}\n", "- 1\n- 2\n", "just text\n", "\ufeffa: 1\n", "---\na: 1\n...\n", "{\"a\": [1, {\"b\": null}]}", "a: 1\r\nb: 2\r\n"} {
		doc := mustLoad(t, "config/menu.yaml", text)
		if doc.Kind != KindGeneric || doc.Root == nil || string(doc.Raw) != text {
			t.Errorf("%q: %+v", text, doc)
		}
	}
}

func TestLoadIsNotADocument(t *testing.T) {
	doc, problems := Loader{}.Load("data/a.yaml", []byte("a: 1"))
	if doc != nil || len(problems) != 1 || problems[0].Code != "not_a_document" {
		t.Errorf("%v, %v", doc, problems)
	}
}

// TestSampleProject loads the project that the program opens out of the box.
func TestSampleProject(t *testing.T) {
	docs := loadFolders(t, "../..", "schemas", "config")
	if len(docs) < 5 {
		t.Fatalf("only %d documents", len(docs))
	}
	if problems := Check(docs); len(problems) > 0 {
		t.Errorf("problems between the files: %v", problems)
	}
}

func TestProblemsOfOneFileAreCapped(t *testing.T) {
	text := "id: a\nname: A\nfields:\n" + strings.Repeat("  - x\n", 5000)
	_, problems := Loader{}.Load("schemas/a.schema.yaml", []byte(text))
	if n := len(problems); n != maxProblems+1 || problems[n-1].Message != "and 4000 more problems" {
		t.Errorf("%d problems, the last one %v", len(problems), problems[len(problems)-1])
	}
}

// mustLoad loads a text that has no problems.
func mustLoad(t testing.TB, path, text string) *Document {
	t.Helper()
	doc, problems := Loader{}.Load(path, []byte(text))
	if len(problems) > 0 {
		t.Fatalf("%s: %v", path, problems)
	}
	return doc
}
