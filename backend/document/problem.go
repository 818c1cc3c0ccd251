package document

// Problem is one thing that is wrong with a file.
type Problem struct {
	File    string `json:"file_path"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Code    string `json:"code"`    // a stable snake_case word
	Message string `json:"message"` // what is wrong
	Hint    string `json:"hint"`    // what to do
}
