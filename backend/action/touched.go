package action

import "slices"

// Touched returns the names of the tables that steps change, in order. Some of them are there only after an earlier
// step, and some only before.
func Touched(steps []Step) []string {
	var names []string
	for _, s := range steps {
		switch s := s.(type) {
		case CreateTable:
			names = append(names, s.Table.Name)
			if s.Table.Parent != "" {
				names = append(names, s.Table.Parent) // which gets the other end of a reference
			}
		case RenameTable:
			names = append(names, s.From, s.To)
		case AddColumn:
			names = append(names, s.Table)
		case RenameColumn:
			names = append(names, s.Table)
		case SetNotNull:
			names = append(names, s.Table)
		case DropNotNull:
			names = append(names, s.Table)
		case CreateIndex:
			names = append(names, s.Index.Table)
		case DropIndex:
			names = append(names, s.Index.Table)
		case RenameIndex:
			names = append(names, s.Index.Table)
		case Fill:
			names = append(names, s.Table)
		case Update:
			names = append(names, s.Table)
		case Insert:
			names = append(names, s.Table)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
