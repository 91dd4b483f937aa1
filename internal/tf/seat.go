package tf

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/drbot/drbot/dr"
)

// seatsDir is where the seats are, in the work folder.
const seatsDir = "stacks"

// taken is that an apply has the seat of a stack.
type taken struct{ why *dr.Error }

// Error is for the log.
func (t *taken) Error() string { return t.why.Error() }

// Unwrap gives what people are told.
func (t *taken) Unwrap() error { return t.why }

// seat is the one path of a stack on this disk: a link that leads to the checkout of
// whoever plans or applies it, one at a time across processes. So whatever a
// configuration makes of its own place (abspath, path.cwd) is the same in every plan of a
// commit and in its apply. The checkouts themselves stay apart: what a Terraform that
// lost its supervisor still works on is nobody else's.
type seat struct {
	path string
	lock *os.File
}

// sitter is who has a seat.
type sitter struct {
	For   string    `json:"for"` // the run, or the key of an apply
	Apply bool      `json:"apply,omitempty"`
	Since time.Time `json:"since"`
}

// sit takes the seat of a stack for a checkout. A plan that has it is waited for, since it
// ends soon; an apply as long as a lock of somebody else's on the state. leave gives it up,
// and so does the end of the process.
func (j job) sit(ctx context.Context, stack dr.Stack, checkout string, as sitter) (*seat, error) {
	sum := sha256.Sum256([]byte(stateOf(j.Place.GitURL, stack)))
	s := &seat{path: filepath.Join(j.Place.WorkDir, seatsDir, hex.EncodeToString(sum[:12]))}
	if err := os.MkdirAll(filepath.Dir(s.path), 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of seats: %w", err)
	}
	if err := s.wait(ctx, stack.Name, j.Place.LockTimeout); err != nil {
		return nil, err
	}
	as.Since = time.Now().UTC()
	if err := errors.Join(s.note(as), s.lead(checkout)); err != nil {
		s.leave()
		return nil, fmt.Errorf("lead to the checkout: %w", err)
	}
	return s, nil
}

// wait takes the lock of the seat.
func (s *seat) wait(ctx context.Context, stack string, patience time.Duration) (err error) {
	busy := func() error {
		by := s.sitter()
		if !by.Apply {
			return &dr.Error{Code: dr.Temporary, What: dr.T("tf.seat.busy", "stack", stack), Next: dr.T("tf.seat.busy.next")}
		}
		what := dr.T("tf.seat.taken", "stack", stack, "by", by.For, "since", by.Since.Format(time.RFC3339))
		return &taken{&dr.Error{Code: dr.Conflict, What: what, Next: dr.T("tf.seat.busy.next")}}
	}
	for {
		short, cancel := context.WithTimeout(ctx, patience)
		s.lock, err = lockFile(short, s.path+lockSuffix)
		late := short.Err() != nil
		cancel()
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded):
			return ctx.Err()
		case ctx.Err() != nil || late && s.sitter().Apply:
			return busy()
		case !late:
			return fmt.Errorf("wait for another plan or apply of the stack: %w", err)
		}
	}
}

// sitter is who wrote itself down last.
func (s *seat) sitter() (by sitter) {
	data, err := os.ReadFile(s.path + lockSuffix)
	if err != nil || json.Unmarshal(data, &by) != nil {
		return sitter{}
	}
	return by
}

func (s *seat) note(by sitter) error {
	doc, err := json.Marshal(by)
	if err != nil {
		return err
	}
	if err := s.lock.Truncate(0); err != nil {
		return err
	}
	_, err = s.lock.WriteAt(doc, 0)
	return err
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
