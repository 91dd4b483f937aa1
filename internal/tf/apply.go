package tf

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
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
	if req.Key == "" {
		return dr.ApplyResult{}, &dr.Error{Code: dr.Invalid, Msg: "An apply needs a key."}
	}
	f := t.applyFolder(req.Key)
	if err := os.MkdirAll(string(f), 0o700); err != nil {
		return dr.ApplyResult{}, fmt.Errorf("make the apply's folder: %w", err)
	}
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
	}
	var stored request
	if known, err := f.read(requestFile, &stored); err != nil {
		return nil, false, err
	} else if known && !stored.same(want) {
		return nil, false, &dr.Error{Code: dr.Conflict, Msg: "The key of this apply was used for another one.", Hint: "ask for it under another key"}
	}
	// In this order: a result is written before its supervisor ends.
	alive, err := held(f.file(aliveLock))
	if err != nil {
		return nil, false, err
	}
	result, err = f.result()
	if result != nil && !alive {
		// A supervisor that was killed at the very end left its checkout.
		if err := f.clear(); err != nil {
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
		result, err := t.lost(ctx, f, stored, req.Service)
		return result, false, err
	case !mayStart:
		return nil, false, &dr.Error{Code: dr.Temporary, Msg: "Terraform's supervisor ended before it applied anything.", Hint: "its log is in the folder of the apply"}
	}
	if err := t.start(ctx, f, want, req.Service); err != nil {
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

// start starts the supervisor in a session of its own, where neither the end of
// the bot nor a signal to its group reaches it. It is born with the alive lock:
// the lock belongs to the open file, which it shares with this process until
// that closes its side, so there is no moment in which nobody holds it.
func (t *Terraform) start(ctx context.Context, f folder, req request, svc dr.Service) (err error) {
	j, err := t.job(ctx, svc, req.Stack, toApply)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = &dr.Error{Code: dr.Temporary, Msg: "Terraform's supervisor could not be started.", Err: err}
		}
	}()
	if err := f.clear(); err != nil {
		return err
	}
	req.Place = j.Place
	if err := f.write(requestFile, req); err != nil {
		return err
	}
	secret, err := json.Marshal(j.Secrets)
	if err != nil {
		return err
	}
	alive, err := lockFile(ctx, f.file(aliveLock))
	if err != nil {
		return err
	}
	if err := t.spawn(f, alive, secret); err != nil {
		unlock(alive)
		return err
	}
	t.opts.Logger.InfoContext(ctx, "apply started", "run", req.Run, "service", req.Service, "stack", req.Stack.Name)
	return alive.Close() // not unlock: the lock is the supervisor's now
}

func (t *Terraform) spawn(f folder, alive *os.File, secret []byte) error {
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
	cmd.Env = []string{} // not nil, which would pass everything on
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
		// A supervisor that is not told everything does nothing. How it ended is
		// read from its folder; it is only waited for so that it can go.
		_, _ = writer.Write(secret)
		_ = writer.Close()
		_ = cmd.Wait()
	}()
	return nil
}
