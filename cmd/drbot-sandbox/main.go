// Command drbot-sandbox is a whole world for drbot on one machine, to try it, to show
// it and to measure it. It starts the drbot of the same build beside it; drbot itself
// holds none of this.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal is no longer caught: it ends the process
	os.Exit(run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
}

// outside is the outside as a command sees it.
type outside struct {
	getenv         func(string) string
	stdout, stderr io.Writer
	drbot          string // the product's program, as typed
}

// errMisuse marks a wrong command line, which ends with status 2.
var errMisuse = errors.New("misuse")

// problem is an error with words for whoever plays: what happened and what to type next.
type problem struct {
	msg, hint string
	err       error
}

// Error is what happened, with the cause.
func (p *problem) Error() string {
	if p.err != nil {
		return p.msg + ": " + p.err.Error()
	}
	return p.msg
}

// Unwrap gives the cause.
func (p *problem) Unwrap() error { return p.err }

func misuse(msg, hint string) error {
	return errors.Join(errMisuse, &problem{msg: msg, hint: hint})
}

// run is the whole program: 0 done, 1 failed, 2 misused.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	o := &outside{getenv: getenv, stdout: stdout, stderr: stderr}
	root := o.playCommand()
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return misuse(err.Error()+".", c.CommandPath()+" --help")
	})
	root.PersistentFlags().StringVar(&o.drbot, "drbot", "", "the drbot to play with (default: the one beside this program)")
	root.AddCommand(o.toolCommand(), o.sabotageCommand(), o.benchCommand())
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	complain(stderr, err)
	if errors.Is(err, errMisuse) {
		return 2
	}
	return 1
}

// complain says what happened and what to type next.
func complain(stderr io.Writer, err error) {
	var e *problem
	if !errors.As(err, &e) {
		_, _ = fmt.Fprintln(stderr, "error:", err)
		return
	}
	_, _ = fmt.Fprintln(stderr, "error:", e.msg)
	if e.err != nil {
		_, _ = fmt.Fprintln(stderr, "cause:", e.err)
	}
	if e.hint != "" {
		_, _ = fmt.Fprintln(stderr, "try:", e.hint)
	}
}
