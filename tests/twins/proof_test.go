package twins

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// view is what an engine says of the state, without what is its own: since when it runs, where it looks.
type view struct {
	State    string            `json:"state"`
	Pending  []json.RawMessage `json:"pending_changes"`
	Invalid  []json.RawMessage `json:"invalid_files"`
	Held     []json.RawMessage `json:"held_files"`
	Snapshot uint64            `json:"snapshot_version"`
	Drift    json.RawMessage   `json:"drift"`
	Last     json.RawMessage   `json:"last_result"`
}

func (v view) String() string {
	text, err := json.Marshal(v)
	return fmt.Sprint(string(text), err)
}

// status asks an engine for its state. It fails the test when there is none.
func (s *session) status(w *walk) view {
	s.t.Helper()
	var v view
	if refused, err := w.e.call("status", status{}, &v); err != nil || refused != nil {
		s.t.Fatalf("%s: status: %v, %+v", w.e.name, err, refused)
	}
	return v
}

// same proves that both engines show one state, one history and no fault once they have settled. What differs between
// two folders is theirs.
func (s *session) same() {
	s.t.Helper()
	apart := s.walks[0].other != ""
	var one, two view
	shown := func() bool {
		one, two = s.status(s.walks[0]), s.status(s.walks[1])
		if apart {
			for _, v := range []*view{&one, &two} {
				v.State, v.Pending, v.Invalid, v.Held = "", nil, nil, nil
			}
		}
		return reflect.DeepEqual(one, two)
	}
	defer func() {
		if s.t.Failed() {
			s.t.Logf("%s shows %s\n%s shows %s", s.walks[0].e.name, one, s.walks[1].e.name, two)
		}
	}()
	eventually(s.t, "both engines show the same state", shown)
	var histories [2]json.RawMessage
	for i, w := range s.walks {
		if refused, err := w.e.call("history", history{limit: 200}, &histories[i]); err != nil || refused != nil {
			s.t.Fatalf("%s: history: %v, %+v", w.e.name, err, refused)
		}
		var v verdict
		if refused, err := w.e.call("verify", verify{}, &v); err != nil || refused != nil || !v.OK {
			s.t.Fatalf("%s: verify: %v, %+v, %+v", w.e.name, err, refused, v.Faults)
		}
	}
	if !reflect.DeepEqual(decoded(s.t, histories[0]), decoded(s.t, histories[1])) {
		s.t.Error("the two engines tell different histories")
	}
}

func decoded(t interface{ Fatal(...any) }, text json.RawMessage) (v any) {
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// collide lets both engines look at a plan of the same file, and both approve it: one of them carries it out, the other
// is refused and changes nothing.
func (s *session) collide() {
	s.t.Helper()
	one, two := s.walks[0], s.walks[1]
	current, size, ok := readSchema(one.e.root, common)
	if !ok {
		current = schema{ID: common}
	}
	current.Fields = append(current.Fields, field{ID: "last", Type: "text", Cardinality: 1})
	if err := current.save(one.e.root, size); err != nil {
		s.t.Fatal(err)
	}
	if one.other != "" {
		if err := two.pull(); err != nil {
			s.t.Fatal(err)
		}
	}
	request := reloadRequest{Files: []string{pathOf(common)}, Approve: "breaking", Answers: map[string]string{}}
	one.answered(&request)
	other := request
	other.PlanID = two.looked(&other).ID
	request.PlanID = one.looked(&request).ID
	var done batch
	if refused, err := one.e.call("reload", request, &done); err != nil || refused != nil || done.ActionID == "" {
		s.t.Fatalf("the first approval: %v, %+v", err, refused)
	}
	before := s.everything()
	refused, err := two.e.call("reload", other, &done)
	if err != nil || refused == nil || refused.Code != "stale" {
		s.t.Fatalf("the second approval of what is done: %v, %+v, %+v", err, refused, done)
	}
	if s.everything() != before {
		s.t.Error("a refused plan changed something")
	}
	s.ledger.count("apply stale")
}

// answered answers all that a plan asks.
func (w *walk) answered(request *reloadRequest) {
	w.t.Helper()
	for range 8 {
		if !w.answer(w.looked(request).Questions, request.Answers) {
			return
		}
	}
	w.t.Fatal("a plan asks without end")
}

func (w *walk) looked(request *reloadRequest) (p plan) {
	w.t.Helper()
	if refused, err := w.e.call("diff", diffRequest{Files: request.Files, Answers: request.Answers}, &p); err != nil || refused != nil {
		w.t.Fatalf("%s: diff: %v, %+v", w.e.name, err, refused)
	}
	return p
}

// everything is all that lies in the database, but what only says which files wait.
func (s *session) everything() string {
	s.t.Helper()
	var all strings.Builder
	for _, query := range []string{
		`SELECT seq, hash FROM marain_audit ORDER BY seq`, `SELECT file_path, version, file_hash, status FROM file_versions WHERE status <> 'pending' ORDER BY 1, 2`,
		`SELECT entity, field, tag, since FROM marain_lives ORDER BY 1, 2, 4`, `SELECT id, seq FROM marain_tombstones ORDER BY 1`, s.shape + ` ORDER BY 1, 2`,
	} {
		all.WriteString(strings.Join(s.rows(query), "\n"))
	}
	all.WriteString(fmt.Sprint(everywhere(s.t, s.db, s.shape))) // maps are printed in the order of their keys
	return all.String()
}

// rows returns what a query finds, one text a row.
func (s *session) rows(query string) []string {
	s.t.Helper()
	rows, err := s.db.Query(query)
	if err != nil {
		s.t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		s.t.Fatal(err)
	}
	var list []string
	for rows.Next() {
		values, into := make([]any, len(names)), make([]any, len(names))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			s.t.Fatal(err)
		}
		words := make([]string, len(values))
		for i, v := range values {
			words[i] = spelled(v)
		}
		list = append(list, strings.Join(words, "|"))
	}
	if err := rows.Err(); err != nil {
		s.t.Fatal(err)
	}
	return list
}

