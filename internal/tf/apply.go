package tf

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"syscall"

	"github.com/drbot/drbot/dr"
)

// mostStarts is how many supervisors one call of Apply starts, when each ends
// before it applied anything.
const mostStarts = 2

// The supervisor's first two files beyond the standard ones.
const (
	secretsFD = 3
	aliveFD   = 4
)

// Apply plans again, refuses what is wider than approved, applies, and follows
// until the end. The request's key names this apply for ever: a second call
// follows the first, or gives its result, from another process too. A supervisor
// that died is replaced only while its Terraform provably had not begun; after
// that the apply is lost, and what it left is seen to by the next one under
// another key.
//
// When ctx ends, Apply returns and the apply goes on.
func (t *Terraform) Apply(ctx context.Context, req dr.ApplyRequest, progress func(dr.Progress)) (dr.ApplyResult, error) {
	r, err := t.applyOnce(ctx, req, progress)
	return r, outside(scrubber{key: t.opts.HashKey}.and(t.opts.Known...).cleaned(err), dr.T("tf.apply.unfollowed", "stack", req.Stack.Name), dr.T("tf.apply.unfollowed.next"))
}

func (t *Terraform) applyOnce(ctx context.Context, req dr.ApplyRequest, progress func(dr.Progress)) (dr.ApplyResult, error) {
	if req.Key == "" {
		return dr.ApplyResult{}, &dr.Error{Code: dr.Invalid, What: dr.T("tf.apply.no-key")}
	}
	f := t.disk.applyFolder(req.Key)
	if err := t.disk.notOver(f); err != nil {
		return dr.ApplyResult{}, err
	}
	if err := os.MkdirAll(string(f), 0o700); err != nil {
		return dr.ApplyResult{}, fmt.Errorf("make the apply's folder: %w", err)
	}
	url, err := checkGitURL(t.opts.GitURL(req.Service.Repository))
	if err != nil {
		return dr.ApplyResult{}, err
	}
	leave, err := t.work(ctx, stateOf(url, req.Stack), req.Stack.Name, req.Run)
	if err != nil {
		return dr.ApplyResult{}, err
	}
	defer leave()
	seen := newTail(f, req.Stack.Name, progress)
	defer seen.close()
	for starts := 0; ; {
		result, started, err := t.begin(ctx, f, req, starts < mostStarts)
		switch {
		case result != nil:
			_ = seen.read() // the result stands whether or not the way there can be shown
			return *result, nil
		case ctx.Err() != nil:
			return dr.ApplyResult{}, ctx.Err()
		case err != nil:
			return dr.ApplyResult{}, err
		case started:
			starts++
		}
		if err := t.follow(ctx, f, seen); err != nil {
			return dr.ApplyResult{}, err
		}
	}
}

// Began tells whether the apply of a key is under way, or was. One whose supervisor died
// before Terraform could change anything was not: Apply would start it anew.
func (t *Terraform) Began(_ context.Context, key string) (bool, error) {
	f := t.disk.applyFolder(key)
	if err := t.disk.notOver(f); dr.CodeOf(err) == dr.Conflict {
		return true, nil
	} else if err != nil {
		return false, outside(err, dr.T("tf.apply.unfollowed", "stack", key), dr.T("tf.apply.unfollowed.next"))
	}
	// In this order: a result is written before its supervisor ends.
	alive, err := held(f.file(aliveLock))
	if err != nil || alive {
		return alive, err
	}
	if result, err := f.result(); result != nil || err != nil {
		return result != nil, err
	}
	return f.began()
}

