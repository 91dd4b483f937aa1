package github

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// merge3 merges two trees over their common base. ok is false on a conflict. It uses plumbing that every Git of
// the last ten years has; `merge-tree --write-tree` would need 2.40.
func (g *repository) merge3(ctx context.Context, base, ours, theirs string) (tree string, ok bool, err error) {
	err = g.withIndex(func(env []string, dir string) error {
		call := gitCall{env: env}
		if _, err := g.run(ctx, call, "read-tree", "-i", "-m", "--aggressive", base, ours, theirs); err != nil {
			return err
		}
		out, err := g.run(ctx, call, "ls-files", "-u", "-z")
		if err != nil {
			return err
		}
		if ok, err = g.mergeFiles(ctx, env, dir, unmerged(out)); err != nil || !ok {
			return err
		}
		out, err = g.run(ctx, call, "write-tree")
		tree = strings.TrimSpace(out)
		return err
	})
	return tree, ok, err
}

type conflict struct {
	path   string
	mode   [4]string // by stage: 1 base, 2 ours, 3 theirs
	object [4]string
}

func unmerged(out string) []*conflict {
	var list []*conflict
	for rec := range strings.SplitSeq(strings.TrimSuffix(out, "\x00"), "\x00") {
		head, path, ok := strings.Cut(rec, "\t")
		f := strings.Fields(head)
		if !ok || len(f) != 3 {
			continue
		}
		if len(list) == 0 || list[len(list)-1].path != path {
			list = append(list, &conflict{path: path})
		}
		c, stage := list[len(list)-1], f[2][0]-'0'
		c.mode[stage], c.object[stage] = f[0], f[1]
	}
	return list
}

// mergeFiles merges, line by line, what both sides changed.
func (g *repository) mergeFiles(ctx context.Context, env []string, dir string, list []*conflict) (bool, error) {
	for _, c := range list {
		if slices.Contains(c.mode[1:], "") || slices.Contains(c.mode[1:], modeLink) {
			return false, nil // added, deleted or relinked on one side and changed on the other
		}
		var names [4]string
		for stage := 1; stage <= 3; stage++ {
			content, err := g.readBlob(ctx, c.object[stage])
			if err != nil {
				return false, err
			}
			names[stage] = filepath.Join(dir, string(rune('0'+stage)))
			if err := os.WriteFile(names[stage], content, 0o600); err != nil {
				return false, err
			}
		}
		out, err := g.run(ctx, gitCall{}, "merge-file", "-p", "--quiet", names[2], names[1], names[3])
		if code := exitCode(err); code > 0 && code < 128 {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		sha, err := g.writeBlob(ctx, []byte(out))
		if err != nil {
			return false, err
		}
		info := []byte("0 " + zeroSHA + "\t" + c.path + "\x00" + c.mode[2] + " " + sha + "\t" + c.path + "\x00")
		if _, err := g.run(ctx, gitCall{env: env, stdin: info}, "update-index", "-z", "--index-info"); err != nil {
			return false, err
		}
	}
	return true, nil
}

// mergeCommits merges head into tip; tip comes first, as in "merge head into the base branch".
func (g *repository) mergeCommits(ctx context.Context, tip, head string) (tree string, ok bool, err error) {
	base, err := g.mergeBase(ctx, tip, head)
	if err != nil || base == "" {
		return "", false, err
	}
	return g.merge3(ctx, base, tip, head)
}

// replay applies the commits of head that tip lacks, one after another, on tip. Merge commits are left out.
func (g *repository) replay(ctx context.Context, tip, head string, committer Signature) (string, bool, error) {
	commits, err := g.log(ctx, "--reverse", "--no-merges", tip+".."+head)
	if err != nil {
		return "", false, err
	}
	for _, c := range commits {
		if len(c.Parents) != 1 {
			return "", false, nil
		}
		tree, ok, err := g.merge3(ctx, c.Parents[0], tip, c.SHA)
		if err != nil || !ok {
			return "", false, err
		}
		next := newCommit{Tree: tree, Parents: []string{tip}, Author: c.Author, Committer: committer, Message: c.Message}
		if tip, err = g.writeCommit(ctx, next); err != nil {
			return "", false, err
		}
	}
	return tip, true, nil
}
