package tf

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/drbot/drbot/dr"
)

// Supervise is the life of the supervising process: it carries out the one apply
// of a folder and leaves its result there. Only Apply starts it, with the files
// it needs; by hand it refuses. SIGTERM asks Terraform to stop after what it is
// making. It returns the exit code: 0 when there is a result.
// from makes what makes the sessions that Terraform is lent: this process lives as long as
// its Terraform, and the bot perhaps does not.
func Supervise(ctx context.Context, dir string, from func(context.Context, Source) (Borrow, error)) int {
	debug.SetGCPercent(collectAt)
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, os.Interrupt)
	defer stop()
	s, err := takeOver(folder(dir))
	if err != nil {
		fmt.Fprintln(os.Stderr, "supervise:", err)
		return 2
	}
	s.from = from
	result := s.guardedRun(ctx)
	if s.module != nil {
		s.module.close()
	}
	if err := s.finish(&result); err != nil {
		fmt.Fprintln(os.Stderr, "supervise:", err)
		return 1
	}
	runtime.KeepAlive(s) // with it goes the lock that says that this process lives
	return 0
}

// collectAt is the usual growth of memory at which garbage is looked for.
const collectAt = 100

// supervisor carries out one apply.
type supervisor struct {
	folder   folder
	request  request
	job      job
	alive    *os.File // held open for the lock on it
	progress *os.File
	tally    tally
	module   *module   // open until the process ends: nobody else takes its seat
	remarks  []dr.Text // what was found of applies that died
	from     func(context.Context, Source) (Borrow, error)
}

// takeOver checks that this process was started to supervise this folder and
// reads what it was given.
func takeOver(f folder) (*supervisor, error) {
	alive := os.NewFile(aliveFD, f.file(aliveLock))
	given, err := alive.Stat()
	if err != nil {
		return nil, errors.New("only drbot starts this command")
	}
	want, err := os.Stat(f.file(aliveLock))
	if err != nil || !os.SameFile(given, want) {
		return nil, errors.New("only drbot starts this command")
	}
	if got, err := flock(alive, unix.LOCK_EX); !got {
		return nil, errors.Join(errors.New("another supervisor has this apply"), err)
	}
	// Terraform must not keep the lock when this process dies, nor read secrets.
	unix.CloseOnExec(secretsFD)
	unix.CloseOnExec(aliveFD)
	s := &supervisor{folder: f, alive: alive}
	pipe := os.NewFile(secretsFD, "secrets")
	data, err := io.ReadAll(pipe)
	if err := errors.Join(err, pipe.Close()); err != nil {
		return nil, fmt.Errorf("read what was passed: %w", err)
	}
	if json.Unmarshal(data, &s.job.Secrets) != nil { // the cause could quote a secret
		return nil, errors.New("what was passed is not whole")
	}
	known, err := f.read(requestFile, &s.request)
	if err != nil || !known {
		return nil, errors.Join(errors.New("there is no request"), err)
	}
	s.job.Place = s.request.Place
	if s.progress, err = os.OpenFile(f.file(progressFile), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600); err != nil {
		return nil, err
	}
	return s, f.write(processFile, self())
}

// guardedRun gives a result also when this program has a defect: without one, the
// apply would be lost and people would look for a host that died.
func (s *supervisor) guardedRun(ctx context.Context) (r dr.ApplyResult) {
	err := guarded(func() error {
		r = s.run(ctx)
		return nil
	})
	if err != nil {
		return s.afterPanic(ctx, err)
	}
	return r
}

func (s *supervisor) afterPanic(ctx context.Context, err error) dr.ApplyResult {
	if began, looked := s.folder.began(); !began && looked == nil {
		fmt.Fprintln(os.Stderr, "supervise:", s.job.scrubber().line(err.Error()))
		return s.notApplied(ctx, &dr.Error{Code: dr.Uncertain, What: dr.T("tf.supervisor.panic")})
	}
	return s.applied(ctx, err)
}

