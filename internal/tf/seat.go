package tf

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/drbot/drbot/dr"
)

// seatsDir is where the seats are, in the work folder.
const seatsDir = "stacks"

// seat is the one path of a stack on this disk: a link that leads to the checkout of
// whoever plans or applies it, one at a time across processes. So whatever a
// configuration makes of its own place (abspath, path.cwd) is the same in every plan of a
// commit and in its apply. The checkouts themselves stay apart: what a Terraform that
// lost its supervisor still works on is nobody else's.
type seat struct {
	path string
	lock *os.File
}

// sit takes the seat of a stack for a checkout. leave gives it up; so does the end of the
// process.
func (j job) sit(ctx context.Context, stack dr.Stack, checkout string) (*seat, error) {
	sum := sha256.Sum256([]byte(stateOf(j.Place.GitURL, stack)))
	s := &seat{path: filepath.Join(j.Place.WorkDir, seatsDir, hex.EncodeToString(sum[:12]))}
	if err := os.MkdirAll(filepath.Dir(s.path), 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of seats: %w", err)
	}
	var err error
	if s.lock, err = lockFile(ctx, s.path+lockSuffix); err != nil {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return nil, &dr.Error{Code: dr.Temporary, What: dr.T("tf.seat.busy", "stack", stack.Name), Next: dr.T("tf.seat.busy.next")}
		}
		return nil, fmt.Errorf("wait for another plan or apply of the stack: %w", err)
	}
	if err := s.lead(checkout); err != nil {
		s.leave()
		return nil, fmt.Errorf("lead to the checkout: %w", err)
	}
	return s, nil
}

// lead makes the path lead to a checkout.
func (s *seat) lead(checkout string) error {
	if err := os.Remove(s.path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.Symlink(checkout, s.path)
}

func (s *seat) leave() {
	// A link that stays leads nowhere, and the next one replaces it.
	_ = os.Remove(s.path)
	unlock(s.lock)
}
