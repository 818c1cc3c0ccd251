package twins

import (
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// common is the content type that both engines change; each has one of its own too.
const common = "common"

// ledger keeps what every request of every engine came to.
type ledger struct {
	mu     sync.Mutex
	counts map[string]int
	done   map[string]string         // note of the request to the batch that it became
	failed map[string]string         // note to the code of its refusal
	bases  map[string]map[string]int // batch to the versions that its approved plan started from
}

func newLedger() *ledger {
	return &ledger{counts: map[string]int{}, done: map[string]string{}, failed: map[string]string{}, bases: map[string]map[string]int{}}
}

func (l *ledger) count(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts[what]++
}

func (l *ledger) number(what string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.counts[what]
}

// String lists the counts in a fixed order.
func (l *ledger) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var words []string
	for _, what := range slices.Sorted(maps.Keys(l.counts)) {
		words = append(words, fmt.Sprintf("%s %d", what, l.counts[what]))
	}
	return strings.Join(words, ", ")
}

// plan is the part of a plan that a walk looks at.
type plan struct {
	ID    string `json:"plan_id"`
	Files []struct {
		Path string `json:"file_path"`
		Base int    `json:"base_version"`
	} `json:"files"`
	Questions []question `json:"questions"`
}

type question struct {
	Key     string   `json:"key"`
	Type    string   `json:"type"`
	Options []string `json:"options"`
	Default *string  `json:"default"`
}

// batch is the answer to an apply, a rollback or a reject.
type batch struct {
	ActionID string   `json:"action_id"`
	Applied  []string `json:"applied"`
	Failed   []struct {
		Path    string `json:"file_path"`
		Message string `json:"message"`
	} `json:"failed"`
}

// walk is one engine's share.
type walk struct {
	t      *testing.T
	e      *engine
	r      *rand.Rand
	ledger *ledger
	db     *sql.DB
	other  string // the folder of the other engine, when it is another one
	number int    // of requests
	want   int    // batches to carry out
}

// run carries out as many batches as are wanted. Where nothing gets through any more, it gives up.
func (w *walk) run() {
	carried := 0
	for carried < w.want {
		if w.number > 20*w.want || w.t.Failed() {
			w.t.Errorf("%s carried out %d of %d batches in %d requests", w.e.name, carried, w.want, w.number)
			return
		}
		ok, err := w.step()
		if err != nil {
			w.t.Error(err)
			return
		}
		if ok {
			carried++
		}
	}
}

// step does one thing at random and reports whether it became a batch.
func (w *walk) step() (bool, error) {
	switch n := w.r.IntN(100); {
	case n < 60:
		return w.change()
	case n < 70:
		return w.undo()
	case n < 80:
		return w.version()
	case n < 84:
		return w.point()
	case n < 92:
		return w.reject()
	case n < 96 && w.other != "":
		return false, w.pull()
	case n < 97:
		return false, w.verify()
	}
	return w.change()
}

// note names a request, so that it can be found in the history.
func (w *walk) note() string {
	w.number++
	return fmt.Sprintf("walk %s %d", w.e.name, w.number)
}

// edit saves a change of a content type and returns its file.
func (w *walk) edit() (string, error) {
	id := w.e.name
	if w.r.IntN(5) < 3 {
		id = common
	}
	s, size, ok := readSchema(w.e.root, id)
	if !ok {
		s = schema{ID: id}
	}
	w.number++
	s.change(w.r, w.number)
	return pathOf(id), s.save(w.e.root, size)
}

// change saves a change and applies it, in half of the cases by the plan that was looked at.
func (w *walk) change() (bool, error) {
	path, err := w.edit()
	if err != nil {
		return false, err
	}
	request := reloadRequest{Files: []string{path}, Approve: "breaking", Answers: map[string]string{}}
	bases := map[string]int{}
	if w.r.IntN(2) == 0 {
		var looked plan
		refused, err := w.e.call("diff", diffRequest{Files: request.Files}, &looked)
		if err != nil {
			return false, err
		}
		if refused != nil {
			w.ledger.count("diff " + refused.Code)
			return false, w.allowed("diff", refused)
		}
		request.PlanID = looked.ID
		for _, f := range looked.Files {
			bases[f.Path] = f.Base
		}
		w.answer(looked.Questions, request.Answers)
		w.ponder()
	}
	done, refused, err := w.send("apply", func(note string) (string, any) {
		request.Note = note
		return "reload", request
	}, request.Answers, func() { request.PlanID = "" })
	if err != nil {
		return false, err
	}
	if refused != nil {
		return false, w.giveUp(path)
	}
	w.ledger.mu.Lock()
	defer w.ledger.mu.Unlock()
	if request.PlanID != "" && done.ActionID != "" {
		w.ledger.bases[done.ActionID] = bases
		w.ledger.counts["approved plans carried out"]++
	}
	return done.ActionID != "", nil
}

