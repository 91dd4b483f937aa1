package store

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"strings"
	"sync"
)

// database is the handle that all parts of the store work on.
type database struct {
	db       *sql.DB
	engine   *sql.DB // the workflow engine's, once it was asked for
	url      string
	postgres bool
	seals    seals
	after    sync.Map // transaction of Tx -> *func(), what is done once it is committed
}

// DB is the handle of the database, for what shares it with the store.
func (s *database) DB() *sql.DB { return s.db }

// Close closes the database.
func (s *database) Close() error {
	err := s.db.Close()
	if s.engine != nil {
		err = errors.Join(err, s.engine.Close())
	}
	return failed("close the database", err)
}

// Ping asks whether the database answers.
func (s *database) Ping(ctx context.Context) error {
	return failed("ask whether the database is there", s.db.PingContext(ctx))
}

// q writes a query's question marks as PostgreSQL wants them.
func (s *database) q(query string) string {
	if !s.postgres {
		return query
	}
	var b strings.Builder
	n := 0
	for _, r := range query {
		if r != '?' {
			b.WriteRune(r)
			continue
		}
		n++
		b.WriteString("$" + strconv.Itoa(n))
	}
	return b.String()
}

// Tx runs f in a transaction, so that what f writes is there together or not at all.
// Of those with the same topic one runs at a time: on PostgreSQL by an advisory lock,
// which SQLite's immediate transactions give by themselves. f works with its transaction
// alone: on SQLite any other write would wait for it.
func (s *database) Tx(ctx context.Context, topic string, f func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return failed("begin a transaction", err)
	}
	var after func()
	s.after.Store(tx, &after)
	defer s.after.Delete(tx)
	defer func() { _ = tx.Rollback() }() // after a commit this does nothing
	if err := s.lock(ctx, tx, topic); err != nil {
		return err
	}
	if err := f(tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return failed("commit a transaction", err)
	}
	if after != nil {
		after()
	}
	return nil
}

// afterwards has something done once a transaction of Tx is committed, in the place of
// what it was told before. It tells whether the transaction is one of Tx.
func (s *database) afterwards(tx *sql.Tx, do func()) bool {
	after, ours := s.after.Load(tx)
	if ours {
		*after.(*func()) = do
	}
	return ours
}

func (s *database) lock(ctx context.Context, tx *sql.Tx, topic string) error {
	if !s.postgres {
		return nil
	}
	_, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock(hashtext($1))`, "drbot/"+topic)
	return failed("wait for "+topic, err)
}

// execer is a database or a transaction on it.
type execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// rowser is a database or a transaction that rows are read from.
type rowser interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// exec runs a statement on the database or in a transaction, and tells how many rows it
// has written.
func (s *database) exec(ctx context.Context, db execer, doing, query string, args ...any) (int64, error) {
	res, err := db.ExecContext(ctx, s.q(query), args...)
	if err != nil {
		return 0, failed(doing, err)
	}
	n, err := res.RowsAffected()
	return n, failed(doing, err)
}

// each reads the rows of a query one by one.
func (s *database) each(ctx context.Context, doing string, row func(*sql.Rows) error, query string, args ...any) error {
	rows, err := s.db.QueryContext(ctx, s.q(query), args...)
	if err != nil {
		return failed(doing, err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := row(rows); err != nil {
			return failed(doing, err)
		}
	}
	return failed(doing, rows.Err())
}