// proved proves by the tables of the history that every version was applied exactly once, by the batch that answered
// so, and that nothing that was refused left anything behind.
func (s *session) proved() {
	s.t.Helper()
	for query, what := range map[string]string{
		`SELECT file_path FROM file_versions WHERE status <> 'pending' GROUP BY file_path HAVING count(*) <> max(version) OR min(version) <> 1 OR count(DISTINCT version) <> count(*)`: "versions with gaps or doubles",
		`SELECT file_path, action_id FROM file_versions WHERE status <> 'pending' GROUP BY file_path, action_id HAVING count(*) > 1`:                                                   "a batch with two versions of a file",
		`SELECT count(*) FROM marain_audit HAVING count(*) <> max(seq) OR min(seq) <> 1 OR count(DISTINCT action_id) <> count(*)`:                                                      "an audit chain with gaps",
		`SELECT action_id FROM file_versions AS v WHERE status <> 'pending' AND NOT EXISTS (SELECT 1 FROM marain_audit AS a WHERE a.action_id = v.action_id)`:                          "versions of no batch",
		`SELECT file_path FROM marain_outbox`:                                    "files that are not written back",
		`SELECT action_id, kind, record FROM marain_audit WHERE kind = 'failed'`: "attempts that failed",
	} {
		if list := s.rows(query); len(list) > 0 {
			s.t.Errorf("%s: %v", what, list)
		}
	}
	recorded := map[string]string{}
	for _, row := range s.rows(`SELECT note, action_id FROM marain_audit WHERE note LIKE 'walk %'`) {
		note, id, _ := strings.Cut(row, "|")
		if _, twice := recorded[note]; twice {
			s.t.Errorf("%s is in the history twice", note)
		}
		recorded[note] = id
	}
	for note, id := range s.ledger.done {
		if recorded[note] != id {
			s.t.Errorf("%s was answered with batch %s, the history has %q", note, id, recorded[note])
		}
		delete(recorded, note)
	}
	if len(recorded) > 0 {
		s.t.Errorf("the history has what was refused: %v", recorded)
	}
	versions := 0
	for _, row := range s.rows(`SELECT action_id, file_path, version FROM file_versions WHERE status <> 'pending'`) {
		versions++
		words := strings.Split(row, "|")
		if base := s.ledger.bases[words[0]][words[1]]; base > 0 && words[2] != fmt.Sprint(base+1) {
			s.t.Errorf("a plan from version %d of %s made version %s", base, words[1], words[2])
		}
	}
	s.ledger.counts["versions"] = versions
	if s.ledger.number("apply stale")+s.ledger.number("rollback stale") == 0 {
		s.t.Error("no plan was ever stale: nothing was proved")
	}
}

// kept proves that every value that was written is in a table, in use or out of use.
func (s *session) kept() {
	s.t.Helper()
	found := everywhere(s.t, s.db, s.shape)
	for _, w := range s.writers {
		if lost := w.lost(found); len(lost) > 0 {
			s.t.Errorf("%d of %d values of %s are nowhere any more, such as %+v", len(lost), len(w.alive), w.name, lost[0])
		}
		if w.wrote == 0 {
			s.t.Errorf("%s wrote nothing", w.name)
		}
		s.ledger.counts["writes"] += w.wrote
		s.ledger.counts["writes too late"] += w.late
		s.ledger.counts["values kept"] += len(w.alive)
	}
}
