package sandbox

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/drbot/drbot/internal/sandbox/aws"
)

// An effect is something the bot does to the outside: a call that writes, to
// GitHub, Slack or AWS, or an apply of Terraform's. Effects are named by what is
// done and counted by name, so that "the second commit status" is the same effect in
// every run of a kind.

// effect is the n-th act of a name.
type effect struct {
	name string
	n    int
}

func (e effect) String() string { return fmt.Sprintf("%s #%d", e.name, e.n) }

// strike is what is to happen at an effect: the bot is killed before or after it.
type strike struct {
	at    effect
	after bool
}

func (s strike) String() string {
	if s.after {
		return "after " + s.at.String()
	}
	return "before " + s.at.String()
}

// effects watches the acts of the bot from outside, and can kill it at one.
type effects struct {
	mu     sync.Mutex
	count  map[string]int
	order  []effect
	armed  *strike
	struck bool
	kill   func()
}

// reset forgets what was counted and arms a strike, if any.
func (e *effects) reset(s *strike, kill func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.count, e.order, e.armed, e.struck, e.kill = map[string]int{}, nil, s, false, kill
}

// done tells whether the strike has happened, and what was counted so far.
func (e *effects) done() (struck bool, order []effect) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.struck, append([]effect(nil), e.order...)
}

// before counts an effect and kills the bot if this is its moment.
func (e *effects) before(name string) (effect, bool) {
	e.mu.Lock()
	if e.count == nil {
		e.count = map[string]int{}
	}
	e.count[name]++
	at := effect{name, e.count[name]}
	e.order = append(e.order, at)
	e.mu.Unlock()
	return at, e.strike(at, false)
}

// after kills the bot if this is its moment: the act has been done, and its answer
// has not been given yet.
func (e *effects) after(at effect) bool { return e.strike(at, true) }

func (e *effects) strike(at effect, after bool) bool {
	e.mu.Lock()
	due := e.armed != nil && !e.struck && e.armed.at == at && e.armed.after == after
	if due {
		e.struck = true
	}
	kill := e.kill
	e.mu.Unlock()
	if due {
		kill()
	}
	return due
}

var (
	numberPart = regexp.MustCompile(`/\d+(/|$)`)
	shaPart    = regexp.MustCompile(`/[0-9a-f]{40}(/|$)`)
)

// hubEffect names a writing call to GitHub; empty for one that reads.
func hubEffect(r *http.Request) string {
	path, ok := strings.CutPrefix(r.URL.Path, "/api/v3/repos/"+owner+"/"+repository)
	if !ok || r.Method == http.MethodGet || r.Method == http.MethodHead {
		return ""
	}
	path = shaPart.ReplaceAllString(numberPart.ReplaceAllString(path, "/N$1"), "/SHA$1")
	if i := strings.Index(path, "/refs/heads/"); i >= 0 {
		path = path[:i] + "/refs/heads/BRANCH"
	}
	return "github " + r.Method + " " + path
}

// shortPath is a path of the repository's API without what differs from run to run.
func shortPath(path string) string {
	path = strings.TrimPrefix(path, "/repos/"+owner+"/"+repository)
	path = shaPart.ReplaceAllString(numberPart.ReplaceAllString(path, "/N$1"), "/SHA$1")
	if i := strings.Index(path, "/drbot/"); i >= 0 {
		path = path[:i] + "/BRANCH"
	}
	return path
}

// slackEffect names a call that writes to Slack.
func slackEffect(r *http.Request) string {
	if method, ok := strings.CutPrefix(r.URL.Path, "/api/chat."); ok {
		return "slack chat." + method
	}
	return ""
}

// watch wraps a stand-in so that its effects are counted. The answer is held back
// until the act is done, so that a kill after it comes before the bot knows.
func (e *effects) watch(name func(*http.Request) string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		what := name(r)
		if what == "" {
			h.ServeHTTP(w, r)
			return
		}
		at, struck := e.before(what)
		if struck {
			panic(http.ErrAbortHandler) // nobody has seen the call, and nobody is there to be answered
		}
		held := &heldAnswer{header: http.Header{}}
		h.ServeHTTP(held, r)
		if e.after(at) {
			panic(http.ErrAbortHandler)
		}
		held.give(w)
	})
}

// heldAnswer keeps an answer until it is given.
type heldAnswer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *heldAnswer) Header() http.Header { return a.header }

func (a *heldAnswer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *heldAnswer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(p)
}

