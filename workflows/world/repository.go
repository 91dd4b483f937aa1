package world

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"

	"github.com/drbot/drbot/dr"
)

// commit is one commit: every file of it, and what it was made on.
type commit struct {
	sha               string
	seq               int // commits are counted: a later one is never an ancestor
	parents           []string
	tree              map[string]string
	author, committer string
}

// repository is the commits and branches of one repository.
type repository struct {
	commits  map[string]commit
	branches map[string]string
	adds     map[string]string // files that every merge brings along besides
}

func (g *repository) commit(c commit) string {
	c.seq = len(g.commits)
	text := fmt.Appendf(nil, "%d\n%s\n%s\n%s\n", c.seq, c.parents, c.author, c.committer)
	for _, path := range slices.Sorted(maps.Keys(c.tree)) {
		text = fmt.Appendf(text, "%s\n%s\n", path, c.tree[path])
	}
	sum := sha256.Sum256(text)
	c.sha = hex.EncodeToString(sum[:20])
	g.commits[c.sha] = c
	return c.sha
}

// write makes a commit of one file on another.
func (g *repository) write(on, path, content, author, committer string) string {
	tree := maps.Clone(g.commits[on].tree)
	if tree == nil {
		tree = map[string]string{}
	}
	tree[path] = content
	c := commit{tree: tree, author: author, committer: committer}
	if on != "" {
		c.parents = []string{on}
	}
	return g.commit(c)
}

// ancestors are a commit and all it was made on.
func (g *repository) ancestors(sha string) map[string]bool {
	all := map[string]bool{}
	for next := []string{sha}; len(next) > 0; next = next[1:] {
		if c, ok := g.commits[next[0]]; ok && !all[c.sha] {
			all[c.sha] = true
			next = append(next, c.parents...)
		}
	}
	return all
}

// since lists what a branch has and its base has not, oldest first.
func (g *repository) since(base, head string) []commit {
	old := g.ancestors(base)
	var out []commit
	for sha := range g.ancestors(head) {
		if !old[sha] {
			out = append(out, g.commits[sha])
		}
	}
	slices.SortFunc(out, func(a, b commit) int { return a.seq - b.seq })
	return out
}

// mergeBase is the latest commit that both were made on.
func (g *repository) mergeBase(a, b string) commit {
	of, best := g.ancestors(a), commit{seq: -1}
	for sha := range g.ancestors(b) {
		if c := g.commits[sha]; of[sha] && c.seq > best.seq {
			best = c
		}
	}
	return best
}

// diff lists the files that differ.
func diff(from, to map[string]string) (out []dr.FileChange) {
	for _, path := range paths(from, to) {
		was, had := from[path]
		is, has := to[path]
		switch {
		case !had:
			out = append(out, dr.FileChange{Path: path, Status: "added"})
		case !has:
			out = append(out, dr.FileChange{Path: path, Status: "removed"})
		case was != is:
			out = append(out, dr.FileChange{Path: path, Status: "modified"})
		}
	}
	return out
}

// merged is the files of a merge; false when both sides changed one in different ways.
func (g *repository) merged(base, head string) (map[string]string, bool) {
	from, ours, theirs := g.mergeBase(base, head).tree, g.commits[base].tree, g.commits[head].tree
	tree := map[string]string{}
	for _, path := range paths(from, ours, theirs) {
		was, had := from[path]
		our, weHave := ours[path]
		their, theyHave := theirs[path]
		changed := our != was || weHave != had
		switch {
		case their == our && theyHave == weHave:
		case !changed:
			our, weHave = their, theyHave
		case their != was || theyHave != had:
			return nil, false
		}
		if weHave {
			tree[path] = our
		}
	}
	return tree, true
}

// merge makes the commit of a merge; empty when it cannot be.
func (g *repository) merge(base, head, by string) string {
	tree, ok := g.merged(base, head)
	if !ok {
		return ""
	}
	for path, text := range g.adds {
		tree[path] = text
	}
	return g.commit(commit{parents: []string{base, head}, tree: tree, author: by, committer: by})
}

func paths(trees ...map[string]string) []string {
	all := map[string]bool{}
	for _, t := range trees {
		for p := range t {
			all[p] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}
