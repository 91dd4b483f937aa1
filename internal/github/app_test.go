package github_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/contract"
	"github.com/drbot/drbot/internal/github"
	sandbox "github.com/drbot/drbot/internal/sandbox/github"
	"github.com/drbot/drbot/internal/sandbox/github/described"
	"github.com/drbot/drbot/text/texttest"
)

const appID = 4711

// appKey is the App's key, made once.
var appKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

func inPEM(k *rsa.PrivateKey) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(k)})
}

// startApp is start with drbot as an App.
func startApp(t *testing.T, change ...func(*sandbox.Options, *sandbox.App)) (*github.Client, *github.App, *sandbox.Server) {
	t.Helper()
	key, err := appKey()
	must(t, err)
	o := sandbox.Options{
		Dir: t.TempDir(), Owner: "acme", Repo: "infra", BotLogin: "drbot[bot]", BotToken: "n0ne",
		SeedFiles: map[string]string{path: seoul, "README.md": "hello\n"},
		Personas:  []sandbox.Persona{{Login: "alice", Permission: "admin"}, {Login: "bob", Permission: "write"}, {Login: "carol", Permission: "maintain"}, {Login: "dave", Permission: "triage"}},
	}
	installed := sandbox.App{ID: appID, Slug: "drbot", Key: &key.PublicKey, Permissions: github.Needed(), Events: github.NeededEvents()}
	for _, f := range change {
		f(&o, &installed)
	}
	s, err := sandbox.New(t.Context(), o)
	must(t, err)
	must(t, s.InstallApp(installed))
	server := httptest.NewServer(described.Behind(t, s))
	s.SetBaseURL(server.URL)
	t.Cleanup(func() {
		s.ClearFaults()
		must(t, s.Close())
		server.Close()
	})
	clock := &skipping{}
	options := github.Options{BaseURL: server.URL, Clock: clock.Now, Sleep: clock.Sleep}
	if options.App, err = github.NewApp(appID, inPEM(key), options); err != nil {
		t.Fatal(err)
	}
	c, err := github.New(options)
	must(t, err)
	return c, options.App, s
}

// appHands are hands whose bot has the App's login.
type appHands struct{ hands }

func (h appHands) NobodysMail() { h.s.SetLies(sandbox.Lies{NobodysMail: []string{"drbot[bot]"}}) }

// As an App drbot keeps the very contract that it keeps with a token.
func TestContractAsAnApp(t *testing.T) {
	world := func(t *testing.T) contract.ForgeWorld {
		c, _, s := startApp(t)
		return contract.ForgeWorld{
			Change: c, Publish: c, Repo: repo, Self: "drbot[bot]", Commits: "web-flow", Unseen: dr.Uncertain, Home: seoul, Away: tokyo,
			People: people{s}, Hands: appHands{hands{s}}, Page: page{s}, Pens: pens{s},
		}
	}
	contract.ChangeControl(t, world)
	contract.Publisher(t, world)
}

func mints(s *sandbox.Server) int { return len(s.CallsTo("POST", "/access_tokens")) }

// refusedCalls counts what was answered 401.
func refusedCalls(s *sandbox.Server) (n int) {
	for _, c := range s.Calls() {
		if c.Status == 401 {
			n++
		}
	}
	return n
}

// A token that ends in the middle is renewed once, in reads and in writes; one that holds
// is used again.
func TestAppRenewsARefusedToken(t *testing.T) {
	c, app, s := startApp(t)
	change := opened(t, c)
	if n := mints(s); n != 1 {
		t.Errorf("%d tokens were asked for", n)
	}
	s.EndAppTokens()
	look(t, c, change.Number)
	if n, refused := mints(s), refusedCalls(s); n != 2 || refused != 1 {
		t.Errorf("%d tokens were asked for, %d calls were refused", n, refused)
	}
	s.EndAppTokens()
	must(t, c.Comment(t.Context(), repo, change.Number, "m", "body"))
	s.EndAppTokens()
	must(t, c.Status(t.Context(), repo, change.Head, "drbot/plan", dr.StateSuccess, "well", ""))
	if k := s.Comments(change.Number); len(k) != 1 {
		t.Errorf("comments %+v", k)
	}
	token, err := app.Token(t.Context(), repo, "")
	must(t, err)
	again, err := app.Token(t.Context(), repo, token)
	must(t, err)
	if given := s.AppTokens(); again == token || again != given[len(given)-1] {
		t.Error("a refused token was given again")
	}
}

