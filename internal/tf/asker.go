package tf

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"sync"

	"github.com/drbot/drbot/dr"
)

// asker answers what a mirror holds, by one git for as long as one reading of it lasts: to
// start another, behind its wall, takes longer than all that is asked in a checkout.
type asker struct {
	mu    sync.Mutex
	cmd   *exec.Cmd // nil where none runs
	in    io.WriteCloser
	out   *bufio.Reader
	errs  bounded
	ended bool // the reading: what is asked later has a git of its own
}

// gitObject is what git says of a name: nothing but the name's own, where it knows none.
type gitObject struct {
	id, kind string
	text     string // where it was asked for
}

// The questions of git's that are asked.
const (
	askInfo     = "info"
	askContents = "contents"
)

// reading gives a git that answers all questions about objects by one process until done.
func (g git) reading() (_ git, done func()) {
	o := &asker{}
	g.asker = o
	return g, func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.ended = true
		o.stop()
	}
}

// ask gives what the mirror has by some names, in their order.
func (g git) ask(ctx context.Context, question string, names ...string) ([]gitObject, error) {
	o := g.asker
	if o == nil {
		o = &asker{ended: true}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ended {
		defer o.stop()
	}
	limited, cancel := context.WithTimeout(ctx, gitLimit)
	defer cancel()
	if err := limited.Err(); err != nil {
		return nil, err
	}
	if err := o.start(g); err != nil {
		return nil, err
	}
	process := o.cmd.Process
	defer context.AfterFunc(limited, func() { _ = process.Kill() })() // it only reads
	all, err := o.answers(question, names)
	if err == nil {
		return all, nil
	}
	err = o.end(g, err)
	if limited.Err() != nil && ctx.Err() == nil {
		return nil, &dr.Error{Code: dr.Temporary, What: dr.T("git.late", "command", "cat-file", "limit", gitLimit), Next: dr.T("git.late.next"), Err: err}
	}
	return nil, err
}

// start has a git run that answers.
func (o *asker) start(g git) error {
	if o.cmd != nil {
		return nil
	}
	cmd := exec.Command("git", "cat-file", "--batch-command")
	cmd.Env = g.environment()
	cmd.WaitDelay = gitStop
	if err := g.behind(cmd, ""); err != nil {
		return err
	}
	o.errs = bounded{}
	cmd.Stderr = &o.errs
	in, err := cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("ask git: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("ask git: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return &gitError{command: "cat-file", err: err}
	}
	o.cmd, o.in, o.out = cmd, in, bufio.NewReader(out)
	return nil
}

// stop ends the git that runs, if one does. It changes nothing, so it is not waited for.
func (o *asker) stop() {
	if o.cmd == nil {
		return
	}
	_ = o.cmd.Process.Kill()
	_ = o.cmd.Wait() // it was killed
	o.cmd = nil
}

// renew has the next question answered by another git.
func (o *asker) renew() {
	if o == nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.stop()
}

// end is why there was no answer, once git has ended.
func (o *asker) end(g git, why error) error {
	ended := errors.Is(why, io.EOF) || errors.Is(why, io.ErrUnexpectedEOF) // by itself
	if !ended {
		_ = o.cmd.Process.Kill()
	}
	err := o.cmd.Wait()
	o.cmd = nil
	if !ended {
		return why
	}
	said := strings.TrimSpace(o.errs.String())
	if err := unraised(said, g.scrub); err != nil {
		return err
	}
	if err == nil {
		err = why
	}
	last := said[strings.LastIndexByte(said, '\n')+1:]
	return &gitError{command: "cat-file", said: g.scrub.line(last), all: said, err: err}
}

// answers asks and reads side by side: git says what is known before all is asked.
func (o *asker) answers(question string, names []string) ([]gitObject, error) {
	var lines strings.Builder
	for _, name := range names {
		if strings.ContainsAny(name, "\n\x00") {
			return nil, fmt.Errorf("no object is named %q", name)
		}
		lines.WriteString(question + " " + name + "\n")
	}
	go func(in io.Writer, text string) {
		_, _ = io.WriteString(in, text) // a git that ended is found by reading
	}(o.in, lines.String())
	out := make([]gitObject, len(names))
	left := mostOutput
	for i, name := range names {
		head, err := o.line()
		if err != nil {
			return nil, err
		}
		of := strings.Fields(head)
		switch {
		case head == name+" missing":
			continue
		case len(of) != 3:
			return nil, fmt.Errorf("git cat-file says %q of %s", head, name)
		}
		out[i] = gitObject{id: of[0], kind: of[1]}
		if question == askInfo {
			continue
		}
		size, err := strconv.Atoi(of[2])
		if err != nil || size < 0 {
			return nil, fmt.Errorf("git cat-file says %q of %s", head, name)
		}
		if left -= size; left < 0 {
			return nil, errTooMuch
		}
		text := make([]byte, size+1) // it ends with a line's end
		if _, err := io.ReadFull(o.out, text); err != nil {
			return nil, err
		}
		out[i].text = string(text[:size])
	}
	return out, nil
}

// line is one that begins an answer: it is short.
func (o *asker) line() (string, error) {
	line, err := o.out.ReadSlice('\n')
	if err != nil {
		return "", err
	}
	return string(line[:len(line)-1]), nil
}
