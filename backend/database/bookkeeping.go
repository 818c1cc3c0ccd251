package database

// SchemaVersion is the version of the bookkeeping tables that this program writes. A database with a higher one was
// written by a newer program and is opened read-only.
const SchemaVersion = 1

// bookkeeping is kept in the same database as the content, so that it commits with the change it records. Times are
// RFC 3339 text in UTC; they are for display, the order comes from marain_audit.seq.
var bookkeeping = []string{
	`CREATE TABLE IF NOT EXISTS file_versions (
	id TEXT PRIMARY KEY,
	file_path TEXT NOT NULL,
	version INTEGER NOT NULL,
	file_hash TEXT NOT NULL,
	action_id TEXT NOT NULL,
	applied_at TEXT NOT NULL,
	applied_by TEXT NOT NULL,
	actions_executed TEXT NOT NULL,
	rollback_actions TEXT NOT NULL,
	status TEXT NOT NULL CHECK (status IN ('pending', 'applied', 'rolled_back')),
	UNIQUE (file_path, version)
)`,
	`CREATE INDEX IF NOT EXISTS idx_file_versions_path ON file_versions (file_path)`,
	`CREATE INDEX IF NOT EXISTS idx_file_versions_status ON file_versions (status)`,
	`CREATE INDEX IF NOT EXISTS idx_file_versions_action ON file_versions (action_id)`,
	// The bytes of every version by hash; sealed says that they are encrypted with the project's key.
	`CREATE TABLE IF NOT EXISTS marain_contents (
	hash TEXT PRIMARY KEY,
	sealed INTEGER NOT NULL,
	size INTEGER NOT NULL,
	body TEXT NOT NULL
)`,
	// The audit chain: one row for each batch and each refusal, each linked to the one before.
	`CREATE TABLE IF NOT EXISTS marain_audit (
	seq INTEGER PRIMARY KEY,
	action_id TEXT NOT NULL UNIQUE,
	kind TEXT NOT NULL,
	at TEXT NOT NULL,
	actor TEXT NOT NULL,
	note TEXT NOT NULL,
	record TEXT NOT NULL,
	previous TEXT NOT NULL,
	hash TEXT NOT NULL
)`,
	// Which incarnation of an entity (field empty) or a field was in use from one batch until another.
	`CREATE TABLE IF NOT EXISTS marain_lives (
	entity TEXT NOT NULL,
	field TEXT NOT NULL,
	tag TEXT NOT NULL,
	since INTEGER NOT NULL,
	until INTEGER,
	PRIMARY KEY (entity, field, since)
)`,
	`CREATE TABLE IF NOT EXISTS marain_tombstones (
	id TEXT PRIMARY KEY,
	kind TEXT NOT NULL,
	entity TEXT NOT NULL,
	entity_tag TEXT NOT NULL,
	field TEXT NOT NULL,
	tag TEXT NOT NULL,
	action_id TEXT NOT NULL,
	shape TEXT NOT NULL,
	life TEXT NOT NULL,
	of_tag TEXT NOT NULL,
	fill TEXT NOT NULL,
	seq INTEGER NOT NULL,
	ended INTEGER,
	ended_by TEXT NOT NULL DEFAULT ''
)`,
	// From which incarnation another one was filled when a type, a cardinality or a rule changed.
	`CREATE TABLE IF NOT EXISTS marain_origins (
	tag TEXT PRIMARY KEY,
	origin TEXT NOT NULL
)`,
	// Files still to be written: body_hash empty removes the file. Written with the batch, deleted when the file is there.
	// The folder is the project's, on one of the machines that share the database; empty: any.
	`CREATE TABLE IF NOT EXISTS marain_outbox (
	id INTEGER PRIMARY KEY,
	action_id TEXT NOT NULL,
	file_path TEXT NOT NULL,
	expected_hash TEXT NOT NULL,
	body_hash TEXT NOT NULL,
	folder TEXT NOT NULL DEFAULT ''
)`,
	`CREATE TABLE IF NOT EXISTS marain_held (
	file_path TEXT PRIMARY KEY,
	file_hash TEXT NOT NULL,
	action_id TEXT NOT NULL,
	at TEXT NOT NULL,
	actor TEXT NOT NULL,
	note TEXT NOT NULL
)`,
	`CREATE TABLE IF NOT EXISTS marain_drafts (
	id TEXT PRIMARY KEY,
	file_path TEXT NOT NULL,
	file_hash TEXT NOT NULL,
	size INTEGER NOT NULL,
	action_id TEXT NOT NULL,
	at TEXT NOT NULL
)`,
	`CREATE TABLE IF NOT EXISTS marain_meta (
	name TEXT PRIMARY KEY,
	value TEXT NOT NULL
)`,
}
