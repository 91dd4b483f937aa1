package main

import (
	"log/slog"
	"testing"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows"
)

// An account is forgotten when its login has left the configuration, and not before.
func TestForgetAccounts(t *testing.T) {
	p := newPlace(t)
	st := p.open()
	defer func() { _ = st.Close() }()
	log := slog.New(slog.DiscardHandler)
	both := dr.People{{Name: "bob", GitHubLogins: []string{"Bob-GH"}}, {Name: "carol", GitHubLogins: []string{"carol-gh"}}}
	start := func(people dr.People) {
		t.Helper()
		if err := forgetAccounts(t.Context(), st, people, log); err != nil {
			t.Fatal(err)
		}
	}
	sees := func(login, number, want string) {
		t.Helper()
		if got, err := st.Keep(t.Context(), workflows.AccountKey(login), number); err != nil || got != want {
			t.Errorf("%s is kept as %s, want %s: %v", login, got, want, err)
		}
	}
	start(both)
	sees("bob-gh", "1", "1")
	sees("carol-gh", "2", "2")
	start(both)
	sees("BOB-gh", "9", "1")
	start(both[1:])
	start(both)
	sees("bob-gh", "9", "9")
	sees("carol-gh", "8", "2")
}
