//go:build proof

package sandbox

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drbot/drbot/internal/sandbox/github"
)

// leg is one run of the proof: its mode, its direction is where the service is not.
type leg struct {
	planned bool
	strike  *strike
	trouble func(*stage) // begins when the run does, and again after the approvals
}

// stage is a world that plays one leg after the other, with the bot started again
// whenever it is gone.
type stage struct {
	*World
	t      *testing.T
	ctx    context.Context
	at     string // where the service is
	runs   int
	mu     sync.Mutex
	keeper chan struct{}
}

func newStage(t *testing.T, database string) *stage {
	w, ctx := newWorld(t, func(o *Options) { o.Watch, o.Quick, o.Database = true, true, database })
	s := &stage{World: w, t: t, ctx: context.WithoutCancel(ctx), at: home}
	must(t, w.StartBot(ctx))
	return s
}

// strikeBot kills the bot and has it started again at once, as a service manager
// does.
func (s *stage) strikeBot() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Bot.Kill()
	s.keeper = make(chan struct{})
	go func() {
		defer close(s.keeper)
		if err := s.StartBot(s.ctx); err != nil {
			s.t.Errorf("start the bot again: %v", err)
		}
	}()
}

// play plays one leg to its end and gives the effects it had.
func (s *stage) play(l leg) (struck bool, order []effect, err error) {
	ctx, cancel := context.WithTimeout(s.ctx, 150*time.Second)
	defer cancel()
	m := moved{from: s.at, to: s.Cloud.Layout.Other(s.at), planned: l.planned, approvers: []string{"bob", "carol"}, promotions: s.runs + 1}
	mode := "disaster"
	if l.planned {
		mode = "planned"
	}
	s.Effects.reset(l.strike, s.strikeBot)
	if l.trouble != nil {
		l.trouble(s)
	}
	if m.run, err = s.askOnce(ctx, "/dr failover portal "+m.to+" "+mode+" proof "+fmt.Sprint(s.runs)); err != nil {
		return false, nil, err
	}
	if m.pull, err = s.approveWhenPlanned(ctx, m.run); err != nil {
		return false, nil, err
	}
	if l.trouble != nil {
		l.trouble(s)
	}
	if err := s.awaitShown(ctx, m.run, "*succeeded*", 80*time.Second); err != nil {
		return false, nil, err
	}
	if err := s.readBack(ctx, m); err != nil {
		return false, nil, err
	}
	s.runs++
	if n := len(s.Hub.Pulls()); n != s.runs {
		return false, nil, wrongf("there are %d pull requests after %d runs", n, s.runs)
	}
	s.at = m.to
	struck, order = s.Effects.done()
	s.mu.Lock()
	keeper := s.keeper
	s.mu.Unlock()
	if keeper != nil {
		<-keeper
	}
	return struck, order, nil
}

// askOnce types a command and gives the run; a bot that dies in it is asked again
// by a person who was told nothing.
func (s *stage) askOnce(ctx context.Context, line string) (string, error) {
	for {
		text, err := s.command(ctx, "alice", line)
		if run := runForm.FindStringSubmatch(text); run != nil {
			return run[1], nil
		}
		if err == nil {
			return "", wrongf("%s was answered: %s", line, text)
		}
		if ctx.Err() != nil {
			return "", err
		}
		s.mu.Lock()
		keeper := s.keeper
		s.mu.Unlock()
		if keeper != nil {
			<-keeper
		}
	}
}

// patiently waits three times as long as people would: a service that is silent holds
// every one of the bot's calls for as long as it may.
func (s *stage) patiently(ctx context.Context, wait func() error) error {
	err := wait()
	for n := 0; n < 2 && err != nil && ctx.Err() == nil; n++ {
		err = wait()
	}
	return err
}

// approveWhenPlanned has two people approve when the plan is before them.
func (s *stage) approveWhenPlanned(ctx context.Context, run string) (int, error) {
	var p github.Pull
	err := s.patiently(ctx, func() (err error) {
		if p, err = s.pullOf(ctx, run); err != nil {
			return err
		}
		return s.awaitPlan(ctx, run, p)
	})
	if err != nil {
		return 0, err
	}
	for _, who := range []string{"bob", "carol"} {
		if _, err := s.Hub.Review(ctx, loginOf(who), p.Number, github.Approved, "", ""); err != nil {
			return 0, err
		}
	}
	return p.Number, nil
}

// mostUpdates is how many updates of the one message are struck in a run. How many
// there are depends on the clock, and each does what the one before it did.
const mostUpdates = 3

// kind is a run of the proof by what it starts from: its effects are the same each
// time.
type kind struct {
	name string
	legs []bool // planned?, in order; the strike is on the first
}

// TestProofKilledAtEveryEffect counts the effects of a clean run of every kind, and then
// plays the run again for each effect, killing the bot before it, and after it:
// every time the same end.
func TestProofKilledAtEveryEffect(t *testing.T) {
	t.Parallel()
	databases := map[string]func(*testing.T) string{
		"sqlite":   func(*testing.T) string { return "" },
		"postgres": postgresURL,
	}
	// A planned run leaves both Regions as Git says; a disaster is followed by the
	// planned way back, which is struck as well.
	kinds := []kind{{"planned", []bool{true}}, {"disaster", []bool{false, true}}}
	for name, database := range databases {
		for _, k := range kinds {
			t.Run(name+"/"+k.name, func(t *testing.T) {
				t.Parallel()
				s := newStage(t, database(t))
				strikes, missed := everywhere(t, s, k)
				t.Logf("%d runs, the bot killed at %d points, %d of them did not come about again", s.runs, strikes, missed)
				if missed*10 > strikes {
					t.Errorf("%d of %d strikes did not come about: too much is left to chance", missed, strikes)
				}
			})
		}
	}
}

// everywhere strikes every effect of every leg of a kind.
func everywhere(t *testing.T, s *stage, k kind) (strikes, missed int) {
	points := make([][]strike, len(k.legs))
	for i, planned := range k.legs {
		_, order, err := s.play(leg{planned: planned})
		if err != nil {
			t.Fatalf("%s, leg %d, clean: %v", k.name, i, err)
		}
		for _, e := range order {
			if strings.HasSuffix(e.name, "chat.update") && e.n > mostUpdates {
				continue // the same act again: the message is brought up to date
			}
			points[i] = append(points[i], strike{e, false}, strike{e, true})
		}
		t.Logf("%s, leg %d has %d effects: %v", k.name, i, len(order), order)
	}
	for n := range longest(points) {
		for i, planned := range k.legs {
			l := leg{planned: planned}
			if n < len(points[i]) {
				l.strike = &points[i][n]
			}
			struck, _, err := s.play(l)
			if err != nil {
				t.Fatalf("%s, leg %d, killed %v: %v\nthe bot's log:\n%s", k.name, i, l.strike, err, s.botLog(40))
			}
			if l.strike == nil {
				continue
			}
			strikes++
			if !struck {
				missed++
				if !strings.Contains(l.strike.at.name, "chat.update") {
					t.Errorf("%s, leg %d: %v did not come about again", k.name, i, l.strike)
				}
			}
		}
	}
	return strikes, missed
}

func longest(points [][]strike) int {
	n := 0
	for _, p := range points {
		n = max(n, len(p))
	}
	return n
}
