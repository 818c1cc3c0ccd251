package state

import (
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"

	"marain/backend/document"
)

var loader = document.Loader{SchemaDir: "schemas", ConfigDir: "config", Environment: "dev"}

func load(t *testing.T, path, text string) *document.Document {
	t.Helper()
	doc, problems := loader.Load(path, []byte(text))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return doc
}

const (
	apiPath = "config/config.api.yaml"
	api     = `id: api
values:
  limit: 7
  share: 1.5
  whole: 2.0
  name: x
  empty:
  on: true
  list: [1, 2]
  words: [a, b]
  big: 9007199254740993
  nested: {level: debug, deep: {a: 1}}
  "dotted.key": 1
`
)

func with(t *testing.T, files ...string) *Snapshot {
	t.Helper()
	changed := map[string]*document.Document{}
	for i := 0; i < len(files); i += 2 {
		changed[files[i]] = load(t, files[i], files[i+1])
	}
	return Empty().Next(1, changed)
}

// check reads one key as T and compares value and error.
func check[T any](t *testing.T, s *Snapshot, key string, want T, wantErr error) {
	t.Helper()
	got, err := Get[T](s, key)
	if !errors.Is(err, wantErr) || (wantErr == nil) != (err == nil) || !reflect.DeepEqual(got, want) {
		t.Errorf("%s as %T: %v, %v; want %v, %v", key, want, got, err, want, wantErr)
	}
}

func TestGet(t *testing.T) {
	s := with(t, apiPath, api)
	check(t, s, "api.limit", 7, nil)
	check(t, s, "api.limit", int64(7), nil)
	check(t, s, "api.limit", uint8(7), nil)
	check(t, s, "api.limit", 7.0, nil)
	check(t, s, "api.limit", any(int64(7)), nil)
	check(t, s, "api.whole", 2, nil)
	check(t, s, "api.share", 1.5, nil)
	check(t, s, "api.name", "x", nil)
	check(t, s, "api.on", true, nil)
	check(t, s, "api.list", []int{1, 2}, nil)
	check(t, s, "api.words", []string{"a", "b"}, nil)
	check(t, s, "api.nested.level", "debug", nil)
	check(t, s, "api.nested.deep", map[string]int{"a": 1}, nil)
	check(t, s, "api.nested", struct {
		Level string
		Deep  map[string]int
	}{"debug", map[string]int{"a": 1}}, nil)
	check(t, s, "api.big", int64(9007199254740993), nil)

	check(t, s, "api.none", 0, ErrNotFound)
	check(t, s, "api.nested.none.more", "", ErrNotFound)
	check(t, s, "api.name.more", "", ErrNotFound)
	check(t, s, "none.limit", 0, ErrNotFound)
	check(t, s, "", 0, ErrNotFound)
	check(t, s, "api.share", 0, ErrType)
	check(t, s, "api.limit", "", ErrType)
	check(t, s, "api.name", 0, ErrType)
	check(t, s, "api.on", "", ErrType)
	check(t, s, "api.empty", "", ErrType)
	check(t, s, "api.empty", 0, ErrType)
	check(t, s, "api.limit", []int(nil), ErrType)
	check(t, s, "api.words", []int(nil), ErrType)
	check(t, s, "api.nested", struct{ Level string }{}, ErrType)
	s = with(t, apiPath, "id: api\nvalues: {limit: 300, negative: -1}\n")
	check(t, s, "api.limit", int8(0), ErrType)
	check(t, s, "api.negative", uint(0), ErrType)
}

