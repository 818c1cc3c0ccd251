package bench

import (
	"context"
	"fmt"
	"testing"

	"marain/backend/project"
	"marain/tests/cluster"

	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib"
)

// server starts a PostgreSQL server whose commits wait for the disk, until the benchmark ends.
func server(b *testing.B) *cluster.Cluster {
	b.Helper()
	c, err := cluster.OpenDurable(context.Background())
	must(b, err)
	b.Cleanup(func() { must(b, c.Close()) })
	return c
}

// BenchmarkPostgresFloor is BenchmarkFloor on a server: the statements of the transaction go in one message, and so
// does its end.
func BenchmarkPostgresFloor(b *testing.B) {
	for _, size := range sizes {
		b.Run(size.name, func(b *testing.B) { serverFloor(b, size.bytes, size.entities) })
	}
}

func serverFloor(b *testing.B, bytes, entities int) {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, server(b).URL("postgres"))
	must(b, err)
	defer func() { must(b, conn.Close(ctx)) }()
	_, err = conn.Exec(ctx, "CREATE TABLE versions (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, hash TEXT, body TEXT)")
	must(b, err)
	for i := range entities {
		_, err = conn.Exec(ctx, fmt.Sprintf("CREATE TABLE t%d (id TEXT PRIMARY KEY)", i))
		must(b, err)
	}
	byHand(b, b.TempDir(), bytes, func(i int, hash, raw string) {
		batch := &pgx.Batch{}
		batch.Queue("BEGIN")
		batch.Queue(fmt.Sprintf("ALTER TABLE t0 ADD COLUMN c%d TEXT", i))
		batch.Queue("INSERT INTO versions (hash, body) VALUES ($1, $2)", hash, raw)
		must(b, conn.SendBatch(ctx, batch).Close())
		_, err := conn.Exec(ctx, "COMMIT")
		must(b, err)
	})
}

// BenchmarkPostgresSaveToLive is BenchmarkSaveToLive on a server.
func BenchmarkPostgresSaveToLive(b *testing.B) {
	for _, size := range sizes {
		b.Run(size.name, func(b *testing.B) {
			address := server(b).URL("postgres")
			at := place{
				root: b.TempDir(), driver: "pgx", source: address,
				getenv: func(name string) string {
					if name == project.EnvDatabase {
						return address
					}
					return ""
				},
				column: "SELECT count(*) FROM information_schema.columns WHERE table_name = 'content_saved' AND column_name = '%s'",
			}
			engine(b, at, size.bytes, size.entities, "all", live)
		})
	}
}
