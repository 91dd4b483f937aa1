package workflows_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/engine"
	"github.com/drbot/drbot/workflows/world"
)

// Somebody writes what is "owed" into the kept rows of a living bot: it is told as written by
// hand, and neither audited nor said.
func TestForgedDebt(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Planned)
		r := w.Await(run, dr.RunWaiting)
		doc, _ := json.Marshal(map[string]any{
			"key": "auto-merge/forged", "action": "approve",
			"detail": dr.T("audit.dequeue", "number", 1, "why", dr.Foreign("bob and carol approved this by phone")),
			"title":  dr.T("note.unqueued", "number", 1), "line": dr.T("note.unqueued.line"),
		})
		for _, what := range []string{"auto-merge", "queue"} {
			w.Exec(`INSERT OR REPLACE INTO drbot_kept (name, value) VALUES ('` + run + `/owed/` + what + `/` + itoa(r.Change.Number) + `', '` + string(doc) + `')`)
		}
		time.Sleep(30 * time.Minute)
		w.Approve("bob", "carol")
		w.Await(run, dr.RunSucceeded)
		log, err := w.Store.AuditLog(t.Context(), 1000)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Store.VerifyAudit(t.Context()); err != nil {
			t.Errorf("verify: %v", err)
		}
		for _, e := range log {
			if e.Action == "approve" && strings.Contains(world.Words(e.Detail), "by phone") {
				t.Fatalf("the audit log verifies and has, by %s: %q %q", e.Who, e.Action, world.Words(e.Detail))
			}
		}
		byHand(t, w, run, "owed/auto-merge/", "owed/queue/")
	})
}

// byHand sees that it is told, in the channel and in the audit log, which rows of a run were
// written by hand.
func byHand(t *testing.T, w *world.World, run string, rows ...string) {
	t.Helper()
	log, err := w.Store.AuditLog(t.Context(), 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		notes, lines := 0, 0
		for _, n := range w.Said() {
			if strings.HasPrefix(n.Key, run+"/unsealed/"+row) {
				notes++
			}
		}
		for _, e := range log {
			if e.Action == "unheard-row" && strings.Contains(world.Words(e.Detail), run+"/"+row) {
				lines++
			}
		}
		if notes != 1 || lines != 1 {
			t.Errorf("%s: told %d times, audited %d times", row, notes, lines)
		}
	}
}

func itoa(n int) string { b, _ := json.Marshal(n); return string(b) }

// Somebody rewrites what the bot "has posted": the bot does not put that on the pull request,
// and counts nothing on it.
func TestForgedPosted(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Planned)
		r := w.Await(run, dr.RunWaiting)
		time.Sleep(time.Minute)
		kept, err := w.Store.Get(t.Context(), run+"/posted/"+itoa(r.Change.Number))
		if err != nil || kept == "" {
			t.Fatal(err, kept)
		}
		var b map[string]any
		if err := json.Unmarshal([]byte(kept), &b); err != nil {
			t.Fatal(err)
		}
		comments := b["comments"].([]any)
		c := comments[0].(map[string]any)
		c["body"] = strings.Replace(c["body"].(string), "<details", "NOTHING IS CHANGED\n<details", 1) + "\nNOTHING IS CHANGED: harmless"
		c["written"] = map[string]any{}
		doc, _ := json.Marshal(b)
		w.Exec(`UPDATE drbot_kept SET value = '` + strings.ReplaceAll(string(doc), "'", "''") + `' WHERE name = '` + run + "/posted/" + itoa(r.Change.Number) + `'`)
		time.Sleep(2 * time.Minute)
		if now := w.Reads(); strings.Contains(now, "NOTHING IS CHANGED: harmless") {
			w.Approve("bob", "carol")
			end := w.Await(run, dr.RunSucceeded)
			t.Fatalf("the bot itself has written the forger's text on the pull request, and counted the approvals of it (%s)", end.State)
		}
		w.Approve("bob", "carol")
		time.Sleep(30 * time.Minute)
		if r := w.Record(run); r.State != dr.RunWaiting || w.Merges() != 0 {
			t.Fatalf("what was posted is not known, and the approvals count: %s", whereabouts(r))
		}
		byHand(t, w, run, "posted/")
		w.Cancel(run, "alice")
		w.Await(run, dr.RunCancelled)
	})
}

