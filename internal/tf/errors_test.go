package tf

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
)

// classified checks that somebody said what kind of error it is, in words.
func classified(t *testing.T, err error, code dr.Code) {
	t.Helper()
	var known *dr.Error
	if !errors.As(err, &known) {
		t.Fatalf("nobody classified %T %v", err, err)
	}
	if known.Code != code || known.What.Empty() {
		t.Errorf("%s %s (%s), want %s; cause %v", known.Code, known.What, known.Next, code, known.Err)
	}
}

func TestErrorsOfTheOutsideHaveCodes(t *testing.T) {
	missing := exec.Command("/nowhere/terraform").Start()
	unknown := exec.Command("no-such-program-anywhere").Start()
	status := exec.Command("sh", "-c", "exit 3").Run()
	_, refused := net.Dial("tcp", "127.0.0.1:1")
	disk := func(no syscall.Errno) error { return &fs.PathError{Op: "write", Path: "x", Err: no} }
	for name, c := range map[string]struct {
		err  error
		code dr.Code
	}{
		"cancelled":             {context.Canceled, dr.Temporary},
		"too long":              {context.DeadlineExceeded, dr.Temporary},
		"full disk":             {disk(syscall.ENOSPC), dr.Temporary},
		"quota":                 {disk(syscall.EDQUOT), dr.Temporary},
		"read-only disk":        {disk(syscall.EROFS), dr.Denied},
		"not allowed":           {disk(syscall.EACCES), dr.Denied},
		"broken disk":           {disk(syscall.EIO), dr.Temporary},
		"too many files":        {disk(syscall.EMFILE), dr.Temporary},
		"not there":             {disk(syscall.ENOENT), dr.Temporary},
		"rename":                {&os.LinkError{Op: "rename", Err: syscall.EXDEV}, dr.Temporary},
		"bare number":           {syscall.EAGAIN, dr.Temporary},
		"no memory to fork":     {os.NewSyscallError("fork/exec", syscall.ENOMEM), dr.Temporary},
		"missing program":       {missing, dr.NotFound},
		"program not on PATH":   {unknown, dr.NotFound},
		"exit status":           {status, dr.Temporary},
		"end of file":           {io.EOF, dr.Temporary},
		"half a body":           {io.ErrUnexpectedEOF, dr.Temporary},
		"connection refused":    {refused, dr.Temporary},
		"connection reset":      {&net.OpError{Op: "read", Err: syscall.ECONNRESET}, dr.Temporary},
		"name does not resolve": {&net.DNSError{Name: "git.example", IsNotFound: true}, dr.Temporary},
		"already classified":    {&dr.Error{Code: dr.Conflict, What: dr.T("tf.wider")}, dr.Conflict},
	} {
		t.Run(name, func(t *testing.T) {
			err := outside(fmt.Errorf("while doing it: %w", c.err), dr.T("tf.plan.unmade"), dr.Text{})
			classified(t, err, c.code)
			if !errors.Is(err, c.err) {
				t.Error("the cause is lost")
			}
		})
	}
	defect := errors.New("a defect")
	if got := outside(defect, dr.T("tf.plan.unmade"), dr.Text{}); got != defect {
		t.Errorf("a defect became %v", got)
	}
}

// broken is a client whose outside world is as it should be, before a case breaks it.
func broken(t *testing.T) *Terraform {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skipf("not proved here: %v", err)
	}
	o := options(filepath.Join(t.TempDir(), "work"), "/nowhere/infra.git")
	o.TerraformPath = script(t, "terraform", "exit 1")
	tf, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return tf
}

