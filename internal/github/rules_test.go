package github_test

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/github"
	sandbox "github.com/drbot/drbot/internal/sandbox/github"
	"github.com/drbot/drbot/internal/tf"
	"github.com/drbot/drbot/text/texttest"
)

// portal is a service whose people are the local GitHub's.
func portal() dr.Service {
	return dr.Service{
		Name: "portal", Repository: repo, Quorum: 2, Requesters: []string{"alice", "bob"}, Approvers: []string{"alice", "bob", "carol"},
	}
}

func everybody() dr.People {
	var out dr.People
	for _, name := range []string{"alice", "bob", "carol", "dave"} {
		out = append(out, dr.Person{Name: name, GitHubLogins: []string{name}})
	}
	return out
}

func literal(content string) error {
	_, err := tf.RegionFile{}.ActiveRegion(content)
	return err
}

// ruled reads the rules, holds every check to what it must have and gives what each says.
func ruled(t *testing.T, c *github.Client, s dr.Service) map[string]dr.Check {
	t.Helper()
	checks := github.NewRules(c, everybody(), []string{"drbot/plan", "drbot/approval"}, literal).Rules(t.Context(), s, dr.Planned)
	out := map[string]dr.Check{}
	for i, k := range checks {
		if i >= len(github.Specs()) || k.Name != github.Specs()[i].ID || k.Need != dr.NeedSound && k.Name != "github.author" || k.At.IsZero() {
			t.Errorf("check %d is %+v", i, k)
		}
		if k.Level != dr.OK && k.Detail.Empty() {
			t.Errorf("%s is %s without words", k.Name, k.Level)
		}
		out[k.Name] = k
	}
	return out
}

// worse lists what is not ok.
func worse(checks map[string]dr.Check) map[string]dr.Level {
	out := map[string]dr.Level{}
	for name, k := range checks {
		if k.Level != dr.OK {
			out[name] = k.Level
		}
	}
	return out
}

// worked has the bot have opened a change before, so that there is a commit to look at.
func worked(t *testing.T, c *github.Client) { opened(t, c) }

func TestRulesWhenAllIsWell(t *testing.T) {
	c, s := start(t)
	worked(t, c)
	if bad := worse(ruled(t, c, portal())); len(bad) > 0 {
		t.Errorf("not ok: %v", bad)
	}
	s.SetScopes("drbot", "repo", "workflow")
	if k := ruled(t, c, portal())["github.access"]; k.Level != dr.OK {
		t.Errorf("a classic token: %s", texttest.Say(t, k.Line()))
	}
}

type ruledWorld struct {
	*testing.T
	*sandbox.Server
}

// mode puts a file of a mode on the base.
func (w ruledWorld) mode(path, mode, content string) {
	_, err := w.Push(w.Context(), sandbox.Push{By: "alice", Branch: "main", Path: path, Mode: mode, Content: content})
	must(w.T, err)
}

