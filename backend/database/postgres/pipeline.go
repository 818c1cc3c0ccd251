package postgres

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// held is a statement of the bookkeeping that is not sent yet: nobody has asked for its result. Many of them travel
// together, with whatever comes next, and the last ones with the commit. When one fails the server runs none of those
// behind it, the commit included.
type held struct {
	q     *querier
	ctx   context.Context // of the caller, for whoever asks for the result
	query string
	args  []any
	done  bool
	rows  int64
	err   error
}

var _ sql.Result = (*held)(nil)

// LastInsertId is something that PostgreSQL does not have.
func (h *held) LastInsertId() (int64, error) {
	return 0, errors.New("PostgreSQL has no last id")
}

// RowsAffected sends what is held up to now.
func (h *held) RowsAffected() (int64, error) {
	if !h.done {
		if err := h.q.prepare(h.ctx, h.args); err != nil && !h.done {
			return 0, err
		}
	}
	return h.rows, h.err
}

// hold keeps a statement back, if it is one of those whose tables never change and whose plan the server keeps.
func (q *querier) hold(ctx context.Context, query string, args []any) (*held, bool) {
	if q.reading || q.db.pooler || len(args) == 0 || !fixed.MatchString(query) {
		return nil, false
	}
	h := &held{q: q, ctx: ctx, query: query, args: args}
	q.queue = append(q.queue, h)
	return h, true
}

// send is one request on its way.
type send struct {
	prepared *pgconn.StatementDescription // nil: the text, without parameters
	text     string
	held     *held
}

// flush sends what is held, and behind it the texts, in one message. It returns the server's word for the last one.
func (q *querier) flush(ctx context.Context, c *pgx.Conn, texts ...string) (last string, err error) {
	queue := q.queue
	q.queue = nil
	list := make([]send, 0, len(queue)+len(texts))
	for _, h := range queue {
		numbered := numbered(h.query)
		sum := sha256.Sum256([]byte(numbered))
		sd, err := c.Prepare(ctx, "marain_"+hex.EncodeToString(sum[:12]), numbered)
		if err != nil {
			return "", h.failed(err)
		}
		list = append(list, send{prepared: sd, held: h})
	}
	for _, text := range texts {
		list = append(list, send{text: text})
	}
	if len(list) == 0 {
		return "", nil
	}
	return q.pipe(ctx, c, list)
}

func (q *querier) pipe(ctx context.Context, c *pgx.Conn, list []send) (last string, err error) {
	pipeline := c.PgConn().StartPipeline(ctx)
	defer func() {
		if ended := discreet(pipeline.Close()); err == nil {
			err = ended
		}
	}()
	for _, s := range list {
		if s.prepared == nil {
			pipeline.SendQueryParams(s.text, nil, nil, nil, nil)
			continue
		}
		var b pgx.ExtendedQueryBuilder
		if err := b.Build(c.TypeMap(), s.prepared, s.held.args); err != nil {
			return "", s.held.failed(err)
		}
		pipeline.SendQueryPrepared(s.prepared.Name, b.ParamValues, b.ParamFormats, b.ResultFormats)
	}
	if err := pipeline.Sync(); err != nil {
		return "", err
	}
	for _, s := range list {
		tag, err := next(pipeline)
		if err != nil && s.held != nil {
			return "", s.held.failed(err)
		} else if err != nil {
			return "", err
		}
		last = tag.String()
		if s.held != nil {
			s.held.done, s.held.rows = true, tag.RowsAffected()
		}
	}
	return last, nil
}

// next reads the result of the next request of a pipeline.
func next(pipeline *pgconn.Pipeline) (pgconn.CommandTag, error) {
	results, err := pipeline.GetResults()
	if err != nil {
		return pgconn.CommandTag{}, discreet(err)
	}
	reader, ok := results.(*pgconn.ResultReader)
	if !ok {
		return pgconn.CommandTag{}, fmt.Errorf("the server answers with %T", results)
	}
	tag, err := reader.Close()
	return tag, discreet(err)
}

// failed names the statement in an error that somebody else gets to see. Values are no part of its text.
func (h *held) failed(err error) error {
	h.done, h.err = true, fmt.Errorf("%s: %w", h.query, discreet(err))
	h.q.failure = h.err
	return h.err
}
