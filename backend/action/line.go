package action

// Origin says that the values of an incarnation were made from those of another one: a type, a cardinality or a rule
// changed. Both belong to one line, so that a way back knows which values are still what they were made from.
type Origin struct {
	Tag  string // the incarnation that was filled
	From string // the one it was filled from
	// Fill is what rows got that had no value or none that converts, as it was answered; nil for nothing.
	Fill *string
	// Limit is how many values of a list were taken; 0 for all.
	Limit int
}