func script(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte("#!/bin/sh\n"+text+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return file
}

// asFile puts a file where a folder must be.
func asFile(t *testing.T, dir string) {
	t.Helper()
	if err := errors.Join(os.RemoveAll(dir), os.WriteFile(dir, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
}

// TestNoErrorIsUnclassified walks what can go wrong outside and finds that plan and
// apply say of each what kind it is.
func TestNoErrorIsUnclassified(t *testing.T) {
	commit := strings.Repeat("a", 40)
	git := func(text string) func(*testing.T, *Terraform) {
		return func(t *testing.T, _ *Terraform) {
			t.Setenv("PATH", filepath.Dir(script(t, "git", text))+":"+os.Getenv("PATH"))
		}
	}
	for name, c := range map[string]struct {
		breaks func(*testing.T, *Terraform)
		code   dr.Code
	}{
		"no git":                     {func(t *testing.T, _ *Terraform) { t.Setenv("PATH", t.TempDir()) }, dr.NotFound},
		"git that fails":             {git("exit 1"), dr.Temporary},
		"git that is misused":        {git("exit 129"), dr.Temporary},
		"git that is killed":         {git("kill -9 $$"), dr.Temporary},
		"git on a full disk":         {git("echo fatal: write error: No space left on device >&2; exit 128"), dr.Temporary},
		"git without a host":         {git("echo fatal: unable to access x: Could not resolve host: git.example >&2; exit 128"), dr.Temporary},
		"a token nobody accepts":     {git("echo fatal: Authentication failed for x >&2; exit 128"), dr.Denied},
		"no such repository":         {func(*testing.T, *Terraform) {}, dr.NotFound},
		"no folder for plans":        {func(t *testing.T, tf *Terraform) { asFile(t, tf.disk.scratchDir()) }, dr.Temporary},
		"no folder for mirrors":      {func(t *testing.T, tf *Terraform) { asFile(t, filepath.Join(tf.opts.WorkDir, mirrorsDir)) }, dr.Temporary},
		"no token":                   {func(_ *testing.T, tf *Terraform) { tf.opts.GitToken = noToken }, dr.Temporary},
		"an address that is refused": {func(_ *testing.T, tf *Terraform) { tf.opts.GitURL = func(dr.Repository) string { return "ftp://x" } }, dr.Invalid},
		"nobody listens": {func(_ *testing.T, tf *Terraform) {
			tf.opts.GitURL = func(dr.Repository) string { return "http://127.0.0.1:1/x" }
		}, dr.Temporary},
		"a plan without time": {func(_ *testing.T, tf *Terraform) { tf.opts.PlanTimeout = time.Nanosecond }, dr.Temporary},
	} {
		t.Run(name, func(t *testing.T) {
			tf := broken(t)
			c.breaks(t, tf)
			_, err := tf.Plan(t.Context(), dr.PlanRequest{Service: trusting(), Stack: dr.Stack{Name: "app", Dir: "."}, Commit: commit})
			classified(t, err, c.code)
		})
	}
	for name, c := range map[string]struct {
		breaks func(*testing.T, *Terraform, folder)
		code   dr.Code
	}{
		"no folder for applies": {func(t *testing.T, tf *Terraform, _ folder) { asFile(t, tf.disk.appliesDir()) }, dr.Temporary},
		"no supervisor":         {func(_ *testing.T, tf *Terraform, _ folder) { tf.opts.SupervisorCommand = []string{"/nowhere/drbot"} }, dr.NotFound},
		"a supervisor that fails": {func(_ *testing.T, tf *Terraform, _ folder) {
			tf.opts.SupervisorCommand = []string{"false"}
		}, dr.Temporary},
		"no token":          {func(_ *testing.T, tf *Terraform, _ folder) { tf.opts.GitToken = noToken }, dr.Temporary},
		"a damaged request": {func(t *testing.T, _ *Terraform, f folder) { put(t, f, requestFile, `{"Key":`) }, dr.Uncertain},
		"a damaged result":  {func(t *testing.T, _ *Terraform, f folder) { put(t, f, resultFile, `{"Kind`) }, dr.Uncertain},
		"progress that is none": {func(t *testing.T, _ *Terraform, f folder) {
			put(t, f, phaseFile, applying)
			if err := os.MkdirAll(f.file(progressFile), 0o700); err != nil {
				t.Fatal(err)
			}
		}, dr.Temporary},
	} {
		t.Run("apply: "+name, func(t *testing.T) {
			tf := broken(t)
			req := dr.ApplyRequest{Service: trusting(), Key: "key", Stack: dr.Stack{Name: "app", Dir: "."}, Commit: commit}
			c.breaks(t, tf, tf.disk.applyFolder(req.Key))
			_, err := tf.Apply(t.Context(), req, nil)
			classified(t, err, c.code)
		})
	}
}

func noToken(context.Context, dr.Repository, string) (string, error) {
	return "", errors.New("the token's source is down")
}

func put(t *testing.T, f folder, name, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(string(f), 0o700), os.WriteFile(f.file(name), []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
}

// TestAForgeThatAnswersBadly has the real git speak to a forge that answers with each
// kind of status, or breaks off.
func TestAForgeThatAnswersBadly(t *testing.T) {
	answer := make(map[string]http.HandlerFunc)
	want := make(map[string]dr.Code)
	for status, code := range map[int]dr.Code{
		400: dr.Temporary, 401: dr.Denied, 403: dr.Denied, 404: dr.NotFound, 410: dr.NotFound, 429: dr.Temporary,
		500: dr.Temporary, 502: dr.Temporary, 503: dr.Temporary, 504: dr.Temporary,
	} {
		name := fmt.Sprint(status)
		answer[name] = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
		want[name] = code
	}
	answer["cut"] = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		fmt.Fprint(w, "001e# service=git-upload-pack\n")
	}
	answer["reset"] = func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	want["cut"], want["reset"] = dr.Temporary, dr.Temporary
	for name := range answer {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(answer[name])
			defer server.Close()
			tf := broken(t)
			tf.opts.GitURL = func(dr.Repository) string { return server.URL + "/infra.git" }
			tf.opts.GitToken = func(context.Context, dr.Repository, string) (string, error) { return "t0ken", nil }
			_, err := tf.Plan(t.Context(), dr.PlanRequest{Service: trusting(), Stack: dr.Stack{Name: "app", Dir: "."}, Commit: strings.Repeat("a", 40)})
			classified(t, err, want[name])
		})
	}
}

func TestATerraformThatIsGone(t *testing.T) {
	w := newWorld(t)
	commit := w.commit(files(""))
	w.opts.TerraformPath = w.wrapper("never", "true")
	tf := w.terraform()
	if err := os.Remove(w.opts.TerraformPath); err != nil {
		t.Fatal(err)
	}
	_, err := tf.Plan(t.Context(), dr.PlanRequest{Service: trusting(), Stack: w.stack(), Commit: commit})
	classified(t, err, dr.NotFound)

	w.opts.TerraformPath = script(t, "terraform", "kill -9 $$")
	_, err = w.terraform().Plan(t.Context(), dr.PlanRequest{Service: trusting(), Stack: w.stack(), Commit: commit})
	classified(t, err, dr.Temporary)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = w.terraform().Plan(ctx, dr.PlanRequest{Service: trusting(), Stack: w.stack(), Commit: commit})
	classified(t, err, dr.Temporary)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the cancellation is lost in %v", err)
	}
}
