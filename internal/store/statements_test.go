package store

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
)

// oneConn is a database of which every call goes by one connection.
func oneConn(t *testing.T) (*sql.DB, func(func(*keptConn))) {
	t.Helper()
	s := mustOpen(t, "sqlite:"+filepath.Join(t.TempDir(), "drbot.db"))
	db, err := s.EngineDB()
	ok(t, err)
	db.SetMaxOpenConns(1)
	_, err = db.Exec(`CREATE TABLE t (n INTEGER); INSERT INTO t VALUES (1), (2), (3)`)
	ok(t, err)
	return db, func(look func(*keptConn)) {
		t.Helper()
		c, err := db.Conn(t.Context())
		ok(t, err)
		defer c.Close()
		ok(t, c.Raw(func(c any) error { look(c.(*keptConn)); return nil }))
	}
}

func numbers(t *testing.T, rows *sql.Rows) (ns []int) {
	t.Helper()
	defer rows.Close()
	for rows.Next() {
		var n int
		ok(t, rows.Scan(&n))
		ns = append(ns, n)
	}
	ok(t, rows.Err())
	return ns
}

// TestStatementsAreKept prepares a statement once, and gives each call its own arguments
// and the rows of now.
func TestStatementsAreKept(t *testing.T) {
	t.Parallel()
	db, conn := oneConn(t)
	const query = `SELECT n FROM t WHERE n >= $1 ORDER BY n`
	var first *keptStatement
	for round, want := range []string{"[1 2 3]", "[2 3 4]", "[3 4 5]"} {
		rows, err := db.Query(query, round+1)
		ok(t, err)
		if got := fmt.Sprint(numbers(t, rows)); got != want {
			t.Errorf("from %d on there are %s, not %s", round+1, got, want)
		}
		_, err = db.Exec(`INSERT INTO t VALUES ($1)`, round+4)
		ok(t, err)
		conn(func(c *keptConn) {
			if s := c.statements[query]; s == nil || s.busy || first != nil && s != first {
				t.Errorf("the statement is %+v, and was %+v", s, first)
			} else {
				first = s
			}
		})
	}
	_, err := db.Exec(`ALTER TABLE t ADD COLUMN m INTEGER DEFAULT 7`)
	ok(t, err)
	rows, err := db.Query(query, 6)
	ok(t, err)
	if got := fmt.Sprint(numbers(t, rows)); got != "[6]" {
		t.Errorf("under another schema: %s", got)
	}
}

// TestAStatementWithinItself asks the same while its rows are being read.
func TestAStatementWithinItself(t *testing.T) {
	t.Parallel()
	db, _ := oneConn(t)
	tx, err := db.Begin()
	ok(t, err)
	defer tx.Rollback()
	const query = `SELECT n FROM t ORDER BY n`
	outer, err := tx.Query(query)
	ok(t, err)
	if !outer.Next() {
		t.Fatal("no rows")
	}
	inner, err := tx.Query(query)
	ok(t, err)
	if got := fmt.Sprint(numbers(t, inner)); got != "[1 2 3]" {
		t.Errorf("within itself: %s", got)
	}
	if got := fmt.Sprint(numbers(t, outer)); got != "[2 3]" {
		t.Errorf("the rest of the first is %s", got)
	}
}

// TestStatementsAreLetGo makes more statements than are kept while the rows of one of
// them are being read.
func TestStatementsAreLetGo(t *testing.T) {
	t.Parallel()
	db, conn := oneConn(t)
	tx, err := db.Begin()
	ok(t, err)
	defer tx.Rollback()
	open, err := tx.Query(`SELECT n FROM t ORDER BY n`)
	ok(t, err)
	for n := range 2 * keptStatements {
		_, err := tx.Exec(fmt.Sprintf(`INSERT INTO t VALUES (%d)`, 100+n))
		ok(t, err)
	}
	if got := numbers(t, open); len(got) < 3 || got[0] != 1 || got[2] != 3 {
		t.Errorf("its rows are %v", got)
	}
	ok(t, tx.Commit())
	conn(func(c *keptConn) {
		if n := len(c.statements); n == 0 || n > keptStatements {
			t.Errorf("%d statements are kept", n)
		}
	})
}

// TestAKeptStatementFails keeps what is kept right after an error, a cancelled call and
// rows that were not read to their end.
func TestAKeptStatementFails(t *testing.T) {
	t.Parallel()
	db, _ := oneConn(t)
	_, err := db.Exec(`CREATE UNIQUE INDEX one ON t (n)`)
	ok(t, err)
	const insert = `INSERT INTO t VALUES ($1)`
	if _, err := db.Exec(insert, 3); err == nil {
		t.Error("3 was inserted twice")
	}
	_, err = db.Exec(insert, 4)
	ok(t, err)
	const query = `SELECT n FROM t ORDER BY n`
	ctx, cancel := context.WithCancel(t.Context())
	rows, err := db.QueryContext(ctx, query)
	ok(t, err)
	if !rows.Next() {
		t.Fatal("no rows")
	}
	cancel()
	_ = rows.Close()
	if _, err := db.QueryContext(ctx, query); err == nil {
		t.Error("a cancelled query is answered")
	}
	rows, err = db.Query(query)
	ok(t, err)
	if got := fmt.Sprint(numbers(t, rows)); got != "[1 2 3 4]" {
		t.Errorf("afterwards: %s", got)
	}
	if _, err := db.Query(`SELECT nothing FROM nowhere`); err == nil {
		t.Error("a query of nothing is answered")
	}
}

// BenchmarkKeptStatement is what one small question costs with its statement kept, and
// by the driver alone.
func BenchmarkKeptStatement(b *testing.B) {
	for _, driver := range []string{keepingDriver, "sqlite"} {
		b.Run(driver, func(b *testing.B) {
			s, err := Open(b.Context(), "sqlite:"+filepath.Join(b.TempDir(), "drbot.db"), false, slog.New(slog.DiscardHandler))
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			db, err := sql.Open(driver, sqliteDSN(s.url, "NORMAL"))
			if err != nil {
				b.Fatal(err)
			}
			defer db.Close()
			for b.Loop() {
				var n int
				if err := db.QueryRow(`SELECT COUNT(*) FROM drbot_runs WHERE service = $1 AND state = $2`, "portal", "waiting").Scan(&n); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
