package api

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"marain/backend/coordinator"
	"marain/backend/event"
)

// events streams what happens as server-sent events until the caller or the server goes away. Each has its sequence
// number as id; a caller that sends the last one it saw in Last-Event-ID gets what it missed, or a reset when that is
// gone. A caller that does not read is cut by the write deadline.
func (s *Server) events(w http.ResponseWriter, r *http.Request) error {
	after, resume, err := lastEvent(r.Header)
	if err != nil {
		return err
	}
	select {
	case s.streams <- struct{}{}:
		defer func() { <-s.streams }()
	default:
		return fail(http.StatusServiceUnavailable, coordinator.CodeConflict, "there are %d event streams already: close one", s.MaxStreams).
			with("Retry-After", "5")
	}
	control := http.NewResponseController(w)
	if err := control.SetReadDeadline(time.Time{}); err != nil {
		return fmt.Errorf("keep the event stream open: %w", err)
	}
	subscription := s.engine.Subscribe(after, !resume)
	defer subscription.Close()

	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	w.Header().Set("X-Accel-Buffering", "no")
	if err := s.send(w, control, ": connected\nretry: 1000\n\n"); err != nil {
		return err
	}
	beat := time.NewTicker(s.Heartbeat)
	defer beat.Stop()
	for {
		var text string
		select {
		case <-r.Context().Done():
			return nil
		case <-s.closing:
			return nil
		case happened, open := <-subscription.C():
			if !open {
				return nil
			}
			if text, err = frame(happened); err != nil {
				return err
			}
		case <-beat.C:
			text = ": still here\n\n"
		}
		if err := s.send(w, control, text); err != nil {
			return err
		}
	}
}

// send writes a piece of the stream at once.
func (s *Server) send(w http.ResponseWriter, control *http.ResponseController, text string) error {
	s.limitWrite(w)
	if _, err := w.Write([]byte(text)); err != nil {
		return fmt.Errorf("write to the event stream: %w", err)
	}
	if err := control.Flush(); err != nil {
		return fmt.Errorf("write to the event stream: %w", err)
	}
	return nil
}

// frame returns an event in the form of the stream. JSON has no line breaks of its own, so one data line holds it.
func frame(happened event.Event) (string, error) {
	data, err := Marshal(happened)
	if err != nil {
		return "", fmt.Errorf("encode event %d: %w", happened.Seq, err)
	}
	return fmt.Sprintf("id: %d\nevent: %s\ndata: %s\n\n", happened.Seq, happened.Type, data), nil
}

// lastEvent returns the sequence number to go on after, and whether there is one.
func lastEvent(header http.Header) (after uint64, resume bool, err error) {
	text := header.Get("Last-Event-ID")
	if text == "" {
		return 0, false, nil
	}
	after, parseErr := strconv.ParseUint(text, 10, 64)
	if parseErr != nil {
		return 0, false, invalid("Last-Event-ID must be the sequence number of an event")
	}
	return after, true, nil
}
