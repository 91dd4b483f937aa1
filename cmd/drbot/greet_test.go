package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/github"
)

// left is a GitHub with open pull requests, by repository.
type left map[string][]dr.Change

func (l left) OpenChanges(ctx context.Context, repo dr.Repository, branches string) ([]dr.Change, error) {
	if _, limited := ctx.Deadline(); !limited || branches != "drbot/" {
		return nil, errors.New("asked without a limit, or for the wrong branches")
	}
	changes, ok := l[repo.Name]
	if !ok {
		return nil, errors.New("GitHub is away")
	}
	return changes, nil
}

// TestGreet starts on an empty database: what an earlier bot left open is named with its
// URL, once for each repository; on a database that is not empty nobody is asked.
func TestGreet(t *testing.T) {
	p := newPlace(t)
	forge := left{"infra": {{Number: 7, URL: "https://github.example/acme/infra/pull/7", Branch: "drbot/portal-1"}}}
	in := func(name string) dr.Service {
		return dr.Service{Repository: dr.Repository{Owner: "acme", Name: name}}
	}
	services := map[string]dr.Service{"portal": in("infra"), "shop": in("infra"), "mail": in("elsewhere")}
	says := func() string {
		var b bytes.Buffer
		st := p.open()
		defer func() { _ = st.Close() }()
		if err := greet(t.Context(), st, forge, services, slog.New(slog.NewTextHandler(&b, nil))); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	said := says()
	for _, want := range []string{"THE DATABASE IS EMPTY", "url=https://github.example/acme/infra/pull/7", `repository=acme/elsewhere error="GitHub is away"`} {
		if strings.Count(said, want) != 1 {
			t.Errorf("%q is not said once in:\n%s", want, said)
		}
	}
	st := p.open()
	p.runs(st, "portal-1")
	_ = st.Close()
	if said := says(); strings.Contains(said, "EMPTY") || strings.Contains(said, "infra") {
		t.Errorf("on a database with a run it is said:\n%s", said)
	}
}

// apart answers for one repository that its App differs, and for another not at all.
type apart struct{}

func (apart) Standing(_ context.Context, repo dr.Repository) ([]github.Difference, error) {
	if repo.Name != "infra" {
		return nil, errors.New("GitHub is away")
	}
	return []github.Difference{
		{Level: dr.Fail, What: dr.T("github.app.suspended", "owner", "acme"), Next: dr.T("github.app.suspended.next", "owner", "acme")},
		{Level: dr.Warn, What: dr.T("github.app.event.missing", "event", "push"), Next: dr.T("github.app.event.missing.next", "event", "push")},
	}, nil
}

// TestTellStanding says at the start, in words and once for each repository, in what the
// App is not as it must be.
func TestTellStanding(t *testing.T) {
	words, err := shellWords()
	if err != nil {
		t.Fatal(err)
	}
	in := func(name string) dr.Service {
		return dr.Service{Repository: dr.Repository{Owner: "acme", Name: name}}
	}
	var b bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&b, &slog.HandlerOptions{ReplaceAttr: inWords(words)}))
	tellStanding(t.Context(), apart{}, map[string]dr.Service{"portal": in("infra"), "shop": in("infra"), "mail": in("elsewhere")}, log)
	for _, want := range []string{
		`"level":"ERROR"`, `"apart":"The GitHub App is suspended for acme."`, `"mend":"Have an owner of acme unsuspend it`, `"apart":"GitHub does not tell the App of push`,
		`"repository":"acme/elsewhere","error":"GitHub is away"`,
	} {
		if strings.Count(b.String(), want) != 1 {
			t.Errorf("%q is not said once in:\n%s", want, b.String())
		}
	}
}

// TestLogInWords reads an error in the log: its words, what it is wrapped in and its cause.
func TestLogInWords(t *testing.T) {
	words, err := shellWords()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&b, &slog.HandlerOptions{ReplaceAttr: inWords(words)}))
	log.Warn("step failed", "error", fmt.Errorf("once: %w", &dr.Error{Code: dr.Denied, What: dr.T("bot.guest"), Err: errors.New("cause")}), "try", 1)
	if got := b.String(); !strings.Contains(got, `"error":"once: guests and bots may not`) || !strings.Contains(got, `: cause"`) || !strings.Contains(got, `"try":1`) {
		t.Error(got)
	}
}
