package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/sandbox/github"
)

// span is a stretch of time that was not the bot's, and what was done in it.
type span struct {
	from, to time.Time
	what     string
}

// union is how much of a window the spans cover.
func union(spans []span, from, to time.Time) time.Duration {
	slices.SortFunc(spans, func(a, b span) int { return a.from.Compare(b.from) })
	var covered time.Duration
	at := from
	for _, s := range spans {
		begin, end := s.from, s.to
		if begin.Before(at) {
			begin = at
		}
		if end.After(to) {
			end = to
		}
		if end.After(begin) {
			covered += end.Sub(begin)
			at = end
		}
	}
	return covered
}

// Bench measures what the bot itself costs, read from the stand-ins' clocks, and
// prints it beside the budget of docs/design.md. It fails when a budget is missed.
func Bench(ctx context.Context, o Options, runs int) error {
	o.Quick, o.Watch = true, true
	out := o.Out
	o.Out = io.Discard
	w, err := New(ctx, o)
	if err != nil {
		return err
	}
	defer w.Close()
	b := &bench{World: w, out: out}
	began := time.Now()
	if err := w.StartBot(ctx); err != nil {
		return err
	}
	b.report("start-up, from exec to serving", time.Since(began), time.Second)
	if err := b.runs(ctx, runs); err != nil {
		return err
	}
	if err := b.acks(ctx, runs); err != nil {
		return err
	}
	if err := b.resume(ctx); err != nil {
		return err
	}
	if err := b.memory(); err != nil {
		return err
	}
	if len(b.missed) > 0 {
		return fmt.Errorf("over budget: %s", strings.Join(b.missed, "; "))
	}
	return nil
}

type bench struct {
	*World
	out    io.Writer
	missed []string
	pairs  []time.Duration // what the bot adds to a plan and apply of one stack
	whole  []time.Duration // a plan and apply of bareStack by the bot, in all
	where  where
}

// runs plays the runs, with bare Terraform at the same stack after each.
func (b *bench) runs(ctx context.Context, runs int) error {
	shell, err := b.newBare(ctx)
	if err != nil {
		return err
	}
	var shares []time.Duration
	for i := range runs {
		share, to, err := b.run(ctx, i)
		if err != nil {
			return err
		}
		shares = append(shares, share)
		if err := shell.measure(ctx, to); err != nil {
			return err
		}
	}
	b.report(fmt.Sprintf("the bot's own share of a run, median of %d", runs), median(shares), 800*time.Millisecond)
	b.report("the same, the longest", slices.Max(shares), 2*time.Second)
	b.report(fmt.Sprintf("added to a plan and apply of a stack, median of %d", len(b.pairs)), median(b.pairs), 300*time.Millisecond)
	raw, whole := median(shell.took), median(b.whole)
	_, _ = fmt.Fprintf(b.out, "a plan and apply of one terraform_data, median of %d: bare terraform init, plan, apply %s; drbot %s; ratio %.2f\n",
		runs, raw.Round(time.Millisecond), whole.Round(time.Millisecond), float64(whole)/float64(raw))
	b.where.say(b.out)
	return nil
}

func (b *bench) report(what string, took, budget time.Duration) {
	b.line(what, took.Round(100*time.Microsecond).String(), budget.String(), took <= budget)
}

func (b *bench) line(what, got, budget string, met bool) {
	verdict := "met"
	if !met {
		verdict = "MISSED"
		b.missed = append(b.missed, what)
	}
	_, _ = fmt.Fprintf(b.out, "%-52s %10s of %6s  %s\n", what, got, budget, verdict)
}