// ponder is how long a person looks at a plan: sometimes long enough for the other engine.
func (w *walk) ponder() {
	if w.r.IntN(2) == 0 {
		<-time.After(time.Duration(w.r.IntN(150)) * time.Millisecond)
	}
}

// send makes a request and answers what it asks, a few times. Everything that it came to is kept.
func (w *walk) send(kind string, request func(note string) (operation string, body any), answers map[string]string, withoutPlan func()) (batch, *refusal, error) {
	for try := 0; ; try++ {
		note := w.note()
		operation, body := request(note)
		var done batch
		refused, err := w.e.call(operation, body, &done)
		if err != nil {
			return batch{}, nil, err
		}
		w.ledger.keep(kind, note, done, refused)
		if refused == nil && len(done.Failed) > 0 {
			return done, nil, fmt.Errorf("%s: %s: %+v", w.e.name, kind, done.Failed)
		}
		if refused == nil {
			return done, nil, nil
		}
		if err := w.allowed(kind, refused); err != nil {
			return batch{}, refused, fmt.Errorf("%w\n%s", err, w.evidence(body))
		}
		if refused.Code != "blocked" || try == 4 || !w.answer(questions(refused), answers) {
			return batch{}, refused, nil
		}
		if withoutPlan != nil {
			withoutPlan()
		}
	}
}

// evidence is what a plan of the same files says now: what is proved of the rows, and what is not.
func (w *walk) evidence(body any) string {
	request, ok := body.(reloadRequest)
	if !ok {
		return fmt.Sprintf("%+v", body)
	}
	var looked struct {
		Files []struct {
			Path   string            `json:"file_path"`
			Checks []json.RawMessage `json:"checks"`
		} `json:"files"`
	}
	refused, err := w.e.call("diff", diffRequest{Files: request.Files, Answers: request.Answers}, &looked)
	return fmt.Sprintf("%+v, %v: %s", refused, err, looked)
}

// keep notes what a request came to.
func (l *ledger) keep(kind, note string, done batch, refused *refusal) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case refused != nil:
		l.failed[note] = refused.Code
		l.counts[kind+" "+refused.Code]++
	case done.ActionID != "":
		l.done[note] = done.ActionID
		l.counts[kind]++
	default:
		l.failed[note] = "nothing to do"
		l.counts[kind+" of nothing"]++
	}
}

// allowed fails on a refusal that no request here should get: an error of a statement, a deadlock, locks that the engine
// should have waited for.
func (w *walk) allowed(kind string, refused *refusal) error {
	switch refused.Code {
	case "stale", "blocked", "conflict":
		return nil
	case "locked": // the other one had the database for as long as anybody waits: it may happen, but not often
		if n := w.ledger.number("locked"); n <= 1+w.number/50 {
			w.ledger.count("locked")
			return nil
		}
	case "invalid", "not_found": // an answer to what is not asked any more, a version that is not there any more
		if strings.Contains(refused.Message, "no question") || strings.Contains(refused.Message, "there is no") || strings.Contains(refused.Message, "invalid") {
			return nil
		}
	}
	return fmt.Errorf("%s: %s was refused with %s: %s", w.e.name, kind, refused.Code, refused.Message)
}

func questions(refused *refusal) []question {
	var list []question
	for _, d := range refused.Details {
		var q question
		if json.Unmarshal(d, &q) == nil && q.Key != "" {
			list = append(list, q)
		}
	}
	return list
}

// answer answers what has no default at random and reports whether anything was new.
func (w *walk) answer(list []question, answers map[string]string) bool {
	any := false
	for _, q := range list {
		if _, done := answers[q.Key]; done || q.Default != nil && w.r.IntN(2) == 0 {
			continue
		}
		any = true
		if len(q.Options) > 0 {
			answers[q.Key] = q.Options[w.r.IntN(len(q.Options))]
			continue
		}
		w.number++
		answers[q.Key] = map[string]string{"boolean": "true", "datetime": "2024-05-06T07:08:09Z", "slug": "fill-" + strconv.Itoa(w.number)}[q.Type]
		if answers[q.Key] == "" {
			answers[q.Key] = strconv.Itoa(w.number)
		}
	}
	return any
}

// giveUp puts the applied text back, so that what cannot be applied does not stay for ever.
func (w *walk) giveUp(path string) error {
	if w.r.IntN(2) == 0 {
		return nil // it waits, and the next change may mend it
	}
	_, _, err := w.send("restore", func(note string) (string, any) {
		return "reject", rejectRequest{Files: []string{path}, Restore: true, Note: note}
	}, nil, nil)
	return err
}

