package tf

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"time"

	"github.com/drbot/drbot/dr"
)

// locking runs a command of Terraform that takes the state's lock.
//
// Where the answer to the call that takes it is lost, the SDK in Terraform asks again and is
// refused by the lock that its first call took; Terraform then ends, and nobody would ever
// release it. Such a lock is released, and the command is run once more.
func (s *supervisor) locking(ctx context.Context, m *module, operation string, do func() error) error {
	began := time.Now().UTC()
	err := do()
	var f *failure
	if !errors.As(err, &f) || !f.held.by(m.job.Place.Wall.User, operation, began, time.Now().UTC()) {
		return err
	}
	outlives, looked := m.lockOutlives()
	if !outlives || looked != nil {
		return errors.Join(err, looked)
	}
	now, looked := m.lockNow(ctx)
	if looked != nil || now == nil || !now.same(f.held) {
		return errors.Join(err, looked)
	}
	if freed := m.forceUnlock(ctx, now.ID); freed != nil {
		fmt.Fprintln(os.Stderr, "supervise: release the own lock:", m.scrub.line(freed.Error()))
		return err
	}
	s.remarks = append(s.remarks, dr.T("tf.lock.own", "id", dr.Foreign(now.ID)))
	return do()
}

// by tells whether a lock is one that a command of ours took, which has ended: a command of
// that kind, by our user on this host, that began to try for it while ours ran. Only one
// command runs on a state at a time here, so it would take a person who works by hand as
// the bot's own user, in that very moment, to be mistaken for it.
func (l stateLock) by(uid int, operation string, began, ended time.Time) bool {
	if l.ID == "" || l.Operation != operation || l.Created.Before(began) || l.Created.After(ended) {
		return false
	}
	host, err := os.Hostname()
	if err != nil {
		return false
	}
	if uid == 0 {
		uid = os.Getuid()
	}
	name := "" // which Terraform says as well where it cannot read who it is
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		name = u.Username
	}
	return l.Who == name+"@"+host || l.Who == "@"+host
}