func (a *heldAnswer) give(w http.ResponseWriter) {
	for k, v := range a.header {
		w.Header()[k] = v
	}
	if a.status == 0 {
		a.status = http.StatusOK
	}
	w.WriteHeader(a.status)
	_, _ = io.Copy(w, &a.body) // the client hanging up is its own business
}

// watchCloud counts the writing calls to AWS, those of Terraform's among them.
func (e *effects) watchCloud(p *aws.Proxy) {
	var mu sync.Mutex
	open := map[int64]effect{}
	p.Hook(aws.Matcher{Writes: true}, aws.Before, 0, func(c aws.Call) bool {
		name := "aws " + c.Service + " " + c.Operation
		terraform := c.AccessKey == stackTool
		if terraform {
			name += " (terraform)"
		}
		at, struck := e.before(name)
		mu.Lock()
		open[c.ID] = at
		mu.Unlock()
		return struck && !terraform // Terraform lives on, and its call goes through
	})
	p.Hook(aws.Matcher{Writes: true}, aws.After, 0, func(c aws.Call) bool {
		mu.Lock()
		at := open[c.ID]
		delete(open, c.ID)
		mu.Unlock()
		return e.after(at) && c.AccessKey != stackTool
	})
}

// stackTool is the access key id of the calls that Terraform's provisioners make.
const stackTool = "STACKTOOL"

// watchTerraform puts a script before the bot's Terraform that tells the world of
// every apply, before it begins and after it has ended.
func (w *World) watchTerraform() error {
	url, err := w.listen("", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		name := "terraform apply " + q.Get("stack")
		if q.Get("when") == "before" {
			at, _ := w.Effects.before(name)
			_, _ = fmt.Fprint(rw, at.n)
			return
		}
		var n int
		_, _ = fmt.Sscan(q.Get("n"), &n) // a number this handler gave
		w.Effects.after(effect{name, n})
	}))
	if err != nil {
		return err
	}
	path := filepath.Join(w.opts.Dir, "watched-terraform")
	script := fmt.Sprintf(`#!/bin/sh
case "$1" in
apply)
  began=$(date +%%s%%N)
  stack=$(basename "$PWD")
  n=$(%[1]q tool effect "%[2]s/?when=before&stack=$stack")
  %[3]q "$@"
  status=$?
  %[1]q tool effect "%[2]s/?when=after&stack=$stack&n=$n"
  echo "$began $(date +%%s%%N) $1 $stack" >>%[4]q
  exit $status
  ;;
esac
began=$(date +%%s%%N)
# Which Region the commit in hand says tells a plan of a run's change from one of the base.
says=$(sed -n 's/^active_region = "\(.*\)"/\1/p' active_region.auto.tfvars 2>/dev/null)
%[3]q "$@"
status=$?
echo "$began $(date +%%s%%N) $1 ${PWD##*/} $says" >>%[4]q
exit $status
`, w.opts.Tool, url, w.opts.Terraform, w.livesFile())
	w.opts.BotTerraform = path
	return os.WriteFile(path, []byte(script), 0o700)
}

func (w *World) livesFile() string { return filepath.Join(w.host(), "terraform-lives") }

// life is one Terraform process of the bot's.
type life struct {
	from, to         time.Time
	sub, stack, says string // says is the active Region of the commit in hand
}

// lifelines are all of them that have ended.
func (w *World) lifelines() ([]life, error) {
	data, err := os.ReadFile(w.livesFile())
	if err != nil {
		return nil, err
	}
	var out []life
	for _, line := range strings.Split(strings.TrimSpace(string(data)), "\n") {
		f := append(strings.Fields(line), "")
		if len(f) < 5 {
			return nil, fmt.Errorf("read the life %q", line)
		}
		from, err := strconv.ParseInt(f[0], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("read the life %q: %w", line, err)
		}
		to, err := strconv.ParseInt(f[1], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("read the life %q: %w", line, err)
		}
		out = append(out, life{time.Unix(0, from), time.Unix(0, to), f[2], f[3], f[4]})
	}
	return out, nil
}

// lives reads when a Terraform of the bot's lived.
func (w *World) lives() ([]span, error) {
	all, err := w.lifelines()
	var out []span
	for _, l := range all {
		out = append(out, span{l.from, l.to, "terraform " + l.sub + " of " + l.stack})
	}
	return out, err
}

// TellEffect is what the script before Terraform calls: it gives the answer of the
// world, which may come only after the bot has been killed.
func TellEffect(ctx context.Context, url string, out io.Writer) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	_, err = io.Copy(out, io.LimitReader(res.Body, 64))
	return err
}