// reject edits a file and holds it, or puts its applied text back.
func (w *walk) reject() (bool, error) {
	path, err := w.edit()
	if err != nil {
		return false, err
	}
	restore := w.r.IntN(2) == 0
	done, _, err := w.send(map[bool]string{true: "restore", false: "hold"}[restore], func(note string) (string, any) {
		return "reject", rejectRequest{Files: []string{path}, Restore: restore, Note: note}
	}, nil, nil)
	return done.ActionID != "", err
}

// past is the newest part of the history.
type past struct {
	Items []struct {
		ActionID string `json:"action_id"`
		Kind     string `json:"kind"`
		Status   string `json:"status"`
		Files    []struct {
			Path    string `json:"file_path"`
			Version int    `json:"version"`
		} `json:"files"`
	} `json:"items"`
}

func (w *walk) newest() (past, error) {
	var p past
	refused, err := w.e.call("history", history{limit: 20}, &p)
	if err == nil && refused != nil {
		err = fmt.Errorf("%s: history: %s", w.e.name, refused.Message)
	}
	return p, err
}

func (w *walk) back(request rollbackRequest) (bool, error) {
	request.Answers = map[string]string{}
	done, _, err := w.send("rollback", func(note string) (string, any) {
		request.Note = note
		return "rollback", request
	}, request.Answers, nil)
	if err == nil && w.other != "" {
		err = w.written(done)
	}
	return done.ActionID != "", err
}

// written proves that a rollback put the text of its versions into the files of the engine that was asked: nobody else
// writes those.
func (w *walk) written(done batch) error {
	for _, path := range done.Applied {
		var want string
		err := w.db.QueryRow(`SELECT file_hash FROM file_versions WHERE action_id = $1 AND file_path = $2`, done.ActionID, path).Scan(&want)
		if err != nil {
			return fmt.Errorf("the version of %s that batch %s made: %w", path, done.ActionID, err)
		}
		text, err := os.ReadFile(filepath.Join(w.e.root, filepath.FromSlash(path)))
		if err != nil && !os.IsNotExist(err) {
			return err
		}
		have := ""
		if err == nil {
			sum := sha256.Sum256(text)
			have = hex.EncodeToString(sum[:])
		}
		if have != want {
			return fmt.Errorf("%s: batch %s did not write %s back", w.e.name, done.ActionID, path)
		}
	}
	return nil
}

// undo takes a batch back: the newest, or one of the last.
func (w *walk) undo() (bool, error) {
	p, err := w.newest()
	if err != nil || len(p.Items) == 0 {
		return false, err
	}
	var ids []string
	for _, item := range p.Items {
		if item.Kind == "apply" || item.Kind == "rollback" {
			ids = append(ids, item.ActionID)
		}
	}
	if len(ids) == 0 {
		return false, nil
	}
	return w.back(rollbackRequest{ActionID: ids[w.r.IntN(min(len(ids), 4))]})
}

// version goes back to an earlier version of a file.
func (w *walk) version() (bool, error) {
	p, err := w.newest()
	if err != nil {
		return false, err
	}
	for _, item := range p.Items {
		for _, f := range item.Files {
			if f.Version > 1 && w.r.IntN(3) == 0 && strings.HasPrefix(f.Path, "schemas/") {
				return w.back(rollbackRequest{File: f.Path, Version: 1 + w.r.IntN(f.Version)})
			}
		}
	}
	return false, nil
}

// point goes back to a point, or forward again.
func (w *walk) point() (bool, error) {
	p, err := w.newest()
	if err != nil {
		return false, err
	}
	for _, item := range p.Items {
		if (item.Kind == "apply" || item.Kind == "rollback") && w.r.IntN(4) == 0 {
			return w.back(rollbackRequest{To: item.ActionID})
		}
	}
	return false, nil
}

// pull takes the files of the other engine over, as a checkout of its newest state would.
func (w *walk) pull() error {
	paths, err := filepath.Glob(filepath.Join(w.other, "schemas", "*.yaml"))
	if err != nil {
		return err
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if os.IsNotExist(err) {
			continue
		} else if err != nil {
			return err
		}
		if err := replaceFile(w.e.root, "schemas/"+filepath.Base(path), text); err != nil {
			return err
		}
	}
	w.ledger.count("pulls")
	return nil
}

// verdict is the answer to verify.
type verdict struct {
	OK     bool `json:"ok"`
	Faults []struct {
		Code, Subject, Message string
	} `json:"faults"`
}

// verify proves in the middle of everything that nothing is wrong. A file that is just being written back is left over
// for a moment.
func (w *walk) verify() error {
	var v verdict
	refused, err := w.e.call("verify", verify{}, &v)
	switch {
	case err != nil:
		return err
	case refused != nil:
		return fmt.Errorf("%s: verify: %s", w.e.name, refused.Message)
	}
	w.ledger.count("verify")
	for _, fault := range v.Faults {
		if fault.Code != "outbox" {
			return fmt.Errorf("%s: verify finds %+v in the middle", w.e.name, v.Faults)
		}
	}
	return nil
}
