package github

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Signature is who made a commit, and when.
type Signature struct {
	Name, Email string
	When        time.Time
}

// Commit is one commit of the repository.
type Commit struct {
	SHA, Tree         string
	Parents           []string
	Author, Committer Signature
	Message           string
}

// Subject is the first line of the message.
func (c Commit) Subject() string {
	first, _, _ := strings.Cut(c.Message, "\n")
	return first
}

const logFormat = "%H%x00%T%x00%P%x00%an%x00%ae%x00%at%x00%cn%x00%ce%x00%ct%x00%B"

const logFields = 10

// log lists commits, newest first.
func (g *repository) log(ctx context.Context, args ...string) ([]Commit, error) {
	args = append([]string{"log", "-z", "--no-color", "--format=tformat:" + logFormat}, args...)
	out, err := g.run(ctx, gitCall{}, args...)
	if err != nil {
		return nil, err
	}
	f := strings.Split(out, "\x00")
	var commits []Commit
	for ; len(f) >= logFields; f = f[logFields:] {
		c := Commit{
			SHA: f[0], Tree: f[1], Parents: strings.Fields(f[2]), Message: strings.TrimRight(f[9], "\n"),
			Author:    Signature{f[3], f[4], unix(f[5])},
			Committer: Signature{f[6], f[7], unix(f[8])},
		}
		g.seen.Store(c.SHA, c)
		commits = append(commits, c)
	}
	return commits, nil
}

func unix(s string) time.Time {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(n, 0).UTC()
}

func (g *repository) commit(ctx context.Context, sha string) (Commit, error) {
	if c, ok := g.seen.Load(sha); ok {
		return c.(Commit), nil
	}
	commits, err := g.log(ctx, "-1", "--end-of-options", sha)
	if err != nil || len(commits) == 0 {
		return Commit{}, fmt.Errorf("read commit %s: %w", sha, err)
	}
	return commits[0], nil
}

type newCommit struct {
	Tree              string
	Parents           []string
	Author, Committer Signature
	Message           string
}

func (g *repository) writeCommit(ctx context.Context, c newCommit) (string, error) {
	args := []string{"commit-tree", c.Tree}
	for _, p := range c.Parents {
		args = append(args, "-p", p)
	}
	env := append(c.Author.env("AUTHOR"), c.Committer.env("COMMITTER")...)
	out, err := g.run(ctx, gitCall{stdin: []byte(c.Message), env: env}, args...)
	return strings.TrimSpace(out), err
}

func (s Signature) env(role string) []string {
	return []string{
		"GIT_" + role + "_NAME=" + s.Name, "GIT_" + role + "_EMAIL=" + s.Email,
		fmt.Sprintf("GIT_%s_DATE=@%d +0000", role, s.When.Unix()),
	}
}

func (g *repository) writeBlob(ctx context.Context, content []byte) (string, error) {
	out, err := g.run(ctx, gitCall{stdin: content}, "hash-object", "-w", "--stdin")
	return strings.TrimSpace(out), err
}

func (g *repository) readBlob(ctx context.Context, sha string) ([]byte, error) {
	out, err := g.run(ctx, gitCall{}, "cat-file", "blob", sha)
	return []byte(out), err
}

// objectType is "" for an object that does not exist.
func (g *repository) objectType(ctx context.Context, sha string) (string, error) {
	if !isSHA(sha) {
		return "", nil
	}
	t, err := g.line(ctx, "cat-file", "-t", sha)
	if exitCode(err) > 0 {
		return "", nil
	}
	return t, err
}

// treeEntry is a line of a tree; with SHA "" it says that the path is to go.
type treeEntry struct {
	Path, Mode, Type, SHA string
	Size                  int
}

const (
	modeFile = "100644"
	modeExec = "100755"
	modeLink = "120000"
	modeTree = "040000"
)

func (g *repository) tree(ctx context.Context, rev, path string, recursive bool) ([]treeEntry, error) {
	args := []string{"ls-tree", "-z", "--long", "--full-tree"}
	if recursive {
		args = append(args, "-r", "-t")
	}
	args = append(args, rev)
	if path != "" {
		args = append(args, "--", path)
	}
	out, err := g.run(ctx, gitCall{env: []string{"GIT_LITERAL_PATHSPECS=1"}}, args...)
	if err != nil {
		return nil, err
	}
	var entries []treeEntry
	for rec := range strings.SplitSeq(strings.TrimSuffix(out, "\x00"), "\x00") {
		head, name, ok := strings.Cut(rec, "\t")
		f := strings.Fields(head)
		if !ok || len(f) != 4 {
			continue
		}
		e := treeEntry{Path: name, Mode: f[0], Type: f[1], SHA: f[2]}
		if f[3] != "-" {
			if e.Size, err = strconv.Atoi(f[3]); err != nil {
				return nil, fmt.Errorf("size of %s: %w", name, err)
			}
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// entry is one path of a commit or tree; ok is false when there is none.
func (g *repository) entry(ctx context.Context, rev, path string) (treeEntry, bool, error) {
	entries, err := g.tree(ctx, rev, path, false)
	if err != nil || len(entries) != 1 || entries[0].Path != path {
		return treeEntry{}, false, err
	}
	return entries[0], true, nil
}

// withIndex runs f with an index file of its own: the only way to build trees without a work tree.
func (g *repository) withIndex(f func(env []string, dir string) error) error {
	dir, err := os.MkdirTemp(g.dir, "index-")
	if err != nil {
		return fmt.Errorf("make an index: %w", err)
	}
	defer os.RemoveAll(dir)
	return f([]string{"GIT_INDEX_FILE=" + filepath.Join(dir, "index")}, dir)
}

// writeTree lays entries over a base tree ("" for none) and returns the new tree.
func (g *repository) writeTree(ctx context.Context, base string, entries []treeEntry) (string, error) {
	var tree string
	err := g.withIndex(func(env []string, _ string) error {
		if base != "" {
			if _, err := g.run(ctx, gitCall{env: env}, "read-tree", base); err != nil {
				return err
			}
		}
		var info bytes.Buffer
		for _, e := range entries {
			switch {
			case e.SHA == "":
				fmt.Fprintf(&info, "0 %s\t%s\x00", zeroSHA, e.Path)
			case e.Mode == modeTree:
				if _, err := g.run(ctx, gitCall{env: env}, "read-tree", "--prefix="+e.Path+"/", e.SHA); err != nil {
					return err
				}
			default:
				fmt.Fprintf(&info, "%s %s\t%s\x00", e.Mode, e.SHA, e.Path)
			}
		}
		call := gitCall{env: env, stdin: info.Bytes()}
		if _, err := g.run(ctx, call, "update-index", "--replace", "-z", "--index-info"); err != nil {
			return err
		}
		out, err := g.run(ctx, gitCall{env: env}, "write-tree")
		tree = strings.TrimSpace(out)
		return err
	})
	return tree, err
}
