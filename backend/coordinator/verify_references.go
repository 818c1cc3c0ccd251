package coordinator

import (
	"context"
	"fmt"

	"marain/backend/database"
	"marain/backend/document"
)

// references notes how many values of each reference point at no row. That is no fault: what is written with plain SQL may
// point at anything, and a row may be deleted that others point at.
func (v *verification) references(ctx context.Context, q database.Querier) error {
	snapshot := v.c.Snapshot()
	for _, id := range snapshot.Entities() {
		e, _ := snapshot.Entity(id)
		for i := range e.Fields {
			if f := &e.Fields[i]; f.Type == document.EntityReference {
				if err := v.dangling(ctx, q, e, f); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// dangling notes the values of one reference that point at no row. Tables that are not there were told as faults.
func (v *verification) dangling(ctx context.Context, q database.Querier, e *document.Entity, f *document.Field) error {
	table, column := document.ContentTable(e.ID), f.ID
	if f.Multiple() {
		table, column = document.FieldTable(e.ID, f.ID), "value"
	}
	target := document.ContentTable(f.Target)
	live, err := v.c.db.Inspect(ctx, q, []string{table, target})
	if err != nil {
		return fmt.Errorf("look at %s: %w", table, err)
	}
	from, to := live[table], live[target]
	if from.Column(column) == nil || to.Column("id") == nil {
		return nil
	}
	v.check()
	d := v.c.db.Dialect()
	value := d.Quote("r") + "." + d.Quote(column)
	query := fmt.Sprintf("SELECT count(CASE WHEN NOT EXISTS (SELECT 1 FROM %s AS %s WHERE %s = %s) THEN 1 END), count(*) FROM %s AS %s WHERE %s IS NOT NULL",
		d.Quote(target), d.Quote("t"), d.Quote("t")+"."+d.Quote("id"), value, d.Quote(table), d.Quote("r"), value)
	var dangling, total int64
	if err := q.QueryRow(ctx, query).Scan(&dangling, &total); err != nil {
		return fmt.Errorf("follow the references of %s.%s: %w", e.ID, f.ID, err)
	}
	if dangling > 0 {
		v.result.Notes = append(v.result.Notes, Fault{
			Code: "dangling_reference", Subject: e.ID + "." + f.ID, Message: fmt.Sprintf("%d of %s point at no row of %s", dangling, plural(int(total), "value"), f.Target),
		})
	}
	return nil
}
