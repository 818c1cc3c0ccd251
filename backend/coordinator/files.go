package coordinator

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"marain/backend/database"
	"marain/backend/diff"
	"marain/backend/document"
	"marain/backend/event"
	"marain/backend/history"
	"marain/backend/project"
	"marain/backend/watcher"
)

// pending is one file that differs from what is applied.
type pending struct {
	path    string
	event   diff.Event
	kind    document.Kind
	hash    string             // empty: the file is gone
	doc     *document.Document // nil: the file is gone
	base    int                // the version it differs from
	changes []diff.Head
	planned bool // the changes are graded by the checks on the real rows
}

// receive takes one settled batch of the watcher: what it says is shown at once, then what the policy allows is applied.
func (c *Coordinator) receive(ctx context.Context, batch watcher.Batch) {
	c.mu.Lock()
	defer c.mu.Unlock()
	batch = c.watcher.Fresh(batch) // a request may have read newer text while the batch waited for the lock
	before := c.fingerprint()
	if batch.Full {
		c.desired = map[string]*saved{}
	}
	c.missing = batch.Missing
	for _, f := range batch.Files {
		c.take(f)
	}
	c.evaluate(ctx)
	if c.fingerprint() != before || batch.Full {
		c.announce()
	}
	c.automatic(ctx)
	c.notePending(ctx)
	c.warm(ctx)
}

// warm lets the reading connection learn the tables that were just changed now, so that the next save need not wait
// for it: with 200 content types that takes as long as everything else together.
func (c *Coordinator) warm(ctx context.Context) {
	err := c.db.Read(ctx, func(q database.Querier) error {
		_, err := c.db.TableNames(ctx, q)
		return err
	})
	if c.trust(err) {
		c.publishStatus()
	}
}

// scan reads all files anew, so that an explicit request never works on old text. A careful one does not believe what
// it sees at first: somebody may be in the middle of saving.
func (c *Coordinator) scan(ctx context.Context, careful bool) error {
	files, missing, err := c.read()
	if err != nil {
		return err
	}
	before := c.fingerprint()
	c.missing = missing
	if careful {
		if files, err = c.settle(ctx, files); err != nil {
			return err
		}
	}
	c.forget(files)
	for _, f := range files {
		c.take(f)
	}
	// The watcher is not told: what it delivers of these files later starts what the policy applies without asking.
	c.evaluate(ctx)
	if c.fingerprint() != before {
		c.announce()
	}
	return nil
}

func (c *Coordinator) read() (files []project.File, missing []string, err error) {
	return c.files.Scan(c.project.Dirs(), func(path string) bool { _, ok := c.loader.Kind(path); return ok })
}

// How long what an explicit request finds must stay as it is before it counts: the same that the watcher waits.
const (
	changeWait = 20 * time.Millisecond     // another text
	shrinkWait = watcher.DefaultShrinkWait // a shorter one: editors truncate before they write
	vanishWait = watcher.DefaultVanishWait // none: editors move a file away before they put the new one there
	settleMost = 3 * time.Second           // and how long a file may keep changing
)

// settle reads files again until what differs from what was known has been the same for long enough.
func (c *Coordinator) settle(ctx context.Context, files []project.File) ([]project.File, error) {
	began := time.Now()
	now := map[string]project.File{}
	for _, f := range files {
		now[f.Path] = f
	}
	since := map[string]time.Time{}
	for {
		var unsettled []string
		for path := range c.differing(now) {
			if _, seen := since[path]; !seen {
				since[path] = time.Now()
			}
			if time.Since(since[path]) < c.patience(path, now[path]) {
				unsettled = append(unsettled, path)
			}
		}
		if len(unsettled) == 0 {
			return slices.SortedFunc(maps.Values(now), func(a, b project.File) int { return strings.Compare(a.Path, b.Path) }), nil
		}
		if time.Since(began) > settleMost {
			return nil, Errorf(CodeConflict, "%s is still being written: try again when it is done", unsettled[0])
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(changeWait / 2):
		}
		for _, path := range unsettled {
			again := c.files.Read(path)
			if before := now[path]; again.Same(before) && again.Exists == before.Exists {
				continue
			}
			delete(since, path)
			delete(now, path)
			if again.Exists || again.Err != nil {
				now[path] = again
			}
		}
	}
}

// differing returns the paths at which the disk is not what is known: by the last look while the folders are watched,
// else by what is applied.
func (c *Coordinator) differing(now map[string]project.File) map[string]bool {
	paths := map[string]bool{}
	for path, f := range now {
		if hash, _ := c.knownText(path); f.Err == nil && hash != f.Hash {
			paths[path] = true
		}
	}
	for path := range c.desired {
		if _, there := now[path]; !there && !c.away(path) {
			paths[path] = true
		}
	}
	for path, v := range c.applied {
		if _, there := now[path]; !there && v.Hash != "" && !c.options.Watch && !c.away(path) {
			paths[path] = true
		}
	}
	return paths
}

// patience is how long a difference must last before it counts.
func (c *Coordinator) patience(path string, f project.File) time.Duration {
	_, size := c.knownText(path)
	switch {
	case !f.Exists:
		return vanishWait
	case len(f.Data) < size:
		return shrinkWait
	}
	return changeWait
}

