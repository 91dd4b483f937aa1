package workflows

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/drbot/drbot/dr"
)

// accounts are the people's on the forge, by the numbers they had at first sight.
type accounts struct {
	keeper Keeper
	people dr.People
}

// mark marks what was said by a login that is another account's than it was when
// it was first seen: a login can be freed and taken by somebody else, an account's number
// cannot.
func (a accounts) mark(ctx context.Context, st *dr.ChangeState) (err error) {
	for i := range st.Reviews {
		r := &st.Reviews[i]
		if r.Another, err = a.another(ctx, r.By, r.ByID); err != nil {
			return err
		}
		if r.DismissedByAnother, err = a.another(ctx, r.DismissedBy, r.DismissedByID); err != nil {
			return err
		}
	}
	return nil
}

// another keeps the number of an account at its first sight and compares it from then on.
// A forge that tells no number cannot be held to one.
func (a accounts) another(ctx context.Context, login string, id int64) (bool, error) {
	if _, known := a.people.ByLogin(login); !known || id == 0 {
		return false, nil
	}
	now := strconv.FormatInt(id, 10)
	first, err := a.keeper.Keep(ctx, AccountKey(login), now)
	if errors.Is(err, dr.ErrUnsealed) {
		return true, nil // whose number that is nobody can tell
	}
	return first != now, err
}

// AccountKey is where the number of a login's account is kept.
func AccountKey(login string) string { return "account/" + strings.ToLower(login) }
