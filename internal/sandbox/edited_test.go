package sandbox

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestEditedConfiguration keeps the bot's configuration as whoever plays has edited it, and
// writes anew what nobody has.
func TestEditedConfiguration(t *testing.T) {
	w := &World{opts: Options{Dir: t.TempDir()}}
	if err := os.Mkdir(filepath.Dir(w.ConfigPath()), 0o700); err != nil {
		t.Fatal(err)
	}
	write := func(config string) string {
		t.Helper()
		path, err := w.save(config)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(doc)
	}
	if write("first") != "first" || write("second") != "second" || w.Edited() {
		t.Error("nobody has edited it, and it is not written anew")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	seen := make(chan error, 1)
	go func() { seen <- w.AwaitEdit(ctx) }()
	for edited := "mine\n"; ; {
		if err := os.WriteFile(w.ConfigPath(), []byte(edited), 0o600); err != nil {
			t.Fatal(err)
		}
		if !w.Edited() || write("third") != edited {
			t.Fatal("what was edited is written over")
		}
		select {
		case err := <-seen:
			if err != nil {
				t.Error(err)
			}
			return
		case <-time.After(300 * time.Millisecond): // it began to look behind the edit: another
			edited += "more\n"
		}
	}
}
