package world

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// idleDB is the engine's handle of its database, which answers by itself what the engine
// asks every second and no run of the program has a part in: runs with a deadline or a
// delay, runs of the engine's own queue, and the tables of queues and of versions, which
// are read again only once they were written to. A world's clock passes in no time, and
// four looks for each of its seconds were a third of all the tests' time.
type idleDB struct {
	handle  *sql.DB
	reached atomic.Int64 // statements that were not answered here

	mu   sync.Mutex
	read map[string]*idleRows // by statement and arguments
}

func newIdle(handle *sql.DB) *idleDB {
	return &idleDB{handle: handle, read: map[string]*idleRows{}}
}

// open gives a handle for the engine, which closes it before the other is closed.
func (d *idleDB) open() *sql.DB {
	db := sql.OpenDB(d)
	db.SetMaxOpenConns(8) // as the handle
	db.SetMaxIdleConns(4)
	return db
}

// unused tells what of the database belies that nobody has a part in it.
func (d *idleDB) unused() error {
	var n int
	err := d.handle.QueryRow(`SELECT count(*) FROM workflow_status WHERE workflow_deadline_epoch_ms IS NOT NULL
		OR workflow_timeout_ms IS NOT NULL OR delay_until_epoch_ms IS NOT NULL OR queue_name = ?`, ownQueue).Scan(&n)
	if err == nil && n > 0 {
		err = fmt.Errorf("%d runs have a deadline, a delay or the engine's own queue, and the world answers for those by itself", n)
	}
	return err
}

const ownQueue = "_dbos_internal_queue"

// Connect takes a connection out of the handle's.
func (d *idleDB) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := d.handle.Conn(ctx)
	if err != nil {
		return nil, err
	}
	conn := &idleConn{db: d, lent: c}
	if err := c.Raw(func(raw any) error {
		conn.Conn = raw.(driver.Conn)
		return nil
	}); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return conn, nil
}

// Driver is the handle's.
func (d *idleDB) Driver() driver.Driver { return d.handle.Driver() }

// idleConn is a connection of which a transaction begins with its first statement that
// reaches the database.
type idleConn struct {
	driver.Conn
	db    *idleDB
	lent  *sql.Conn
	wants *driver.TxOptions // a transaction that has not begun
	tx    driver.Tx
}

// Close gives the connection back.
func (c *idleConn) Close() error { return c.lent.Close() }

// BeginTx notes that a transaction is wanted.
func (c *idleConn) BeginTx(_ context.Context, o driver.TxOptions) (driver.Tx, error) {
	c.wants = &o
	return idleTx{c}, nil
}

func (c *idleConn) begin(ctx context.Context) error {
	if c.wants == nil {
		return nil
	}
	tx, err := c.Conn.(driver.ConnBeginTx).BeginTx(ctx, *c.wants)
	if err == nil {
		c.wants, c.tx = nil, tx
	}
	return err
}

type idleTx struct{ c *idleConn }

// Commit ends what has begun.
func (t idleTx) Commit() error { return t.end(driver.Tx.Commit) }

// Rollback is described at Commit.
func (t idleTx) Rollback() error { return t.end(driver.Tx.Rollback) }

func (t idleTx) end(how func(driver.Tx) error) error {
	tx := t.c.tx
	t.c.wants, t.c.tx = nil, nil
	if tx == nil {
		return nil
	}
	return how(tx)
}

// ExecContext runs a statement without rows.
func (c *idleConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if strings.Contains(query, "delay_until_epoch_ms <=") && strings.HasPrefix(query, "UPDATE") {
		return driver.RowsAffected(0), nil
	}
	if err := c.begin(ctx); err != nil {
		return nil, err
	}
	c.db.reached.Add(1)
	c.db.wrote(query)
	defer c.db.wrote(query) // what was read meanwhile was not of after it
	return c.Conn.(driver.ExecerContext).ExecContext(ctx, query, args)
}

// QueryContext runs a statement whose rows are then read.
func (c *idleConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	switch {
	case strings.Contains(query, "workflow_deadline_epoch_ms <="), dequeuesOwn(query, args):
		return &idleRows{columns: []string{"workflow_uuid"}}, nil
	case keeps(query):
		return c.kept(ctx, query, args)
	}
	if err := c.begin(ctx); err != nil {
		return nil, err
	}
	c.db.reached.Add(1)
	c.db.wrote(query)
	return c.Conn.(driver.QueryerContext).QueryContext(ctx, query, args)
}

// PrepareContext prepares a statement that may be any.
func (c *idleConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	if err := c.begin(ctx); err != nil {
		return nil, err
	}
	c.db.wrote(query)
	return c.Conn.(driver.ConnPrepareContext).PrepareContext(ctx, query)
}

func dequeuesOwn(query string, args []driver.NamedValue) bool {
	return len(args) > 0 && args[0].Value == ownQueue && strings.Contains(query, "ORDER BY priority ASC")
}

// tables are those whose rows are kept, as the engine names them.
var tables = []string{"queues", "application_versions"}

func keeps(query string) bool {
	return strings.HasPrefix(strings.TrimSpace(query), "SELECT") && slices.ContainsFunc(tables, func(t string) bool { return strings.Contains(query, t) })
}

// wrote forgets what was read of tables that a statement may have written to.
func (d *idleDB) wrote(query string) {
	if slices.ContainsFunc(tables, func(t string) bool { return strings.Contains(query, t) }) {
		d.mu.Lock()
		defer d.mu.Unlock()
		clear(d.read)
	}
}

// kept gives the rows as they were read; within a transaction that has begun they are the
// database's own.
func (c *idleConn) kept(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if c.tx != nil {
		c.db.reached.Add(1)
		return c.Conn.(driver.QueryerContext).QueryContext(ctx, query, args)
	}
	key := fmt.Sprint(query, args)
	c.db.mu.Lock()
	defer c.db.mu.Unlock()
	found := c.db.read[key]
	if found == nil {
		c.db.reached.Add(1)
		rows, err := c.Conn.(driver.QueryerContext).QueryContext(ctx, query, args)
		if err != nil {
			return nil, err
		}
		if found, err = readAll(rows); err != nil {
			return nil, err
		}
		c.db.read[key] = found
	}
	return &idleRows{columns: found.columns, rows: found.rows}, nil
}

// idleRows are rows out of memory.
type idleRows struct {
	columns []string
	rows    [][]driver.Value
}

func readAll(from driver.Rows) (*idleRows, error) {
	all := &idleRows{columns: from.Columns()}
	for {
		row := make([]driver.Value, len(all.columns))
		err := from.Next(row)
		if errors.Is(err, io.EOF) {
			return all, from.Close()
		}
		if err != nil {
			return nil, errors.Join(err, from.Close())
		}
		all.rows = append(all.rows, row)
	}
}

// Columns names them.
func (r *idleRows) Columns() []string { return r.columns }

// Close lets them go.
func (r *idleRows) Close() error { return nil }

// Next gives one.
func (r *idleRows) Next(into []driver.Value) error {
	if len(r.rows) == 0 {
		return io.EOF
	}
	copy(into, r.rows[0])
	r.rows = r.rows[1:]
	return nil
}
