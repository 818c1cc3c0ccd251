package action_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"testing"

	"marain/backend/action"
)

func TestTouched(t *testing.T) {
	got := action.Touched([]action.Step{
		action.RenameTable{From: "b", To: "a"},
		action.AddColumn{Table: "c"},
		action.Update{Table: "c"},
		action.CreateTable{Table: action.Table{Name: "e", Parent: "d"}},
	})
	if !slices.Equal(got, []string{"a", "b", "c", "d", "e"}) {
		t.Errorf("%q", got)
	}
}

// TestEveryStepTouchesSomething reads which steps there are, so that none is forgotten.
func TestEveryStepTouchesSomething(t *testing.T) {
	known := map[string]action.Step{
		"CreateTable": action.CreateTable{}, "RenameTable": action.RenameTable{}, "AddColumn": action.AddColumn{}, "RenameColumn": action.RenameColumn{},
		"SetNotNull": action.SetNotNull{}, "DropNotNull": action.DropNotNull{}, "CreateIndex": action.CreateIndex{}, "DropIndex": action.DropIndex{}, "RenameIndex": action.RenameIndex{},
		"Fill": action.Fill{}, "Update": action.Update{}, "Insert": action.Insert{},
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			method, ok := d.(*ast.FuncDecl)
			if !ok || method.Name.Name != "step" || method.Recv == nil {
				continue
			}
			found++
			name := method.Recv.List[0].Type.(*ast.Ident).Name
			if known[name] == nil {
				t.Errorf("the step %s is new here: say what it touches", name)
			} else if len(action.Touched([]action.Step{known[name]})) == 0 {
				t.Errorf("the step %s touches nothing", name)
			}
		}
	}
	if found < len(known) {
		t.Errorf("%d steps", found)
	}
}
