package tf

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/drbot/drbot/dr"
)

// follow watches an apply until there is a result or the supervisor is gone. Of one that it
// started this process learns that at once; another's it looks for.
// Which of the two it was, begin finds out.
func (t *Terraform) follow(ctx context.Context, f folder, seen *tail) error {
	defer t.places.follow(f)()
	gone := t.places.gone(f)
	tick := time.NewTicker(t.opts.ApplyPoll)
	defer tick.Stop()
	for {
		if err := seen.read(); err != nil {
			return err
		}
		if _, err := os.Stat(f.file(resultFile)); err == nil {
			return nil
		}
		if alive, err := held(f.file(aliveLock)); !alive || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-gone:
			gone = nil // what it left is found now or by the next look
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// tail reads the progress file as it grows.
type tail struct {
	name   string
	stack  string
	report func(dr.Progress)

	file  *os.File
	rest  []byte // a line that is not whole yet
	tally tally
	last  dr.Progress
}

func newTail(f folder, stack string, report func(dr.Progress)) *tail {
	if report == nil {
		report = func(dr.Progress) {}
	}
	return &tail{name: f.file(progressFile), stack: stack, report: report}
}

// read takes what is new and reports it if it changes the picture.
func (t *tail) read() error {
	if t.file == nil {
		file, err := os.Open(t.name)
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the progress: %w", err)
		}
		t.file = file
	}
	data, err := io.ReadAll(t.file)
	if err != nil {
		return fmt.Errorf("read the progress: %w", err)
	}
	t.rest = append(t.rest, data...)
	for {
		i := bytes.IndexByte(t.rest, '\n')
		if i < 0 {
			break
		}
		var r record
		if json.Unmarshal(t.rest[:i], &r) == nil {
			t.tally.add(r)
		}
		t.rest = t.rest[i+1:]
	}
	now := dr.Progress{Stack: t.stack, Done: t.tally.done, Total: t.tally.total}
	if n := len(t.tally.open); n > 0 {
		now.Current = t.tally.open[n-1]
	}
	if now != t.last && now.Total > 0 {
		t.last = now
		t.report(now)
	}
	return nil
}

func (t *tail) close() {
	if t.file != nil {
		// Nothing was written to it.
		_ = t.file.Close()
	}
}