// Cases github 3, 5, 6, 7, 9, 11 and plans 5: each rule is told by its check, and by no
// other.
func TestRules(t *testing.T) {
	asked := func(d sandbox.Demands) func(ruledWorld) { return func(w ruledWorld) { w.Demand("main", d) } }
	busy := func(w ruledWorld) {
		for range 4 {
			_, err := w.MoveBase(w.Context(), "alice", "other.txt", time.Now().String(), "other work")
			must(w.T, err)
		}
	}
	both := func(d sandbox.Demands, also ...func(ruledWorld)) []func(ruledWorld) {
		p := d
		p.Protection = true
		before := func(w ruledWorld) {
			for _, do := range also {
				do(w)
			}
		}
		return []func(ruledWorld){
			func(w ruledWorld) { before(w); asked(d)(w) },
			func(w ruledWorld) { before(w); asked(p)(w); must(w.T, w.SetPermission("drbot", "admin")) },
		}
	}
	one := func(f func(ruledWorld)) []func(ruledWorld) { return []func(ruledWorld){f} }
	answered := func(status int, path string) func(ruledWorld) {
		return func(w ruledWorld) {
			w.Inject(sandbox.Fault{Kind: sandbox.Answered, Status: status, Message: "Resource not accessible by personal access token", Method: "GET", Pattern: regexp.MustCompile(path)})
		}
	}
	green := func(w ruledWorld, branch string) {
		sha, err := w.HeadOf(w.Context(), branch)
		must(w.T, err)
		must(w.T, w.SetStatus(w.Context(), "bob", sha, "CI", "success", ""))
	}
	for name, c := range map[string]struct {
		when []func(ruledWorld) // each of them alone
		want map[string]dr.Level
		says string
	}{
		"3 squash alone":      {one(func(w ruledWorld) { must(w.T, w.AllowMerges("squash")) }), nil, ""},
		"3 no method is told": {one(func(w ruledWorld) { w.SetLies(sandbox.Lies{MethodsHidden: true}) }), map[string]dr.Level{"github.methods": dr.Unknown, "github.auto-merge": dr.Unknown}, "each would be tried"},
		"3 none is left": {one(func(w ruledWorld) {
			must(w.T, w.AllowMerges("merge"))
			asked(sandbox.Demands{Methods: []string{"squash"}})(w)
		}), map[string]dr.Level{"github.methods": dr.Fail}, "no method of merging"},
		"5 up to date":                   {both(sandbox.Demands{Strict: true, Checks: []string{"drbot/plan"}}), nil, ""},
		"5 up to date with a busy base":  {both(sandbox.Demands{Strict: true, Checks: []string{"drbot/plan"}}, busy), map[string]dr.Level{"github.up-to-date": dr.Warn}, "had 5 commits in the last hour"},
		"5 a busy base, and not strict":  {one(busy), nil, ""},
		"5 strict without a check":       {both(sandbox.Demands{Strict: true}), nil, ""},
		"6 a queue":                      {one(asked(sandbox.Demands{Queue: true})), nil, ""},
		"6 a queue that is bypassed":     {one(asked(sandbox.Demands{Queue: true, Signatures: true, Others: []string{"update"}, Bypass: []string{"drbot"}})), nil, ""},
		"admins are free, as the bot is": {one(both(sandbox.Demands{Signatures: true, Locked: true, AdminsFree: true})[1]), nil, ""},
		"7 auto-merge":                   {one(func(w ruledWorld) { w.AllowAutoMerge(true) }), nil, ""},
		"9 signatures":                   {both(sandbox.Demands{Signatures: true}), map[string]dr.Level{"github.signatures": dr.Fail}, "signed commits are required"},
		"9 linear":                       {both(sandbox.Demands{Linear: true}), nil, ""},
		"9 linear, and merges alone":     {one(func(w ruledWorld) { must(w.T, w.AllowMerges("merge")); asked(sandbox.Demands{Linear: true})(w) }), map[string]dr.Level{"github.methods": dr.Fail, "github.linear": dr.Fail}, "neither squash nor rebase"},
		"9 conversations":                {both(sandbox.Demands{Conversations: true}), map[string]dr.Level{"github.conversations": dr.Warn}, "every conversation"},
		"9 code owners":                  {both(sandbox.Demands{Owners: true}), map[string]dr.Level{"github.code-owners": dr.Warn}, "code owner"},
		"9 deployments":                  {one(asked(sandbox.Demands{Deployments: []string{"staging"}})), map[string]dr.Level{"github.deployments": dr.Warn}, "staging"},
		"more approvals":                 {both(sandbox.Demands{Reviews: 3}), map[string]dr.Level{"github.reviews": dr.Warn}, "requires 3 approvals, the quorum is 2"},
		"as many approvals":              {both(sandbox.Demands{Reviews: 2}), nil, ""},
		"a check of the run's own":       {both(sandbox.Demands{Checks: []string{"drbot/plan", "drbot/approval"}}), nil, ""},
		"a check that is reported":       {one(func(w ruledWorld) { asked(sandbox.Demands{Checks: []string{"ci"}})(w); green(w, "main") }), nil, ""},
		"a check nobody reports":         {both(sandbox.Demands{Checks: []string{"ci", "drbot/plan"}}), map[string]dr.Level{"github.checks": dr.Fail}, "reported by nobody on the last commits of main: ci"},
		"reports that are not shown":     {one(func(w ruledWorld) { asked(sandbox.Demands{Checks: []string{"ci"}})(w); answered(403, `/check-runs`)(w) }), map[string]dr.Level{"github.checks": dr.Unknown}, "Checks: read"},
		"a locked branch":                {one(both(sandbox.Demands{Locked: true})[1]), map[string]dr.Level{"github.protection": dr.Fail}, "main is locked"},
		"some may push":                  {one(both(sandbox.Demands{Pushers: []string{"alice"}})[1]), map[string]dr.Level{"github.protection": dr.Fail}, "drbot is none of them"},
		"the bot among them":             {one(both(sandbox.Demands{Pushers: []string{"drbot"}})[1]), nil, ""},
		"no updates":                     {one(asked(sandbox.Demands{Others: []string{"update"}})), map[string]dr.Level{"github.rulesets": dr.Fail}, "forbids every update"},
		"a rule nobody knows":            {one(asked(sandbox.Demands{Others: []string{"deletion", "workflows"}})), map[string]dr.Level{"github.rulesets": dr.Warn}, "drbot does not know: workflows"},
		"11 nobody's address":            {one(func(w ruledWorld) { w.SetLies(sandbox.Lies{NobodysMail: []string{"drbot"}}) }), map[string]dr.Level{"github.author": dr.Fail}, "drbot@users.noreply.github.com"},
		"plans 5 a link":                 {one(func(w ruledWorld) { w.mode(path, "120000", "../other.tfvars") }), map[string]dr.Level{"github.file": dr.Fail}, "symbolic link"},
		"plans 5 behind a link":          {one(func(w ruledWorld) { w.mode("live", "120000", "other") }), map[string]dr.Level{"github.file": dr.Fail}, "lies behind, a symbolic link"},
		"plans 5 executable":             {one(func(w ruledWorld) { w.mode(path, "100755", seoul) }), nil, ""},
		"plans 6 another encoding":       {one(func(w ruledWorld) { w.mode(path, "100644", "# \xc0\xdc\n"+seoul) }), nil, ""},
		"two literals":                   {one(func(w ruledWorld) { w.mode(path, "100644", seoul+seoul) }), map[string]dr.Level{"github.file": dr.Fail}, "line 2"},
		"no text":                        {one(func(w ruledWorld) { w.mode(path, "100644", "\xff\xfea=") }), map[string]dr.Level{"github.file": dr.Fail}, "active_region file"},
		"one approver may not write":     {one(func(w ruledWorld) { must(w.T, w.SetPermission("carol", "triage")) }), map[string]dr.Level{"github.approvers": dr.Fail}, "without write access: carol"},
		"an approver nobody knows":       {one(func(w ruledWorld) { w.SetLies(sandbox.Lies{Strangers: []string{"carol"}}) }), map[string]dr.Level{"github.approvers": dr.Fail}, "carol"},
		"permissions not shown":          {one(answered(403, `/collaborators/`)), map[string]dr.Level{"github.approvers": dr.Unknown}, "may lack Metadata: read"},
		"a token that may not write":     {one(func(w ruledWorld) { must(w.T, w.SetPermission("drbot", "read")) }), map[string]dr.Level{"github.access": dr.Fail}, "may not write"},
		"a token without the scope":      {one(func(w ruledWorld) { w.SetScopes("drbot", "read:org") }), map[string]dr.Level{"github.access": dr.Fail}, "scopes are read:org"},
		"the protection is not shown": {one(asked(sandbox.Demands{Protection: true, Queue: true})), map[string]dr.Level{
			"github.protection": dr.Unknown, "github.signatures": dr.Unknown, "github.linear": dr.Unknown, "github.up-to-date": dr.Unknown, "github.checks": dr.Unknown,
			"github.reviews": dr.Unknown, "github.code-owners": dr.Unknown, "github.conversations": dr.Unknown, "github.deployments": dr.Unknown,
		}, "may lack Administration: read"},
		"the rules are not shown": {one(answered(404, `/rules/branches/`)), map[string]dr.Level{
			"github.rulesets": dr.Unknown, "github.queue": dr.Unknown, "github.signatures": dr.Unknown, "github.linear": dr.Unknown, "github.up-to-date": dr.Unknown,
			"github.checks": dr.Unknown, "github.reviews": dr.Unknown, "github.code-owners": dr.Unknown, "github.conversations": dr.Unknown, "github.deployments": dr.Unknown,
		}, "not known"},
	} {
		for _, when := range c.when {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				client, s := start(t)
				worked(t, client)
				when(ruledWorld{t, s})
				checks := ruled(t, client, portal())
				got := worse(checks)
				if len(got) != len(c.want) {
					t.Errorf("not ok: %v, want %v", got, c.want)
				}
				said := ""
				for id, level := range c.want {
					if got[id] != level {
						t.Errorf("%s is %q, want %s", id, got[id], level)
					}
					said += texttest.Say(t, checks[id].Line()) + "\n"
				}
				if !strings.Contains(said, c.says) {
					t.Errorf("it says\n%sand not %q", said, c.says)
				}
			})
		}
	}
}

