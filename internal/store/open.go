// Package store keeps what drbot must remember: records of runs, the audit log,
// intents, what is still to be said in Slack, readings and drift reports. One
// database by URL, SQLite or PostgreSQL, shared with the workflow engine's tables.
package store

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	_ "github.com/jackc/pgx/v5/stdlib" // PostgreSQL driver
	_ "modernc.org/sqlite"             // SQLite driver

	"github.com/drbot/drbot/dr"
)

// Store is the open database. It is safe for concurrent use. Each of its parts is told by
// what it keeps; all of them work on one handle.
type Store struct {
	*database
	Records
	*AuditTrail
	Ledger
	Outbox
	Reports

	asItIs bool
	fresh  bool
}

// newStore joins the parts on a handle that is not open yet.
func newStore(url string, log *slog.Logger) *Store {
	d := &database{url: url, postgres: isPostgres(url)}
	trail := &AuditTrail{database: d, log: log}
	return &Store{database: d, Records: Records{d, trail}, AuditTrail: trail, Ledger: Ledger{d, trail}, Outbox: Outbox{d, trail}, Reports: Reports{d}}
}

// Option changes how a database is opened.
type Option func(*Store)

// WithAuditKey has the hashes of the audit log made with a key, which is not kept in
// the database. Keys it had before only verify.
func WithAuditKey(key []byte, former ...[]byte) Option {
	return func(s *Store) { s.keys = append([][]byte{key}, former...) }
}

// WithAuditHead has the head of the audit log kept in a file as well.
func WithAuditHead(path string) Option { return func(s *Store) { s.headPath = path } }

// AsItIs is for commands beside the server: the database must be there, and its tables
// are not brought up to date under a server that may be of another version.
func AsItIs() Option { return func(s *Store) { s.asItIs = true } }

// Open opens the database of a URL, "sqlite:PATH" or "postgres://...", and
// brings its tables up to date. With durable set it refuses a SQLite file on a
// file system that does not survive the host or does not lock.
func Open(ctx context.Context, url string, durable bool, log *slog.Logger, opts ...Option) (*Store, error) {
	s := newStore(url, log)
	for _, o := range opts {
		o(s)
	}
	err := checkURL(url)
	if err == nil && !s.postgres {
		err = s.ready(ctx, SQLitePath(url), durable)
	}
	if err != nil {
		return nil, err
	}
	if s.db, err = connect(url); err != nil {
		return nil, err
	}
	if err := s.migrate(ctx, s.asItIs); err != nil {
		return nil, errors.Join(failed("prepare the database", scrub(err, url)), s.Close())
	}
	err = s.db.QueryRowContext(ctx, `SELECT NOT EXISTS (SELECT 1 FROM drbot_runs) AND NOT EXISTS (SELECT 1 FROM drbot_audit)`).Scan(&s.fresh)
	if err != nil {
		return nil, errors.Join(failed("look whether the database is empty", scrub(err, url)), s.Close())
	}
	if s.headPath != "" && !s.asItIs {
		if _, err := s.AuditHead(ctx); err != nil {
			log.ErrorContext(ctx, "the audit log is not what its head says; the head is left as it is", "error", err)
		}
	}
	return s, nil
}

// ready sees to the place of a SQLite database, for its owner's eyes alone.
func (s *Store) ready(ctx context.Context, path string, durable bool) error {
	if s.asItIs {
		if _, err := os.Stat(path); err != nil {
			return noDatabase(path, err)
		}
		return nil
	}
	if err := makePrivate(path); err != nil {
		return err
	}
	tellOthers(ctx, path, s.log)
	if durable {
		return checkFileSystem(filepath.Dir(path))
	}
	return nil
}

