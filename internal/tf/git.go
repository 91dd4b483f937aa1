package tf

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/drbot/drbot/dr"
)

var fullSHA = regexp.MustCompile(`^[0-9a-f]{40}$`)

// mirrorsDir is where the mirrors are, in the work folder.
const mirrorsDir = "git"

// gitStop is how long git may take to end when it is asked to.
const gitStop = 5 * time.Second

// git reads one repository through a bare mirror. The mirror is shared by all
// plans and applies, across processes too: a commit is fetched once, and one
// that was fetched can be checked out without the forge.
type git struct {
	url    string
	token  string
	mirror string
	pass   map[string]string // the job's environment, for proxies and certificates
	scrub  scrubber
	file   string // that a run changes; empty where it is not known
	ends   int    // how many texts that end with a zero git may say; any number where it is nothing
	iso    Isolation
	again  func(ctx context.Context, refused string) (string, error) // see job

	asker     *asker // of the reading in hand; nil where there is none
	throwaway bool   // what is written is of this process alone, and gone with it
}

func newGit(j job) git {
	return git{
		url:    j.Place.GitURL,
		token:  j.Secrets.GitToken,
		mirror: filepath.Join(j.Place.WorkDir, mirrorsDir, mirrorName(j.Place.GitURL)),
		pass:   j.Secrets.Environment,
		iso:    j.Place.Wall,
		scrub:  j.scrubber(),
		file:   j.file,
		again:  j.again,
	}
}

// checkGitURL allows what git may speak: https, a local path, and http to this
// machine alone, because a token would go over it in clear.
func checkGitURL(raw string) (string, error) {
	refuse := func(what dr.Text) (string, error) { return "", &dr.Error{Code: dr.Invalid, What: what} }
	if filepath.IsAbs(raw) {
		return "file://" + raw, nil
	}
	u, err := url.Parse(raw)
	if err != nil {
		return refuse(dr.T("git.address.no-url")) // the cause would repeat it
	}
	if u.User != nil {
		return refuse(dr.T("git.address.user"))
	}
	ip := net.ParseIP(u.Hostname())
	local := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	switch {
	case u.Scheme == "https" && u.Host != "", u.Scheme == "file" && u.Host == "", u.Scheme == "http" && local:
		return raw, nil
	default:
		return refuse(dr.T("git.address.scheme"))
	}
}

// checkout puts the files of a commit, or of its merge into a base, into a new
// folder: no .git, nothing but what the commit holds, byte for byte, and of that only what
// the stack reads. The whole is within its budgets.
func (g git) checkout(ctx context.Context, dir, commit, mergeInto string, stack dr.Stack) (h contents, err error) {
	g, done := g.reading()
	defer done()
	wanted, tree, err := g.tree(ctx, dr.Tree{Commit: commit, MergeInto: mergeInto})
	if err != nil {
		return h, err
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return h, fmt.Errorf("make the checkout folder: %w", err)
	}
	files := func() (err error) {
		if h, err = g.part(ctx, tree, stack, g.file); err == nil {
			err = h.fit()
		}
		if err != nil {
			return err
		}
		return g.write(ctx, dir, tree, h.paths)
	}
	err = files()
	if err != nil && ctx.Err() == nil && !is[*dr.Error](err) && g.mend(ctx, wanted) == nil {
		err = files()
	}
	if err != nil {
		return h, g.failed(ctx, err, dr.T("git.checkout.failed", "commit", short(commit)))
	}
	return h, nil
}

// write puts files of a tree into a folder.
func (g git) write(ctx context.Context, dir, tree string, paths []string) error {
	if err := g.asIs(); err != nil || len(paths) == 0 {
		return err
	}
	// Each checkout has an index of its own, so that several can be made at once.
	index := dir + ".index"
	defer os.Remove(index)
	g.throwaway = true
	env := []string{"GIT_INDEX_FILE=" + index, "GIT_WORK_TREE=" + dir, "GIT_LITERAL_PATHSPECS=1"}
	_, err := g.limited(ctx, dir, env, strings.NewReader(strings.Join(paths, "\x00")+"\x00"),
		"checkout", "--quiet", "--force", tree, "--pathspec-from-file=-", "--pathspec-file-nul")
	if err == nil && (g.iso.Launcher == "" || g.iso.Landlock == 0) { // git ran by the bot's own mask
		err = asElsewhere(dir)
	}
	return err
}

