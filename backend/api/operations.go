package api

import (
	"context"
	_ "embed"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"marain/backend/coordinator"
	"marain/backend/diff"
)

// maxLimit is the most batches that one page of history has.
const maxLimit = 200

//go:embed openapi.json
var openAPI []byte

// OpenAPI returns the OpenAPI 3.1 document of the API, as JSON.
func OpenAPI() []byte { return slices.Clone(openAPI) }

func (s *Server) openAPI(context.Context, *call) (any, error) { return json.RawMessage(openAPI), nil }

func (s *Server) status(ctx context.Context, _ *call) (any, error) { return s.engine.Status(ctx) }

func (s *Server) diff(ctx context.Context, call *call) (any, error) {
	req, err := decode[coordinator.DiffRequest](call.body)
	if err != nil {
		return nil, err
	}
	return s.engine.Diff(ctx, req)
}

func (s *Server) reload(ctx context.Context, call *call) (any, error) {
	req, err := decode[coordinator.ReloadRequest](call.body)
	if err != nil {
		return nil, err
	}
	if req.Approve != "" {
		if _, err := diff.ParseCategory(req.Approve); err != nil {
			return nil, invalid("approve: %s", err)
		}
	}
	return s.engine.Reload(ctx, req, call.by)
}

func (s *Server) history(ctx context.Context, call *call) (any, error) {
	req := coordinator.HistoryRequest{
		File:   call.query.Get("file_path"),
		Status: call.query.Get("status"),
		Before: call.query.Get("before"),
	}
	statuses := []string{"", "applied", "rolled_back", "failed", "rejected"}
	if !slices.Contains(statuses, req.Status) {
		return nil, invalid("%q is not a status: use %s", req.Status, strings.Join(statuses[1:], ", "))
	}
	if text := call.query.Get("limit"); text != "" {
		limit, err := strconv.Atoi(text)
		if err != nil || limit < 1 || limit > maxLimit {
			return nil, invalid("limit must be a whole number from 1 to %d", maxLimit)
		}
		req.Limit = limit
	}
	return s.engine.History(ctx, req)
}

func (s *Server) batch(ctx context.Context, call *call) (any, error) {
	against := call.query.Get("against")
	if against != "" && against != "now" {
		return nil, invalid("against must be now, or left out for the version before")
	}
	return s.engine.Batch(ctx, call.segment, against == "now")
}

func (s *Server) rollback(ctx context.Context, call *call) (any, error) {
	req, err := decode[coordinator.RollbackRequest](call.body)
	if err != nil {
		return nil, err
	}
	return s.engine.Rollback(ctx, req, call.by)
}

func (s *Server) cancel(ctx context.Context, call *call) (any, error) {
	req, err := decode[coordinator.CancelRequest](call.body)
	if err != nil {
		return nil, err
	}
	return s.engine.Cancel(ctx, req, call.by)
}

func (s *Server) reject(ctx context.Context, call *call) (any, error) {
	req, err := decode[coordinator.RejectRequest](call.body)
	if err != nil {
		return nil, err
	}
	return s.engine.Reject(ctx, req, call.by)
}

// draftList is the answer with the drafts.
type draftList struct {
	Items []coordinator.Draft `json:"items"`
}

func (s *Server) drafts(ctx context.Context, _ *call) (any, error) {
	items, err := s.engine.Drafts(ctx)
	if err != nil {
		return nil, err
	}
	return draftList{Items: items}, nil
}

// draftRequest names a draft.
type draftRequest struct {
	ID string `json:"id"`
}

func (s *Server) restoreDraft(ctx context.Context, call *call) (any, error) {
	req, err := decode[draftRequest](call.body)
	if err != nil {
		return nil, err
	}
	if req.ID == "" {
		return nil, invalid("id is missing: name the draft to bring back")
	}
	return s.engine.RestoreDraft(ctx, req.ID, call.by)
}

func (s *Server) tombstones(ctx context.Context, _ *call) (any, error) {
	return s.engine.Tombstones(ctx)
}

func (s *Server) purge(ctx context.Context, call *call) (any, error) {
	req, err := decode[coordinator.PurgeRequest](call.body)
	if err != nil {
		return nil, err
	}
	if (len(req.IDs) == 0) == (req.OlderThanDays == nil) {
		return nil, invalid("give exactly one of: ids, older_than_days")
	}
	return s.engine.Purge(ctx, req, call.by)
}

func (s *Server) backups(ctx context.Context, _ *call) (any, error) { return s.engine.Backups(ctx) }

func (s *Server) validate(ctx context.Context, call *call) (any, error) {
	return s.engine.Validate(ctx, call.query["file_path"])
}

func (s *Server) verify(ctx context.Context, _ *call) (any, error) { return s.engine.Verify(ctx) }
