package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"

	"modernc.org/sqlite"
)

// keptStatements is how many statements a connection keeps prepared. The engine and the
// store have some hundred between them; where a list of arguments makes ever new ones,
// all are let go at this number and those in use come back by themselves.
const keptStatements = 256

// keeping is the driver of SQLite, made to prepare a statement once a connection and
// not for every call: the engine asks the same few questions several times a second,
// and reading their SQL was a third of what an idle bot and a run in a test cost.
type keeping struct {
	sqlite.Driver
}

const keepingDriver = "sqlite-keeping"

func init() { sql.Register(keepingDriver, &keeping{}) }

// Open opens a connection.
func (k *keeping) Open(name string) (driver.Conn, error) {
	c, err := k.Driver.Open(name)
	if err != nil {
		return nil, err
	}
	return &keptConn{
		Conn: c, ConnPrepareContext: c.(driver.ConnPrepareContext), ConnBeginTx: c.(driver.ConnBeginTx),
		Pinger: c.(driver.Pinger), SessionResetter: c.(driver.SessionResetter), Validator: c.(driver.Validator),
		statements: map[string]*keptStatement{},
	}, nil
}

// keptConn is a connection, with all that database/sql asks of one of modernc.org/sqlite;
// one goroutine at a time uses it.
type keptConn struct {
	driver.Conn
	driver.ConnPrepareContext
	driver.ConnBeginTx
	driver.Pinger
	driver.SessionResetter
	driver.Validator
	statements map[string]*keptStatement
}

type keptStatement struct {
	driver.Stmt
	busy bool // its rows are being read
	gone bool // it is to be closed with its rows
}

// statement gives a prepared statement that nobody reads from; nil where it is in use.
func (c *keptConn) statement(ctx context.Context, query string) (*keptStatement, error) {
	if s := c.statements[query]; s != nil {
		if s.busy {
			return nil, nil
		}
		return s, nil
	}
	prepared, err := c.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	if len(c.statements) >= keptStatements {
		if err := c.letGo(); err != nil {
			return nil, errors.Join(err, prepared.Close())
		}
	}
	s := &keptStatement{Stmt: prepared}
	c.statements[query] = s
	return s, nil
}

// letGo closes the statements, those whose rows are being read once they have been.
func (c *keptConn) letGo() error {
	var errs []error
	for _, s := range c.statements {
		if s.gone = true; !s.busy {
			errs = append(errs, s.Close())
		}
	}
	clear(c.statements)
	return errors.Join(errs...)
}

// ExecContext runs a statement without rows.
func (c *keptConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	s, err := c.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return c.Conn.(driver.ExecerContext).ExecContext(ctx, query, args)
	}
	return s.Stmt.(driver.StmtExecContext).ExecContext(ctx, args)
}

// QueryContext runs a statement whose rows are then read.
func (c *keptConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	s, err := c.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return c.Conn.(driver.QueryerContext).QueryContext(ctx, query, args)
	}
	rows, err := s.Stmt.(driver.StmtQueryContext).QueryContext(ctx, args)
	if err != nil {
		return nil, err
	}
	s.busy = true
	return &keptRows{Rows: rows, statement: s}, nil
}

// Close closes the connection and what it keeps.
func (c *keptConn) Close() error { return errors.Join(c.letGo(), c.Conn.Close()) }

type keptRows struct {
	driver.Rows
	statement *keptStatement
}

// Close gives the statement back.
func (r *keptRows) Close() error {
	err := r.Rows.Close()
	if r.statement.busy = false; r.statement.gone {
		err = errors.Join(err, r.statement.Stmt.Close())
	}
	return err
}
