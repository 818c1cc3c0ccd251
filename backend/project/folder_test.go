package project

import (
	"sync"
	"testing"
)

func TestAFolderHasOneName(t *testing.T) {
	t.Parallel()
	p := &Project{DataDir: t.TempDir()}
	if id, err := p.FolderID(false); id != "" || err != nil {
		t.Errorf("looking at it made the name %q, %v", id, err)
	}
	var names sync.Map
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			id, err := p.FolderID(true)
			if err != nil || id == "" {
				t.Errorf("%q, %v", id, err)
			}
			names.Store(id, true)
		})
	}
	wg.Wait()
	n := 0
	names.Range(func(any, any) bool { n++; return true })
	if n != 1 {
		t.Errorf("the folder has %d names", n)
	}
	other := &Project{DataDir: t.TempDir()}
	one, _ := p.FolderID(false)
	if two, err := other.FolderID(true); err != nil || one == two {
		t.Errorf("two folders are both called %q, %v", two, err)
	}
	if _, err := (&Project{DataDir: "/dev/null/none"}).FolderID(true); err == nil {
		t.Error("a folder that is not there has a name")
	}
}