// asElsewhere gives what is in a checkout the modes that it has elsewhere, since what packs
// it hashes them. The folder itself stays whose it is.
func asElsewhere(dir string) error {
	return filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || name == dir || e.Type()&fs.ModeSymlink != 0 {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		return os.Chmod(name, info.Mode()|(info.Mode()&0o500)>>3|(info.Mode()&0o500)>>6)
	})
}

// asIs has the mirror give files as they are.
func (g git) asIs() error {
	name := filepath.Join(g.mirror, "info", "attributes")
	if is, err := os.ReadFile(name); err == nil && string(is) == raw {
		return nil
	}
	err := os.MkdirAll(filepath.Dir(name), 0o700)
	if err == nil {
		err = writeAtomic(name, []byte(raw))
	}
	if err != nil {
		return fmt.Errorf("ready the mirror: %w", err)
	}
	return nil
}

// tree gives what names the files of a commit, or of its merge into a base, in the mirror,
// which has the commits by then.
func (g git) tree(ctx context.Context, of dr.Tree) (commits []string, tree string, err error) {
	commits = commitsOf(of)
	if err := g.have(ctx, commits...); err != nil {
		return nil, "", err
	}
	if of.MergeInto == "" {
		return commits, of.Commit, nil
	}
	tree, err = g.merge(ctx, of.MergeInto, of.Commit)
	return commits, tree, err
}

// commitsOf are those that a tree is made of.
func commitsOf(of dr.Tree) []string {
	if of.MergeInto == "" {
		return []string{of.Commit}
	}
	return []string{of.Commit, of.MergeInto}
}

// mend renews a damaged mirror with some commits in it.
func (g git) mend(ctx context.Context, wanted []string) error {
	lock, err := lockFile(ctx, g.mirror+".lock")
	if err != nil {
		return err
	}
	renewed, err := g.renew(ctx, wanted[0])
	unlock(lock)
	for _, sha := range wanted {
		if err == nil && renewed {
			err = g.have(ctx, sha)
		}
	}
	return err
}

// renew makes a damaged mirror anew, with one commit in it: a host that was lost or
// a disk that failed can leave objects that are empty or missing, and every fetch
// would fail on them for ever. A mirror that is whole stays: it may hold what the
// forge cannot give at the moment. The mirror's lock must be held.
func (g git) renew(ctx context.Context, sha string) (bool, error) {
	if _, err := g.run(ctx, "", nil, "fsck", "--connectivity-only", "--no-dangling", "--no-progress"); err == nil {
		return false, nil
	}
	fresh, old := g, g.mirror+".old"
	fresh.asker = nil
	fresh.mirror = g.mirror + ".new"
	if err := errors.Join(os.RemoveAll(fresh.mirror), os.RemoveAll(old)); err != nil {
		return false, err
	}
	if err := fresh.fetch(ctx, sha); err != nil {
		return false, err
	}
	if err := os.Rename(g.mirror, old); err != nil {
		return false, err
	}
	g.asker.renew() // it has the old one open
	return true, errors.Join(os.Rename(fresh.mirror, g.mirror), os.RemoveAll(old))
}

