package action

import "slices"

// A table of several values stays bound to its rows while it is out of use: what a row had goes with it. So it keeps the
// index that finds the values of a row, under a name of its own, or every row that is deleted would cost a look at all
// of them.

// back is the way back from a renamed index.
func (s RenameIndex) back() RenameIndex {
	renamed := s.Index
	renamed.Name = s.To
	return RenameIndex{renamed, s.Index.Name}
}

// ofParent returns the index that finds the values of a row, and the others.
func (t Table) ofParent() (Index, []Index) {
	for i, index := range t.Indexes {
		if slices.Equal(index.Columns, []string{"parent_id"}) {
			return index, slices.Delete(slices.Clone(t.Indexes), i, i+1)
		}
	}
	return Index{}, t.Indexes
}

// retireList takes the tables of a field with several values out of use: the values, and maybe their revisions.
func retireList(tables []Table, tag string) []Step {
	index, rest := tables[0].ofParent()
	steps := dropIndexes(rest)
	if index.Name != "" {
		steps = append(steps, RenameIndex{index, OutOfUse(tag, index.Name)})
	}
	for _, t := range tables {
		steps = append(steps, RenameTable{t.Name, OutOfUse(tag, t.Name)})
	}
	return steps
}

// restoreList brings them back under the names that they have now. Found says that the index is there.
func restoreList(was, now []Table, tag string, found bool) []Step {
	var steps []Step
	for i := range now {
		steps = append(steps, RenameTable{OutOfUse(tag, was[i].Name), now[i].Name})
	}
	former, _ := was[0].ofParent()
	index, rest := now[0].ofParent()
	if found {
		former.Table, former.Name = now[0].Name, OutOfUse(tag, former.Name)
		return append(append(steps, RenameIndex{former, index.Name}), createIndexes(rest)...)
	}
	return append(steps, createIndexes(now[0].Indexes)...)
}

// listOutOfUse is a table of a field with several values as it is made while it is out of use.
func listOutOfUse(table Table, tag string) Table {
	index, _ := table.ofParent()
	table.Name, table.Indexes = OutOfUse(tag, table.Name), nil
	if index.Name != "" {
		index.Name, index.Table = OutOfUse(tag, index.Name), table.Name
		table.Indexes = []Index{index}
	}
	return table
}
