package api

import (
	"encoding/json"
	"testing"
	"time"

	"marain/backend/action"
	"marain/backend/coordinator"
	"marain/backend/diff"
	"marain/backend/document"
)

// TestMarshal writes lists and maps that are nil as empty, wherever they are, and changes nothing else.
func TestMarshal(t *testing.T) {
	type inner struct {
		List []string       `json:"list"`
		Map  map[string]any `json:"map"`
	}
	type outer struct {
		Inner    inner            `json:"inner"`
		Pointer  *inner           `json:"pointer"`
		None     *inner           `json:"none"`
		Any      any              `json:"any"`
		Null     any              `json:"null"`
		Deep     []map[string]any `json:"deep"`
		Left     []string         `json:"left,omitempty"`
		Hidden   chan int         `json:"-"`
		Bytes    []byte           `json:"bytes"`
		At       time.Time        `json:"at"`
		Category diff.Category    `json:"category"`
		Raw      json.RawMessage  `json:"raw"`
	}
	tests := []struct {
		name string
		in   any
		want string
	}{
		{"nothing", nil, "null"},
		{"list", []string(nil), "[]"},
		{"map", map[string]int(nil), "{}"},
		{"text", "a", `"a"`},
		{"pointer to nothing", (*inner)(nil), "null"},
		{
			"struct",
			outer{
				Pointer: &inner{}, Any: inner{}, Deep: []map[string]any{{"rows": []int(nil), "null": nil}, nil},
				At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Category: diff.Breaking, Raw: json.RawMessage("[ ]"),
			},
			`{"inner":{"list":[],"map":{}},"pointer":{"list":[],"map":{}},"none":null,"any":{"list":[],"map":{}},"null":null,` +
				`"deep":[{"null":null,"rows":[]},{}],"bytes":null,"at":"2026-01-02T03:04:05Z","category":"breaking","raw":[]}`,
		},
		{
			"embedded",
			coordinator.PendingChange{File: "a", Kind: document.KindEntity, Event: diff.FileAdded, Head: diff.Head{Op: diff.Add, Key: "k"}},
			`{"file_path":"a","kind":"entity","event":"added","op":"add","key":"k","old":null,"new":null,"category":"safe","rule":"","message":"","line":0}`,
		},
		{"question", action.Question{Key: "k"}, `{"key":"k","file_path":"","text":"","options":[],"type":"","samples":[],"answered":false}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := Marshal(test.in)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

// TestMarshalLeavesItsArgument encodes a value that others read at the same time.
func TestMarshalLeavesItsArgument(t *testing.T) {
	plan := action.Plan{Files: []action.File{{Path: "a"}}}
	if _, err := Marshal(&plan); err != nil {
		t.Fatal(err)
	}
	if plan.Questions != nil || plan.Files[0].Changes != nil {
		t.Error("the argument was changed")
	}
}

// TestMarshalError hides what has no code.
func TestMarshalError(t *testing.T) {
	got, err := MarshalError(errText)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"error":{"code":"internal","message":"` + internalMessage + `","details":[]}}`; string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
