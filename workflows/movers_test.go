package workflows_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows"
	"github.com/drbot/drbot/workflows/world"
)

// mover is one way in which the world moves under a run.
type mover struct {
	name string
	do   func(*world.World)
	back bool // it undoes what the run has done: after the last look there is nobody to see it
}

func movers() []mover {
	forge := []string{"File", "Parents", "Self", "OpenChange", "ChangeState", "Merge", "CloseChange", "Comment", "Status", "Queued", "Enqueue", "Dequeue", "StopAutoMerge"}
	later := func(d time.Duration, do func()) { time.AfterFunc(d, do) }
	return []mover{
		{name: "the base moves in the stacks", do: func(w *world.World) { w.PushToBase("tokyo:aws_ssm_parameter.base") }},
		{name: "other code runs from the base", do: func(w *world.World) { w.PushCode("tokyo") }},
		{name: "the base moves to what fails, and is mended", do: func(w *world.World) {
			w.PushThing("tokyo", task, "image:1", true)
			later(15*time.Second, func() { w.PushThing("tokyo", task, "image:1", false) })
		}},
		{name: "the base moves elsewhere", do: func(w *world.World) { w.PushToBase() }},
		{name: "the state drifts", do: func(w *world.World) { w.Import("tokyo", "aws_ssm_parameter.state") }},
		{name: "the plan of traffic goes wide", do: func(w *world.World) { w.Import("traffic", "aws_ssm_parameter.wide") }},
		{name: "the lag grows", do: func(w *world.World) { w.SetLag(100) }},
		{name: "the metric falls silent", do: func(w *world.World) { w.SetLag(-1) }},
		{name: "a change request", do: func(w *world.World) { w.TryReview("dave", dr.ChangesRequested) }},
		{name: "an approval is withdrawn", do: func(w *world.World) { w.TryReview("carol", dr.ChangesRequested) }},
		{name: "merged by hand", do: func(w *world.World) { w.TryMerge("dave") }},
		{name: "merged by a queue upon another base", do: func(w *world.World) { w.PushToBase("tokyo:aws_ssm_parameter.queue"); w.TryMerge("queue") }},
		{name: "reverted", do: func(w *world.World) { w.SetBase(world.Seoul) }, back: true},
		{name: "retargeted", do: func(w *world.World) { w.TryRetarget("develop") }},
		{name: "closed", do: func(w *world.World) { w.TryClose() }},
		{name: "the writer is moved by hand", do: func(w *world.World) { w.PromoteByHand(world.Tokyo) }},
		{name: "the writer is moved back by hand", do: func(w *world.World) { w.PromoteByHand(world.Seoul) }, back: true},
		{name: "the source is started again", do: func(w *world.World) { w.SetTasks(world.Seoul, 5) }},
		{name: "an approver leaves the configuration", do: func(w *world.World) { w.Leave("carol") }},
		{name: "GitHub is gone for ten minutes", do: func(w *world.World) { later(10*time.Minute, w.Gone(forge...)) }},
	}
}

// crew are the people around a run. They approve what is put before them, accept what
// they are asked to, retry, stop what does not come right, and type the command that the
// end of a run names.
type crew struct {
	w     *world.World
	read  strings.Builder // all that was put before them when they agreed
	typed []string
}

// live lives through a run to its end.
func (c *crew) live(run string) (dr.Run, error) {
	times, answered := map[string]int{}, 0
	for range 2000 {
		if c.w.Killed() {
			c.w.Revive(time.Minute)
			answered = 0 // what was said to a dead bot was said to nobody
		}
		r := c.w.Record(run)
		switch q := r.Question; {
		case r.State.Final():
			return r, nil
		case r.State == dr.RunPaused && q != nil && q.Number > answered:
			answered = q.Number
			times[q.Step]++
			c.answer(r, times[q.Step])
		case r.State == dr.RunWaiting && (len(r.Approval.By) < 2 || len(r.Approval.Blocked) > 0):
			c.read.WriteString(c.w.Proposal())
			c.w.TryReview("bob", dr.Approved)
			c.w.TryReview("carol", dr.Approved)
			if !c.w.MayApprove("carol") {
				c.w.TryReview("dave", dr.Approved)
			}
			for _, who := range r.Approval.Blocked {
				c.w.TryReview(who, dr.Approved)
			}
		}
		time.Sleep(10 * time.Second)
	}
	return c.w.Record(run), fmt.Errorf("it is not over: %s", world.Words(c.w.Record(run).Outcome))
}