// have makes sure that the mirror holds some commits, which it gets at once.
func (g git) have(ctx context.Context, commits ...string) error {
	for _, sha := range commits {
		if !fullSHA.MatchString(sha) {
			return &dr.Error{Code: dr.Invalid, What: dr.T("git.half-sha")}
		}
	}
	if len(g.missing(ctx, commits)) == 0 {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(g.mirror), 0o700); err != nil {
		return fmt.Errorf("make the mirror's folder: %w", err)
	}
	lock, err := lockFile(ctx, g.mirror+".lock")
	if err != nil {
		return g.failed(ctx, err, dr.T("git.mirror.busy"))
	}
	defer unlock(lock)
	missing := g.missing(ctx, commits)
	if len(missing) > 1 && g.fetch(ctx, missing...) == nil {
		return nil
	}
	for _, sha := range missing { // which of several it was is told of that one
		err := g.fetch(ctx, sha)
		if err == nil {
			continue
		}
		if ctx.Err() != nil {
			return err
		}
		if renewed, why := g.renew(ctx, sha); !renewed || why != nil {
			return errors.Join(err, why)
		}
	}
	return nil
}

// missing are those of some commits that the mirror does not hold. The ref of one is written
// after the objects, so its existence proves that they are complete.
func (g git) missing(ctx context.Context, commits []string) []string {
	names := make([]string, len(commits))
	for i, sha := range commits {
		names[i] = refOf(sha) + "^{commit}"
	}
	found, err := g.ask(ctx, askInfo, names...)
	if err != nil && len(commits) == 1 {
		return commits
	}
	var out []string
	for i, sha := range commits {
		switch {
		case err != nil: // git ends at one that is damaged
			out = append(out, g.missing(ctx, []string{sha})...)
		case found[i].kind != kindCommit && !slices.Contains(out, sha):
			out = append(out, sha)
		}
	}
	return out
}

// fetch gets commits into the mirror, which it makes if there is none.
func (g git) fetch(ctx context.Context, commits ...string) error {
	if _, err := os.Stat(filepath.Join(g.mirror, "HEAD")); err != nil {
		if _, err := g.run(ctx, "", nil, "init", "--quiet", "--bare", "--template=", g.mirror); err != nil {
			return g.failed(ctx, err, dr.T("git.mirror.unmade"))
		}
	}
	err := g.get(ctx, commits)
	if code := dr.CodeOf(err); err == nil || g.again == nil || code != dr.Denied && code != dr.NotFound {
		return err
	}
	// A token may have ended since it was given, or the forge have taken it back; what it
	// may not see, the forge says is not there.
	token, why := g.again(ctx, g.token)
	switch {
	case why != nil:
		return why
	case token == g.token:
		return err
	}
	g.token, g.scrub = token, g.scrub.and(token, basic(token))
	return g.get(ctx, commits)
}

// get gets commits from the forge.
func (g git) get(ctx context.Context, commits []string) error {
	args := []string{"fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", g.url}
	for _, sha := range commits {
		args = append(args, "+"+sha+":"+refOf(sha))
	}
	if _, err := g.run(ctx, "", nil, args...); err != nil {
		return g.failed(ctx, err, dr.T("git.fetch.failed", "commit", short(commits[0])))
	}
	return nil
}

func refOf(sha string) string { return "refs/drbot/" + sha }

// merge gives the tree that merging a commit into a base makes. It is computed
// from the objects alone: nobody's name and no work tree are needed for it.
func (g git) merge(ctx context.Context, base, commit string) (string, error) {
	out, err := g.run(ctx, "", nil, "merge-tree", "--write-tree", "--no-messages", base, commit)
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 && ctx.Err() == nil {
		return "", &dr.Error{
			Code: dr.Conflict,
			What: dr.T("git.merge.conflicts", "commit", short(commit), "base", short(base)),
		}
	}
	tree := strings.TrimSpace(out)
	if err == nil && !fullSHA.MatchString(tree) {
		err = errors.New("git merge-tree named no tree")
	}
	if err != nil {
		return "", g.failed(ctx, err, dr.T("git.merge.failed", "commit", short(commit), "base", short(base)))
	}
	return tree, nil
}

// gitLimit is how long one command of git may take: a repository can be made on which it
// is busy for days.
const gitLimit = 5 * time.Minute

