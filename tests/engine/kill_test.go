package engine

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// variant is the content type with some of its fields: what an apply loop goes to and fro between.
func variant(i int) string {
	text := article
	for k := range 6 {
		if (i>>k)&1 == 1 {
			text += fmt.Sprintf("  - id: extra_%d\n    type: text\n    indexed: %t\n", k, k%2 == 0)
		}
	}
	if i%5 == 0 {
		text = strings.Replace(text, "  - id: body\n    type: long_text\n", "", 1)
	}
	return text
}

// A kill at any moment leaves a batch whole or not there at all: 50 of them, half in applies and half in rollbacks.
func TestKilledCommandsLeaveEverythingSound(t *testing.T) { onBoth(t, "none", killedCommands) }

func killedCommands(t *testing.T, p *place) {
	if exit := p.marain(nil, "apply", "--approve", "breaking"); exit != 0 {
		t.Fatalf("first apply: %d", exit)
	}
	killed := 0
	for i := 1; i <= 50; i++ {
		args := []string{"apply", "--approve", "breaking"}
		if i%2 == 0 {
			var h past
			p.marain(&h, "history", "--limit", "1")
			args = []string{"rollback", "--to", h.Items[0].ActionID}
			if len(h.Items) > 0 && i%4 == 0 {
				args = []string{"rollback", "--file", articleFile, "--version", "1"}
			}
		}
		p.write(articleFile, variant(i))
		cmd := p.command(args...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(time.Duration(rand.IntN(30_000))*time.Microsecond, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait() // it was killed, or it was faster
		timer.Stop()
		if cmd.ProcessState.ExitCode() == -1 {
			killed++
		}
		// The next start finishes file writes that the kill cut off; then everything must agree.
		var st status
		p.marain(&st, "apply", "--dry-run")
		p.sound(fmt.Sprintf("kill %d of %v", i, args))
	}
	if killed < 10 {
		t.Errorf("only %d of 50 commands were killed before their end: the test proves too little", killed)
	}
}

// A server that is killed while files are saved finds everything again.
func TestKilledServerFindsEverythingAgain(t *testing.T) { onBoth(t, "all", killedServer) }

func killedServer(_ *testing.T, p *place) {
	for i := range 10 {
		s := p.serve()
		s.until("the start", func(st status) bool { return st.Snapshot > 0 })
		for k := range 1 + rand.IntN(4) {
			p.write(articleFile, variant(i*7+k))
			wait := time.NewTimer(time.Duration(rand.IntN(60)) * time.Millisecond)
			<-wait.C
		}
		s.kill()
		p.sound(fmt.Sprintf("kill %d", i))
	}
	s := p.serve()
	p.write(articleFile, article)
	s.until("an apply after the kills", func(st status) bool { return st.Snapshot > 0 && len(st.Invalid) == 0 })
}