func (c *crew) answer(r dr.Run, times int) {
	q := r.Question
	say := func(verb string, people ...string) {
		for _, who := range people {
			c.typed = append(c.typed, who+" "+verb+" "+q.Step)
			// What is not asked any more is answered by nobody.
			heard(func() {
				_, _, _ = c.w.Engine.Answer(context.Background(), world.By(who), r.Run, workflows.Reply{Number: q.Number, Verb: verb})
			})
		}
	}
	switch {
	case slices.Contains(q.Answers, "accept") && times <= 4:
		c.read.WriteString(world.Words(q.What) + c.w.Proposal())
		say("accept", "bob", "carol", "dave")
	case slices.Contains(q.Answers, "retry") && times <= 3:
		say("retry", "bob")
	default:
		say("stop", "bob", "carol", "dave") // one of them may have left
	}
}

// heard has somebody ask the bot, and tells whether it lived to answer.
func heard(do func()) (lived bool) {
	done := make(chan struct{})
	go func() { // the end of the bot is that of who waits for it, not of the test
		defer close(done)
		do()
		lived = true
	}()
	<-done
	return lived
}

// next does what the end of a run says is to be done next, and starts what it names.
func (c *crew) next(r dr.Run) (workflows.StartCommand, bool) {
	var named []dr.Command
	revert := false
	var walk func(dr.Text)
	var arg func(dr.Arg)
	arg = func(a dr.Arg) {
		if a.Command != nil {
			named = append(named, *a.Command)
		}
		if a.Text != nil {
			walk(*a.Text)
		}
		for _, l := range a.List {
			arg(l)
		}
	}
	walk = func(t dr.Text) {
		revert = revert || t.ID == "run.revert-first"
		for _, name := range []string{"command", "resume", "next", "revert", "disaster", "back"} {
			if a, ok := t.Args[name]; ok {
				arg(a)
			}
		}
	}
	walk(r.Next)
	named = slices.DeleteFunc(named, func(k dr.Command) bool { return k.Args["region"] == "" })
	if len(named) == 0 {
		return workflows.StartCommand{}, false
	}
	pick := named[0]
	if r.State == dr.RunRefused && len(named) > 1 && slices.Contains(c.typed, typed(pick)) {
		pick = named[1] // the first was refused when they typed it
	}
	for _, k := range named { // they want to end in Tokyo
		if k.Verb == string(dr.Resume) && k.Args["region"] == string(world.Tokyo) && c.w.Base() == world.Tokyo {
			pick = k
		}
	}
	if revert && pick.Verb != string(dr.Resume) && c.w.Base() == world.Tokyo {
		c.w.SetBase(world.Seoul) // as it says: revert first
	}
	c.typed = append(c.typed, typed(pick))
	return workflows.StartCommand{
		Kind: dr.Kind(pick.Verb), Service: "portal", Target: dr.Region(pick.Args["region"]), Mode: pick.Args["mode"],
		Reason: "as the message says", Channel: "C-PORTAL", Once: fmt.Sprint("next", len(c.typed)),
		Override: pick.Args["override-cooldown"] != "",
	}, true
}

func typed(k dr.Command) string { return k.Verb + " " + k.Args["region"] + " " + k.Args["mode"] }

// placed is a mover and the call before which it moves.
type placed struct {
	mover
	at string
}

// tally counts what the mover's proof has seen.
type tally struct{ cases, unapproved, deadEnds atomic.Int64 }

// moved plays one run under which the world moves, and what follows from its end, until
// Git, writer and users agree.
func (n *tally) moved(t *testing.T, w *world.World, cmd workflows.StartCommand, moves ...placed) {
	t.Helper()
	n.cases.Add(1)
	c := &crew{w: w}
	w.SetLag(0.4)
	wrong := func(format string, args ...any) {
		n.unapproved.Add(1)
		t.Errorf(format, args...)
	}
	// What moves in the very moment of an act is seen by nobody before it.
	var when time.Time
	seen := func() bool { return !when.IsZero() && time.Since(when) > 0 }
	var planned atomic.Bool
	planned.Store(cmd.Mode == string(dr.Planned))
	w.BeforeEach("Promote", func() {
		if w.Base() != world.Tokyo && seen() {
			wrong("the database is promoted while Git says %s", w.Base())
		}
		if writing := w.Tasks(world.Seoul); planned.Load() && writing > 0 && seen() {
			wrong("the database is promoted by plan while %d tasks of the source write", writing)
		}
	})
	w.BeforeEach("Merge", func() {
		if by := w.Approvals(); by < 2 && seen() {
			wrong("merged with %d approvals", by)
		}
	})
	run := w.Start(cmd)
	for _, m := range moves {
		w.Before(m.at, func() { m.do(w); when = time.Now() })
	}
	for round := 0; ; round++ {
		r, err := c.live(run)
		if err != nil {
			n.deadEnds.Add(1)
			t.Errorf("%v\n%q", err, c.typed)
			return
		}
		if r.State == dr.RunSucceeded && w.Base() == world.Tokyo && w.Writer() == world.Tokyo && w.Points() == world.Tokyo {
			break
		}
		next, ok := c.next(r)
		if r.State == dr.RunSucceeded { // the world moved behind it: people ask for what is left
			next, ok = resume(world.Disaster), true
			next.Once = fmt.Sprint("left", round)
			if w.Base() != world.Tokyo {
				next.Kind = dr.Failover
				next.Override = true
			}
		}
		if !ok || round == 10 {
			n.deadEnds.Add(1)
			t.Errorf("a dead end: %s: %s / %s\n%q", r.State, world.Words(r.Outcome), world.Words(r.Next), c.typed)
			return
		}
		time.Sleep(5 * time.Minute)
		var started dr.Run
		if lived := heard(func() { started, _, err = w.Engine.Start(context.Background(), world.By("alice"), next) }); !lived {
			w.Revive(time.Minute)
			started, _, err = w.Engine.Start(context.Background(), world.By("alice"), next)
		}
		if err != nil {
			n.deadEnds.Add(1)
			t.Errorf("the command that the end names is refused: %v\n%q", err, c.typed)
			return
		}
		run = started.Run
		planned.Store(next.Mode == string(dr.Planned))
	}
	for _, made := range w.Made() {
		if !strings.Contains(c.read.String(), made) {
			wrong("%s was applied and nobody was shown it", made)
		}
	}
}

