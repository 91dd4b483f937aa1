package aws

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fakePython stands for an interpreter without Moto, whose pip does what the test says.
const fakePython = `#!/bin/sh
case "$*" in
-c*) [ -e "$0.moto" ] && echo 5.2.1 || echo ;;
"-m venv"*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
"-m pip install"*) [ "$FAKE_PIP" = works ] && : > "$0.moto" || { echo "no matching distribution" >&2; exit 1; } ;;
esac
`

func TestPrivatePython(t *testing.T) {
	dir := t.TempDir()
	base := filepath.Join(dir, "python3")
	if err := os.WriteFile(base, []byte(fakePython), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("DRBOT_PYTHON", base)
	log := slog.New(slog.DiscardHandler)
	cache := filepath.Join(dir, "cache")

	_, err := python(t.Context(), cache, log)
	if !errors.Is(err, ErrNoMoto) || !strings.Contains(err.Error(), "no matching distribution") ||
		!strings.Contains(err.Error(), "-m pip install 'moto[server]==5.2.1'") {
		t.Errorf("pip fails: %v", err)
	}
	if left, _ := os.ReadDir(cache); len(left) != 0 {
		t.Errorf("a failed installation left %v", left)
	}

	t.Setenv("FAKE_PIP", "works")
	for range 2 { // the second time it is there
		got, err := python(t.Context(), cache, log)
		if want := filepath.Join(cache, "moto-5.2.1", "bin", "python"); got != want || err != nil {
			t.Errorf("python = %s, %v", got, err)
		}
		t.Setenv("FAKE_PIP", "")
	}
}

func TestCleanEnv(t *testing.T) {
	got := cleanEnv([]string{"PATH=/bin", "AWS_PROFILE=prod", "AWS_CA_BUNDLE=x", "https_proxy=p", "NO_PROXY=n", "MOTO_PORT=1", "HOME=/h"})
	if strings.Join(got, " ") != "PATH=/bin HOME=/h" {
		t.Errorf("%v", got)
	}
}