func TestASnapshotNeverChanges(t *testing.T) {
	const note = "schemas/note.schema.yaml"
	first := with(t, apiPath, api, note, "id: note\nname: N\nfields:\n  - {id: a, type: text}\n")
	describe := func(s *Snapshot) string {
		values, _ := s.Config("api")
		e, _ := s.Entity("note")
		return fmt.Sprint(s.Version(), s.Entities(), s.Files(), values, e)
	}
	before := describe(first)
	// What is read may be changed by the reader.
	values, _ := first.Config("api")
	values["limit"] = 99
	values["nested"].(map[string]any)["level"] = "x"
	list, err := Get[[]int](first, "api.list")
	if err != nil {
		t.Fatal(err)
	}
	list[0] = 99
	inner, err := Get[map[string]any](first, "api.nested")
	if err != nil {
		t.Fatal(err)
	}
	inner["deep"].(map[string]any)["a"] = 99
	// And the next state is another one.
	second := first.Next(2, map[string]*document.Document{
		apiPath: nil, note: load(t, note, "id: memo\nname: N\nfields: []\n"), "config/x.yaml": load(t, "config/x.yaml", "a: 1\n"),
	})
	if after := describe(first); after != before {
		t.Errorf("it changed:\n%s\n%s", before, after)
	}
	if got := fmt.Sprint(second.Version(), second.Entities(), second.Files()); got != "2 [memo] [config/x.yaml schemas/note.schema.yaml]" {
		t.Errorf("next: %s", got)
	}
	if _, ok := second.Config("api"); ok {
		t.Error("a removed configuration is live")
	}
	if second.Document(apiPath) != nil || first.Document(apiPath) == nil {
		t.Error("documents are in the wrong state")
	}
	third := second.Next(3, nil)
	if a, _ := second.Entity("memo"); a == nil {
		t.Error("no memo")
	} else if b, _ := third.Entity("memo"); a != b {
		t.Error("what did not change is not shared")
	}
}

func TestContentTypesMoveAndSwapFiles(t *testing.T) {
	x, y := "id: x\nname: N\nfields: []\n", "id: y\nname: N\nfields: []\n"
	const a, b = "schemas/a.schema.yaml", "schemas/b.schema.yaml"
	for range 20 { // the order in which a map is walked is another each time
		s := with(t, a, x, b, y)
		swapped := s.Next(2, map[string]*document.Document{a: load(t, a, y), b: load(t, b, x)})
		if fmt.Sprint(swapped.Entities()) != "[x y]" {
			t.Fatalf("swapped: %v", swapped.Entities())
		}
		moved := s.Next(2, map[string]*document.Document{a: nil, "schemas/c.schema.yaml": load(t, "schemas/c.schema.yaml", x)})
		if fmt.Sprint(moved.Entities()) != "[x y]" {
			t.Fatalf("moved: %v", moved.Entities())
		}
	}
}

func TestOnlyTheLiveEnvironmentCounts(t *testing.T) {
	s := with(t, "config/config.api.dev.yaml", "id: api\nvalues: {n: 1}\n", "config/config.api.prd.yaml", "id: api\nvalues: {n: 2}\n")
	check(t, s, "api.n", 1, nil)
	s = s.Next(2, map[string]*document.Document{"config/config.api.prd.yaml": nil})
	check(t, s, "api.n", 1, nil)
	s = s.Next(3, map[string]*document.Document{"config/config.api.dev.yaml": nil})
	check(t, s, "api.n", 0, ErrNotFound)
}

func TestReadersAndPublishers(t *testing.T) {
	store := NewStore()
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		wg.Go(func() {
			last := uint64(0)
			for {
				select {
				case <-stop:
					return
				default:
				}
				s := store.Current()
				n, err := Get[uint64](s, "api.n")
				if s.Version() > 0 && (err != nil || n != s.Version()) {
					t.Errorf("a mix: version %d with n = %d, %v", s.Version(), n, err)
					return
				}
				if s.Version() < last {
					t.Error("back in time")
					return
				}
				last = s.Version()
			}
		})
	}
	told, off := 0, 0
	cancel := store.Subscribe(func(old, next *Snapshot) {
		told++
		if next.Version() != old.Version()+1 || store.Current() != next {
			t.Errorf("told of %d after %d", next.Version(), old.Version())
		}
	})
	gone := store.Subscribe(func(_, _ *Snapshot) { off++ })
	for i := range uint64(200) {
		if i == 100 {
			gone()
			gone()
		}
		text := fmt.Sprintf("id: api\nvalues: {n: %d}\n", i+1)
		store.Publish(store.Current().Next(i+1, map[string]*document.Document{apiPath: load(t, apiPath, text)}))
	}
	close(stop)
	wg.Wait()
	cancel()
	store.Publish(store.Current().Next(201, nil))
	if told != 200 || off != 100 {
		t.Errorf("told %d and %d times", told, off)
	}
}