// run carries out the apply. Nothing has been applied until the phase says so.
func (s *supervisor) run(ctx context.Context) dr.ApplyResult {
	m, plan, err := s.prepare(ctx)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return s.notApplied(ctx, err)
	}
	known, err := s.known(plan)
	if err != nil {
		return s.notApplied(ctx, err)
	}
	if wider := known.Wider(plan.Plan, s.request.Approved); len(wider) > 0 {
		return dr.ApplyResult{Kind: dr.ApplyWider, Wider: wider, Plan: &plan.Plan, Summary: sentences(dr.T("tf.wider"), dr.T("tf.nothing-applied"))}
	}
	if len(plan.Changes) == 0 && len(plan.Outputs) == 0 {
		return dr.ApplyResult{Kind: dr.ApplyDone, Summary: dr.T("tf.nothing-to-change")}
	}
	c := plan.Counts()
	s.note(record{Type: recordPlanned, Total: c.Add + c.Change + c.Destroy})
	family, err := s.family(ctx)
	if err != nil {
		return s.notApplied(ctx, fmt.Errorf("ready the apply: %w", err))
	}
	defer family.Close()
	if err := writeAtomic(s.folder.file(phaseFile), []byte(applying)); err != nil {
		return s.notApplied(ctx, fmt.Errorf("record that the apply begins: %w", err))
	}
	w := newWitness(s.folder, m)
	stop := w.start(ctx)
	err = s.locking(ctx, m, applyOperation, func() error {
		return m.apply(ctx, func(e event) {
			w.hear(e)
			if r, ok := recordOf(e); ok {
				s.note(r)
			}
		})
	})
	stop()
	return s.applied(ctx, err)
}

// family takes the lock that Terraform and everything it starts inherits: as long
// as it is held, something of this apply lives, whatever became of this process.
func (s *supervisor) family(ctx context.Context) (*os.File, error) {
	f, err := lockFile(ctx, s.folder.file(familyLock))
	if err != nil {
		return nil, err
	}
	if _, err := unix.FcntlInt(f.Fd(), unix.F_SETFD, 0); err != nil { // not closed on exec
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// prepare makes the plan that is applied, within the time a plan may take.
func (s *supervisor) prepare(ctx context.Context) (*module, planned, error) {
	ctx, cancel := context.WithTimeout(ctx, s.job.Place.PlanTimeout)
	defer cancel()
	work := s.folder.file(workFolder)
	if err := os.Mkdir(work, 0o700); err != nil {
		return nil, planned{}, err
	}
	if err := s.source(ctx); err != nil {
		return nil, planned{}, err
	}
	m, err := s.job.open(ctx, work, s.request.Stack, s.request.Commit, "", sitter{For: s.request.Key, Apply: true})
	if err != nil {
		return nil, planned{}, err
	}
	s.module, m.unstable, m.rules, m.service = m, s.request.Unstable, s.request.Code, s.request.Service
	if err := m.ready(ctx, s.request.Stack); err != nil {
		return nil, planned{}, err
	}
	fell, err := s.afterFallen(ctx, m)
	if err != nil {
		return nil, planned{}, err
	}
	var plan planned
	err = s.locking(ctx, m, planOperation, func() (err error) {
		plan, err = m.plan(ctx, true, false)
		return err
	})
	if err == nil {
		err = s.passAfter(plan.Plan, fell)
	}
	return m, plan, err
}

// source readies what makes sessions, where Terraform is lent some.
func (s *supervisor) source(ctx context.Context) (err error) {
	s.job.warn = func(err error) {
		fmt.Fprintln(os.Stderr, "supervise: no session for Terraform could be made:", s.job.scrubber().line(err.Error()))
	}
	if s.job.Secrets.Loan == nil || s.from == nil {
		return nil
	}
	s.job.patience = applyPatience
	s.job.borrow, err = s.from(ctx, s.job.Secrets.Source)
	return err
}

// note keeps a record. A full disk must not stop Terraform, so a record that
// cannot be written is only said to be missing.
func (s *supervisor) note(r record) {
	s.job.scrubber().clean(&r)
	s.tally.add(r)
	line, err := json.Marshal(r)
	if err == nil {
		_, err = s.progress.Write(append(line, '\n'))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "supervise: a progress record is missing:", err)
	}
}

// notApplied is the result when Terraform's apply was never started.
func (s *supervisor) notApplied(ctx context.Context, err error) dr.ApplyResult {
	nothing := dr.T("tf.nothing-applied")
	failed := func(why dr.Text) dr.ApplyResult {
		return dr.ApplyResult{Kind: dr.ApplyFailed, Summary: sentences(why, nothing)}
	}
	var f *failure
	var busy *taken
	switch {
	case ctx.Err() != nil:
		return failed(dr.T("tf.apply.stopped"))
	case errors.Is(err, context.DeadlineExceeded):
		return failed(dr.T("tf.apply.late", "limit", s.job.Place.PlanTimeout))
	case errors.As(err, &f) && !f.lock.Empty():
		return dr.ApplyResult{Kind: dr.ApplyLocked, Summary: sentences(f.lock, nothing)}
	case errors.As(err, &f):
		return failed(f.told())
	case errors.As(err, &busy):
		return dr.ApplyResult{Kind: dr.ApplyLocked, Summary: sentences(busy.why.What, nothing)}
	}
	fmt.Fprintln(os.Stderr, "supervise:", s.job.scrubber().line(err.Error()))
	what := dr.T("tf.apply.unplanned")
	var known *dr.Error
	if errors.As(outside(err, what, dr.Text{}), &known) {
		var next dr.Text
		what, next = dr.Told(known)
		if !next.Empty() {
			what = sentences(what, dr.T("tf.hint", "next", next))
		}
	}
	return failed(what)
}

// applied is the result once Terraform's apply was started.
func (s *supervisor) applied(ctx context.Context, err error) dr.ApplyResult {
	r := dr.ApplyResult{Kind: dr.ApplyFailed, Made: s.tally.made, Counts: s.tally.counts}
	var f *failure
	switch {
	case err == nil:
		r.Kind = dr.ApplyDone
		r.Summary = dr.T("tf.applied", "add", r.Counts.Add, "change", r.Counts.Change, "destroy", r.Counts.Destroy)
	case ctx.Err() != nil:
		r.Summary = dr.T("tf.stopped", "n", s.tally.done, "total", s.tally.total)
	case errors.As(err, &f) && !f.lock.Empty():
		// The lock comes before everything else, so nothing was applied.
		return dr.ApplyResult{Kind: dr.ApplyLocked, Summary: sentences(f.lock, dr.T("tf.nothing-applied"))}
	case errors.As(err, &f):
		r.Summary = f.told()
	default:
		fmt.Fprintln(os.Stderr, "supervise:", s.job.scrubber().line(err.Error()))
		r.Summary = dr.T("tf.apply.endless")
	}
	return r
}

// finish writes the result before it removes the checkout, which can take a
// while: whoever finds a result and a checkout removes the rest.
func (s *supervisor) finish(r *dr.ApplyResult) error {
	kept, err := s.folder.secure()
	if err != nil {
		fmt.Fprintln(os.Stderr, "supervise: secure the folder:", err)
	}
	if kept {
		r.Summary = sentences(r.Summary, rescued())
	}
	r.Summary = sentences(r.Summary, s.remarks...)
	s.job.scrubber().clean(r)
	if err := s.keep(r); err != nil {
		return err
	}
	return s.folder.clear(s.job.Place.Wall)
}

// keepAgain and keepFor are how often, and for how long, a result is written again
// that could not be.
const (
	keepAgain = time.Second
	keepFor   = time.Hour
)

// keep writes the result. Nobody else knows how the apply ended, so room on a full
// disk is waited for: whoever follows the apply waits as long as this process lives.
// A disk that is read-only can only be mended when nobody holds it any more.
func (s *supervisor) keep(r *dr.ApplyResult) error {
	err := s.folder.write(resultFile, r)
	noRoom := func() bool {
		return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) || errors.Is(err, unix.EFBIG)
	}
	for end := time.Now().Add(keepFor); noRoom() && time.Now().Before(end); {
		time.Sleep(keepAgain)
		err = s.folder.write(resultFile, r)
	}
	return err
}