// Cases github 5, 6 and 7: a newer head is made, a required queue followed, auto-merge
// switched off, and readiness says so.
func TestCases5To7AreToldAtReadiness(t *testing.T) {
	c, s := start(t)
	worked(t, c)
	s.Demand("main", sandbox.Demands{Queue: true})
	s.AllowAutoMerge(true)
	checks := ruled(t, c, portal())
	s.Demand("main", sandbox.Demands{Strict: true, Checks: []string{"drbot/plan"}})
	checks["github.up-to-date"] = ruled(t, c, portal())["github.up-to-date"]
	for id, says := range map[string]string{"github.up-to-date": "drbot makes the newer head itself", "github.queue": "is put into it and followed", "github.auto-merge": "drbot switches it off"} {
		if k := checks[id]; k.Level != dr.OK || !strings.Contains(texttest.Say(t, k.Detail), says) {
			t.Errorf("%s: %s", k.Level, texttest.Say(t, k.Line()))
		}
	}
}

// A repository in which the bot has done nothing yet tells nothing about its address.
func TestRulesOfTheFirstRun(t *testing.T) {
	c, _ := start(t)
	checks := ruled(t, c, portal())
	if got := worse(checks); len(got) != 1 || got["github.author"] != dr.Unknown {
		t.Errorf("not ok: %v", got)
	}
	if need := checks["github.author"].Need; need != dr.NeedFact {
		t.Errorf("people are asked to accept that there is nothing yet to look at: %q", need)
	}
}

