package github

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// gitTimeout bounds one plumbing command, so that a stuck git cannot hold the server's lock for ever.
const gitTimeout = 2 * time.Minute

// zeroSHA is how Git and GitHub write "no commit".
const zeroSHA = "0000000000000000000000000000000000000000"

var errNoObject = errors.New("no such object")

// repository is a bare Git repository, driven by plumbing commands only.
type repository struct {
	bin  string
	root string
	dir  string
	seen sync.Map // commit sha -> Commit; a commit never changes
}

func newRepository(bin, root, dir string) *repository {
	return &repository{bin: bin, root: root, dir: dir}
}

// gitError is a git command that failed.
type gitError struct {
	args   []string
	exit   int
	stderr string
}

func (e *gitError) Error() string {
	return fmt.Sprintf("git %s: exit %d: %s", strings.Join(e.args, " "), e.exit, strings.TrimSpace(e.stderr))
}

// env keeps the machine's Git configuration out, so that a run is the same everywhere.
func (g *repository) env() []string {
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + g.root, "LC_ALL=C", "TZ=UTC",
		"GIT_CONFIG_GLOBAL=" + os.DevNull, "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0",
		"GIT_DIR=" + g.dir,
	}
}

type gitCall struct {
	stdin []byte
	env   []string
}

func (g *repository) run(ctx context.Context, c gitCall, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, gitTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, g.bin, args...)
	cmd.Env = append(g.env(), c.env...)
	cmd.Dir = g.root
	cmd.Stdin = bytes.NewReader(c.stdin)
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	if err := cmd.Run(); err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) && ctx.Err() == nil {
			return out.String(), &gitError{args: args, exit: exit.ExitCode(), stderr: stderr.String()}
		}
		return "", fmt.Errorf("git %s: %w", args[0], errors.Join(err, ctx.Err()))
	}
	return out.String(), nil
}

// line runs a command that prints one line.
func (g *repository) line(ctx context.Context, args ...string) (string, error) {
	out, err := g.run(ctx, gitCall{}, args...)
	return strings.TrimSpace(out), err
}

// exitCode is the exit status of a git command that ran, or -1.
func exitCode(err error) int {
	var ge *gitError
	if errors.As(err, &ge) {
		return ge.exit
	}
	return -1
}

func (g *repository) backend(ctx context.Context) (string, error) {
	path, err := g.line(ctx, "--exec-path")
	if err != nil {
		return "", err
	}
	path = filepath.Join(path, "git-http-backend")
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("this git has no http-backend: %w", err)
	}
	return path, nil
}

// create makes the repository and its initial commit.
func (g *repository) create(ctx context.Context, files []seedFile, by Signature) error {
	if _, err := os.Stat(g.dir); err == nil {
		return fmt.Errorf("%s exists already: a local GitHub starts from an empty folder", g.dir)
	}
	if err := os.MkdirAll(filepath.Dir(g.dir), 0o755); err != nil {
		return fmt.Errorf("make the repository's folder: %w", err)
	}
	steps := [][]string{
		{"init", "--quiet", "--bare", "--initial-branch=" + DefaultBranch, g.dir},
		{"config", "uploadpack.allowAnySHA1InWant", "true"},
		{"config", "uploadpack.allowFilter", "true"},
		{"config", "gc.auto", "0"}, // objects made by the API are not referenced yet
		{"config", "core.logAllRefUpdates", "false"},
	}
	for _, args := range steps {
		if _, err := g.run(ctx, gitCall{}, args...); err != nil {
			return err
		}
	}
	_, err := g.run(ctx, gitCall{stdin: importStream(files, by)}, "fast-import", "--quiet")
	return err
}

// resolve turns a branch, tag, full ref or SHA into the SHA of a commit.
func (g *repository) resolve(ctx context.Context, name string) (string, error) {
	var tries []string
	switch {
	case isHex(name):
		tries = []string{name}
	case !validRef(name):
		return "", errNoObject
	case strings.HasPrefix(name, "refs/"):
		tries = []string{name}
	}
	if validRef(name) {
		tries = append(tries, "refs/heads/"+name, "refs/tags/"+name, "refs/"+name)
	}
	for _, t := range tries {
		sha, err := g.line(ctx, "rev-parse", "--verify", "--quiet", "--end-of-options", t+"^{commit}")
		if err == nil {
			return sha, nil
		}
		if exitCode(err) < 0 {
			return "", err
		}
	}
	return "", errNoObject
}

// branch is the tip of a branch, or errNoObject.
func (g *repository) branch(ctx context.Context, name string) (string, error) {
	if !validRef(name) {
		return "", errNoObject
	}
	return g.ref(ctx, "refs/heads/"+name)
}

func (g *repository) ref(ctx context.Context, ref string) (string, error) {
	sha, err := g.line(ctx, "rev-parse", "--verify", "--quiet", "--end-of-options", ref)
	if exitCode(err) > 0 {
		return "", errNoObject
	}
	return sha, err
}

// setRef moves a ref from old to sha; old zero means it must not exist, sha "" deletes it.
func (g *repository) setRef(ctx context.Context, ref, sha, old string) error {
	args := []string{"update-ref", ref, sha}
	if sha == "" {
		args = []string{"update-ref", "-d", ref}
	}
	if old != "" {
		args = append(args, old)
	}
	_, err := g.run(ctx, gitCall{}, args...)
	return err
}

type gitRef struct{ Name, SHA, Type string }

func (g *repository) refs(ctx context.Context, prefix string) ([]gitRef, error) {
	out, err := g.run(ctx, gitCall{}, "for-each-ref", "--format=%(refname) %(objectname) %(objecttype)")
	var refs []gitRef
	for line := range strings.Lines(out) {
		f := strings.Fields(line)
		if len(f) == 3 && strings.HasPrefix(f[0], prefix) {
			refs = append(refs, gitRef{f[0], f[1], f[2]})
		}
	}
	return refs, err
}

func (g *repository) isAncestor(ctx context.Context, old, sha string) (bool, error) {
	_, err := g.run(ctx, gitCall{}, "merge-base", "--is-ancestor", old, sha)
	if exitCode(err) == 1 {
		return false, nil
	}
	return err == nil, err
}

// mergeBase is "" for histories that share nothing.
func (g *repository) mergeBase(ctx context.Context, a, b string) (string, error) {
	sha, err := g.line(ctx, "merge-base", a, b)
	if exitCode(err) == 1 {
		return "", nil
	}
	return sha, err
}

// count is the number of commits in b that are not in a.
func (g *repository) count(ctx context.Context, a, b string) (int, error) {
	out, err := g.line(ctx, "rev-list", "--count", a+".."+b)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(out)
}

func isHex(s string) bool {
	return len(s) >= 7 && len(s) <= 40 && strings.Trim(s, "0123456789abcdef") == ""
}

func isSHA(s string) bool { return len(s) == 40 && isHex(s) }

// validRef keeps everything out of argv that is not plainly a name.
func validRef(s string) bool {
	if s == "" || len(s) > 250 || strings.HasPrefix(s, "-") || strings.ContainsAny(s, " ~^:?*[\\\x7f") ||
		strings.Contains(s, "..") || strings.Contains(s, "@{") || strings.Contains(s, "//") ||
		strings.HasSuffix(s, "/") || strings.HasPrefix(s, "/") || strings.HasSuffix(s, ".lock") ||
		strings.HasSuffix(s, ".") {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool { return r < ' ' }) < 0
}
