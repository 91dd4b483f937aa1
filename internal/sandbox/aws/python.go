package aws

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// ErrNoMoto says that Moto is not installed and could not be installed. What is
// lacking, and what to type, is in the message.
var ErrNoMoto = errors.New("moto cannot be had")

const (
	motoPinned  = "5.2.1"
	motoPackage = "moto[server]==" + motoPinned
)

// probe prints the version of a Moto that can serve; looking at metadata is ten times faster than importing it.
const probe = `
import importlib.metadata as meta, importlib.util as util
print(meta.version("moto") if util.find_spec("flask") and util.find_spec("flask_cors") else "")
`

// python returns an interpreter that has Moto: $DRBOT_PYTHON or python3 when Moto
// 5.2 or newer is installed there, else one of a private environment in cache.
func python(ctx context.Context, cache string, log *slog.Logger) (string, error) {
	base := os.Getenv("DRBOT_PYTHON")
	if base == "" {
		base = "python3"
	}
	path, err := exec.LookPath(base)
	if err != nil {
		return "", fmt.Errorf("%w: no Python found as %q: install Python 3.10 or newer, or set DRBOT_PYTHON", ErrNoMoto, base)
	}
	if hasMoto(ctx, path) {
		return path, nil
	}
	venv := filepath.Join(cache, "moto-"+motoPinned)
	private := filepath.Join(venv, "bin", "python")
	if hasMoto(ctx, private) {
		return private, nil
	}
	log.InfoContext(ctx, "installing Moto into a private Python environment", "package", motoPackage, "folder", venv)
	if err := installMoto(ctx, path, venv); err != nil {
		return "", err
	}
	return private, nil
}

func hasMoto(ctx context.Context, interpreter string) bool {
	out, err := exec.CommandContext(ctx, interpreter, "-c", probe).Output()
	return err == nil && recentMoto(strings.TrimSpace(string(out)))
}

// recentMoto reports whether a version is 5.2 or newer.
func recentMoto(version string) bool {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return false
	}
	major, err1 := strconv.Atoi(parts[0])
	minor, err2 := strconv.Atoi(parts[1])
	return err1 == nil && err2 == nil && (major > 5 || major == 5 && minor >= 2)
}

// installMoto builds the environment beside its place and moves it there, so that
// one that was interrupted is never taken for a whole one.
func installMoto(ctx context.Context, base, venv string) error {
	if err := os.MkdirAll(filepath.Dir(venv), 0o755); err != nil {
		return fmt.Errorf("make the cache folder: %w", err)
	}
	building, err := os.MkdirTemp(filepath.Dir(venv), "building-moto-")
	if err != nil {
		return fmt.Errorf("make the cache folder: %w", err)
	}
	defer os.RemoveAll(building)
	for _, args := range [][]string{
		{base, "-m", "venv", building},
		{filepath.Join(building, "bin", "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", motoPackage},
	} {
		var output bytes.Buffer
		cmd := exec.CommandContext(ctx, args[0], args[1:]...)
		cmd.Stdout, cmd.Stderr = &output, &output
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("%w: %s: %w\n%s\ninstall it yourself: %s -m pip install '%s', or set DRBOT_PYTHON to a Python that has it",
				ErrNoMoto, strings.Join(args, " "), err, lastLines(output.String(), 5), base, motoPackage)
		}
	}
	if err := os.RemoveAll(venv); err != nil {
		return fmt.Errorf("replace %s: %w", venv, err)
	}
	err = os.Rename(building, venv)
	if err != nil && hasMoto(ctx, filepath.Join(venv, "bin", "python")) {
		return nil // another process was faster
	}
	return err
}

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
