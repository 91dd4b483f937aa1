package github_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/github"
	sandbox "github.com/drbot/drbot/internal/sandbox/github"
	"github.com/drbot/drbot/text/texttest"
)

func standing(t *testing.T, c *github.Client) []github.Difference {
	t.Helper()
	out, err := c.Standing(t.Context(), repo)
	must(t, err)
	return out
}

// What is wrong with the App is said, at the start and in a run, as something that a
// person mends; then the same client goes on.
func TestAppFaults(t *testing.T) {
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	own, err := appKey()
	must(t, err)
	less := github.Needed()
	delete(less, "pull_requests")
	for name, c := range map[string]struct {
		fault, mend func(*sandbox.Server)
		says, next  string
		standing    string // what Standing says, where that is another thing
	}{
		"suspended": {
			fault: func(s *sandbox.Server) { s.SuspendApp(true) }, mend: func(s *sandbox.Server) { s.SuspendApp(false) },
			says: "suspended", next: "unsuspend",
		},
		"key revoked": {
			fault: func(s *sandbox.Server) { s.SetAppKey(&stranger.PublicKey); s.EndAppTokens() }, mend: func(s *sandbox.Server) { s.SetAppKey(&own.PublicKey) },
			says: "does not take the private key of the App 4711", next: "make a new private key",
		},
		"on another repository": {
			fault: func(s *sandbox.Server) { s.MoveApp(true, false); s.EndAppTokens() }, mend: func(s *sandbox.Server) { s.MoveApp(false, false) },
			says: "", standing: "is installed for acme, but not on acme/infra", next: "add infra to the repositories of the App",
		},
		"not installed": {
			fault: func(s *sandbox.Server) { s.MoveApp(false, true); s.EndAppTokens() }, mend: func(s *sandbox.Server) { s.MoveApp(false, false) },
			says: "The GitHub App is not installed on acme/infra", next: "install the App on infra",
		},
		"permission missing": {
			fault: func(s *sandbox.Server) { s.AcceptApp(less, github.NeededEvents()) }, mend: func(s *sandbox.Server) { s.AcceptApp(github.Needed(), github.NeededEvents()) },
			says: "The App lacks a permission for it", standing: "asks for write access to pull_requests, and acme has not accepted it: it has no", next: "accept",
		},
	} {
		t.Run(name, func(t *testing.T) {
			client, _, s := startApp(t)
			change := opened(t, client)
			c.fault(s)
			_, err := client.ChangeState(t.Context(), repo, change.Number)
			if what, next := texttest.Told(t, err); c.says != "" && (dr.CodeOf(err) != dr.Uncertain || !strings.Contains(what, c.says) || !strings.Contains(next, "what runs goes on then")) {
				t.Errorf("a run is told %q, %q: %v", what, next, err)
			} else if err == nil {
				t.Error("the state was read")
			}
			_, err = client.Merge(t.Context(), repo, change.Number, change.Head)
			if code := dr.CodeOf(err); code != dr.Uncertain || err == nil {
				t.Errorf("the merge does not ask a person: %v", err)
			}
			if p, err := s.Pull(change.Number); err != nil || p.State != "open" {
				t.Errorf("the pull request is %s: %v", p.State, err)
			}
			d := standing(t, client)
			want := c.standing
			if want == "" {
				want = c.says
			}
			if len(d) == 0 || d[0].Level != dr.Fail || !strings.Contains(texttest.Say(t, d[0].What), want) || !strings.Contains(texttest.Say(t, d[0].Next), c.next) {
				t.Errorf("standing %+v", d)
			}
			c.mend(s)
			if d := standing(t, client); len(d) != 0 {
				t.Errorf("after it was mended: %+v", d)
			}
			if _, err := client.Merge(t.Context(), repo, change.Number, change.Head); err != nil {
				t.Errorf("after it was mended: %v", err)
			}
		})
	}
}

func TestStandingTellsDifferences(t *testing.T) {
	c, _, s := startApp(t)
	more := github.Needed()
	more["administration"], more["statuses"] = "write", "read"
	s.AcceptApp(more, []string{"push", "pull_request"})
	var said []string
	for _, d := range standing(t, c) {
		said = append(said, string(d.Level)+": "+texttest.Say(t, d.What))
	}
	want := []string{
		"warn: The App has write access to administration; drbot needs no.",
		"fail: The App asks for write access to statuses, and acme has not accepted it: it has read.",
		"warn: GitHub does not tell the App of pull_request_review: drbot sees it with its next look only.",
	}
	if !slices.Equal(said, want) {
		t.Errorf("said\n%s", strings.Join(said, "\n"))
	}
	token, _ := start(t)
	if d := standing(t, token); d != nil {
		t.Errorf("with a token: %+v", d)
	}
}

// TestManifest keeps docs/github-app.json what drbot needs, and the address in
// docs/configure.md what the manifest says.
func TestManifest(t *testing.T) {
	var m struct {
		Public      bool              `json:"public"`
		Permissions map[string]string `json:"default_permissions"`
		Events      []string          `json:"default_events"`
	}
	doc, err := os.ReadFile("../../docs/github-app.json")
	must(t, err)
	must(t, json.Unmarshal(doc, &m))
	if !maps.Equal(m.Permissions, github.Needed()) || !slices.Equal(m.Events, github.NeededEvents()) || m.Public {
		t.Errorf("docs/github-app.json says %+v", m)
	}
	page, err := os.ReadFile("../../docs/configure.md")
	must(t, err)
	for name, access := range github.Needed() {
		if !strings.Contains(string(page), name+"="+access) {
			t.Errorf("the address in docs/configure.md does not ask for %s=%s", name, access)
		}
	}
	for _, e := range github.NeededEvents() {
		if !strings.Contains(string(page), "events[]="+e) {
			t.Errorf("the address in docs/configure.md does not ask for the event %s", e)
		}
	}
}

func TestNewAppRefusesAKey(t *testing.T) {
	key, err := appKey()
	must(t, err)
	for name, bad := range map[string][]byte{"nothing": nil, "no PEM": []byte("s3cret-key"), "half": inPEM(key)[:200]} {
		_, err := github.NewApp(appID, bad, github.Options{})
		if dr.CodeOf(err) != dr.Invalid || err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := github.NewApp(0, inPEM(key), github.Options{}); dr.CodeOf(err) != dr.Invalid {
		t.Error(err)
	}
}
