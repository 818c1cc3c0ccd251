package document

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestNames(t *testing.T) {
	long := strings.Repeat("x", 55)
	tests := []struct{ got, want string }{
		{ContentTable("article"), "content_article"},
		{RevisionsTable("article"), "content_revisions_article"},
		{FieldTable("article", "tags"), "field_article_tags"},
		{FieldRevisionsTable("article", "tags"), "field_revisions_article_tags"},
		{IndexName("content_article", "title"), "idx_content_article__title"},
		{UniqueName("content_article", "title"), "uq_content_article__title"},
		{PrimaryKeyName("content_article"), "pk_content_article"},
		{ForeignKeyName("field_article_tags", "parent_id"), "fk_field_article_tags__parent_id"},
		// A change of these names would orphan the indexes of existing projects.
		{IndexName("content_"+long, "title"), "idx_content_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx_993ff1af61"},
		{IndexName("content_a__b", "c"), "idx_content_a__b__c_73c7740192"},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("got %s, want %s", tt.got, tt.want)
		}
	}
}

// TestIndexNamesAreUnique draws pairs of ids that are hard to tell apart once they are joined.
func TestIndexNamesAreUnique(t *testing.T) {
	id := rapid.StringMatching(`[ab](_{0,2}[ab]){0,4}_{0,2}`)
	tail := rapid.SampledFrom([]string{"", strings.Repeat("x", 40), strings.Repeat("x", 60)})
	rapid.Check(t, func(t *rapid.T) {
		a, b, c, d := id.Draw(t, "a")+tail.Draw(t, "ta"), id.Draw(t, "b"), id.Draw(t, "c")+tail.Draw(t, "tc"), id.Draw(t, "d")
		first, second := IndexName(a, b), IndexName(c, d)
		if len(first) > MaxName || first != IndexName(a, b) {
			t.Fatalf("%s is too long or not stable", first)
		}
		if (first == second) != (a == c && b == d) {
			t.Fatalf("%s and %s make %s; %s and %s make %s", a, b, first, c, d, second)
		}
	})
}

func TestReserved(t *testing.T) {
	for _, id := range append(BuiltinColumns(), "rowid", "oid", "_rowid_", "xmin", "ctid") {
		if !ReservedColumn(id) {
			t.Errorf("%s is not reserved", id)
		}
	}
	for _, id := range []string{"user_id", "users", "title", "parent_id", "value", "sort_order", "float", "bool"} {
		if ReservedColumn(id) {
			t.Errorf("%s is reserved", id)
		}
	}
	for name, want := range map[string]bool{
		"file_versions": true, "marain_audit": true, "sqlite_sequence": true, "pg_class": true,
		"content_article": false, "marain": false, "field_versions": false,
	} {
		if ReservedTable(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
}

func TestIDs(t *testing.T) {
	for id, want := range map[string]bool{
		"a": true, "article": true, "a1_b": true, "a__b": true, "a_": true,
		"": false, "1a": false, "_a": false, "A": false, "a-b": false, "a b": false, "é": false, "a\n": false, "a.b": false,
	} {
		if isID(id) != want {
			t.Errorf("%q: %v", id, !want)
		}
	}
	for id, want := range map[string]string{"title": "Title", "user_id": "User id", "a__b_": "A b"} {
		if got := inWords(id); got != want {
			t.Errorf("%s: %q", id, got)
		}
	}
}
