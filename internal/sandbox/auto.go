package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
)

// soon is what a gate waits in a world in which it is to give up.
const soon = 15 * time.Second

// Auto plays the whole story in a world of its own. With a sabotage it breaks that
// one thing first, and then an error is what is hoped for.
func Auto(ctx context.Context, o Options, sabotage string) error {
	var breakage *Breakage
	if sabotage != "" {
		i := slices.IndexFunc(Breakages(), func(b Breakage) bool { return b.Name == sabotage })
		if i < 0 {
			return fmt.Errorf("there is no sabotage %q; there are: %s", sabotage, strings.Join(BreakageNames(), ", "))
		}
		breakage = &Breakages()[i]
		o.GiveUp = soon
		if breakage.Before != nil {
			if err := breakage.Before(&o); err != nil {
				return err
			}
		}
	}
	moves := breakage == nil && o.Infra != Reference && o.Outage == ""
	if moves {
		o.Recheck, o.Watch = oldAfter, true
	}
	w, err := New(ctx, o)
	if err != nil {
		return err
	}
	defer w.Close()
	w.breakage, w.moves = breakage, moves
	if breakage != nil && breakage.World != nil {
		if err := breakage.World(ctx, w); err != nil {
			return err
		}
	}
	if err := w.StartBot(ctx); err != nil {
		return err
	}
	play := w.Play
	if o.Outage != "" {
		play = func(ctx context.Context) error { return w.PlayOutage(ctx, o.Outage) }
	}
	if breakage != nil && breakage.Play != nil {
		play = func(ctx context.Context) error { return breakage.Play(w, ctx) }
	}
	if err := play(ctx); err != nil {
		if ctx.Err() == nil {
			w.say("WRONG    %v", err)
			w.say("         the end of the bot's log:\n%s", w.botLog(15))
		}
		return err
	}
	return nil
}

// parallel is how many worlds SabotageAll keeps at once; each has a Moto, a bot and
// Terraform processes, and most of its time is waiting.
const parallel = 4

// SabotageAll breaks one thing after the other, each in a world of its own, and
// fails unless every one is found and named.
func SabotageAll(ctx context.Context, out io.Writer, only []string, options func(name string) (Options, func(), error)) error {
	var mu sync.Mutex
	var wg sync.WaitGroup
	var missed []string
	slots := make(chan struct{}, parallel)
	count := 0
	for _, b := range Breakages() {
		if len(only) > 0 && !slices.Contains(only, b.Name) {
			continue
		}
		count++
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			began := time.Now()
			found, err := runBroken(ctx, b, options)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				missed = append(missed, b.Name)
				_, _ = fmt.Fprintf(out, "MISSED  %-28s %5.1fs  %v\n", b.Name, time.Since(began).Seconds(), err)
				return
			}
			_, _ = fmt.Fprintf(out, "found   %-28s %5.1fs  %s\n", b.Name, time.Since(began).Seconds(), firstLine(found))
		})
	}
	wg.Wait()
	_, _ = fmt.Fprintf(out, "%d passed, %d failed\n", count-len(missed), len(missed))
	if len(missed) > 0 {
		return fmt.Errorf("not found: %s", strings.Join(missed, ", "))
	}
	return ctx.Err()
}

// runBroken gives the words in which a breakage was found, or an error when it was
// not found or found for another reason.
func runBroken(ctx context.Context, b Breakage, options func(string) (Options, func(), error)) (string, error) {
	o, cleanup, err := options(b.Name)
	if err != nil {
		return "", err
	}
	defer cleanup()
	o.Out = io.Discard
	err = Auto(ctx, o, b.Name)
	var bad *wrong
	switch {
	case err == nil:
		return "", errors.New("the demo ended well although: " + b.What)
	case !errors.As(err, &bad):
		return "", fmt.Errorf("the demo could not be played: %w", err)
	}
	for _, word := range b.Found {
		if !strings.Contains(bad.what, word) {
			return "", fmt.Errorf("found, but not named by %q: %s", word, bad.what)
		}
	}
	for _, l := range strings.Split(bad.what, "\n") {
		if len(b.Found) > 0 && strings.Contains(l, b.Found[0]) {
			return strings.TrimSpace(l), nil
		}
	}
	return bad.what, nil
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	if r := []rune(s); len(r) > 160 {
		s = string(r[:160]) + "…"
	}
	return s
}
