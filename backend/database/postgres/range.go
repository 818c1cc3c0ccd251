package postgres

import (
	"context"
	"fmt"
	"strings"

	"marain/backend/database"
)

// Ranges cuts a table by the blocks it lies in. Nobody else may write to a table that is cut until the transaction ends:
// a row that moved from a later range to an earlier one would be missed.
func (db *DB) Ranges(ctx context.Context, q database.Querier, table string, rows int64) ([]database.Range, error) {
	name := Dialect{}.Quote(table)
	var total, blocks int64
	var kind string
	err := q.QueryRow(ctx, fmt.Sprintf(`SELECT (SELECT count(*) FROM (SELECT FROM %s LIMIT %d) AS t), relkind::text FROM pg_class
WHERE relnamespace = quote_ident(current_schema())::regnamespace AND relname = ?::name`, name, rows+1), table).Scan(&total, &kind)
	if err != nil {
		return nil, fmt.Errorf("count the rows of %s: %w", table, err)
	}
	if total > rows && kind == "r" {
		if _, err := q.Exec(ctx, fmt.Sprintf("LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE", name)); err != nil {
			return nil, fmt.Errorf("lock %s: %w", table, err)
		}
		query := fmt.Sprintf(`SELECT count(*), pg_relation_size(?::regclass) / current_setting('block_size')::bigint FROM %s`, name)
		if err := q.QueryRow(ctx, query, name).Scan(&total, &blocks); err != nil {
			return nil, fmt.Errorf("measure %s: %w", table, err)
		}
	} else if total > rows {
		if err := q.QueryRow(ctx, "SELECT count(*) FROM "+name).Scan(&total); err != nil {
			return nil, fmt.Errorf("count the rows of %s: %w", table, err)
		}
	}
	return blockwise(name, total, blocks, rows), nil
}

// blockwise cuts blocks into ranges of about so many rows.
func blockwise(name string, total, blocks, rows int64) []database.Range {
	parts := min(total/rows+1, blocks)
	if parts < 2 {
		return []database.Range{{Rows: total}}
	}
	ranges := make([]database.Range, parts)
	for i := range ranges {
		first, next := blocks*int64(i)/parts, blocks*int64(i+1)/parts
		var condition []string
		if i > 0 {
			condition = append(condition, fmt.Sprintf("%s.ctid >= '(%d,0)'::tid", name, first))
		}
		// The last one ends where the table does now: behind that lie only rows that an earlier range wrote.
		condition = append(condition, fmt.Sprintf("%s.ctid < '(%d,0)'::tid", name, next))
		ranges[i] = database.Range{Condition: strings.Join(condition, " AND "), Rows: total*int64(i+1)/parts - total*int64(i)/parts}
	}
	return ranges
}
