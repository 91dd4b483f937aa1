// Command drbot is the disaster-recovery bot: the server, and the command line that
// talks to it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/tf"
	"github.com/drbot/drbot/internal/wall"
	"github.com/drbot/drbot/text"
)

func main() {
	wall.Enter() // before anything else: a wall is raised by this program, too
	syscall.Umask(ownMask)
	if err := hide(os.Args[1:]); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal is no longer caught: it ends the process
	os.Exit(run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
}

// ownMask leaves what this program writes to its own user, whatever started it. What
// Terraform and git make behind a wall has that wall's.
const ownMask = 0o077

// hide keeps what this process knows from others of its user: they are shown neither its
// memory nor its descriptors, and a server, which lives long, is started anew without the
// secrets in its environment.
func hide(args []string) error {
	if len(args) > 0 && args[0] == "serve" {
		if err := wall.Unexpose(); err != nil {
			return err
		}
	}
	return wall.Hide()
}

// world is the outside as a command sees it.
type world struct {
	getenv         func(string) string
	stdout, stderr io.Writer
	parts          parts
	words          text.Words
	config         string
	socket         string
	json           bool
}

// errMisuse marks a wrong command line, which ends with status 2.
var errMisuse = errors.New("misuse")

// run is the whole program: 0 done, 1 failed, 2 misused.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	return standard().run(ctx, args, getenv, stdout, stderr)
}

func (p parts) run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	if len(args) == 2 && args[0] == supervise && !strings.HasPrefix(args[1], "-") {
		return tf.Supervise(ctx, args[1], borrowing) // people wait for it, and it says nothing to them
	}
	words, err := p.shellWords()
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "error:", err)
		return 1
	}
	w := &world{parts: p, getenv: getenv, stdout: stdout, stderr: stderr, words: words}
	root := w.root()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err = root.ExecuteContext(ctx)
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
	line := func(t dr.Text) { _, _ = fmt.Fprintln(w.stderr, w.words.Say(t)) }
	var e *dr.Error
	if !errors.As(err, &e) {
		line(dr.T("cli.error", "what", dr.Foreign(err.Error())))
		return
	}
	what, next := dr.Told(e)
	line(dr.T("cli.error", "what", what))
	if e.Err != nil && e.Code != dr.Denied {
		line(dr.T("cli.cause", "cause", dr.Foreign(e.Err.Error())))
	}
	if !next.Empty() {
		line(try(next))
	}
}

// try is what to do next.
func try(next dr.Text) dr.Text {
	if slices.Contains(tries(), next.ID) {
		return next
	}
	return dr.T("cli.try", "next", next)
}

// tries are the messages that say by themselves that something is to be typed.
func tries() []dr.TextID { return []dr.TextID{"command.try", "command.nearest", "try-one-of"} }

func misuse(what, next dr.Text) error {
	return errors.Join(errMisuse, &dr.Error{Code: dr.Invalid, What: what, Next: next})
}

// shellWords are the words of this program: English, for a shell, one that no control
// character of somebody else's reaches.
func shellWords() (text.Words, error) { return standard().shellWords() }

func (p parts) shellWords() (text.Words, error) {
	c, err := p.catalogue()
	if err != nil {
		return text.Words{}, err
	}
	return c.In(language, text.Shell).Marked(text.Marks{Escape: text.Visible}), nil
}

// catalogue holds what the program says, of every part.
func (p parts) catalogue() (*text.Catalogue, error) {
	c, err := text.New(p.verbs)
	if err == nil && len(p.messages) > 0 {
		err = c.Add(language, p.messages)
	}
	return c, err
}

func (w *world) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "drbot",
		Short:         w.words.Sentence(dr.T("cli.drbot")),
		Args:          cobra.ArbitraryArgs,
		RunE:          w.unknown,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return misuse(flagged(err), dr.T("command.try", "command", dr.Cmd(strings.TrimPrefix(c.CommandPath()+" --help", "drbot "))))
	})
	root.PersistentFlags().StringVar(&w.config, "config", or(w.getenv("DRBOT_CONFIG"), "/etc/drbot/drbot.yaml"), w.words.Say(dr.T("cli.flag.config")))
	root.AddCommand(w.serveCommand(), w.superviseCommand(), w.configCommand(), w.checkCommand(), w.auditCommand(), w.backupCommand(), w.restoreCommand(), w.runbookCommand(), versionCommand(w), w.referenceCommand())
	for _, c := range w.clientCommands() {
		c.Flags().StringVar(&w.socket, "socket", w.getenv("DRBOT_SOCKET"), w.words.Say(dr.T("cli.flag.socket")))
		c.Flags().BoolVar(&w.json, "json", false, w.words.Say(dr.T("cli.flag.json")))
		root.AddCommand(c)
	}
	return root
}

// unknown answers a command that there is not.
func (w *world) unknown(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return c.Help()
	}
	next := dr.T("command.try", "command", dr.Cmd("--help"))
	if near, ok := w.words.Catalogue().Nearest(args[0]); ok {
		next = dr.T("command.nearest", "command", dr.Cmd(near))
	}
	return misuse(dr.T("command.unknown", "typed", args[0]), next)
}

// group is a command that only holds others: a name it does not have is a mistake, and
// ends with the status of one.
func group(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return c.Help()
	}
	path := strings.TrimPrefix(c.CommandPath(), "drbot ")
	return misuse(dr.T("command.unknown", "typed", path+" "+args[0]), dr.T("command.try", "command", dr.Cmd(path+" --help")))
}

// bare takes no word more.
func bare(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	path := strings.TrimPrefix(c.CommandPath(), "drbot ")
	return misuse(dr.T("command.extra", "typed", strings.Join(args, " ")), dr.T("command.try", "command", dr.Cmd(path+" --help")))
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
