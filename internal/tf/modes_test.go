package tf

import (
	"os"
	"path/filepath"
	"testing"
)

// TestModesAsElsewhere has a checkout made by the bot's own mask: its files have the modes
// of any other checkout, and its folder stays the bot's alone.
func TestModesAsElsewhere(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "src")
	for _, d := range []string{dir, filepath.Join(dir, "app")} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for name, mode := range map[string]os.FileMode{"main.tf": 0o600, "app/run.sh": 0o700} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/etc/hostname", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if err := asElsewhere(dir); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]os.FileMode{"": 0o700, "main.tf": 0o644, "app": 0o755, "app/run.sh": 0o755} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%q is of mode %v: %v", name, info.Mode(), err)
		}
	}
}