// run starts git on the mirror: arguments as they are, never a shell, and none of
// the machine's or user's configuration.
func (g git) run(ctx context.Context, dir string, env []string, args ...string) (string, error) {
	return g.limited(ctx, dir, env, nil, args...)
}

func (g git) limited(ctx context.Context, dir string, env []string, in io.Reader, args ...string) (string, error) {
	limited, cancel := context.WithTimeout(ctx, gitLimit)
	defer cancel()
	out, err := g.start(limited, dir, env, in, args...)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		return "", &dr.Error{Code: dr.Temporary, What: dr.T("git.late", "command", args[0], "limit", gitLimit), Next: dr.T("git.late.next"), Err: err}
	}
	return out, err
}

func (g git) start(ctx context.Context, dir string, env []string, in io.Reader, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir, cmd.Stdin = dir, in
	cmd.Env = append(g.environment(), env...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = gitStop
	if err := g.behind(cmd, dir); err != nil {
		return "", err
	}
	var out, errs bounded
	out.ends = g.ends
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		if out.over {
			err = errors.Join(errTooMuch, err)
		}
		said := strings.TrimSpace(errs.String())
		if err := unraised(said, g.scrub); err != nil {
			return "", err
		}
		last := said[strings.LastIndexByte(said, '\n')+1:]
		return "", &gitError{command: args[0], said: g.scrub.line(last), all: said, err: err}
	}
	return out.String(), nil
}

// mostOutput bounds what git may say: the repository is somebody else's.
const mostOutput = 128 << 20

// errTooMuch is git's saying more than it may.
var errTooMuch = errors.New("git says too much")

// bounded is a buffer that takes so much and no more. The buffer is a field: embedded, it
// would be read into past the bound.
type bounded struct {
	buffer bytes.Buffer
	ends   int // how many texts that end with a zero it takes; any number where it is nothing
	over   bool
}

// Write refuses what is too much.
func (b *bounded) Write(p []byte) (int, error) {
	left := b.ends - bytes.Count(p, []byte{0})
	if b.buffer.Len()+len(p) > mostOutput || b.ends > 0 && left <= 0 {
		b.over = true
		return 0, errTooMuch
	}
	if b.ends > 0 {
		b.ends = left
	}
	return b.buffer.Write(p)
}

// String is what was said.
func (b *bounded) String() string { return b.buffer.String() }