// process says which process supervised an apply, and where. Whether it lives is
// judged by locks, never by its id: process ids are used again.
type process struct {
	PID     int       `json:"pid"`
	Started string    `json:"started,omitempty"` // ticks since the boot
	BootID  string    `json:"boot_id,omitempty"`
	At      time.Time `json:"at"`
	Host    string    `json:"host,omitempty"`
	Machine string    `json:"machine,omitempty"` // /etc/machine-id
}

// endedWithBoot tells whether locks that the kernel keeps say all about that
// process: it ran under the kernel that this one runs under, or that kernel is
// gone because the very machine was started anew. Names alone do not tell
// machines apart, and an image can bring its machine id along, so it takes both.
func (p process) endedWithBoot(now process) bool {
	if p.BootID != "" && p.BootID == now.BootID {
		return true
	}
	return p.BootID != "" && now.BootID != "" && p.Machine != "" && p.Machine == now.Machine && p.Host == now.Host
}

func self() process {
	p := process{PID: os.Getpid(), At: time.Now().UTC()}
	if boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id"); err == nil {
		p.BootID = strings.TrimSpace(string(boot))
	}
	if host, err := os.Hostname(); err == nil {
		p.Host = host
	}
	if machine, err := os.ReadFile("/etc/machine-id"); err == nil {
		p.Machine = strings.TrimSpace(string(machine))
	}
	if stat, err := os.ReadFile("/proc/self/stat"); err == nil {
		// The name in parentheses may hold spaces; the start time is the 20th
		// field after it.
		after := string(stat)[strings.LastIndexByte(string(stat), ')')+1:]
		if fields := strings.Fields(after); len(fields) > 19 {
			p.Started = fields[19]
		}
	}
	return p
}
