package tf

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
)

// bankServer stands in for STS: other processes, too, have sessions made there. A session's
// key names the role that it is of.
type bankServer struct {
	*httptest.Server
	last time.Duration

	mu    sync.Mutex
	made  map[Act]int
	until time.Time // when the last session of an apply ends
}

func newBank(t *testing.T, last time.Duration) *bankServer {
	b := &bankServer{last: last, made: map[Act]int{}}
	b.Server = httptest.NewServer(b)
	t.Cleanup(b.Close)
	return b
}

func (b *bankServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var l Loan
	if err := json.NewDecoder(r.Body).Decode(&l); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	b.made[l.Act]++
	n := b.made[l.Act]
	k := Keys{ID: fmt.Sprintf("%s-%d-%d", l.Role, l.Act, n), Secret: fmt.Sprintf("the-secret-of-%d-%d", l.Act, n), Token: "a-token", Until: time.Now().Add(b.last)}
	if l.Act == ActApply {
		b.until = k.Until
	}
	_ = json.NewEncoder(w).Encode(k)
}

func (b *bankServer) count(a Act) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.made[a]
}

// bankAt makes sessions at a bank, in any process.
func bankAt(_ context.Context, from Source) (Borrow, error) {
	return func(ctx context.Context, l Loan) (k Keys, err error) {
		doc, err := json.Marshal(l)
		if err != nil {
			return k, err
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, from.Endpoint, strings.NewReader(string(doc)))
		if err != nil {
			return k, err
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return k, err
		}
		defer res.Body.Close()
		return k, json.NewDecoder(res.Body).Decode(&k)
	}, nil
}

func lendingOf(bank string) *Lending {
	from := Source{Endpoint: bank, Environment: map[string]string{"AWS_SECRET_ACCESS_KEY": "the-base-secret"}}
	keys, _ := bankAt(context.Background(), from) // it has no error
	return &Lending{Source: from, Keys: keys, Role: func(_ string, _ dr.Region, apply bool) string {
		if apply {
			return "APPLY"
		}
		return "READ"
	}}
}

// signedBy is a proxy that keeps the keys that calls were signed with.
type signedBy struct {
	*httptest.Server
	mu   sync.Mutex
	keys []string
}

func newSignedBy(t *testing.T, endpoint string) *signedBy {
	t.Helper()
	to, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	s := &signedBy{}
	proxy := httputil.NewSingleHostReverseProxy(to)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, rest, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
		key, _, _ := strings.Cut(rest, "/")
		s.mu.Lock()
		if !slices.Contains(s.keys, key) {
			s.keys = append(s.keys, key)
		}
		s.mu.Unlock()
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

// seen are the keys since the last look, in the order in which they came.
func (s *signedBy) seen() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.keys
	s.keys = nil
	return out
}