// A token that is refused is told by one check; of the others nothing is known.
func TestRulesOfARefusedToken(t *testing.T) {
	_, s := start(t)
	c, err := github.New(github.Options{BaseURL: strings.TrimSuffix(s.CloneURL(), "/acme/infra.git"), Token: func(context.Context) (string, error) { return "revoked", nil }})
	must(t, err)
	checks := ruled(t, c, portal())
	for name, k := range checks {
		want := dr.Unknown
		if name == "github.access" {
			want = dr.Fail
		}
		if k.Level != want {
			t.Errorf("%s is %s", name, k.Level)
		}
	}
	if said := texttest.Say(t, checks["github.access"].Line()); !strings.Contains(said, "refuses the token: it is missing, expired or revoked") {
		t.Errorf("it says %q", said)
	}
}

// Nothing is known of a GitHub that does not answer, and nobody waits for it for ever.
func TestRulesOfASilentGitHub(t *testing.T) {
	c, _ := start(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, k := range github.NewRules(c, everybody(), nil, literal).Rules(ctx, portal(), dr.Disaster) {
		if k.Level != dr.Unknown || k.Need != dr.NeedNothing {
			t.Errorf("%s is %s, needed %q", k.Name, k.Level, k.Need)
		}
	}
}

// Case plans 5 and 6: the mode and every byte but the literal's stay; a link is refused
// before anything is opened.
func TestOpenChangeKeepsTheFile(t *testing.T) {
	const comment = "# \xc0\xdc\r\n"
	for mode, fine := range map[string]bool{"100644": true, "100755": true, "120000": false} {
		c, s := start(t)
		w := ruledWorld{t, s}
		w.mode("elsewhere.tfvars", "100644", seoul)
		content := comment + seoul
		if !fine {
			content = "../../elsewhere.tfvars"
		}
		w.mode(path, mode, content)
		_, base, err := c.File(t.Context(), repo, "main")
		must(t, err)
		req := dr.ChangeRequest{Repository: repo, Branch: "drbot/r1", BaseSHA: base, Content: comment + tokyo, Message: "m", Title: "t", Body: "b"}
		change, err := c.OpenChange(t.Context(), req)
		if !fine {
			if what, next := texttest.Told(t, err); dr.CodeOf(err) != dr.Invalid || !strings.Contains(what, "symbolic link") || next == "" || len(s.Pulls()) > 0 {
				t.Errorf("a link: %v, %q", err, what)
			}
			continue
		}
		must(t, err)
		state := look(t, c, change.Number)
		if state.HeadFile != comment+tokyo || state.BaseFile != comment+seoul {
			t.Errorf("%s: the files hold %q and %q", mode, state.HeadFile, state.BaseFile)
		}
		if got, err := s.ModeAt(t.Context(), change.Head, path); err != nil || got != mode {
			t.Errorf("of mode %s it has become %s, %v", mode, got, err)
		}
	}
}
