package document

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// FuzzLoad loads anything as each kind of document: no panic, no hang, and either a whole document or whole problems.
func FuzzLoad(f *testing.F) {
	files, err := filepath.Glob("testdata/*/*.yaml")
	if err != nil || len(files) == 0 {
		f.Fatalf("no files to start from: %v", err)
	}
	for _, file := range files {
		f.Add(readFile(f, file))
	}
	f.Add([]byte(secretConfig))
	f.Add([]byte("a: |2\n   x\n? - b\n: !<x> y\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, path := range []string{"schemas/x.schema.yaml", "config/config.x.yaml", "config/x.yaml"} {
			start := time.Now()
			doc, problems := Loader{}.Load(path, raw)
			if took := time.Since(start); took > 20*time.Second {
				t.Fatalf("%s took %v", path, took)
			}
			if doc == nil {
				checkProblems(t, path, raw, problems)
				continue
			}
			if len(problems) > 0 || doc.Root == nil || len(doc.Hash) != 64 || len(doc.Canonical) != 64 {
				t.Fatalf("%s: not a whole document: %v", path, problems)
			}
			checkMasked(t, doc)
			if again, _ := (Loader{}).Load(path, raw); again.Canonical != doc.Canonical {
				t.Fatalf("%s: two loads differ", path)
			}
		}
		MaskText(raw)
	})
}

// checkMasked checks that masking keeps the lines and shows no secret.
func checkMasked(t *testing.T, doc *Document) {
	t.Helper()
	masked := doc.MaskedText()
	if got, want := len(lineStarts(masked)), len(lineStarts(strings.TrimPrefix(string(doc.Raw), byteOrderMark))); got != want {
		t.Fatalf("masking made %d lines of %d", got, want)
	}
	if doc.HasSecrets() && !strings.Contains(masked, Mask) {
		t.Fatal("a secret is not masked")
	}
}

// bigSchema makes a schema of about the given size.
func bigSchema(size int) []byte {
	var out strings.Builder
	out.WriteString("id: big\nname: Big\ndescription: A schema with many fields\nversioned: true\nfields:\n")
	for i := 0; out.Len() < size-60; i++ {
		fmt.Fprintf(&out, "  - id: field_%d\n    type: text\n    required: false\n    label: Field %d\n    description: What it holds\n", i, i)
	}
	return []byte(out.String())
}

func BenchmarkLoad(b *testing.B) {
	for _, size := range []int{1 << 10, 10 << 10, 100 << 10} {
		raw := bigSchema(size)
		b.Run(fmt.Sprintf("%dKB", size>>10), func(b *testing.B) {
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				if doc, problems := (Loader{}).Load("schemas/big.schema.yaml", raw); doc == nil {
					b.Fatal(problems)
				}
			}
		})
		b.Run(fmt.Sprintf("%dKB/parser", size>>10), func(b *testing.B) {
			b.SetBytes(int64(len(raw)))
			for b.Loop() {
				if _, _, err := decodeTwo(strings.NewReader(string(raw))); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