// begin looks at the folder and starts a supervisor if there has been none that
// began to apply. The start lock makes look and start one act, across processes.
func (t *Terraform) begin(ctx context.Context, f folder, req dr.ApplyRequest, mayStart bool) (result *dr.ApplyResult, started bool, err error) {
	lock, err := lockFile(ctx, f.file(startLock))
	if err != nil {
		return nil, false, fmt.Errorf("look at the apply: %w", err)
	}
	defer unlock(lock)

	want := request{
		Key: req.Key, Run: req.Run, Service: req.Service.Name, Stack: req.Stack, Commit: req.Commit, Approved: req.Approved,
		Unstable: req.Service.Unstable, Code: req.Service.Code,
	}
	var stored request
	if known, err := f.read(requestFile, &stored); err != nil {
		return nil, false, err
	} else if known && !stored.same(want) {
		return nil, false, &dr.Error{Code: dr.Conflict, What: dr.T("tf.apply.key-used"), Next: dr.T("tf.apply.key-used.next")}
	}
	// In this order: a result is written before its supervisor ends.
	alive, err := held(f.file(aliveLock))
	if err != nil {
		return nil, false, err
	}
	result, err = f.result()
	if result != nil && !alive {
		// A supervisor that was killed at the very end left its checkout.
		if err := f.clear(t.opts.Isolation); err != nil {
			t.opts.Logger.WarnContext(ctx, "cannot clear an apply that ended", "run", req.Run, "stack", req.Stack.Name, "error", err)
		}
	}
	if result != nil || alive || err != nil {
		return result, false, err
	}
	began, err := f.began()
	switch {
	case err != nil:
		return nil, false, fmt.Errorf("look at the apply: %w", err)
	case began:
		give, err := t.places.take(ctx, req.Run, anApply)
		if err != nil {
			return nil, false, err
		}
		defer give()
		result, err := t.lost(ctx, f, stored, req.Service)
		return result, false, err
	case !mayStart:
		return nil, false, &dr.Error{Code: dr.Temporary, What: dr.T("tf.supervisor.ended"), Next: dr.T("tf.supervisor.ended.next")}
	}
	if _, err := t.places.take(ctx, req.Run, anApply); err != nil {
		return nil, false, err
	}
	leave := t.places.adopt(f) // with the supervisor
	if err := t.start(ctx, f, want, req.Service, leave); err != nil {
		leave()
		return nil, false, err
	}
	return nil, true, nil
}

// result reads how the apply ended, if it did.
func (f folder) result() (*dr.ApplyResult, error) {
	var r dr.ApplyResult
	known, err := f.read(resultFile, &r)
	if !known || err != nil {
		return nil, err
	}
	return &r, nil
}

// held are the types of an approved plan that hold data.
func (t *Terraform) held(ctx context.Context, approved dr.Plan) ([]string, error) {
	if t.opts.Held == nil {
		return nil, nil
	}
	var types []string
	for _, c := range approved.Changes {
		if !slices.Contains(types, c.Type) {
			types = append(types, c.Type)
		}
	}
	return t.opts.Held(ctx, types)
}

// start starts the supervisor in a session of its own, where neither the end of
// the bot nor a signal to its group reaches it. It is born with the alive lock:
// the lock belongs to the open file, which it shares with this process until
// that closes its side, so there is no moment in which nobody holds it.
// ended is called when the supervisor is gone.
func (t *Terraform) start(ctx context.Context, f folder, req request, svc dr.Service, ended func()) (err error) {
	j, err := t.job(ctx, svc, req.Stack, toApply)
	if err != nil {
		return err
	}
	defer func() {
		err = outside(err, dr.T("tf.supervisor.unstarted"), dr.Text{})
	}()
	if err := f.clear(t.opts.Isolation); err != nil {
		return err
	}
	req.Place = j.Place
	if req.Held, err = t.held(ctx, req.Approved); err != nil {
		return err
	}
	if err := f.write(requestFile, req); err != nil {
		return err
	}
	if j.Secrets.Loan != nil {
		j.Secrets.Source = t.opts.Lending.Source
	}
	secret, err := json.Marshal(j.Secrets)
	if err != nil {
		return err
	}
	alive, err := lockFile(ctx, f.file(aliveLock))
	if err != nil {
		return err
	}
	if err := t.spawn(f, alive, secret, ended); err != nil {
		unlock(alive)
		return err
	}
	t.opts.Logger.InfoContext(ctx, "apply started", "run", req.Run, "service", req.Service, "stack", req.Stack.Name)
	return alive.Close() // not unlock: the lock is the supervisor's now
}

// noCollection is for a supervisor's start alone: what it makes then it keeps, so that to look
// for garbage among it is a fifth of the time that people wait. Supervise ends it.
const noCollection = "GOGC=off"

func (t *Terraform) spawn(f folder, alive *os.File, secret []byte, ended func()) error {
	log, err := os.OpenFile(f.file(logFile), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	reader, writer, err := os.Pipe()
	if err != nil {
		return err
	}
	defer reader.Close()
	argv := append(append([]string{}, t.opts.SupervisorCommand...), string(f))
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = string(f)
	cmd.Env = []string{noCollection} // and nothing that is not named here
	for name, v := range baseEnvironment() {
		cmd.Env = append(cmd.Env, name+"="+v)
	}
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{reader, alive} // secretsFD, aliveFD
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return errors.Join(err, writer.Close())
	}
	go func() {
		defer ended()
		// A supervisor that is not told everything does nothing. How it ended is
		// read from its folder; it is only waited for so that it can go.
		_ = guarded(func() error {
			_, _ = writer.Write(secret)
			_ = writer.Close()
			return cmd.Wait()
		})
	}()
	return nil
}
