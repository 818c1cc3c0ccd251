package document

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"math"
	"slices"
	"strconv"
)

// canonical returns the hash of what a document means. Everything is written with its kind and its length, so that two
// different meanings never give the same bytes; keys and fields are sorted, and defaults stand where nothing is written.
func canonical(d *Document) string {
	c := &canon{to: sha256.New()}
	c.text(string(d.Kind))
	switch d.Kind {
	case KindEntity:
		c.entity(d.Entity)
	case KindConfig:
		for _, text := range []string{d.Config.ID, d.Config.Name, d.Config.Description, d.Config.Provider, d.Config.Version} {
			c.text(text)
		}
		c.node(d.Config.Values)
	case KindGeneric:
		c.node(d.Root)
	}
	return hex.EncodeToString(c.to.Sum(nil))
}

// CanonicalHash returns the lower-case hex SHA-256 of what a value means: equal when only positions, the order of keys
// or the way of writing differ. Subtrees with the same hash need not be compared.
func (n *Node) CanonicalHash() string {
	c := &canon{to: sha256.New()}
	c.node(n)
	return hex.EncodeToString(c.to.Sum(nil))
}

// canon writes the canonical encoding.
type canon struct {
	to  hash.Hash
	buf []byte
}

func (c *canon) tagged(tag byte, text string) {
	c.buf = append(c.buf[:0], tag)
	c.buf = strconv.AppendInt(c.buf, int64(len(text)), 10)
	c.buf = append(c.buf, ':')
	c.buf = append(c.buf, text...)
	c.to.Write(c.buf)
}

func (c *canon) count(tag byte, n int) { c.tagged(tag, strconv.Itoa(n)) }
func (c *canon) text(text string)      { c.tagged('s', text) }

func (c *canon) scalar(v any) {
	switch v := v.(type) {
	case nil:
		c.tagged('n', "")
	case bool:
		c.tagged('b', strconv.FormatBool(v))
	case int64:
		c.tagged('i', strconv.FormatInt(v, 10))
	case float64:
		c.tagged('f', strconv.FormatUint(math.Float64bits(v), 16))
	case string:
		c.text(v)
	}
}

func (c *canon) node(n *Node) {
	if n == nil {
		c.tagged('x', "")
		return
	}
	switch n.Kind {
	case Mapping:
		entries := make([]*Entry, len(n.Entries))
		for i := range n.Entries {
			entries[i] = &n.Entries[i]
		}
		slices.SortFunc(entries, func(a, b *Entry) int { return cmp.Compare(a.Key, b.Key) })
		c.count('m', len(entries))
		for _, e := range entries {
			c.text(e.Key)
			c.node(e.Value)
		}
	case Sequence:
		c.count('l', len(n.Items))
		for _, item := range n.Items {
			c.node(item)
		}
	case Scalar:
		c.scalar(n.Value)
	}
}

func (c *canon) entity(e *Entity) {
	c.text(e.ID)
	c.text(e.Name)
	c.text(e.Description)
	c.scalar(e.Versioned)
	c.scalar(e.Recursive)
	c.scalar(e.Cacheable)
	c.fields(e.Fields)
}

func (c *canon) fields(fields []Field) {
	sorted := make([]*Field, len(fields))
	for i := range fields {
		sorted[i] = &fields[i]
	}
	slices.SortFunc(sorted, func(a, b *Field) int { return cmp.Compare(a.ID, b.ID) })
	c.count('l', len(sorted))
	for _, f := range sorted {
		for _, text := range []string{f.ID, string(f.Type), f.Label, f.Description, f.Target, f.RenamedFrom} {
			c.text(text)
		}
		c.scalar(f.Required)
		c.scalar(int64(f.Cardinality))
		c.scalar(f.Unique)
		c.scalar(f.Indexed)
		c.scalar(f.Default)
		c.fields(f.Fields)
	}
}