// makePrivate makes a file that is not there, and its folder. SQLite gives the files it
// puts beside a database the mode of the database; those that are there are narrowed.
func makePrivate(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return failed("make the database folder", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return failed("open the database", err)
	}
	if err := f.Close(); err != nil {
		return failed("open the database", err)
	}
	for _, end := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(path + end)
		if err != nil || info.Mode().Perm()&0o077 == 0 {
			continue // not there, or right
		}
		if err := os.Chmod(path+end, 0o600); err != nil {
			return failed("keep the database from other users", err)
		}
	}
	return nil
}

// tellOthers says that other users can put another database in the place of this one: the
// folder is theirs to write, and it is not for this program to take that from them.
func tellOthers(ctx context.Context, path string, log *slog.Logger) {
	info, err := os.Stat(filepath.Dir(path))
	if err == nil && info.Mode().Perm()&0o022 != 0 && info.Mode()&os.ModeSticky == 0 {
		log.ErrorContext(ctx, "OTHER USERS MAY WRITE IN THE FOLDER OF THE DATABASE, and put another in its place: make it 0700", "folder", filepath.Dir(path), "mode", info.Mode().String())
	}
}

// Fresh tells whether nothing was ever kept in the database: no run and no audit entry
// was there when it was opened. Where a bot has run before, it is the wrong database.
func (s *Store) Fresh() bool { return s.fresh }

// connect makes the handle of a database without a look at its tables.
func connect(url string) (*sql.DB, error) {
	driver, dsn := "pgx", url
	if !isPostgres(url) {
		// FULL, not NORMAL: an intent that a lost host forgets could become a second promotion.
		driver, dsn = keepingDriver, sqliteDSN(url, "FULL")
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return nil, badURL(scrub(err, url))
	}
	db.SetMaxOpenConns(4)
	return db, nil
}

// EngineDB is a further handle of a SQLite database, for the workflow engine, which
// brings no driver that keeps its statements. It is closed with the store. On
// PostgreSQL, where the engine connects by itself, it is nil.
func (s *Store) EngineDB() (*sql.DB, error) {
	if s.postgres || s.engine != nil {
		return s.engine, nil
	}
	// As the engine would open it. NORMAL: a step whose row is lost is done again, and
	// finds the store's intent.
	db, err := sql.Open(keepingDriver, sqliteDSN(s.url, "NORMAL")+"&_pragma=foreign_keys(ON)")
	if err != nil {
		return nil, badURL(scrub(err, s.url))
	}
	db.SetMaxOpenConns(8)
	db.SetMaxIdleConns(4)
	s.engine = db
	return db, nil
}

func checkURL(url string) error {
	what := dr.T("store.url")
	switch {
	case isPostgres(url), SQLitePath(url) != "":
		return nil
	case strings.HasPrefix(url, "sqlite:"):
		what = dr.T("store.url.no-file")
	}
	return &dr.Error{Code: dr.Invalid, What: what, Next: dr.T("store.url.next", "example", "sqlite:/var/lib/drbot/drbot.db")}
}

// badURL is the error of a database URL that the driver cannot read.
func badURL(err error) error {
	return &dr.Error{Code: dr.Invalid, What: dr.T("store.url.unread"), Next: dr.T("store.url.next", "example", "postgres://drbot@db.example.com/drbot?sslmode=verify-full"), Err: err}
}

func noDatabase(path string, err error) error {
	return &dr.Error{Code: dr.NotFound, What: dr.T("store.none", "file", path), Next: dr.T("store.none.next"), Err: err}
}

func sqliteDSN(url, synchronous string) string {
	return "file:" + SQLitePath(url) + "?_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(" + synchronous + ")"
}

func isPostgres(url string) bool {
	return strings.HasPrefix(url, "postgres://") || strings.HasPrefix(url, "postgresql://")
}

// SQLitePath is the file a database URL names; empty when it is not of SQLite.
func SQLitePath(url string) string {
	path, ok := strings.CutPrefix(url, "sqlite:")
	if !ok {
		return ""
	}
	path, _, _ = strings.Cut(path, "?")
	return path
}