// Many at once meet the end of one token and ask for one other.
func TestAppRenewsOnceForAll(t *testing.T) {
	c, _, s := startApp(t)
	change := opened(t, c)
	s.EndAppTokens()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := c.ChangeState(t.Context(), repo, change.Number); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := mints(s); n != 2 {
		t.Errorf("%d tokens were asked for", n)
	}
}

// A token is renewed before its end: none is sent that GitHub would refuse. What is given
// to Git has ten minutes left.
func TestAppHonoursTheEnd(t *testing.T) {
	c, _, s := startApp(t, func(_ *sandbox.Options, a *sandbox.App) { a.Lifetime = 30 * time.Second })
	look(t, c, opened(t, c).Number)
	if n := refusedCalls(s); n != 0 || mints(s) < 2 {
		t.Errorf("%d calls were refused, %d tokens asked for", n, mints(s))
	}
	var app *github.App
	c, app, s = startApp(t, func(_ *sandbox.Options, a *sandbox.App) { a.Lifetime = 5 * time.Minute })
	look(t, c, opened(t, c).Number)
	if n := mints(s); n != 1 {
		t.Errorf("%d tokens were asked for", n)
	}
	_, err := app.Token(t.Context(), repo, "")
	must(t, err)
	if n := mints(s); n != 2 {
		t.Errorf("Git was given a token that ends soon: %d were asked for", n)
	}
}

// A token for fetching modules reads the one repository that is named, and is made once while
// it holds; where the App may not read it, that is told of that repository.
func TestAppReadsModules(t *testing.T) {
	_, app, s := startApp(t, func(_ *sandbox.Options, a *sandbox.App) { a.Others = []string{"modules"} })
	modules := dr.Repository{Owner: "acme", Name: "modules"}
	token, err := app.ReadToken(t.Context(), modules)
	must(t, err)
	again, err := app.ReadToken(t.Context(), modules)
	must(t, err)
	other, err := app.ReadToken(t.Context(), repo)
	must(t, err)
	all, err := app.Token(t.Context(), repo, "")
	must(t, err)
	if token != again || token == other || other == all || mints(s) != 3 {
		t.Errorf("%d tokens were asked for", mints(s))
	}
	ask := func(token, method, path, body string) int {
		t.Helper()
		req, answer := httptest.NewRequestWithContext(t.Context(), method, "/api/v3/repos/acme/infra"+path, strings.NewReader(body)), httptest.NewRecorder()
		req.Header.Set("Authorization", "Bearer "+token)
		s.ServeHTTP(answer, req)
		return answer.Code
	}
	const ref = `{"ref":"refs/heads/planted","sha":"%s"}`
	head, err := s.HeadOf(t.Context(), "main")
	must(t, err)
	for name, c := range map[string]struct{ got, want int }{
		"the other repository's":  {ask(token, "GET", "/git/ref/heads/main", ""), 404},
		"its own":                 {ask(other, "GET", "/git/ref/heads/main", ""), 200},
		"its own, to write":       {ask(other, "POST", "/git/refs", fmt.Sprintf(ref, head)), 403},
		"its own, pull requests":  {ask(other, "GET", "/pulls", ""), 403},
		"the bot's, to write too": {ask(all, "POST", "/git/refs", fmt.Sprintf(ref, head)), 201},
	} {
		if c.got != c.want {
			t.Errorf("%s: answered %d, want %d", name, c.got, c.want)
		}
	}
	_, err = app.ReadToken(t.Context(), dr.Repository{Owner: "acme", Name: "elsewhere"})
	if what, _ := texttest.Told(t, err); !strings.Contains(what, "elsewhere") || dr.CodeOf(err) != dr.Uncertain {
		t.Errorf("got %q, %v", what, err)
	}
	s.SuspendApp(true)
	s.EndAppTokens()
	if _, err := app.ReadToken(t.Context(), dr.Repository{Owner: "acme", Name: "Modules"}); err != nil {
		t.Errorf("the token at hand was not given: %v", err) // that it has ended git will say
	}
}

