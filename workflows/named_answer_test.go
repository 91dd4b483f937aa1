package workflows_test

import (
	"context"
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows"
	"github.com/drbot/drbot/workflows/world"
)

// Who types an answer that takes several people names what they have read, by its digest: it
// may be another question by now. Buttons carry the number of the question.

// named sees that an answer without its digest, or with another's, is refused with the whole
// command, which is taken when it is typed.
func named(t *testing.T, w *world.World, run, person, verb, other string) {
	t.Helper()
	typing := func(digest string) error {
		_, _, err := w.Engine.Answer(context.Background(), world.By(person), run, workflows.Reply{Verb: verb, Digest: digest})
		return err
	}
	q := w.Record(run).Question
	var command dr.Command
	for _, typed := range []string{"", other, "0badc0de"} {
		err := typing(typed)
		what, next := dr.Told(err)
		if dr.CodeOf(err) != dr.Conflict || !strings.Contains(world.Words(what), world.Words(q.What)) || verb == "disaster" && !strings.Contains(world.Words(what), world.Words(q.Loses)) {
			t.Fatalf("%s %q of %s at question %d, which says %q: %q", verb, typed, person, q.Number, world.Words(q.What), world.Words(what))
		}
		for _, c := range next.Commands() {
			command = c
		}
	}
	if voices := w.Record(run).Question.Voices; len(voices[verb]) > 0 {
		t.Errorf("it counts: %v", voices)
	}
	if c := command.Args; command.Verb != "answer" || c["run"] != run || c["answer"] != verb {
		t.Fatalf("it leads to %v", command)
	}
	if err := typing(command.Args["digest"]); err != nil {
		t.Errorf("%v, typed, is refused: %v", command, err)
	}
}

// Two have skipped one step, and a third says the same a moment later, of the next question.
func TestSkipNamesItsQuestion(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.NextApply("tokyo", dr.ApplyFailed)
		w.NextApply("traffic", dr.ApplyFailed)
		run := w.Start(world.Disaster)
		approve(w, run)
		q := asks(w, run, "apply/tokyo").Question
		first := q.Names(run, "skip")
		w.Answer(run, "bob", "skip")
		w.Answer(run, "carol", "skip")
		whatNext(w, run, q.Number)
		named(t, w, run, "dave", "skip", first)
	})
}

// Dave has read of a loss of 3 s, and types disaster when it is 200 s.
func TestDisasterNamesItsQuestion(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		w.SetLag(3)
		run := sourceDies(t, w)
		q := w.Record(run).Question
		w.SetLag(200)
		w.Answer(run, "bob", "retry")
		if r := whatNext(w, run, q.Number); !offersDisaster(r) {
			t.Fatal(whereabouts(r))
		}
		named(t, w, run, "dave", "disaster", q.Names(run, "disaster"))
		w.Answer(run, "carol", "disaster")
		wentOn(t, w, run)
	})
}

// The thread has each command whole, and they are taken when they are typed. What one person
// answers, retry and stop, names nothing: retry does what was approved, or asks again, and stop
// rolls nothing forward.
func TestThreadNamesWholeAnswers(t *testing.T) {
	t.Parallel()
	world.Run(t, world.Options{}, func(t *testing.T, w *world.World) {
		run := sourceDies(t, w)
		q := w.Record(run).Question
		for _, verb := range []string{"disaster", "skip"} {
			if whole := "`/dr answer " + run + " " + verb + " " + q.Names(run, verb) + "`"; !toldInThread(w, "/paused/", whole) {
				t.Errorf("the thread lacks %s: %q", whole, saidOf(w, "/paused/"))
			}
		}
		if !toldInThread(w, "/paused/", "`/dr answer "+run+" retry|stop`") {
			t.Errorf("the thread says %q", saidOf(w, "/paused/"))
		}
		if _, _, err := w.Engine.Answer(context.Background(), world.By("bob"), run, workflows.Reply{Verb: "retry"}); err != nil {
			t.Error(err)
		}
	})
}