// run plays one planned run, there or back, and gives the bot's share of it, which is
// the wall time less everything that was somebody else's, and where it went.
func (b *bench) run(ctx context.Context, i int) (own time.Duration, to string, err error) {
	m := moved{from: home, to: standby, planned: true}
	if i%2 == 1 {
		m.from, m.to = standby, home
	}
	var others []span
	began := time.Now()
	m.run, err = b.request(ctx, "alice", fmt.Sprintf("/dr failover portal %s planned bench %d", m.to, i))
	if err != nil {
		return 0, "", err
	}
	p, err := b.pullOf(ctx, m.run)
	if err != nil {
		return 0, "", err
	}
	if err := b.awaitPlan(ctx, m.run, p); err != nil {
		return 0, "", err
	}
	// The plan is before the people from the moment its status stands. What the bot does
	// while they read (it plans once more) is nobody's loss; what it does beyond that is.
	planned := b.planned(p.HeadSHA)
	read := planned
	for _, who := range []string{"bob", "carol"} {
		read = read.Add(reading)
		time.Sleep(time.Until(read))
		if _, err := b.Hub.Review(ctx, loginOf(who), p.Number, github.Approved, "", ""); err != nil {
			return 0, "", err
		}
	}
	others = append(others, span{planned, read, "the people"})
	if err := b.waitText(ctx, m.run, "*succeeded*"); err != nil {
		return 0, "", err
	}
	ended := b.resultPosted(p.Number)
	spans, err := b.callSpans()
	if err != nil {
		return 0, "", err
	}
	others = append(others, spans...)
	own = ended.Sub(began) - union(others, began, ended)
	steps, err := b.overheads(ctx, planned)
	if err != nil {
		return 0, "", err
	}
	b.where.add(gaps(others, began, ended, steps), m)
	_, _ = fmt.Fprintf(b.out, "  run %d: %s in all, %s of it the bot's\n", i+1, ended.Sub(began).Round(time.Millisecond), own.Round(time.Millisecond))
	return own, m.to, nil
}

// overheads takes the plan and apply steps of the run that has just ended and counts
// what of them no Terraform was alive in, a stack's plan and apply together; of the plan
// what came before the people had it. It gives all steps.
func (b *bench) overheads(ctx context.Context, planned time.Time) ([]dr.Step, error) {
	out, err := exec.CommandContext(ctx, b.opts.Bot, "runs", "--json", "--limit", "1", "--config", filepath.Join(b.opts.Dir, "bot", "drbot.yaml")).Output()
	if err != nil {
		return nil, fmt.Errorf("ask for the run: %w", err)
	}
	var runs []dr.Run
	if err := json.Unmarshal(out, &runs); err != nil || len(runs) != 1 {
		return nil, fmt.Errorf("read the run: %w", err)
	}
	lives, err := b.lives()
	if err != nil {
		return nil, err
	}
	own := func(s dr.Step) time.Duration { return s.Ended.Sub(s.Started) - union(lives, s.Started, s.Ended) }
	var plan dr.Step
	var applies []dr.Step
	for _, s := range runs[0].Steps {
		switch {
		case s.Name == "plan":
			plan = s
			plan.Ended = planned
		case strings.HasPrefix(s.Name, "apply/"):
			applies = append(applies, s)
		}
	}
	stacks := time.Duration(len(applies)) // each has been planned before, for the people
	for _, a := range applies {
		b.pairs = append(b.pairs, own(plan)/stacks+own(a))
		if a.Name == "apply/"+bareStack {
			b.whole = append(b.whole, plan.Ended.Sub(plan.Started)/stacks+a.Ended.Sub(a.Started))
		}
	}
	if len(b.whole) == 0 {
		return nil, wrongf("the run has not applied %s", bareStack)
	}
	return runs[0].Steps, nil
}

// reading is how long each of two people reads before the one approves and then the other.
const reading = 2 * time.Second

// planned is when the status said that a commit's plan may be approved.
func (b *bench) planned(sha string) time.Time {
	var at time.Time
	for _, c := range b.Hub.CallsTo("POST", "/statuses/"+sha) {
		if end := c.At.Add(c.Duration); end.After(at) && strings.Contains(string(c.Body), `"drbot/plan"`) && strings.Contains(string(c.Body), `"success"`) {
			at = end
		}
	}
	return at
}

// resultPosted is when the result stood on the pull request: the last thing a run
// does.
func (b *bench) resultPosted(pull int) time.Time {
	var at time.Time
	for _, c := range b.Hub.CallsTo("POST", "/issues/"+strconv.Itoa(pull)+"/comments") {
		if end := c.At.Add(c.Duration); end.After(at) {
			at = end
		}
	}
	return at
}

