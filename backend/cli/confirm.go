package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"marain/backend/coordinator"
)

// confirm shows a question on standard error and asks a person at a terminal to type a word. Whatever else is typed is a
// no. Without a terminal it is wrong usage: then a flag must say it.
func (inv *invocation) confirm(ctx context.Context, word, flag string, question func(p *printer)) error {
	if _, terminal := size(inv.env.Stdin); !terminal {
		return usagef("there is no terminal to ask at; look at it with --dry-run, then give "+flag, "this must be confirmed")
	}
	p := newPrinter(inv.env, inv.env.Stderr)
	question(p)
	p.line("Type ", bold.is("%s", word), " to go on; anything else stops.")
	if err := p.flush(); err != nil {
		return err
	}
	typed, err := inv.readLine(ctx)
	if err != nil {
		return err
	}
	if strings.TrimSpace(typed) != word {
		return coordinator.Errorf(coordinator.CodeBlocked, "not confirmed: nothing was changed")
	}
	return nil
}

// readLine reads one line of standard input, or gives up when ctx ends.
func (inv *invocation) readLine(ctx context.Context) (string, error) {
	type answer struct {
		text string
		err  error
	}
	read := make(chan answer, 1)
	go func() {
		text, err := bufio.NewReader(inv.env.Stdin).ReadString('\n')
		if errors.Is(err, io.EOF) {
			err = nil
		}
		read <- answer{text, err}
	}()
	select {
	case a := <-read:
		if a.err != nil {
			return "", fmt.Errorf("read the answer: %w", a.err)
		}
		return a.text, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}
