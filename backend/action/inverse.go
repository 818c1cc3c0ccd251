package action

import "slices"

// inverse returns the steps that take steps back, to the names that everything had before. What the steps made goes out
// of use under a tag of its own; what they put into existing places stays there: a value that a person gave to rows
// without one is theirs.
func inverse(steps []Step, tag string) []Step {
	var back []Step
	for _, s := range slices.Backward(steps) {
		switch s := s.(type) {
		case CreateTable:
			back = append(back, retireTables([]Table{s.Table}, tag)...)
		case RenameTable:
			back = append(back, RenameTable{s.To, s.From})
		case AddColumn:
			if s.Column.NotNull {
				back = append(back, DropNotNull{s.Table, s.Column.Name})
			}
			back = append(back, RenameColumn{s.Table, s.Column.Name, OutOfUse(tag, s.Column.Name)})
		case RenameColumn:
			back = append(back, RenameColumn{s.Table, s.To, s.From})
		case SetNotNull:
			back = append(back, DropNotNull(s))
		case DropNotNull:
			back = append(back, SetNotNull(s))
		case CreateIndex:
			back = append(back, DropIndex(s))
		case DropIndex:
			back = append(back, CreateIndex(s))
		case RenameIndex:
			back = append(back, s.back())
		}
	}
	return back
}

// undone is the tag of what a way back would take out of use.
func (f *fields) undone(what string) string {
	return Tag(f.in.Path, f.in.NextVersion, f.new.ID, "undone:"+what)
}
