package tf

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/drbot/drbot/dr"
)

const (
	// dying is how long the last children of a killed apply are given to end.
	dying = 2 * time.Second
	// mostNamed is how many addresses a text for people names.
	mostNamed = 10
)

// fallen is an apply that began and left no state that can be trusted: it died
// without a result, or its state could not be stored. Nobody has settled it.
type fallen struct {
	folder  folder
	created []string // Terraform said that it had made them
	open    []string // it was working on them
	rescued bool     // there is a state that could not be stored
}

// fallenApplies finds the fallen applies of the state that a request is for,
// among the folders beside its own.
func fallenApplies(own folder, req request) ([]fallen, error) {
	entries, err := os.ReadDir(filepath.Dir(string(own)))
	if err != nil {
		return nil, fmt.Errorf("look for applies that died: %w", err)
	}
	var out []fallen
	for _, e := range entries {
		f := folder(filepath.Join(filepath.Dir(string(own)), e.Name()))
		if !e.IsDir() || f == own {
			continue
		}
		fell, err := f.fell()
		if err != nil {
			return nil, fmt.Errorf("look for applies that died: %w", err)
		}
		var other request
		if !fell {
			continue
		}
		known, err := f.read(requestFile, &other)
		if err == nil && !known {
			err = damaged(f, requestFile, fs.ErrNotExist)
		}
		if err != nil {
			return nil, err
		}
		if !other.sameState(req) {
			continue
		}
		a, err := f.fallen()
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

// sameState tells whether two applies write one state.
func (r request) sameState(o request) bool {
	return stateOf(r.Place.GitURL, r.Stack) == stateOf(o.Place.GitURL, o.Stack)
}

// fell tells whether an apply began, is over, and is one to look after.
func (f folder) fell() (bool, error) {
	if f.has(settledFile) {
		return false, nil
	}
	if began, err := f.began(); !began || err != nil {
		return false, err
	}
	// In this order: a result is written before its supervisor ends.
	if alive, err := held(f.file(aliveLock)); alive || err != nil {
		return false, err
	}
	return !f.has(resultFile) || f.has(rescuedState), nil
}

func (f folder) has(name string) bool {
	_, err := os.Stat(f.file(name))
	return err == nil
}

func (f folder) fallen() (fallen, error) {
	t, err := f.tally()
	return fallen{folder: f, created: t.created, open: t.open, rescued: f.has(rescuedState)}, err
}

// tally is what the apply did, as far as Terraform said so.
func (f folder) tally() (tally, error) {
	seen := newTail(f, "", nil)
	defer seen.close()
	err := seen.read()
	return seen.tally, err
}

// settle notes that nothing of a fallen apply is left to see to. People do the
// same by making the file.
func (f folder) settle() error { return writeAtomic(f.file(settledFile), []byte("settled\n")) }

// missing lists what the apply made and an up-to-date state does not have.
func (a fallen) missing(state []string) []string {
	var out []string
	for _, address := range a.created {
		if !slices.Contains(state, address) {
			out = append(out, address)
		}
	}
	return out
}

// again lists what the apply made and a plan would make once more.
func (a fallen) again(p dr.Plan) []string {
	var out []string
	for _, c := range p.Changes {
		if slices.Contains(c.Actions, "create") && slices.Contains(a.created, c.Address) {
			out = append(out, c.Address)
		}
	}
	return out
}

// refusal says why nothing is applied before somebody has seen to these.
func (a fallen) refusal(addresses []string) *dr.Error {
	why, push := dr.T("tf.fallen", "made", named(addresses)), dr.Text{}
	if a.rescued {
		push = dr.T("tf.fallen.push", "rescued", rescued())
	}
	return &dr.Error{Code: dr.Conflict, What: sentences(why, push, dr.T("tf.fallen.mend", "file", a.folder.file(settledFile)))}
}

// left releases the lock that a fallen apply left on the state, if there is one
// and it is proved to be that apply's. It says what it did, or why not; nothing
// when there is no lock.
func (a fallen) left(ctx context.Context, m *module) (dr.Text, error) {
	outlives, err := m.lockOutlives()
	if !outlives || err != nil {
		return dr.Text{}, err
	}
	// Two that release at once could free a lock taken in between.
	one, err := lockFile(ctx, filepath.Join(filepath.Dir(string(a.folder)), releaseLock))
	if err != nil {
		return dr.Text{}, fmt.Errorf("wait for another release: %w", err)
	}
	defer unlock(one)
	now, err := m.lockNow(ctx)
	if now == nil || err != nil {
		return dr.Text{}, err
	}
	var own ownLock
	if _, err := a.folder.read(ownLockFile, &own); err != nil {
		return dr.Text{}, err
	}
	stays := func(why dr.Text) dr.Text { return dr.T("tf.lock.stays", "holder", now.holder(), "why", why) }
	switch why, err := a.folder.maybeAlive(ctx); {
	case err != nil:
		return dr.Text{}, err
	case !own.Lock.same(*now):
		return stays(dr.T("tf.lock.other")), nil
	case !own.proves(*now):
		return stays(dr.T("tf.lock.unproved")), nil
	case !why.Empty():
		return stays(why), nil
	}
	if err := m.forceUnlock(ctx, now.ID); err != nil {
		if ctx.Err() != nil {
			return dr.Text{}, ctx.Err()
		}
		return stays(dr.T("tf.lock.unreleased")), nil
	}
	return dr.T("tf.lock.released", "id", now.ID), nil
}

// maybeAlive says why something of an apply may still run; empty when all of it
// is proved dead.
func (f folder) maybeAlive(ctx context.Context) (dr.Text, error) {
	var was process
	if known, err := f.read(processFile, &was); !known || err != nil {
		return dr.T("tf.alive.unknown"), err
	}
	if !was.endedWithBoot(self()) {
		return dr.T("tf.alive.elsewhere", "host", was.Host), nil
	}
	if alive, err := held(f.file(aliveLock)); alive || err != nil {
		return dr.T("tf.alive.runs"), err
	}
	ctx, cancel := context.WithTimeout(ctx, dying)
	defer cancel()
	for {
		if alive, err := held(f.file(familyLock)); !alive || err != nil {
			return dr.Text{}, err
		}
		select {
		case <-time.After(lockPoll):
		case <-ctx.Done():
			return dr.T("tf.alive.child"), nil
		}
	}
}

// named lists addresses for people, and how many more there are.
func named(addresses []string) dr.Arg {
	if more := len(addresses) - mostNamed; more > 0 {
		return dr.ArgOf(dr.T("tf.addresses", "addresses", addresses[:mostNamed], "n", more))
	}
	return dr.ArgOf(addresses)
}
