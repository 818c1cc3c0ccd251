package coordinator_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

// shared lets several processes of this very program run the sequences, each its share, and tells what they said.
func shared(t *testing.T, processes, first, sequences int) {
	var all sync.WaitGroup
	for i := range processes {
		from, to := sequences*i/processes, sequences*(i+1)/processes
		if from == to {
			continue
		}
		all.Go(func() {
			// The process ends by itself when nothing is left to do, and with this one when that is killed.
			command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestNothingIsLost$", "-test.v", "-test.timeout=0")
			command.Env = append(os.Environ(), envProcesses+"=1", fmt.Sprintf("%s=%d", envSeed, first+from), fmt.Sprintf("%s=%d", envSequences, to-from))
			var out bytes.Buffer
			command.Stdout, command.Stderr = &out, os.Stderr
			err := command.Run()
			if err != nil {
				t.Errorf("numbers %d to %d: %v\n%s", first+from, first+to-1, err, failures(out.String()))
				return
			}
			for line := range strings.Lines(out.String()) {
				if _, said, found := strings.Cut(line, "_test.go:"); found && strings.Contains(said, " sequences of ") {
					_, text, _ := strings.Cut(said, ": ")
					t.Log(strings.TrimSpace(text))
				}
			}
		})
	}
	all.Wait()
}

// failures leaves out what the sequences that passed have printed.
func failures(out string) string {
	const most = 200_000 // bytes: of many failures, the last ones
	if i := strings.Index(out, "failed after"); i >= 0 {
		out = out[i:]
	}
	if len(out) > most {
		out = out[len(out)-most:]
	}
	return out
}