// knownText returns the hash and size of a file as it is known; empty for none.
func (c *Coordinator) knownText(path string) (hash string, size int) {
	if c.options.Watch {
		if f := c.desired[path]; f != nil {
			return f.Hash, len(f.Data)
		}
		return "", 0
	}
	if v := c.applied[path]; v != nil && v.doc != nil {
		return v.Hash, len(v.doc.Raw)
	}
	return "", 0
}

// forget drops files that are not on disk any more. Where a whole source folder is missing nothing is said about the
// files in it: a folder that is away for a moment must not look like many removed files.
func (c *Coordinator) forget(files []project.File) {
	present := map[string]bool{}
	for _, f := range files {
		present[f.Path] = true
	}
	for path := range c.desired {
		if !present[path] && !c.away(path) {
			delete(c.desired, path)
		}
	}
}

// away reports whether a file lies in a source folder that is missing.
func (c *Coordinator) away(path string) bool {
	return slices.ContainsFunc(c.missing, func(dir string) bool { return strings.HasPrefix(path, dir+"/") })
}

// take loads one file unless it is the one that is known.
func (c *Coordinator) take(f project.File) {
	if !f.Exists && f.Err == nil {
		delete(c.desired, f.Path)
		return
	}
	if known := c.desired[f.Path]; known != nil && known.Err == nil && f.Err == nil && known.Hash == f.Hash {
		return
	}
	s := &saved{File: f}
	switch applied := c.applied[f.Path]; {
	case !utf8.ValidString(f.Path):
		s.problems = []document.Problem{{
			File: f.Path, Line: 1, Column: 1, Code: "invalid_name", Message: "the name of the file is not UTF-8", Hint: "rename the file",
		}}
	case f.Err != nil:
		s.problems = []document.Problem{fileProblem(f)}
	case applied != nil && applied.doc != nil && applied.Hash == f.Hash:
		s.doc = applied.doc
	default:
		s.doc, s.problems = c.loader.Load(f.Path, f.Data)
	}
	c.desired[f.Path] = s
}

func fileProblem(f project.File) document.Problem {
	p := document.Problem{File: f.Path, Line: 1, Column: 1, Code: "unreadable_file", Message: f.Err.Error(), Hint: "make it a regular file that can be read"}
	var detail *project.FileError
	if errors.As(f.Err, &detail) {
		p.Message, p.Hint = detail.Message, detail.Hint
	}
	return p
}

// evaluate works out what waits, what is held and what is wrong between files. The changes have their text grades
// until a plan is made.
func (c *Coordinator) evaluate(ctx context.Context) {
	before := c.waiting
	c.waiting, c.held, c.cross = map[string]*pending{}, map[string]Held{}, map[string][]document.Problem{}
	paths := map[string]bool{}
	for path := range c.desired {
		paths[path] = true
	}
	for path, v := range c.applied {
		if v.Hash != "" {
			paths[path] = true
		}
	}
	c.checkSet()
	for path := range paths {
		p := c.difference(path)
		if p == nil {
			continue
		}
		if held, ok := c.heldBack(ctx, p); ok {
			c.held[path] = held
			continue
		}
		if known := before[path]; known != nil && known.hash == p.hash && known.doc == p.doc && known.base == p.base && known.event == p.event {
			p = known
		}
		c.waiting[path] = p
	}
	c.joinMoves()
	for _, p := range c.waiting {
		if p.changes == nil {
			p.changes = c.textChanges(p)
		}
	}
	c.publishStatus()
}

// joinMoves lets a removal that was rolled back before wait again when another file that waits carries its content type
// on: the two halves of a move belong together.
func (c *Coordinator) joinMoves() {
	coming := map[string]bool{}
	for _, p := range c.waiting {
		if id := entityID(p.doc); id != "" && id != entityID(c.appliedDoc(p.path)) {
			coming[id] = true
		}
	}
	for path, h := range c.held {
		if c.desired[path] == nil && h.Reason == "rolled_back" && coming[entityID(c.appliedDoc(path))] {
			c.waiting[path] = c.difference(path)
			delete(c.held, path)
		}
	}
}

// difference compares one file on disk with its applied version; nil when they are equal or the file is invalid.
func (c *Coordinator) difference(path string) *pending {
	applied, onDisk := c.applied[path], c.desired[path]
	present := applied != nil && applied.Hash != ""
	switch {
	case onDisk == nil && (!present || c.away(path)):
		return nil
	case onDisk == nil:
		kind, _ := c.loader.Kind(path)
		return &pending{path: path, event: diff.FileRemoved, kind: kind, base: c.number(path)}
	case onDisk.doc == nil, len(c.cross[path]) > 0, present && applied.Hash == onDisk.Hash:
		return nil
	}
	p := &pending{path: path, event: diff.FileModified, kind: onDisk.doc.Kind, hash: onDisk.Hash, doc: onDisk.doc, base: c.number(path)}
	if !present {
		p.event = diff.FileAdded
	}
	return p
}

