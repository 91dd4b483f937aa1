package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"

	"github.com/drbot/drbot/dr"
)

// lines tells the audit lines of one step apart. A step that a death cut off is played again
// and comes by the same lines in the same order; those that are in the log already are not
// written twice. Another try is another one, and so is the same line said again.
type lines struct {
	step string // with how often the run has come to a step of that name

	mu   sync.Mutex
	try  int
	said map[string]int
}

type linesKey struct{}

// linesOf begins the lines of a step. It counts those that are only read back, too.
func linesOf(r *Run, name string) *lines {
	if r.played == nil {
		r.played = map[string]int{}
	}
	r.played[name]++
	return &lines{step: fmt.Sprint(name, "#", r.played[name]), said: map[string]int{}}
}

// anotherTry begins the lines of the next try of a step.
func anotherTry(ctx context.Context) {
	l, ok := ctx.Value(linesKey{}).(*lines)
	if !ok {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.try++
	clear(l.said)
}

// onceOf is what one line of the audit log is known by; empty outside of a step.
func onceOf(ctx context.Context, run, action string, detail dr.Text) string {
	l, ok := ctx.Value(linesKey{}).(*lines)
	if !ok {
		return ""
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	line := fmt.Sprintf("%q %q", action, detail)
	l.said[line]++
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %d %d %s", run, l.step, l.try, l.said[line], line))
	return hex.EncodeToString(sum[:16])
}
