package corpus_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// picture is every value of a case's content types as plain SQL finds it. A key is the field, a dot and the row; the
// second and later values of a list have a dot and their place behind it, a revision has @ and its number, and the
// values of the content type other have "other:" in front. The columns that every table has are one value, "row".
type picture map[string]cell

// cell is one value: exactly as it is stored, with its storage class, and in one spelling for both databases.
type cell struct{ raw, plain string }

// builtIn are the columns that every table of rows has, beside its key.
func builtIn() []string {
	return []string{"user", "rid", "last_cached", "cache_ttl", "content_hash", "created_at", "updated_at"}
}

// take reads the values of a content type into a picture. renamed has the ids that fields had before.
func (p *project) take(into picture, prefix, entity string, s schema, renamed map[string]string) {
	kinds := map[string]string{}
	var single []string
	for _, f := range s.fields {
		kinds[f.id] = f.kind
		if !f.many {
			single = append(single, f.id)
		}
	}
	key := func(id string) string {
		if former := renamed[id]; former != "" {
			id = former
		}
		return prefix + id
	}
	each := func(keys []string, rest string, values []stored) {
		at := "." + strings.Join(keys, "@")
		into[prefix+"row"+at] = cell{raw: rest, plain: rest}
		for i, c := range single {
			into[key(c)+at] = values[i].cell(kinds[c])
		}
	}
	p.read("content_"+entity, []string{"id"}, builtIn(), single, "id", each)
	if s.versioned {
		p.read("content_revisions_"+entity, []string{"id", "rid"}, builtIn(), single, "id, rid", each)
	}
	for _, f := range s.fields {
		if f.many {
			p.takeList(into, key(f.id), "field_"+entity+"_"+f.id, f.kind, false)
		}
		if f.many && s.versioned {
			p.takeList(into, key(f.id), "field_revisions_"+entity+"_"+f.id, f.kind, true)
		}
	}
}

// takeList reads the table of a list, or that of its revisions.
func (p *project) takeList(into picture, key, table, kind string, revisions bool) {
	last, place := "", 0
	p.read(table, []string{"parent_id", "rid"}, nil, []string{"value"}, "parent_id, rid, sort_order, id", func(keys []string, _ string, values []stored) {
		at := key + "." + keys[0]
		if revisions {
			at += "@" + keys[1]
		}
		if place++; at != last {
			last, place = at, 0
		}
		if place > 0 {
			at += "." + strconv.Itoa(place)
		}
		into[at] = values[0].cell(kind)
	})
}

// stored is a value as a database has it: its storage class, and SQLite's own way to quote it or PostgreSQL's text.
type stored struct{ class, text string }

// cell spells a value in one way, by the type of its field.
func (v stored) cell(kind string) cell {
	c := cell{raw: v.class + " " + v.text, plain: v.text}
	switch v.class {
	case "null":
		c.plain = none
	case "text":
		if strings.HasPrefix(v.text, "'") && strings.HasSuffix(v.text, "'") && len(v.text) > 1 { // SQLite's quotes
			c.plain = strings.ReplaceAll(v.text[1:len(v.text)-1], "''", "'")
		}
		c.plain = strings.TrimPrefix(c.plain, "\x00")
	case "real", "double precision":
		if n, err := strconv.ParseFloat(v.text, 64); err == nil {
			c.plain = strconv.FormatFloat(n, 'g', -1, 64)
		}
	case "timestamp with time zone":
		c.plain = strings.Replace(strings.Replace(v.text, " ", "T", 1), "+00", "Z", 1)
	case "integer":
		if kind == "boolean" && (v.text == "0" || v.text == "1") {
			c.plain = strconv.FormatBool(v.text == "1")
		}
	}
	if kind == "component" {
		var out bytes.Buffer
		if json.Compact(&out, []byte(c.plain)) == nil {
			c.plain = out.String()
		}
	}
	return c
}

// read reads columns of a table as they are stored: keys as texts, those of rest together as one text, and values.
func (p *project) read(table string, keys, rest, values []string, order string, each func(keys []string, rest string, values []stored)) {
	p.t.Helper()
	var list []string
	for _, c := range keys {
		list = append(list, fmt.Sprintf(`CAST("%s" AS TEXT)`, c))
	}
	together := "''"
	for _, c := range rest {
		if p.kind == postgres {
			together += fmt.Sprintf(` || ' ' || coalesce("%s"::text, '∅')`, c)
			continue
		}
		together += fmt.Sprintf(` || ' ' || quote("%s")`, c)
	}
	list = append(list, together)
	for _, c := range values {
		if p.kind == postgres {
			list = append(list, fmt.Sprintf(`CASE WHEN "%[1]s" IS NULL THEN 'null' ELSE pg_typeof("%[1]s")::text END`, c), fmt.Sprintf(`coalesce("%s"::text, '')`, c))
			continue
		}
		list = append(list, fmt.Sprintf(`typeof("%s")`, c), fmt.Sprintf(`quote("%s")`, c))
	}
	query := fmt.Sprintf(`SELECT %s FROM "%s" ORDER BY %s`, strings.Join(list, ", "), table, order)
	rows, err := p.db.Query(query)
	if err != nil {
		p.t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close() //nolint:errcheck // what is wrong shows in Err
	texts, into := make([]string, len(list)), make([]any, len(list))
	for i := range texts {
		into[i] = &texts[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			p.t.Fatalf("%s: %v", query, err)
		}
		found := make([]stored, len(values))
		for i := range found {
			found[i] = stored{texts[len(keys)+1+2*i], texts[len(keys)+2+2*i]}
		}
		each(slices.Clone(texts[:len(keys)]), texts[len(keys)], found)
	}
	if err := rows.Err(); err != nil {
		p.t.Fatalf("%s: %v", query, err)
	}
}

// expected is what a picture must have become, by key.
func (p picture) expected(becomes map[string]string) map[string]string {
	want := map[string]string{}
	if becomes[all] == gone {
		return want
	}
	for key, c := range p {
		if c.plain != none && !(becomes[revisions] == gone && strings.Contains(key, "@")) {
			want[key] = c.plain
		}
	}
	for key, value := range becomes {
		if key == revisions {
			continue
		}
		if want[key] = strings.TrimPrefix(value, "="); value == gone || value == none {
			delete(want, key)
		}
	}
	return want
}

// differences lists what of a picture is not as wanted. A value that was never there may be empty now.
func (p picture) differences(want map[string]string) []string {
	var list []string
	for key, value := range want {
		now, there := p[key]
		switch {
		case !there:
			list = append(list, fmt.Sprintf("%s is gone, want %s", key, value))
		case now.plain != value && value != all:
			list = append(list, fmt.Sprintf("%s is %s, want %s", key, now.plain, value))
		}
	}
	for key, now := range p {
		if _, known := want[key]; !known && now.plain != none {
			list = append(list, fmt.Sprintf("%s is %s, and should not be there", key, now.plain))
		}
	}
	slices.Sort(list)
	return list
}

// changes lists what is not stored exactly as it was; what is new does not count.
func (p picture) changes(after picture) []string {
	var list []string
	for key, was := range p {
		if now, there := after[key]; !there || now.raw != was.raw {
			list = append(list, fmt.Sprintf("%s was %s and is %s", key, was.raw, now.raw))
		}
	}
	slices.Sort(list)
	return list
}