// callSpans is every time in which somebody else was at work: a call to GitHub, AWS, the
// name servers or the application was open, a Terraform lived, or the emulated cloud was still changing. A fact
// that has become true and is not noticed yet is the bot's time again.
func (b *bench) callSpans() ([]span, error) {
	var out []span
	for _, c := range b.Hub.Calls() {
		out = append(out, span{c.At, c.At.Add(c.Duration), "GitHub " + c.Method + " " + shortPath(c.Path)})
	}
	timings := b.opts.timings()
	for _, c := range b.Cloud.Proxy.Calls() {
		end := c.End
		switch {
		case strings.HasSuffix(c.Operation, "GlobalCluster") && c.Write:
			end = end.Add(timings.Promotion)
		case c.Operation == "UpdateService":
			end = end.Add(timings.TaskStart + timings.TargetHealthy)
		}
		out = append(out, span{c.Start, end, "AWS " + c.Operation + " in " + c.Region})
	}
	for _, s := range b.Cloud.Served() {
		out = append(out, span{s.Start, s.End, s.What})
	}
	lives, err := b.lives()
	return append(out, lives...), err
}

// acks types fifty commands a second while a run is in flight and looks at how long
// Slack waits for each acknowledgement.
func (b *bench) acks(ctx context.Context, i int) error {
	to := standby
	if i%2 == 1 {
		to = home
	}
	run, err := b.request(ctx, "alice", "/dr failover portal "+to+" planned bench of acknowledgements")
	if err != nil {
		return err
	}
	const rate, seconds = 50, 6
	tick := time.NewTicker(time.Second / rate)
	defer tick.Stop()
	var wg sync.WaitGroup
	var mu sync.Mutex
	var took []time.Duration
	var failed error
	for n := range rate * seconds {
		<-tick.C
		wg.Go(func() {
			line := []string{"/dr status portal", "/dr help", "/dr failover portal " + to + " planned again", "/dr status"}[n%4]
			d, err := b.Slack.Command(ctx, slackOf("alice"), channel, line)
			mu.Lock()
			defer mu.Unlock()
			if err != nil || d.Status != 200 {
				failed = fmt.Errorf("%s was answered %d (%w)", line, d.Status, err)
				return
			}
			took = append(took, d.Ack)
		})
	}
	wg.Wait()
	if failed != nil {
		return failed
	}
	slices.Sort(took)
	b.report(fmt.Sprintf("acknowledgement at %d a second, p50 of %d", rate, len(took)), took[len(took)/2], 100*time.Millisecond)
	b.report("the same, p99", took[len(took)*99/100], 100*time.Millisecond)
	if _, err := b.command(ctx, "alice", "/dr cancel "+run); err != nil {
		return err
	}
	return b.waitText(ctx, run, "*cancelled*")
}

// resume kills the bot while a run waits for approval and measures from the new
// process's start to its next look at the reviews.
func (b *bench) resume(ctx context.Context) error {
	from, _, err := b.Cloud.GlobalWriter(ctx)
	if err != nil {
		return err
	}
	run, err := b.request(ctx, "alice", "/dr failover portal "+b.Cloud.Layout.Other(from)+" planned bench of a restart")
	if err != nil {
		return err
	}
	p, err := b.pullOf(ctx, run)
	if err != nil {
		return err
	}
	if err := b.awaitPlan(ctx, run, p); err != nil {
		return err
	}
	b.Bot.Kill()
	began := time.Now()
	if err := b.StartBot(ctx); err != nil {
		return err
	}
	suffix := fmt.Sprintf("/pulls/%d/reviews", p.Number)
	var looked time.Time
	wait, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err = b.Hub.Wait(wait, func() bool {
		for _, c := range b.Hub.CallsTo("GET", suffix) {
			if c.At.After(began) {
				looked = c.At
				return true
			}
		}
		return false
	})
	if err != nil {
		return wrongf("the restarted bot did not look at the reviews")
	}
	b.report("resume, from exec to the run's next act", looked.Sub(began), 2*time.Second)
	if _, err := b.command(ctx, "alice", "/dr cancel "+run); err != nil {
		return err
	}
	return b.waitText(ctx, run, "*cancelled*")
}

// memory reads what the process holds while nothing is under way.
func (b *bench) memory() error {
	data, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(b.Bot.cmd.Process.Pid), "status"))
	if err != nil {
		return err
	}
	for _, l := range strings.Split(string(data), "\n") {
		f := strings.Fields(l)
		if len(f) < 2 || f[0] != "VmRSS:" {
			continue
		}
		kb, err := strconv.Atoi(f[1])
		if err != nil {
			return err
		}
		b.line("memory, idle after a restart (VmRSS)", fmt.Sprintf("%d MB", kb>>10), "100 MB", kb>>10 < 100)
	}
	return nil
}
