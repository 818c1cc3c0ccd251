package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"marain/backend/database"
)

// Ranges cuts a table by its row numbers.
func (db *DB) Ranges(ctx context.Context, q database.Querier, table string, rows int64) ([]database.Range, error) {
	name := Dialect{}.Quote(table)
	var total int64
	if err := q.QueryRow(ctx, "SELECT count(*) FROM "+name).Scan(&total); err != nil {
		return nil, fmt.Errorf("count the rows of %s: %w", table, err)
	}
	whole := []database.Range{{Rows: total}}
	if total <= rows {
		return whole, nil
	}
	number, err := rowNumber(ctx, q, "main", table)
	if err != nil || number == "" {
		return whole, err
	}
	column := name + "." + number
	var first, last int64
	query := fmt.Sprintf("SELECT (SELECT min(%s) FROM %s), (SELECT max(%s) FROM %s)", column, name, column, name)
	if err := q.QueryRow(ctx, query).Scan(&first, &last); err != nil {
		return nil, fmt.Errorf("find the first and last row of %s: %w", table, err)
	}
	parts := (total + rows - 1) / rows
	var bounds []int64 // where each range but the first begins
	if span := uint64(last) - uint64(first); span/2 <= uint64(total) {
		for i := int64(1); i < parts; i++ {
			bounds = append(bounds, first+int64(span/uint64(parts))*i)
		}
	} else if bounds, err = sparse(ctx, q, name, column, rows); err != nil {
		return nil, fmt.Errorf("cut %s into ranges: %w", table, err)
	}
	return between(column, bounds, total), nil
}

// sparse finds bounds where most numbers between the first and the last have no row.
func sparse(ctx context.Context, q database.Querier, name, column string, rows int64) ([]int64, error) {
	var bounds []int64
	query := fmt.Sprintf("SELECT %s FROM %s ORDER BY %s LIMIT 1 OFFSET %d", column, name, column, rows)
	for {
		var bound int64
		err := q.QueryRow(ctx, query).Scan(&bound)
		if errors.Is(err, sql.ErrNoRows) {
			return bounds, nil
		}
		if err != nil {
			return nil, err
		}
		bounds = append(bounds, bound)
		query = fmt.Sprintf("SELECT %s FROM %s WHERE %s >= %d ORDER BY %s LIMIT 1 OFFSET %d", column, name, column, bound, column, rows)
	}
}

// between returns the ranges that bounds make; the first and the last are open, so that none misses a row.
func between(column string, bounds []int64, total int64) []database.Range {
	parts := int64(len(bounds) + 1)
	ranges := make([]database.Range, parts)
	for i := range ranges {
		var condition []string
		if i > 0 {
			condition = append(condition, fmt.Sprintf("%s >= %d", column, bounds[i-1]))
		}
		if i < len(bounds) {
			condition = append(condition, fmt.Sprintf("%s < %d", column, bounds[i]))
		}
		ranges[i].Condition = strings.Join(condition, " AND ")
		ranges[i].Rows = total*int64(i+1)/parts - total*int64(i)/parts
	}
	return ranges
}

// rowNumber returns a name for the number of a table's rows, or nothing when it has none or other columns have all of
// its names.
func rowNumber(ctx context.Context, q database.Querier, schema, table string) (name string, err error) {
	var without bool
	if err := q.QueryRow(ctx, `SELECT wr FROM pragma_table_list WHERE schema = ? AND name = ?`, schema, table).Scan(&without); err != nil || without {
		return "", err
	}
	rows, err := q.Query(ctx, `SELECT lower(name) FROM pragma_table_xinfo(?, ?)`, table, schema)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	free := []string{"rowid", "_rowid_", "oid"}
	for rows.Next() {
		var column string
		if err := rows.Scan(&column); err != nil {
			return "", err
		}
		free = slices.DeleteFunc(free, func(name string) bool { return name == column })
	}
	if len(free) == 0 {
		return "", rows.Err()
	}
	return free[0], rows.Err()
}
