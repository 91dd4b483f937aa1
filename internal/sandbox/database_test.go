//go:build proof

package sandbox

import (
	"testing"
	"time"

	"github.com/drbot/drbot/internal/store/storetest"
)

// minute is how long the database is away in truth.
const minute = time.Minute

// TestProofDatabaseSilent freezes PostgreSQL, connections and all, for a minute while a
// run waits for its approvals, and in the middle of an apply until the bot has ended
// and was started again: the run goes on to its right end.
func TestProofDatabaseSilent(t *testing.T) {
	t.Parallel()
	db := storetest.Start(t)
	s := newTrial(t, func(o *Options) { o.Database = db.URL })
	s.withoutDatabase(func() (back func()) {
		db.Freeze()
		away := time.Now()
		return func() {
			time.Sleep(minute - time.Since(away))
			t.Logf("the database was away for %s", time.Since(away).Round(time.Second))
			db.Thaw()
		}
	})
}

// TestProofDatabaseDown ends PostgreSQL at once, as a crash of its host does, at the
// same points. It comes back when the bot has met its absence three times in a row:
// more of a minute shows nothing else.
func TestProofDatabaseDown(t *testing.T) {
	t.Parallel()
	db := storetest.Start(t)
	s := newTrial(t, func(o *Options) { o.Database = db.URL })
	s.withoutDatabase(func() (back func()) {
		db.Down()
		before := s.keeper.restarts()
		return func() {
			s.until("the bot was started three times without a database", func() bool { return s.keeper.restarts() >= before+3 })
			db.Up()
		}
	})
}

// withoutDatabase takes the database away at two points of two runs.
func (s *trial) withoutDatabase(take func() (back func())) {
	t := s.t
	t.Helper()
	m := s.begin(true)
	before := s.keeper.restarts()
	back := take()
	s.approve(m)
	s.until("the bot has ended without its database", func() bool { return s.keeper.restarts() > before })
	s.logged("the executor's lock was lost", "workflow engine")
	back()
	s.finish(m)
	t.Logf("waiting for approvals: %d restarts, %d answers of a person's; the bot said:\n%s", s.keeper.restarts()-before, len(s.answered), s.lastWords("error: "))

	m = s.begin(false)
	before, began := s.keeper.restarts(), time.Now()
	reached := s.inApply(m, func() { back = take() })
	s.approve(m)
	reached()
	s.until("the bot has ended without its database", func() bool { return s.keeper.restarts() > before })
	back()
	s.finish(m)
	s.appliedOnce(m, began)
	t.Logf("in an apply: %d restarts, %d answers of a person's; the bot said:\n%s", s.keeper.restarts()-before, len(s.answered), s.lastWords("error: "))
}
