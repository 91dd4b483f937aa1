package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/store"
	"github.com/drbot/drbot/workflows"
)

// knownLogins is where the logins are kept that the configuration had at the last start.
const knownLogins = "known-logins"

// forgetAccounts forgets the account of each login that has left the configuration. To
// put another in its place and to put it back is so how people say that its new account is
// right: a person has to have one.
func forgetAccounts(ctx context.Context, st *store.Store, people dr.People, log *slog.Logger) error {
	before, err := st.Get(ctx, knownLogins)
	if err != nil && !errors.Is(err, dr.ErrUnsealed) { // by nobody's list none has left
		return err
	}
	var now []string
	for _, p := range people {
		for _, login := range p.GitHubLogins {
			now = append(now, strings.ToLower(login))
		}
	}
	slices.Sort(now)
	for _, login := range strings.Fields(before) {
		if slices.Contains(now, login) {
			continue
		}
		if err := st.Forget(ctx, workflows.AccountKey(login)); err != nil {
			return err
		}
		log.WarnContext(ctx, "a login has left the configuration: the number of its account is forgotten", "login", login)
	}
	return st.Put(ctx, knownLogins, strings.Join(now, " "))
}