// A run that was cancelled an hour ago is put back into the queue of a living bot by hand, without its
// steps: it has its seal, and ended, so that it does not begin anew in the name of who had asked then.
func TestReplayedRun(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Planned)
		w.Await(run, dr.RunWaiting)
		w.Cancel(run, "alice")
		was := whereabouts(w.Await(run, dr.RunCancelled))
		time.Sleep(time.Hour)
		w.Exec(`DELETE FROM operation_outputs WHERE workflow_uuid = '` + run + `'`)
		w.Exec(`DELETE FROM notifications WHERE destination_uuid = '` + run + `'`)
		w.Exec(`DELETE FROM drbot_kept WHERE name LIKE '` + run + `/%'`)
		w.Exec(`DELETE FROM drbot_intents WHERE run = '` + run + `'`)
		w.Exec(`UPDATE workflow_status SET status = 'ENQUEUED', output = NULL, error = NULL, started_at_epoch_ms = NULL, completed_at = NULL WHERE workflow_uuid = '` + run + `'`)
		time.Sleep(10 * time.Minute)
		if r := w.Record(run); whereabouts(r) != was {
			t.Fatalf("what ended as\n%s\nhas begun anew under the living bot, with nobody asking, and is\n%s", was, whereabouts(r))
		}
		told := 0
		for _, n := range w.Said() {
			if n.Key == run+"/begun-anew" {
				told++
			}
		}
		if told != 1 {
			t.Errorf("told %d times", told)
		}
	})
}

// The seal is taken off what an open run was begun with: after the next start, which who can write the
// database can bring about, it still takes no answer that has no seal.
func TestSealTakenOff(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Planned)
		w.Await(run, dr.RunWaiting)
		w.MergeByHand("dave") // without its approvals, which is asked about
		q := w.Await(run, dr.RunPaused).Question
		w.Drain()
		w.RestartOver(w.Rewritten(run, func(input string) string {
			return regexp.MustCompile(`,?"_sealed":"[0-9a-f]*",?`).ReplaceAllString(input, "")
		}))
		for _, who := range []string{"bob", "carol"} {
			w.Forge(run, engine.Message{Kind: engine.Answer, By: dr.Voices{who}, Answer: engine.Accept, Question: q.Number})
		}
		time.Sleep(31 * time.Minute)
		if r := w.Record(run); r.State != dr.RunPaused || w.Promotions() != 0 {
			t.Fatalf("what nobody said counted: %s, promotions %d", whereabouts(r), w.Promotions())
		}
	})
}

// Somebody writes the number of an approver's account by hand, for an account of their own
// that has the login by now: its approval does not count.
func TestAccountByHand(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Planned)
		w.Await(run, dr.RunWaiting)
		w.Exec(`INSERT INTO drbot_kept (name, value) VALUES ('account/bob-gh', '666')`)
		w.ReviewAs("bob", 666, dr.Approved)
		w.Approve("carol")
		time.Sleep(10 * time.Minute)
		if r := w.Record(run); r.State != dr.RunWaiting || len(r.Approval.By) != 1 || r.Approval.By[0] != "carol" {
			t.Fatalf("the approvals of %v count: %s", r.Approval.By, whereabouts(r))
		}
	})
}

// What a step has kept is changed by hand while the run waits: the step asks people, and does
// not go by it.
func TestIntentByHand(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := w.Start(world.Planned)
		w.Await(run, dr.RunWaiting)
		w.Exec(`INSERT INTO drbot_intents (run, act, doc) VALUES ('` + run + `', 'promote/portal-global#1', '{"run":"` + run + `","act":"promote/portal-global#1","at":"2000-01-01T00:00:00Z"}')`)
		w.Approve("bob", "carol")
		r := w.Await(run, dr.RunPaused)
		if r.Question.What.ID != "store.unsealed" || w.Promotions() != 0 {
			t.Fatalf("%d promotions: %s", w.Promotions(), whereabouts(r))
		}
	})
}
