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

func (s *Server) adopt(ctx context.Context, call *call) (any, error) {
	req, err := decode[coordinator.AdoptRequest](call.body)
	if err != nil {
		return nil, err
	}
	return s.engine.Adopt(ctx, req, call.by)
}
