package tf

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/hashicorp/terraform-exec/tfexec"
	tfjson "github.com/hashicorp/terraform-json"

	"github.com/drbot/drbot/dr"
)

const (
	lockFileName = ".terraform.lock.hcl"
	noLockFile   = "none"
	planFile     = "plan.bin" // beside the checkout

	// startGrace bounds the wait for a cancelled Terraform to print its first
	// line; it prints one at once.
	startGrace = 2 * time.Second
	// planStop is how long a cancelled plan may take to end by itself.
	planStop = 20 * time.Second
)

// module is a stack in a checkout, ready for Terraform's commands.
type module struct {
	job    job
	name   string // of the stack
	root   string // of the checkout
	absent absent
	dir    string
	inside string // of the checkout, the folder of the stack
	room   room
	saved  string   // the plan file
	held   contents // what the checkout holds
	locks  string   // names the provider choice
	code   string   // names the code that runs
	scrub  scrubber
	seat   *seat
	tf     *tfexec.Terraform

	state     []string      // folders of this host that hold it
	workspace string        // empty where none is named
	unstable  []dr.Unstable // what is left out of its plans' comparison
	service   string
	rules     dr.CodeRules     // of its service
	allowed   []dr.AllowedCode // by these
	leads     bool             // the stack leads the users
	lender    *lender          // nil where Terraform is lent nothing
}

// open prepares a stack in a new folder, which gets the checkout and the plan. Who opens
// it closes it.
func (j job) open(ctx context.Context, folder string, stack dr.Stack, commit, mergeInto string, as sitter) (_ *module, err error) {
	r, err := j.newRoom(folder)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			r.close()
		}
	}()
	root := r.root
	g := newGit(j)
	h, err := g.checkout(ctx, root, commit, mergeInto, stack)
	if err != nil {
		return nil, err
	}
	inside, err := stackDir(root, stack.Dir)
	if err != nil {
		return nil, err
	}
	s, err := j.sit(ctx, stack, root, as)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.leave()
		}
	}()
	l, err := j.lend(ctx)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			l.close()
		}
	}()
	dir := filepath.Join(s.path, inside)
	m := &module{
		held: h, absent: h.absent(root),
		job: j, name: stack.Name, root: root, dir: dir, inside: inside, scrub: j.scrubber(), seat: s, leads: stack.Role == dr.TrafficStack,
		room: r, saved: r.saved, state: OnThisHost(stack), lender: l,
	}
	// Terraform keeps the mode of a file that is there; a plan holds secrets.
	if err := os.WriteFile(m.saved, nil, 0o600); err != nil {
		return nil, fmt.Errorf("make the plan file: %w", err)
	}
	if err := m.furnish(); err != nil {
		return nil, err
	}
	if err := writeBackend(m, stack); err != nil {
		return nil, err
	}
	m.tf, err = m.terraform(fetching, planStop)
	return m, err
}

func (m *module) close() {
	m.lender.close()
	m.seat.leave()
	m.job.Place.Wall.takeBack(m.room.all()...)
	m.room.close()
}

// terraform is Terraform in the folder of the stack, behind its wall.
func (m *module) terraform(during phase, stop time.Duration) (*tfexec.Terraform, error) {
	program := cmp.Or(m.job.Place.Wall.starts(), m.job.Place.Terraform)
	if _, err := os.Stat(m.job.Place.Terraform); errors.Is(err, fs.ErrNotExist) { // of the launcher it would not be told
		return nil, outside(&exec.Error{Name: m.job.Place.Terraform, Err: exec.ErrNotFound}, dr.T("tf.unstarted", "doing", dr.T("tf.doing.init")), dr.Text{})
	}
	tf, err := tfexec.NewTerraform(m.dir, program)
	if err == nil {
		err = tf.SetWaitDelay(stop)
	}
	if err != nil {
		return nil, fmt.Errorf("open the stack: %w", err)
	}
	return tf, raise(m, tf, during)
}

// raise has a Terraform run behind the wall of a phase from now on. It is the same program in
// all phases: terraform-exec, which keeps what it was told, need not ask for its version anew.
func raise(m *module, tf *tfexec.Terraform, during phase) error {
	if err := m.hand(during); err != nil {
		return err
	}
	env, err := m.environment(during)
	if err != nil {
		return err
	}
	if err := tf.SetEnv(env); err != nil {
		return fmt.Errorf("open the stack: %w", err)
	}
	return nil
}

// init readies the folder. With a lock file no other provider than the recorded
// one may be chosen.
func (m *module) init(ctx context.Context, stack dr.Stack) error {
	var opts []tfexec.InitOption
	if len(stack.BackendConfig) > 0 {
		opts = append(opts, tfexec.BackendConfig(m.backendPath()))
	}
	if m.job.Place.PluginDir != "" {
		opts = append(opts, tfexec.PluginDir(m.job.Place.PluginDir))
	}
	if _, err := os.Stat(filepath.Join(m.dir, lockFileName)); err == nil {
		// terraform-exec has no option for it. Dir is its last argument, and
		// Terraform reads it as the flag it looks like.
		opts = append(opts, tfexec.Dir("-lockfile=readonly"))
	}
	if m.job.Secrets.Environment["TF_PLUGIN_CACHE_DIR"] != "" {
		// Terraform does not guard its plugin cache against a second init.
		lock, err := lockFile(ctx, filepath.Join(m.job.Place.WorkDir, "init.lock"))
		if err != nil {
			return fmt.Errorf("wait for another init: %w", err)
		}
		defer unlock(lock)
	}
	out := &output{}
	err := run(ctx, out, func(ctx context.Context, w io.Writer) error {
		err := m.tf.InitJSON(ctx, w, opts...)
		var old *tfexec.ErrVersionMismatch
		if errors.As(err, &old) {
			return m.tf.Init(ctx, opts...)
		}
		return err
	})
	if err := m.ended(ctx, dr.T("tf.doing.init"), out, err); err != nil {
		return err
	}
	if err := m.enter(ctx, stack.Workspace); err != nil {
		return err
	}
	if err := os.Remove(m.backendPath()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("take the backend's configuration away: %w", err)
	}
	return raise(m, m.tf, working)
}