// checkSet finds what is wrong between the files on disk. A file that did not change stays valid when only what it
// refers to is on its way out: the removal is what cannot be applied.
func (c *Coordinator) checkSet() {
	docs := make([]*document.Document, 0, len(c.desired))
	for path := range c.desired {
		if d := c.stands(path); d != nil {
			docs = append(docs, d)
		}
	}
	for path, v := range c.applied {
		if c.desired[path] == nil && v.doc != nil && c.away(path) {
			docs = append(docs, v.doc)
		}
	}
	c.between = document.Check(docs)
	for _, problem := range c.between {
		onDisk, applied := c.desired[problem.File], c.applied[problem.File]
		if onDisk == nil || onDisk.doc == nil {
			continue // its last good version stands in for it
		}
		if problem.Code == unknownEntity && applied != nil && applied.Hash == onDisk.Hash {
			continue
		}
		c.cross[problem.File] = append(c.cross[problem.File], problem)
	}
}

// unknownEntity is the problem of a reference to an entity that no file describes.
const unknownEntity = "unknown_entity"

// stands returns the document that counts for a file: the one on disk, or its last good version when that is invalid.
func (c *Coordinator) stands(path string) *document.Document {
	if f := c.desired[path]; f != nil && f.doc != nil {
		return f.doc
	}
	if v := c.applied[path]; v != nil {
		return v.doc
	}
	return nil
}

// heldBack says whether a content is kept out: a person rejected it, or it was rolled back before.
func (c *Coordinator) heldBack(ctx context.Context, p *pending) (Held, bool) {
	if h, ok := c.holds[p.path]; ok && h.Hash == p.hash {
		return Held{File: p.path, Reason: "rejected", At: h.At, By: h.Actor, Note: h.Note}, true
	}
	if c.applied[p.path] == nil {
		return Held{}, false // a file without history cannot have been rolled back
	}
	back := false
	err := c.db.Read(ctx, func(q database.Querier) (err error) {
		back, err = c.store.WasRolledBack(ctx, q, p.path, p.hash)
		return err
	})
	if err != nil {
		// Kept out rather than applied by mistake; the database's trouble is shown in the status.
		c.trust(err)
		return Held{File: p.path, Reason: "rolled_back"}, true
	}
	return Held{File: p.path, Reason: "rolled_back"}, back
}

// textChanges is what the text alone says about a file that waits.
func (c *Coordinator) textChanges(p *pending) []diff.Head {
	heads := []diff.Head{}
	for _, change := range diff.Documents(c.appliedDoc(p.path), p.doc, diff.Hints{}) {
		heads = append(heads, change.Describe())
	}
	return heads
}

func (c *Coordinator) appliedDoc(path string) *document.Document {
	if v := c.applied[path]; v != nil {
		return v.doc
	}
	return nil
}

// fingerprint tells two states of the files apart, so that nothing is announced twice.
func (c *Coordinator) fingerprint() string {
	var b strings.Builder
	for _, path := range slices.Sorted(maps.Keys(c.waiting)) {
		b.WriteString(path + "=" + c.waiting[path].hash + ";")
	}
	for _, path := range slices.Sorted(maps.Keys(c.held)) {
		b.WriteString("held " + path + ";")
	}
	for _, path := range slices.Sorted(maps.Keys(c.desired)) {
		for _, p := range append(c.desired[path].problems, c.cross[path]...) {
			b.WriteString(p.String() + ";")
		}
	}
	for _, dir := range c.missing {
		b.WriteString("missing " + dir + ";")
	}
	return b.String()
}

// announce tells the subscribers that something about the files changed.
func (c *Coordinator) announce() {
	status := c.view.Load()
	c.hub.Publish(event.Changes, status.SnapshotVersion, map[string]any{
		"pending": len(status.PendingChanges), "invalid": len(status.InvalidFiles), "held": len(status.HeldFiles), "drift": status.Drift.Differences,
		"state": status.State,
	})
}

// notePending keeps the waiting versions in file_versions as they are now. They are bookkeeping for whoever looks at
// the table: a failure is logged and made good at the next change.
func (c *Coordinator) notePending(ctx context.Context) {
	if c.options.ReadOnly {
		return
	}
	wanted, same := map[string]history.Version{}, c.rowsKnown && len(c.rows) == len(c.waiting)
	rows := map[string]string{}
	for path, p := range c.waiting {
		wanted[path] = history.Version{Number: c.number(path) + 1, Hash: p.hash, Executed: "[]", Rollback: "[]"}
		rows[path] = p.hash
		if hash, ok := c.rows[path]; !ok || hash != p.hash {
			same = false
		}
	}
	if same {
		return
	}
	err := c.db.Write(ctx, func(q database.Querier) error { return c.store.SetPending(ctx, q, wanted) })
	if err != nil {
		c.rowsKnown = false
		c.log.Warn("note what waits", "error", err)
		return
	}
	c.rows, c.rowsKnown = rows, true
}

// number is the newest version of a file, 0 for none.
func (c *Coordinator) number(path string) int {
	if v := c.applied[path]; v != nil {
		return v.Number
	}
	return 0
}
