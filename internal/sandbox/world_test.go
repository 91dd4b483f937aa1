package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/drbot/drbot/internal/sandbox/aws"
	"github.com/drbot/drbot/internal/tf"
	"github.com/drbot/drbot/internal/wall"
)

// programs is the folder of drbot and drbot-sandbox, built once for all tests: they
// watch the real process.
var programs string

func TestMain(m *testing.M) {
	enter()
	dir, err := os.MkdirTemp("", "drbot-program-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	programs = dir
	build := exec.Command("go", "build", "-o", dir, "github.com/drbot/drbot/cmd/drbot", "github.com/drbot/drbot/cmd/drbot-launch", "github.com/drbot/drbot/cmd/drbot-sandbox")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the programs: %v\n%s", err, out)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// transcript keeps what a world says for the log of a failed test.
type transcript struct{ bytes.Buffer }

// newWorld starts a world with a bot, or says what this machine lacks for one.
func newWorld(t *testing.T, change ...func(*Options)) (*World, context.Context) {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	terraform, err := tf.Find(t.Context(), filepath.Join(cache, "drbot"))
	if err != nil {
		t.Skipf("skipped: %v", err)
	}
	ctx := t.Context() // the test run's own limit is the bound of a world
	var said transcript
	o := Options{
		Dir: t.TempDir(), Bot: filepath.Join(programs, "drbot"), Tool: filepath.Join(programs, "drbot-sandbox"), Terraform: terraform, Out: &said,
		Log: slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	if !wall.Look().Any() {
		o.Isolation = "none"
	}
	for _, c := range change {
		c(&o)
	}
	w, err := New(ctx, o)
	if errors.Is(err, aws.ErrNoMoto) {
		t.Skipf("skipped: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		w.Close()
		if t.Failed() {
			t.Logf("what happened:\n%s\nthe bot's log:\n%s", said.String(), w.botLog(60))
		}
	})
	return w, ctx
}

func serving(t *testing.T, change ...func(*Options)) (*World, context.Context) {
	t.Helper()
	w, ctx := newWorld(t, change...)
	must(t, w.StartBot(ctx))
	return w, ctx
}

// givingUpSoon has a gate ask after seconds, in a test that wants to be asked.
func givingUpSoon(o *Options) { o.GiveUp = soon }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// asked has alice ask for the disaster failover and waits for its change.
func asked(t *testing.T, ctx context.Context, w *World) moved {
	t.Helper()
	m, err := w.proposed(ctx)
	must(t, err)
	return m
}

// restart starts the bot again after it was killed.
func restart(t *testing.T, ctx context.Context, w *World) {
	t.Helper()
	<-w.Bot.Done()
	must(t, w.StartBot(ctx))
}
