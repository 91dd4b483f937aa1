package store

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
)

var sealKey = WithSealKey([]byte("a key of seals, 16 bytes or more"))

// TestSealedRows writes rows by hand, changes one, and gives one the seal of another: none
// counts, and each is audited once.
func TestSealedRows(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		s = mustOpen(t, s.url, WithAuditKey(aKey), sealKey)
		ok(t, s.SealFormer(ctx, t0, nil))
		for _, name := range []string{"a", "b", "c"} {
			ok(t, s.Put(ctx, name, "of "+name))
		}
		_, _, err := s.Intend(ctx, dr.Intent{Run: "run", Act: "promote/1", At: t0})
		ok(t, err)
		ok(t, s.Say(ctx, dr.Note{Key: "n1", Channel: "C"}))
		ok(t, s.Say(ctx, dr.Note{Key: "n2", Channel: "C"}))
		for _, q := range []string{
			`INSERT INTO drbot_kept (name, value) VALUES ('d', 'by hand')`,
			`UPDATE drbot_kept SET value = 'by hand' WHERE name = 'a'`,
			`UPDATE drbot_kept SET value = 'of c', seal = (SELECT seal FROM drbot_kept WHERE name = 'c') WHERE name = 'b'`,
			`UPDATE drbot_outbox SET doc = REPLACE(doc, '"C"', '"D"') WHERE key = 'n1'`,
		} {
			_, err := s.db.ExecContext(ctx, q)
			ok(t, err)
		}
		for range 2 {
			for name, want := range map[string]string{"a": "", "b": "", "c": "of c", "d": "", "e": ""} {
				got, err := s.Get(ctx, name)
				if unsealed := strings.Contains("abd", name); got != want || errors.Is(err, dr.ErrUnsealed) != unsealed || !unsealed && err != nil {
					t.Errorf("%s is %q: %v", name, got, err)
				}
			}
			if got, err := s.Keep(ctx, "d", "of now"); !errors.Is(err, dr.ErrUnsealed) {
				t.Errorf("kept is %q: %v", got, err)
			}
			notes, err := s.UnsaidNotes(ctx, "C", 10)
			if err != nil || len(notes) != 1 || notes[0].Key != "n2" {
				t.Errorf("to be said: %v, %v", notes, err)
			}
		}
		ok(t, s.Put(ctx, "a", "anew"))
		if got, err := s.Get(ctx, "a"); got != "anew" || err != nil {
			t.Errorf("put anew it is %q: %v", got, err)
		}
		if _, found, err := s.LastIntent(ctx, "run", "promote/"); !found || err != nil {
			t.Errorf("the intent: %t, %v", found, err)
		}
		_, err = s.db.ExecContext(ctx, `INSERT INTO drbot_intents (run, act, doc) SELECT run, 'promote/2', doc FROM drbot_intents`)
		ok(t, err)
		if _, _, err := s.LastIntent(ctx, "run", "promote/"); !errors.Is(err, dr.ErrUnsealed) {
			t.Errorf("an intent by hand: %v", err)
		}
		log, err := s.AuditLog(ctx, 100)
		ok(t, err)
		told := 0
		for _, e := range log {
			if e.Action == "unheard-row" {
				told++
			}
		}
		if told != 5 {
			t.Errorf("%d rows were audited of 5: %v", told, log)
		}
	})
}

// TestSealFormer seals what an edition before has kept, once: nothing that is written by hand
// afterwards is sealed at a later start, whatever of the log, the marks and the seals is taken
// away, as long as the head outside is there.
func TestSealFormer(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		head := WithAuditHead(filepath.Join(t.TempDir(), "head"))
		former := mustOpen(t, s.url, WithAuditKey(aKey), head)
		write(t, former, 2)
		ok(t, former.Put(ctx, "a", "of before"))
		s = mustOpen(t, s.url, WithAuditKey(aKey), sealKey, head)
		ok(t, s.SealFormer(ctx, t0, []string{"portal-1"}))
		if got, err := s.Get(ctx, "a"); got != "of before" || err != nil {
			t.Errorf("what was kept before is %q: %v", got, err)
		}
		begun := func(s *Store, run string, want bool) {
			t.Helper()
			if got, err := s.BegunBeforeSeals(ctx, run); got != want || err != nil {
				t.Errorf("%s: begun before the seals: %t, %v", run, got, err)
			}
		}
		begun(s, "portal-1", true)
		if _, err := s.VerifyAudit(ctx); err != nil {
			t.Error(err)
		}
		for _, q := range []string{
			`UPDATE drbot_kept SET value = 'by hand', seal = ''`,
			`UPDATE drbot_audit SET once = NULL`,
			`UPDATE drbot_audit SET doc = REPLACE(doc, 'sealed/', 'another/')`,
			`DELETE FROM drbot_audit WHERE seq = 4`,
			`DELETE FROM drbot_audit WHERE seq > 2`,
			`DELETE FROM drbot_audit_keys`,
			`INSERT INTO drbot_audit_keys (first, proof) VALUES (0, 'junk')`,
			`DELETE FROM drbot_audit`,
		} {
			_, err := s.db.ExecContext(ctx, q)
			ok(t, err)
			again := mustOpen(t, s.url, WithAuditKey(aKey), sealKey, head)
			if err := again.SealFormer(ctx, t0, []string{"portal-9"}); err != nil && dr.CodeOf(err) != dr.Conflict {
				t.Error(err)
			}
			begun(again, "portal-9", false)
			if got, err := again.Get(ctx, "a"); got != "" || !errors.Is(err, dr.ErrUnsealed) {
				t.Errorf("after %s what was written by hand is %q: %v", q, got, err)
			}
			_, err = again.db.ExecContext(ctx, `DELETE FROM drbot_audit WHERE doc LIKE '%unheard%'`)
			ok(t, err)
		}
	})
}