func TestAppCommitIsSigned(t *testing.T) {
	c, _, s := startApp(t)
	change := opened(t, c)
	if !s.IsSigned(change.Head) || len(s.CallsTo("POST", "/git/commits")) != 0 {
		t.Error("the commit was not made by createCommitOnBranch")
	}
	state := look(t, c, change.Number)
	if len(state.Commits) != 1 || state.Commits[0].Author != "drbot[bot]" || state.Commits[0].Committer != "web-flow" || state.HeadFile != tokyo {
		t.Errorf("state %+v", state)
	}
}

// executableFile has the file in the mode that GitHub's own commits do not keep.
func executableFile(t *testing.T) func(*sandbox.Options, *sandbox.App) {
	dir := t.TempDir()
	full := dir + "/" + path
	must(t, os.MkdirAll(full[:strings.LastIndex(full, "/")], 0o755))
	must(t, os.WriteFile(full, []byte(seoul), 0o755))
	return func(o *sandbox.Options, _ *sandbox.App) { o.SeedDir, o.SeedFiles = dir, nil }
}

func TestAppCommitsAnExecutableFileUnsigned(t *testing.T) {
	c, _, s := startApp(t, executableFile(t))
	change := opened(t, c)
	if s.IsSigned(change.Head) || len(s.CallsTo("POST", "/git/commits")) != 1 {
		t.Error("the commit was made by createCommitOnBranch, which takes the mark away")
	}
	var tree sandbox.Call
	for _, k := range s.CallsTo("POST", "/git/trees") {
		tree = k
	}
	if !strings.Contains(string(tree.Body), `"100755"`) {
		t.Errorf("the tree was written as %s", tree.Body)
	}
}

func TestAppExecutableFileWhereSignaturesAreRequired(t *testing.T) {
	c, _, s := startApp(t, executableFile(t))
	s.Demand("main", sandbox.Demands{Signatures: true})
	_, err := c.OpenChange(t.Context(), asked(t, c))
	what, next := texttest.Told(t, err)
	if dr.CodeOf(err) != dr.Conflict || !strings.Contains(what, "main takes signed commits alone") || !strings.Contains(next, "git update-index --chmod=-x "+path) {
		t.Errorf("%v: %q, %q", err, what, next)
	}
	if len(s.CallsTo("POST", "/git/commits")) != 0 || len(s.Pulls()) != 0 {
		t.Error("something was made all the same")
	}
	if d := standing(t, c); len(d) != 1 || d[0].Level != dr.Fail || !strings.Contains(texttest.Say(t, d[0].Next), "git update-index") {
		t.Errorf("standing %+v", d)
	}
	s.Demand("main", sandbox.Demands{})
	opened(t, c)
}

// Somebody pushes to the branch between the look and the commit: expectedHeadOid does not
// hold, and what is there is nobody's to take up.
func TestAppExpectsItsHead(t *testing.T) {
	c, _, s := startApp(t)
	held := s.Inject(sandbox.Fault{Kind: sandbox.Hang, Method: "POST", Path: "/api/graphql", Times: 1})
	req := asked(t, c)
	failed := make(chan error, 1)
	go func() { _, err := c.OpenChange(context.WithoutCancel(t.Context()), req); failed <- err }()
	must(t, s.Wait(t.Context(), func() bool { return held.Hits() == 1 }))
	_, err := s.Push(t.Context(), sandbox.Push{By: "alice", Branch: req.Branch, Path: "other.txt", Content: "mine\n", Message: "by hand"})
	must(t, err)
	held.Release()
	err = <-failed
	what, _ := texttest.Told(t, err)
	if dr.CodeOf(err) != dr.Conflict || !strings.Contains(what, "something drbot did not make") || len(s.Pulls()) != 0 {
		t.Errorf("%v: %q, %d pull requests", err, what, len(s.Pulls()))
	}
}

