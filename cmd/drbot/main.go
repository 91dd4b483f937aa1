// Command drbot is the disaster-recovery bot: the server, the command line that
// talks to it, and the sandbox.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/drbot/drbot/dr"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal is no longer caught: it ends the process
	os.Exit(run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
}

// world is the outside as a command sees it.
type world struct {
	getenv         func(string) string
	stdout, stderr io.Writer
	config         string
	socket         string
	json           bool
}

// errMisuse marks a wrong command line, which ends with status 2.
var errMisuse = errors.New("misuse")

// run is the whole program: 0 done, 1 failed, 2 misused.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	w := &world{getenv: getenv, stdout: stdout, stderr: stderr}
	root := w.root()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	var status exitStatus
	if errors.As(err, &status) {
		return int(status)
	}
	w.complain(err)
	if errors.Is(err, errMisuse) {
		return 2
	}
	return 1
}

// exitStatus ends the program with a status and without another word.
type exitStatus int

func (s exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// complain says what happened and what to type next.
func (w *world) complain(err error) {
	var e *dr.Error
	if !errors.As(err, &e) {
		_, _ = fmt.Fprintln(w.stderr, "error:", err)
		return
	}
	_, _ = fmt.Fprintln(w.stderr, "error:", e.Msg)
	if e.Err != nil && e.Code != dr.Denied {
		_, _ = fmt.Fprintln(w.stderr, "cause:", e.Err)
	}
	if e.Hint != "" {
		_, _ = fmt.Fprintln(w.stderr, "try:", forShell(e.Hint))
	}
}

var slashStart = regexp.MustCompile(`/dr (failover|failback) (\S+) (\S+) (\S+) (.*)REASON`)

// forShell writes a hint made for Slack as the command line wants it.
func forShell(hint string) string {
	hint = slashStart.ReplaceAllString(hint, "drbot $1 $2 --to $3 --mode $4 $5--reason TEXT")
	return regexp.MustCompile(`/dr (status|cancel|answer|help)`).ReplaceAllString(hint, "drbot $1")
}

func misuse(msg, hint string) error {
	return errors.Join(errMisuse, &dr.Error{Code: dr.Invalid, Msg: msg, Hint: hint})
}

func (w *world) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "drbot",
		Short:         "Disaster recovery by GitOps, from Slack",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return misuse(err.Error()+".", c.CommandPath()+" --help")
	})
	root.PersistentFlags().StringVar(&w.config, "config", or(w.getenv("DRBOT_CONFIG"), "/etc/drbot/drbot.yaml"), "the configuration")
	root.AddCommand(w.serveCommand(), w.superviseCommand(), w.configCommand(), w.auditCommand(), w.sandboxCommand())
	for _, c := range w.clientCommands() {
		c.Flags().StringVar(&w.socket, "socket", w.getenv("DRBOT_SOCKET"), "the server's socket (default: as the configuration says)")
		c.Flags().BoolVar(&w.json, "json", false, "print JSON")
		root.AddCommand(c)
	}
	return root
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
