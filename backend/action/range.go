package action

import "strings"

// Walked returns the table whose rows a step changes one by one, so that its time grows with them; empty for every
// other step.
func Walked(s Step) string {
	switch s := s.(type) {
	case Update:
		return s.Table
	case Fill:
		return s.Table
	}
	return ""
}

// Within returns the statement of a step for those rows alone for which a condition on its table holds. Running it for
// ranges that together cover the table has the effect of the step: a row may even be reached twice. It returns false
// for a step that must run as one statement: one that joins or asks for other rows, where each range would cost as much
// as the whole, or that reads what it sets, where the ranges would see each other.
func Within(d Dialect, s Step, condition string) (string, bool, error) {
	switch s := s.(type) {
	case Update:
		if s.From != "" || asksRows(s.Where) || s.readsOwn(d) {
			return "", false, nil
		}
		where := condition
		if s.Where != "" {
			where = "(" + s.Where + ") AND " + condition
		}
		s.Where = where
		return s.SQL(d), true, nil
	case Fill:
		statements, err := d.Statements(s)
		if err != nil || len(statements) != 1 {
			return "", false, err
		}
		return statements[0] + " AND " + condition, true, nil // it ends with the condition that the column is empty
	}
	return "", false, nil
}

// readsOwn reports whether a value is made of a column that the update sets. Names stand quoted in SQL.
func (u Update) readsOwn(d Dialect) bool {
	for _, set := range u.Set {
		for _, from := range u.Set {
			if strings.Contains(from.Value, d.Quote(set.Column)) {
				return true
			}
		}
	}
	return false
}

func asksRows(condition string) bool { return strings.Contains(strings.ToUpper(condition), "SELECT") }