// A try that ended between the branch and its commit is gone on with.
func TestAppGoesOnWithItsBranch(t *testing.T) {
	c, _, s := startApp(t)
	req := asked(t, c)
	s.Inject(sandbox.Fault{Kind: sandbox.ServerError, Method: "POST", Path: "/api/graphql", Times: 1})
	if _, err := c.OpenChange(t.Context(), req); dr.CodeOf(err) != dr.Temporary {
		t.Fatal(err)
	}
	if tip, err := s.HeadOf(t.Context(), req.Branch); err != nil || tip != req.BaseSHA {
		t.Fatalf("the branch is at %s, %v", tip, err)
	}
	change, err := c.OpenChange(t.Context(), req)
	must(t, err)
	if !s.IsSigned(change.Head) {
		t.Error("the commit is not signed")
	}
}

// Whatever answer is lost, to the commit or to the call for a token, a second call finds
// what the first one did.
func TestAppLostReplies(t *testing.T) {
	for _, path := range []string{"/api/graphql", "/app/installations/", "/repos/acme/infra/installation", "/repos/acme/infra/git/refs"} {
		for _, kind := range []sandbox.Kind{sandbox.LostReply, sandbox.DroppedReply, sandbox.HalfBody, sandbox.ServerError} {
			t.Run(path+" "+string(kind), func(t *testing.T) {
				c, _, s := startApp(t)
				fault := s.Inject(sandbox.Fault{Kind: kind, Path: path, Times: 1})
				var req dr.ChangeRequest
				untilDone(t, func() (int, error) {
					content, commit, err := c.File(t.Context(), repo, "main")
					req = dr.ChangeRequest{Repository: repo, Branch: "drbot/r1", BaseSHA: commit, Content: tokyo, Message: "m\n\nwhy", Title: "t"}
					return len(content), err
				})
				change := untilDone(t, func() (dr.Change, error) { return c.OpenChange(t.Context(), req) })
				if !s.IsSigned(change.Head) || len(s.Pulls()) != 1 || fault.Hits() != 1 {
					t.Errorf("%+v, %d pull requests, %d faults", change, len(s.Pulls()), fault.Hits())
				}
			})
		}
	}
}

// What was said is told with the number of the account, which stays when a login goes to
// somebody else.
func TestReviewsTellTheAccount(t *testing.T) {
	c, s := start(t)
	change := opened(t, c)
	approve := func() {
		_, err := s.Review(t.Context(), "bob", change.Number, sandbox.Approved, "", "")
		must(t, err)
	}
	approve()
	must(t, s.TakeLogin("bob"))
	approve()
	r := look(t, c, change.Number).Reviews
	if len(r) != 2 || r[0].By != "bob-renamed" || r[1].By != "bob" || r[0].ByID == 0 || r[1].ByID == 0 || r[0].ByID == r[1].ByID {
		t.Errorf("reviews %+v", r)
	}
}

// A repository that is taken out of the installation answers 404, as what is not there
// does: the two are told apart, so that no run ends for it.
func TestAppTakenOffTheRepository(t *testing.T) {
	c, _, s := startApp(t)
	req := asked(t, c)
	change, err := c.OpenChange(t.Context(), req)
	must(t, err)
	s.MoveApp(true, false)
	for name, call := range map[string]func() error{
		"file":  func() error { _, _, err := c.File(t.Context(), repo, "main"); return err },
		"state": func() error { _, err := c.ChangeState(t.Context(), repo, change.Number); return err },
		"merge": func() error { _, err := c.Merge(t.Context(), repo, change.Number, change.Head); return err },
		"open":  func() error { _, err := c.OpenChange(t.Context(), req); return err },
	} {
		err := call()
		if what, _ := texttest.Told(t, err); dr.CodeOf(err) != dr.Uncertain || !strings.Contains(what, "but not on acme/infra") {
			t.Errorf("%s: %q, %v", name, what, err)
		}
	}
	s.MoveApp(false, false)
	if _, err := c.Merge(t.Context(), repo, change.Number, change.Head); err != nil {
		t.Error(err)
	}
}