// TestEachActIsLentItsRole plans, looks and applies with the state on S3: every call of each
// is signed with a session of the one role, while drbot's own credentials are in the
// environment of the process that starts it.
func TestEachActIsLentItsRole(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "BASE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "the-base-secret")
	proxy := newSignedBy(t, startMoto(t))
	c := newCloud(t, proxy.URL, true, false)
	c.opts.Environment = map[string]string{"AWS_ENDPOINT_URL": proxy.URL}
	bank := newBank(t, time.Hour)
	c.opts.Lending = lendingOf(bank.URL)
	commit := c.commitS3(localExec("a", "env > "+c.dir+"/env", ""))
	proxy.seen()

	req := c.request("lent", commit)
	if got := proxy.seen(); !slices.Equal(got, []string{"READ-0-1"}) {
		t.Errorf("planned with %v", got)
	}
	_, err := c.terraform().Plan(t.Context(), dr.PlanRequest{Service: trusting(), Stack: c.stack(), Commit: commit, AsApply: true})
	if got := proxy.seen(); err != nil || !slices.Equal(got, []string{"APPLY-1-1"}) {
		t.Errorf("looked with %v, %v", got, err)
	}
	if r := c.apply(req); r.Kind != dr.ApplyDone {
		t.Fatalf("%+v", r)
	}
	// What is applied is planned before by a session that only reads.
	if got := proxy.seen(); !slices.Equal(got, []string{"APPLY-1-2", "APPLY-2-1"}) {
		t.Errorf("applied with %v", got)
	}
	for _, secret := range []string{"the-base-secret", "the-secret-of"} {
		if found := holding(t, c.opts.WorkDir, secret); len(found) > 0 {
			t.Errorf("%s is in %v", secret, found)
		}
	}
	env, err := os.ReadFile(filepath.Join(c.dir, "env"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(env)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		if dr.GivesCredentials(name) && name != "AWS_CONTAINER_CREDENTIALS_FULL_URI" && name != "AWS_CONTAINER_AUTHORIZATION_TOKEN" || strings.Contains(value, "the-base-secret") || strings.Contains(value, "the-secret-of") {
			t.Errorf("what Terraform starts has %s", name)
		}
	}
}

// TestAnApplyRenewsWithoutTheBot kills the bot during an apply whose sessions last two
// seconds, and lets the apply go on only when the one that it has has ended.
func TestAnApplyRenewsWithoutTheBot(t *testing.T) {
	c := newCloud(t, startMoto(t), true, false)
	c.opts.Environment = map[string]string{"AWS_ENDPOINT_URL": c.endpoint}
	bank := newBank(t, 2*time.Second)
	c.opts.Lending = lendingOf(bank.URL)
	g := c.gate("exec")
	req := c.request("renewed", c.commitS3(localExec("a", g.command(), "")))
	kill := c.otherBot(botOrder{URL: c.bare, WorkDir: c.opts.WorkDir, Request: req, Environment: c.opts.Environment, Bank: bank.URL})
	g.reached()
	kill()
	before := bank.count(ActApply)
	eventually(t, "the session has ended", func() bool {
		bank.mu.Lock()
		defer bank.mu.Unlock()
		return time.Now().After(bank.until)
	})
	g.open()
	if r := c.apply(req); r.Kind != dr.ApplyDone || r.Counts.Add != 1 {
		t.Errorf("%+v", r)
	}
	if after := bank.count(ActApply); before == 0 || after <= before {
		t.Errorf("%d sessions before the bot died, %d after", before, after)
	}
}

// TestNothingIsLent has a stack on S3 whose Terraform is given nothing: it is told from where
// it would have credentials.
func TestNothingIsLent(t *testing.T) {
	w := newWorld(t)
	w.backend = map[string]string{"bucket": bucket, "key": "nothing", "region": "us-east-1"}
	f := files("")
	f["app/main.tf"] = strings.Replace(f["app/main.tf"], `backend "local"`, `backend "s3"`, 1)
	if what, next := w.failed(w.commit(f)); !strings.Contains(next, "aws.apply_role") {
		t.Errorf("%q, %q", what, next)
	}
}

// TestNoSessionNothingStarted has the role refused: what is told is that, and Terraform is
// not started to fail in words of its own.
func TestNoSessionNothingStarted(t *testing.T) {
	w := newWorld(t)
	commit := w.commit(files(""))
	w.opts.Lending = lendingOf("http://127.0.0.1:1")
	refused := &dr.Error{Code: dr.Denied, What: dr.T("aws.denied.role", "role", "READ", "region", "us-east-1"), Next: dr.T("aws.denied.role.next")}
	w.opts.Lending.Keys = func(context.Context, Loan) (Keys, error) { return Keys{}, refused }
	w.opts.TerraformPath = w.wrapper("init", "exit 1")
	_, err := w.terraform().Plan(t.Context(), dr.PlanRequest{Service: trusting(), Stack: w.stack(), Commit: commit})
	if what, _ := dr.Told(err); dr.CodeOf(err) != dr.Denied || what.ID != refused.What.ID {
		t.Errorf("%v", err)
	}
	w.opts.Lending.Keys = nil
	if _, err := w.terraform().Plan(t.Context(), dr.PlanRequest{Service: trusting(), Stack: w.stack(), Commit: commit}); err == nil {
		t.Error("a plan without its session went well")
	}
}
