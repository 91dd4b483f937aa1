package tf

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/drbot/drbot/dr"
)

// What Terraform prints is as long as the code wants it: a line of HCL makes gigabytes of one
// value, and each byte costs the bot some more.
const (
	largestPlan   = 64 << 20  // as JSON
	largestPulled = 128 << 20 // state; of it only the addresses are read
	largestSaid   = 1 << 20   // on stderr
	largestLine   = 4 << 20   // of what tells how a command goes on
)

// errTooLong is Terraform's printing more than is read.
var errTooLong = errors.New("terraform prints more than is read")

// limited takes so many bytes and no more.
type limited struct {
	buffer bytes.Buffer
	most   int
	over   bool
}

// Write refuses what is too much, which ends the program that prints it.
func (w *limited) Write(p []byte) (int, error) {
	if w.buffer.Len()+len(p) > w.most {
		w.over = true
		return 0, errTooLong
	}
	return w.buffer.Write(p)
}

// begin keeps the beginning of what is said, and takes the rest for nothing.
type begin struct {
	buffer bytes.Buffer
	most   int
}

// Write never fails.
func (b *begin) Write(p []byte) (int, error) {
	b.buffer.Write(p[:min(len(p), max(0, b.most-b.buffer.Len()))])
	return len(p), nil
}

// command runs one of Terraform's whose output depends on the code: terraform-exec would
// gather each line of it whole, and the errors. Else it is started as terraform-exec starts
// it. stop is how long it may take to end when it is asked to; as long as it likes where that
// is nothing.
func command(ctx context.Context, m *module, out io.Writer, stop time.Duration, args ...string) error {
	env, err := m.environment(working)
	if err != nil {
		return err
	}
	env["TF_IN_AUTOMATION"] = "1"
	cmd := exec.CommandContext(ctx, m.tf.ExecPath(), args...)
	cmd.Dir, cmd.Env = m.dir, []string{}
	for name, v := range env {
		cmd.Env = append(cmd.Env, name+"="+v)
	}
	said := &begin{most: largestSaid}
	cmd.Stdout, cmd.Stderr = out, said
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = stop
	cmd.SysProcAttr = startsApart()
	err = cmd.Run()
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("%w\n%s", err, said.buffer.String())
	}
	return err
}

// moreThanRead is that Terraform prints more of a stack than is read.
func moreThanRead(stack string, what dr.Text) error {
	return &dr.Error{Code: dr.Uncertain, What: dr.T("tf.large", "stack", stack, "what", what), Next: dr.T("tf.large.next")}
}

// printed is what a command prints, where it is not too much.
func printed(ctx context.Context, m *module, doing dr.Text, large error, most int, args ...string) ([]byte, error) {
	w := &limited{most: most}
	err := run(ctx, io.Discard, func(ctx context.Context, _ io.Writer) error {
		return command(ctx, m, w, planStop, args...)
	})
	if w.over && ctx.Err() == nil {
		return nil, large
	}
	return w.buffer.Bytes(), m.ended(ctx, doing, &output{}, err)
}

// savePlan has Terraform make a plan and save it.
func savePlan(ctx context.Context, m *module, w io.Writer, locked bool) error {
	err := command(ctx, m, w, planStop, "plan", "-no-color", "-input=false", "-detailed-exitcode", "-lock-timeout="+m.job.Place.LockTimeout.String(),
		"-out="+m.saved, fmt.Sprintf("-lock=%t", locked), "-json")
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 2 { // there is something to do
		return nil
	}
	return err
}

// showPlan reads the saved plan.
func showPlan(ctx context.Context, m *module) (*tfjson.Plan, error) {
	large := moreThanRead(m.name, dr.T("tf.large.plan", "most", largestPlan>>20))
	doc, err := printed(ctx, m, dr.T("tf.doing.show"), large, largestPlan, "show", "-json", "-no-color", m.saved)
	if err != nil {
		return nil, err
	}
	raw := &tfjson.Plan{}
	raw.UseJSONNumber(true)
	if err := raw.UnmarshalJSON(doc); err != nil { // by itself: by way of the package it would be read thrice
		return nil, m.ended(ctx, dr.T("tf.doing.show"), &output{}, err)
	}
	return raw, nil
}
