package api

import (
	"context"

	"marain/backend/coordinator"
)

func (s *Server) drift(ctx context.Context, _ *call) (any, error) { return s.engine.Drift(ctx) }

func (s *Server) repair(ctx context.Context, call *call) (any, error) {
	req, err := decode[coordinator.RepairRequest](call.body)
	if err != nil {
		return nil, err
	}
	return s.engine.Repair(ctx, req, call.by)
}