// TestMovers moves the world at every place of a run where it asks the outside for
// something: nothing is promoted, merged or applied that no approval covers, and from
// every end a command that its message names leads to where Git and the people want.
// In make test one case in 29 is played, with the race detector and where a developer waits
// fewer, in make moves each.
func TestMovers(t *testing.T) {
	t.Parallel()
	every := oneIn
	if n, err := strconv.Atoi(os.Getenv("DRBOT_ONE_MOVE_IN")); err == nil {
		every = n
	} else if os.Getenv("DRBOT_MOVES") != "" {
		every = 1
	}
	var n tally
	i := 0
	t.Run("moves", func(t *testing.T) {
		for _, m := range modes {
			places := calls(t, m.cmd)
			last := slices.Index(places, "Resolve portal.example.test")
			for p, at := range places {
				for _, mv := range movers() {
					if mv.back && p >= last {
						continue
					}
					if i++; i%every != 0 {
						continue
					}
					t.Run(fmt.Sprintf("%s/%s/%s", m.cmd.Mode, strings.ReplaceAll(at, "/", "_"), mv.name), func(t *testing.T) {
						t.Parallel()
						world.Run(t, world.Options{}, func(t *testing.T, w *world.World) { n.moved(t, w, m.cmd, placed{mv, at}) })
					})
				}
			}
		}
	})
	t.Logf("%d cases, promotions, merges or applies unapproved: %d, dead ends: %d", n.cases.Load(), n.unapproved.Load(), n.deadEnds.Load())
}

// TestMoverSequences is TestMovers for three moves at random places of one run. Which
// they are is told by the seed and the number of the case: DRBOT_SEED plays them again.
// There are as many as DRBOT_MOVES says: 100 in make test, 2,000 in make moves.
func TestMoverSequences(t *testing.T) {
	t.Parallel()
	many, seed := sequences, uint64(time.Now().UnixNano())
	if n, err := strconv.Atoi(os.Getenv("DRBOT_MOVES")); err == nil {
		many = n
	}
	if s, err := strconv.ParseUint(os.Getenv("DRBOT_SEED"), 10, 64); err == nil {
		seed = s
	}
	var places [2][]string
	for i, m := range modes {
		places[i] = calls(t, m.cmd)
	}
	var n tally
	t.Run("sequences", func(t *testing.T) {
		for i := range many {
			pick := rand.New(rand.NewPCG(seed, uint64(i)))
			mode := pick.IntN(len(modes))
			var moves []placed
			name := modes[mode].cmd.Mode
			for len(moves) < 3 {
				p, mv := pick.IntN(len(places[mode])), movers()[pick.IntN(len(movers()))]
				if mv.back && p >= slices.Index(places[mode], "Resolve portal.example.test") {
					continue
				}
				moves = append(moves, placed{mv, places[mode][p]})
				name += fmt.Sprintf(", %s before %s", mv.name, strings.ReplaceAll(places[mode][p], "/", "_"))
			}
			t.Run(fmt.Sprintf("%d/%d %s", seed, i, name), func(t *testing.T) {
				t.Parallel()
				world.Run(t, world.Options{}, func(t *testing.T, w *world.World) { n.moved(t, w, modes[mode].cmd, moves...) })
			})
		}
	})
	t.Logf("seed %d: %d sequences, promotions, merges or applies unapproved: %d, dead ends: %d", seed, n.cases.Load(), n.unapproved.Load(), n.deadEnds.Load())
}