func (g git) environment() []string {
	env := []string{
		"GIT_DIR=" + g.mirror,
		"GIT_TERMINAL_PROMPT=0",
		"GIT_CONFIG_NOSYSTEM=1",
		"GIT_CONFIG_GLOBAL=" + os.DevNull,
		"GIT_ALLOW_PROTOCOL=https:http:file",
		"GIT_ATTR_NOSYSTEM=1",
		"LC_ALL=C",
	}
	for name, v := range baseEnvironment() {
		env = append(env, name+"="+v)
	}
	env = append(env, "HOME="+filepath.Dir(g.mirror)) // and nothing of the user's: of two values the last holds
	for _, name := range []string{
		"HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy",
		"SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO",
	} {
		if v, ok := g.pass[name]; ok {
			env = append(env, name+"="+v)
		}
	}
	config := [][2]string{
		{"gc.auto", "0"},
		{"maintenance.auto", "false"}, // the same; not even started to find out
		{"core.hooksPath", os.DevNull},
		{"core.symlinks", "true"},
		{"core.fsync", "all"}, // or a host that is lost leaves empty objects behind
		{"credential.helper", ""},
		{"protocol.version", "2"},         // lets an exact commit be asked for
		{"http.followRedirects", "false"}, // the token goes to the configured host alone
		{"http.lowSpeedLimit", "1000"},    // a forge that hangs is a failure, not a wait
		{"http.lowSpeedTime", "30"},
	}
	if g.throwaway {
		config = append(config, [2]string{"core.fsync", "none"}) // of two values the last holds
	}
	if g.token != "" && strings.HasPrefix(g.url, "http") {
		config = append(config, [2]string{"http." + g.url + ".extraHeader", "Authorization: Basic " + basic(g.token)})
	}
	env = append(env, "GIT_CONFIG_COUNT="+strconv.Itoa(len(config)))
	for i, kv := range config {
		env = append(env, fmt.Sprintf("GIT_CONFIG_KEY_%d=%s", i, kv[0]), fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", i, kv[1]))
	}
	return env
}

// basic is how a forge takes a token over git's HTTP.
func basic(token string) string {
	return base64.StdEncoding.EncodeToString([]byte("x-access-token:" + token))
}

// gitError is how git ended, and the last it said.
type gitError struct {
	command, said string
	all           string // not scrubbed, so only to be looked at
	err           error
}

// Error is for the log.
func (e *gitError) Error() string { return fmt.Sprintf("git %s: %v: %s", e.command, e.err, e.said) }

// Unwrap gives how the process ended.
func (e *gitError) Unwrap() error { return e.err }

// refusals is what git says of an answer that trying again does not change. It has one
// exit status for nearly all of them, and speaks one language here.
var refusals = []struct {
	says []string
	code dr.Code
	why  dr.Text
	next dr.Text
}{
	{
		[]string{"returned error: 401", "returned error: 403", "Authentication failed", "could not read Username"}, dr.Denied,
		dr.T("git.token-refused"), dr.T("git.token-refused.next"),
	},
	{
		[]string{"returned error: 404", "returned error: 410", "' not found", "does not appear to be a git repository", "does not exist"}, dr.NotFound,
		dr.T("git.no-repository"), dr.T("git.no-repository.next"),
	},
	{
		[]string{"returned error: 301", "returned error: 302", "returned error: 307", "returned error: 308", "unable to update url base from redirection"}, dr.NotFound,
		dr.T("git.moved"), dr.T("git.moved.next"),
	},
	{
		[]string{"No space left on device", "Disk quota exceeded"}, dr.Temporary,
		dr.T("git.disk-full"), dr.T("tf.disk-full.next"),
	},
}

// failed gives the error of a git command its code and words.
func (g git) failed(ctx context.Context, err error, what dr.Text) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if is[*dr.Error](err) {
		return err
	}
	var said *gitError
	if errors.As(err, &said) && is[*exec.ExitError](err) {
		for _, r := range refusals {
			if slices.ContainsFunc(r.says, func(text string) bool { return strings.Contains(said.all, text) }) {
				return &dr.Error{Code: r.code, What: sentences(what, r.why), Next: r.next, Err: err}
			}
		}
	}
	if !fromOutside(err) { // git ended well and said something else than it must
		return &dr.Error{Code: dr.Temporary, What: what, Err: err}
	}
	return outside(err, what, dr.Text{})
}

func short(sha string) string { return sha[:min(len(sha), 7)] }

// stackDir finds a stack's folder in a checkout and refuses one outside it, also by
// way of a link. Links to files are wanted: active_region is one in every stack.
func stackDir(root, dir string) (string, error) {
	local := filepath.FromSlash(dir)
	if !filepath.IsLocal(local) {
		return "", &dr.Error{Code: dr.Invalid, What: dr.T("git.folder.outside", "folder", dir)}
	}
	realRoot, err := filepath.EvalSymlinks(root)
	if err != nil {
		return "", fmt.Errorf("find the checkout: %w", err)
	}
	found, err := filepath.EvalSymlinks(filepath.Join(realRoot, local))
	if err != nil {
		return "", &dr.Error{Code: dr.NotFound, What: dr.T("git.folder.missing", "folder", dir)}
	}
	rel, err := filepath.Rel(realRoot, found)
	if err != nil || !filepath.IsLocal(rel) {
		return "", &dr.Error{Code: dr.Invalid, What: dr.T("git.folder.leads-out", "folder", dir)}
	}
	if info, err := os.Stat(found); err != nil || !info.IsDir() {
		return "", &dr.Error{Code: dr.NotFound, What: dr.T("git.folder.missing", "folder", dir)}
	}
	return rel, nil
}
