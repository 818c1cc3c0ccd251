package document

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

func entityText(id string, fields ...string) string {
	if len(fields) == 0 {
		return "id: " + id + "\nname: X\nfields: []\n"
	}
	return "id: " + id + "\nname: X\nfields:\n  - {" + strings.Join(fields, "}\n  - {") + "}\n"
}

const many = ", type: text, cardinality: -1"

func TestCheck(t *testing.T) {
	versioned := func(text string) string { return "versioned: true\n" + text }
	tests := map[string]struct {
		files map[string]string
		want  []string
	}{
		"fine": {map[string]string{
			"schemas/a.schema.yaml":         entityText("a", "id: b, type: entity_reference, target_entity: b", "id: me, type: entity_reference, target_entity: a"),
			"schemas/b.schema.yaml":         entityText("b", "id: a, type: entity_reference, target_entity: a"),
			"config/config.system.dev.yaml": "id: system\nvalues: {}\n",
			"config/config.system.prd.yaml": "id: system\nvalues: {}\n",
			"config/menu.yaml":              "a: 1\n",
		}, nil},
		"one entity twice": {map[string]string{
			"schemas/a.schema.yaml": entityText("a", "id: t"+many), "schemas/b.schema.yaml": "# second\n" + entityText("a", "id: t"+many),
		}, []string{
			`schemas/a.schema.yaml:1:5 duplicate_entity the entity "a" is also in schemas/b.schema.yaml (give one of them another id, or remove it)`,
			`schemas/b.schema.yaml:2:5 duplicate_entity the entity "a" is also in schemas/a.schema.yaml (give one of them another id, or remove it)`,
		}},
		"one entity in five files": {map[string]string{
			"schemas/1.schema.yaml": entityText("a"), "schemas/2.schema.yaml": entityText("a"), "schemas/3.schema.yaml": entityText("a"),
			"schemas/4.schema.yaml": entityText("a"), "schemas/5.schema.yaml": entityText("a"),
		}, []string{
			`schemas/1.schema.yaml:1:5 duplicate_entity the entity "a" is also in schemas/2.schema.yaml, schemas/3.schema.yaml, schemas/4.schema.yaml and 1 more (give one of them another id, or remove it)`,
			`schemas/2.schema.yaml:1:5 duplicate_entity the entity "a" is also in schemas/1.schema.yaml, schemas/3.schema.yaml, schemas/4.schema.yaml and 1 more (give one of them another id, or remove it)`,
			`schemas/3.schema.yaml:1:5 duplicate_entity the entity "a" is also in schemas/1.schema.yaml, schemas/2.schema.yaml, schemas/4.schema.yaml and 1 more (give one of them another id, or remove it)`,
			`schemas/4.schema.yaml:1:5 duplicate_entity the entity "a" is also in schemas/1.schema.yaml, schemas/2.schema.yaml, schemas/3.schema.yaml and 1 more (give one of them another id, or remove it)`,
			`schemas/5.schema.yaml:1:5 duplicate_entity the entity "a" is also in schemas/1.schema.yaml, schemas/2.schema.yaml, schemas/3.schema.yaml and 1 more (give one of them another id, or remove it)`,
		}},
		"two live configs": {map[string]string{
			"config/config.a.yaml": "id: a\nvalues: {}\n", "config/config.a.dev.yaml": "id: a\nvalues: {}\n", "config/config.a.prd.yaml": "id: a\nvalues: {}\n",
		}, []string{
			`config/config.a.dev.yaml:1:5 duplicate_config the config "a" is also in config/config.a.yaml, and both are live (keep one of them live: remove one, or give it the suffix of another environment)`,
			`config/config.a.yaml:1:5 duplicate_config the config "a" is also in config/config.a.dev.yaml, and both are live (keep one of them live: remove one, or give it the suffix of another environment)`,
		}},
		"references": {map[string]string{
			"schemas/a.schema.yaml": entityText("article", "id: x, type: entity_reference, target_entity: usr",
				"id: y, type: entity_reference, target_entity: nothing_like_it", "id: c, type: component, fields: [{id: z, type: entity_reference, target_entity: artcle}]"),
			"schemas/user.schema.yaml": entityText("user"),
		}, []string{
			`schemas/a.schema.yaml:4:52 unknown_entity there is no entity "usr" (did you mean user?)`,
			`schemas/a.schema.yaml:5:52 unknown_entity there is no entity "nothing_like_it" (add a file with the entity nothing_like_it, or point at one that exists)`,
			`schemas/a.schema.yaml:6:86 unknown_entity there is no entity "artcle" (did you mean article?)`,
		}},
		"field tables": {map[string]string{
			"schemas/a.schema.yaml": entityText("a", "id: t, type: text", "id: b_c"+many), "schemas/a_b.schema.yaml": entityText("a_b", "id: c"+many),
		}, []string{
			`schemas/a.schema.yaml:5:10 name_collision the field "b_c" of "a" and the field "c" of "a_b" in schemas/a_b.schema.yaml both want the table "field_a_b_c" (give one of them another id)`,
			`schemas/a_b.schema.yaml:4:10 name_collision the field "c" of "a_b" and the field "b_c" of "a" in schemas/a.schema.yaml both want the table "field_a_b_c" (give one of them another id)`,
		}},
		"revisions": {map[string]string{
			"schemas/a.schema.yaml": versioned(entityText("a", "id: b"+many)), "schemas/r.schema.yaml": entityText("revisions_a", "id: b"+many),
		}, []string{
			`schemas/a.schema.yaml:2:5 name_collision the entity "a" and the entity "revisions_a" in schemas/r.schema.yaml both want the table "content_revisions_a" (give one of them another id)`,
			`schemas/a.schema.yaml:5:10 name_collision the field "b" of "a" and the field "b" of "revisions_a" in schemas/r.schema.yaml both want the table "field_revisions_a_b" (give one of them another id)`,
			`schemas/r.schema.yaml:1:5 name_collision the entity "revisions_a" and the entity "a" in schemas/a.schema.yaml both want the table "content_revisions_a" (give one of them another id)`,
			`schemas/r.schema.yaml:4:10 name_collision the field "b" of "revisions_a" and the field "b" of "a" in schemas/a.schema.yaml both want the table "field_revisions_a_b" (give one of them another id)`,
		}},
		"single values do not collide": {map[string]string{
			"schemas/a.schema.yaml": entityText("a", "id: b_c, type: text"), "schemas/a_b.schema.yaml": entityText("a_b", "id: c"+many),
		}, nil},
		"case": {map[string]string{
			"config/Menu.yaml": "a: 1\n", "config/menu.yaml": "a: 1\n",
		}, []string{
			`config/Menu.yaml:1:1 path_collision the path "config/Menu.yaml" differs from config/menu.yaml only by case or accents (rename one of them: some file systems take them for one file)`,
			`config/menu.yaml:1:1 path_collision the path "config/menu.yaml" differs from config/Menu.yaml only by case or accents (rename one of them: some file systems take them for one file)`,
		}},
		"accents": {map[string]string{
			"config/caf\u00e9.yaml": "a: 1\n", "config/CAFE\u0301.yaml": "a: 1\n",
		}, []string{
			"config/CAFE\u0301.yaml:1:1 path_collision the path \"config/CAFE\u0301.yaml\" differs from config/caf\u00e9.yaml only by case or accents (rename one of them: some file systems take them for one file)",
			"config/caf\u00e9.yaml:1:1 path_collision the path \"config/caf\u00e9.yaml\" differs from config/CAFE\u0301.yaml only by case or accents (rename one of them: some file systems take them for one file)",
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var docs []*Document
			for path, text := range tt.files {
				docs = append(docs, mustLoad(t, path, text))
			}
			rand.Shuffle(len(docs), func(i, j int) { docs[i], docs[j] = docs[j], docs[i] })
			problems := Check(docs)
			var got []string
			for _, p := range problems {
				got = append(got, p.String())
			}
			if strings.Join(got, "\n") != strings.Join(tt.want, "\n") {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

// manyDocuments makes entities of which each refers to the one before, or to none.
func manyDocuments(t testing.TB, n int, broken bool) []*Document {
	t.Helper()
	docs := make([]*Document, n)
	for i := range docs {
		target := fmt.Sprintf("entity_%d", max(i-1, 0))
		if broken {
			target = fmt.Sprintf("entty_%d", i)
		}
		docs[i] = mustLoad(t, fmt.Sprintf("schemas/e%d.schema.yaml", i), entityText(fmt.Sprintf("entity_%d", i),
			"id: title, type: text", "id: tags"+many, "id: other, type: entity_reference, target_entity: "+target))
	}
	return docs
}

func TestCheckOfManyDocuments(t *testing.T) {
	for _, broken := range []bool{false, true} {
		docs := manyDocuments(t, 10000, broken)
		start := time.Now()
		problems := Check(docs)
		took := time.Since(start)
		t.Logf("%d problems in %v", len(problems), took)
		if want := map[bool]int{false: 0, true: 10000}[broken]; len(problems) != want {
			t.Errorf("%d problems, want %d", len(problems), want)
		}
		if took > 10*time.Second {
			t.Errorf("took %v", took)
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	docs := manyDocuments(b, 10000, false)
	b.ResetTimer()
	for b.Loop() {
		if len(Check(docs)) > 0 {
			b.Fatal("a problem")
		}
	}
}