// planned is a plan that was made: as an allow-list, and as Terraform wrote it, which
// does not leave this package.
type planned struct {
	dr.Plan
	raw *tfjson.Plan
}

// plan saves a plan and gives what it would do.
func (m *module) plan(ctx context.Context, locked, drift bool) (planned, error) {
	out := &output{}
	err := run(ctx, out, func(ctx context.Context, w io.Writer) error {
		_, err := m.tf.PlanJSON(ctx, w, tfexec.Out(m.saved), tfexec.Lock(locked),
			tfexec.LockTimeout(m.job.Place.LockTimeout.String()))
		return err
	})
	if err := m.ended(ctx, dr.T("tf.doing.plan"), out, err); err != nil {
		return planned{}, err
	}
	var raw *tfjson.Plan
	out = &output{}
	err = run(ctx, out, func(ctx context.Context, _ io.Writer) error {
		// The writer of the plan command would get the plan with its secrets.
		m.tf.SetStdout(nil)
		var err error
		raw, err = m.tf.ShowPlanFile(ctx, m.saved, tfexec.JSONNumber(true))
		return err
	})
	if err := m.ended(ctx, dr.T("tf.doing.show"), out, err); err != nil {
		return planned{}, err
	}
	if err := m.inOthers(ctx, raw); err != nil {
		return planned{}, err
	}
	m.scrub = m.scrub.and(secretsOf(raw)...)
	plan, err := allowed(raw, m.job.Secrets.HashKey, m.name, drift)
	if err == nil {
		err = m.madeBy(plan.Changes, raw)
	}
	plan.LockFile, plan.Code, plan.Leads = m.locks, m.code, m.leads
	plan.Allowed = m.allowed
	m.job.scrubber().and(m.lender.known()...).clean(&plan)
	plan = plan.Without(m.unstable)
	return planned{Plan: plan, raw: raw}, err
}

// apply applies the saved plan. It is never killed: what Terraform is making
// when it is asked to stop ends first, however long that takes.
func (m *module) apply(ctx context.Context, each func(event)) error {
	if err := m.tf.SetWaitDelay(0); err != nil {
		return fmt.Errorf("ready the apply: %w", err)
	}
	finished := false
	out := &output{each: func(e event) {
		finished = finished || e.Type == "change_summary" && e.Changes.Operation == "apply"
		each(e)
	}}
	err := run(ctx, out, func(ctx context.Context, w io.Writer) error {
		return m.tf.ApplyJSON(ctx, w, tfexec.DirOrPlan(m.saved), tfexec.LockTimeout(m.job.Place.LockTimeout.String()))
	})
	if ctx.Err() != nil && finished && len(out.errors) == 0 {
		return nil // asked to stop when there was nothing left to do
	}
	return m.ended(ctx, dr.T("tf.doing.apply"), out, err)
}

// ended sorts how a command ended: well, interrupted, or failed.
func (m *module) ended(ctx context.Context, doing dr.Text, out *output, err error) error {
	scrub := m.scrub.and(m.lender.known()...)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case is[*dr.Error](err): // drbot itself failed
		return err
	case notStarted(err):
		return outside(err, dr.T("tf.unstarted", "doing", doing), dr.Text{})
	case unraised(err.Error(), scrub) != nil:
		return unraised(err.Error(), scrub)
	default:
		return out.failed(doing, err, scrub, m.inside)
	}
}

// run calls terraform-exec. Its child dies with the operating system thread that
// started it, so the thread is kept until the command has ended. And it leaves a
// child alone that is cancelled while being started, so the command's context
// ends only once the child has said something. The error of a cancelled command
// is dropped: terraform-exec's has no text when the child ended well.
func run(ctx context.Context, out io.Writer, command func(context.Context, io.Writer) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	own, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	w := &firstWrite{to: out, seen: make(chan struct{})}
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := guarded(func() error { return command(own, w) })
		if broken := w.failure(); broken != nil {
			err = broken
		}
		done <- err
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	grace := time.NewTimer(startGrace)
	defer grace.Stop()
	select {
	case err := <-done:
		return err
	case <-w.seen:
	case <-grace.C:
	}
	cancel()
	<-done
	return ctx.Err()
}

// firstWrite tells when something is first written. A reader that panics reads no more,
// and the command goes on: it must not hang on a pipe that nobody empties.
type firstWrite struct {
	to   io.Writer
	once sync.Once
	seen chan struct{}

	mu     sync.Mutex // a process that is given up may still be read
	broken error
}

// Write passes the bytes on.
func (w *firstWrite) Write(p []byte) (n int, err error) {
	w.once.Do(func() { close(w.seen) })
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.broken == nil {
		w.broken = guarded(func() error {
			n, err = w.to.Write(p)
			return nil
		})
	}
	if w.broken != nil {
		return len(p), nil
	}
	return n, err
}

// failure is why reading ended before the command did.
func (w *firstWrite) failure() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.broken
}

// hashLockFile names the provider choice a plan was made with.
func hashLockFile(dir string) (string, error) {
	data, err := os.ReadFile(filepath.Join(dir, lockFileName))
	if errors.Is(err, os.ErrNotExist) {
		return noLockFile, nil
	}
	if err != nil {
		return "", fmt.Errorf("read the provider lock file: %w", err)
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), nil
}
