package described

import (
	"context"
	"crypto/sha256"
	_ "embed" // the two files of npm
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

//go:embed package.json
var manifest []byte

//go:embed package-lock.json
var lock []byte

// The files that are kept of what npm installs; the rest is 380 MB.
const (
	restFile    = "@octokit/openapi/generated/api.github.com.json"
	graphqlFile = "@octokit/graphql-schema/schema.graphql"
	examples    = "@octokit/webhooks-examples"
)

var exampleFiles = []string{
	examples + "/api.github.com/index.json", examples + "/ghes-31/index.json", examples + "/ghes-32/index.json",
	examples + "/ghes-33/index.json", examples + "/ghes-34/index.json", examples + "/ghes-35/index.json",
}

// errLacking says what a machine lacks to have the files.
var errLacking = errors.New("what GitHub publishes of itself is not at hand")

// folder is where the files are, installed once on a machine for each state of the lock file.
var folder = sync.OnceValues(func() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	sum := sha256.Sum256(lock)
	dir := filepath.Join(cache, "drbot", "github-described-"+hex.EncodeToString(sum[:6]))
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", err
	}
	held, err := os.OpenFile(dir+".lock", os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return "", err
	}
	defer held.Close()
	if err := syscall.Flock(int(held.Fd()), syscall.LOCK_EX); err != nil { // tests of other packages want them too
		return "", err
	}
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	return dir, install(dir)
})

// install has npm unpack everything beside dir and keeps the files that are read.
func install(dir string) error {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return fmt.Errorf("%w: there is no npm", errLacking)
	}
	whole, err := os.MkdirTemp(filepath.Dir(dir), "npm-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(whole)
	for name, content := range map[string][]byte{"package.json": manifest, "package-lock.json": lock} {
		if err := os.WriteFile(filepath.Join(whole, name), content, 0o644); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error",
		"--fetch-retries=2", "--fetch-retry-mintimeout=500", "--fetch-retry-maxtimeout=2000") // a machine that is not connected is soon known for one
	cmd.Dir = whole
	if out, err := cmd.CombinedOutput(); err != nil {
		return refusedBy(string(out), err)
	}
	kept := filepath.Join(whole, "kept")
	for _, name := range append([]string{restFile, graphqlFile}, exampleFiles...) {
		to := filepath.Join(kept, name)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		if err := os.Rename(filepath.Join(whole, "node_modules", name), to); err != nil {
			return err
		}
	}
	return os.Rename(kept, dir)
}

// refusedBy tells a registry that cannot be reached from files that do not fit one another.
func refusedBy(said string, err error) error {
	for _, ours := range []string{"EUSAGE", "EINTEGRITY", "EJSONPARSE", "ETARGET"} {
		if strings.Contains(said, ours) {
			return fmt.Errorf("npm ci: %w\n%s", err, said)
		}
	}
	return fmt.Errorf("%w: npm ci: %w\n%s", errLacking, err, said)
}

// AtHand tells whether the files are there.
func AtHand() bool {
	_, err := folder()
	return !errors.Is(err, errLacking)
}

// read gives one of the files, or skips the test with what is lacking.
func read(t testing.TB, name string) []byte {
	t.Helper()
	dir, err := folder()
	if errors.Is(err, errLacking) {
		t.Skipf("skipped: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return content
}
