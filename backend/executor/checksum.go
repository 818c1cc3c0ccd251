package executor

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"math"
	"slices"
	"strings"
	"time"

	"marain/backend/action"
)

// sums are checksums of one table's values. Two of the same seed are equal when the tables hold the same rows, in
// whatever order, in the columns that were read.
type sums struct {
	columns []string
	rows    map[uint64]row    // by the checksum of the whole row
	values  map[string]uint64 // by column: of all its values, each with the id of its row
	count   int64
}

// row is one row, or several that are the same.
type row struct {
	number int
	id     string // empty where the table has no column of that name
}

// read makes the checksums of some columns of a table. Values are read with their type: 1, '1', 1.0 and NULL differ.
// Where expected is set, rows without a value are read as they will be once they were given one.
func (r *rehearsal) read(ctx context.Context, table string, columns []string, expected bool) (sum sums, err error) {
	quote := r.executor.Database.Dialect().Quote
	sum = sums{columns: columns, rows: map[uint64]row{}, values: map[string]uint64{}}
	if len(columns) == 0 {
		return sum, nil
	}
	selected := make([]string, len(columns))
	for i, name := range columns {
		value := quote(name)
		if literal, ok := r.filled[place{table, name}]; ok && expected {
			value = fmt.Sprintf("COALESCE(%s, %s)", value, literal)
		}
		selected[i] = r.scratch.Exact(value)
	}
	rows, err := r.scratch.Query(ctx, "SELECT "+strings.Join(selected, ", ")+" FROM "+quote(table))
	if err != nil {
		return sum, fmt.Errorf("read %s: %w", table, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	reading := newReader(r.seed, len(columns), slices.Index(columns, "id"))
	for rows.Next() {
		if err := rows.Scan(reading.targets...); err != nil {
			return sum, fmt.Errorf("read %s: %w", table, err)
		}
		whole := reading.row()
		found := sum.rows[whole]
		sum.rows[whole] = row{number: found.number + 1, id: reading.id()}
		for i, name := range columns {
			sum.values[name] += reading.mixed(i)
		}
		sum.count++
	}
	return sum, rows.Err()
}

// reader turns the rows of one table into checksums, one after the other.
type reader struct {
	hash    maphash.Hash
	values  []any
	targets []any
	hashes  []uint64
	key     int // the column that names the row, -1 for none
}

func newReader(seed maphash.Seed, columns, key int) *reader {
	r := &reader{values: make([]any, columns), targets: make([]any, columns), hashes: make([]uint64, columns), key: key}
	r.hash.SetSeed(seed)
	for i := range r.values {
		r.targets[i] = &r.values[i]
	}
	return r
}

// row returns the checksum of the row that was read last.
func (r *reader) row() uint64 {
	for i := range r.values {
		r.hash.Reset()
		r.write(r.values[i])
		r.hashes[i] = r.hash.Sum64()
	}
	r.hash.Reset()
	for _, h := range r.hashes {
		r.number(h)
	}
	return r.hash.Sum64()
}

// mixed returns the checksum of one value together with what names its row, so that values which change places show.
func (r *reader) mixed(column int) uint64 {
	r.hash.Reset()
	if r.key >= 0 {
		r.number(r.hashes[r.key])
	}
	r.number(r.hashes[column])
	return r.hash.Sum64()
}

func (r *reader) id() string {
	if r.key < 0 {
		return ""
	}
	switch v := r.values[r.key].(type) {
	case nil:
		return "NULL"
	case []byte:
		return fmt.Sprintf("%x", v)
	default:
		return fmt.Sprint(v)
	}
}

func (r *reader) number(n uint64) {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], n)
	_, _ = r.hash.Write(b[:]) // a hash takes everything
}

// write puts a value with its type into the hash.
func (r *reader) write(value any) {
	put := func(kind byte, text string) {
		_ = r.hash.WriteByte(kind)
		_, _ = r.hash.WriteString(text)
	}
	switch v := value.(type) {
	case nil:
		put('0', "")
	case int64:
		put('i', "")
		r.number(uint64(v))
	case float64:
		put('f', "")
		r.number(math.Float64bits(v))
	case bool:
		put('b', fmt.Sprint(v))
	case string:
		put('s', v)
	case []byte:
		_ = r.hash.WriteByte('x')
		_, _ = r.hash.Write(v)
	case time.Time:
		put('t', v.UTC().Format(time.RFC3339Nano))
	default:
		put('?', fmt.Sprintf("%T %v", v, v))
	}
}

// shape is everything that a rehearsal compares of a copy at one moment.
type shape struct {
	tables map[string]action.LiveTable
	sums   map[string]sums
}

// look takes the shape of tables; of those that like has too, only the columns that it has there. Expected is as in read.
func (r *rehearsal) look(ctx context.Context, names []string, like shape, expected bool) (shape, error) {
	now := shape{sums: map[string]sums{}}
	var err error
	if now.tables, err = r.executor.Database.Inspect(ctx, r.scratch, names); err != nil {
		return now, err
	}
	for name, table := range now.tables {
		var columns []string
		known, ok := like.tables[name]
		switch {
		case like.tables == nil:
			known = table
		case !ok:
			continue
		}
		for _, c := range known.Columns {
			if table.Column(c.Name) != nil {
				columns = append(columns, c.Name)
			}
		}
		if now.sums[name], err = r.read(ctx, name, columns, expected); err != nil {
			return now, err
		}
	}
	return now, nil
}