// TestSealFormerAfterAnotherKey seals what is kept anew when the key is another one, and takes
// no run for one of before the seals then.
func TestSealFormerAfterAnotherKey(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		former := mustOpen(t, s.url, WithAuditKey(aKey), sealKey)
		ok(t, former.SealFormer(ctx, t0, []string{"portal-1"}))
		ok(t, former.Put(ctx, "a", "of before"))
		s = mustOpen(t, s.url, WithAuditKey(anotherKey), WithSealKey([]byte("another key of seals, of 16 bytes")))
		if _, err := s.Get(ctx, "a"); !errors.Is(err, dr.ErrUnsealed) {
			t.Errorf("before it is sealed anew: %v", err)
		}
		ok(t, s.SealFormer(ctx, t0, []string{"portal-2"}))
		if got, err := s.Get(ctx, "a"); got != "of before" || err != nil {
			t.Errorf("what was kept before is %q: %v", got, err)
		}
		for run, want := range map[string]bool{"portal-1": true, "portal-2": false} {
			if got, err := s.BegunBeforeSeals(ctx, run); got != want || err != nil {
				t.Errorf("%s: begun before the seals: %t, %v", run, got, err)
			}
		}
	})
}

// TestSealFormerAfterTheFormerKey goes back to a key after another one was given by mistake: what
// is kept then is of a key that is not known, which is told, and is sealed anew at the word of who
// starts the program, once.
func TestSealFormerAfterTheFormerKey(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		first := func(more ...Option) *Store {
			return mustOpen(t, s.url, append([]Option{WithAuditKey(aKey), sealKey}, more...)...)
		}
		a := first()
		ok(t, a.SealFormer(ctx, t0, nil))
		ok(t, a.Put(ctx, "a", "of before"))
		b := mustOpen(t, s.url, WithAuditKey(anotherKey), WithSealKey([]byte("another key of seals, of 16 bytes")))
		ok(t, b.SealFormer(ctx, t0, nil))
		for range 2 {
			if err := first().SealFormer(ctx, t0, nil); dr.CodeOf(err) != dr.Conflict {
				t.Fatalf("back at the former key: %v", err)
			}
		}
		ok(t, first(WithSealsAnew()).SealFormer(ctx, t0, nil))
		again := first()
		ok(t, again.SealFormer(ctx, t0, nil))
		if got, err := again.Get(ctx, "a"); got != "of before" || err != nil {
			t.Errorf("what was kept before is %q: %v", got, err)
		}
		_, err := again.db.ExecContext(ctx, `UPDATE drbot_kept SET value = 'by hand'`)
		ok(t, err)
		ok(t, first().SealFormer(ctx, t0, nil))
		if got, err := again.Get(ctx, "a"); !errors.Is(err, dr.ErrUnsealed) {
			t.Errorf("what was written by hand is %q: %v", got, err)
		}
	})
}

// TestSealFormerOfAnEmptyDatabase begins anew with an empty database while the head of another
// stands outside: nothing is kept, so nothing could be forged.
func TestSealFormerOfAnEmptyDatabase(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		path := filepath.Join(t.TempDir(), "head")
		former := mustOpen(t, s.url, WithAuditKey(aKey), sealKey, WithAuditHead(path))
		write(t, former, 2)
		for _, table := range []string{"drbot_audit", "drbot_audit_keys", "drbot_kept", "drbot_intents", "drbot_outbox"} {
			_, err := s.db.ExecContext(ctx, `DELETE FROM `+table)
			ok(t, err)
		}
		again := mustOpen(t, s.url, WithAuditKey(aKey), sealKey, WithAuditHead(path))
		ok(t, again.SealFormer(ctx, t0, nil))
		ok(t, again.Put(ctx, "a", "of now"))
		ok(t, mustOpen(t, s.url, WithAuditKey(aKey), sealKey, WithAuditHead(path)).SealFormer(ctx, t0, nil))
		if err := again.SealFormer(ctx, t0, []string{"portal-9"}); err != nil {
			t.Error(err)
		}
		if begun, err := again.BegunBeforeSeals(ctx, "portal-9"); begun || err != nil {
			t.Errorf("%t, %v", begun, err)
		}
	})
}
