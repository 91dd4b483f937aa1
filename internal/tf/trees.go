package tf

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/drbot/drbot/dr"
)

// treesTimeout bounds how long two trees are compared: whoever asks can plan instead.
const treesTimeout = time.Minute

// Changed tells whether what the stacks read differs between two trees: their folders, the
// local modules and the files these reach, links and what they lead to, lock files and the
// active_region file. It is read from the mirror alone. What cannot be told without running
// Terraform counts as read: true may be said of trees that give the same plans, never false
// of others.
func (t *Terraform) Changed(ctx context.Context, req dr.TreesRequest) (bool, error) {
	if len(req.Stacks) == 0 {
		return false, nil
	}
	limited, cancel := context.WithTimeout(ctx, treesTimeout)
	defer cancel()
	var changed bool
	err := guarded(func() (err error) {
		changed, err = t.changed(limited, req)
		return err
	})
	switch {
	case err == nil:
		return changed, nil
	case ctx.Err() != nil:
		return false, ctx.Err()
	default:
		return false, forPeople(req.Stacks[0].Name, err)
	}
}

func (t *Terraform) changed(ctx context.Context, req dr.TreesRequest) (bool, error) {
	j, err := t.reader(ctx, req.Service, req.Stacks[0], toPlan)
	if err != nil {
		return false, err
	}
	g, done := newGit(j).reading()
	defer done()
	var roots, hashes [2]string
	trees := []dr.Tree{req.From, req.To}
	if err := g.have(ctx, slices.Concat(commitsOf(req.From), commitsOf(req.To))...); err != nil {
		return false, err
	}
	for i, of := range trees {
		if roots[i], err = g.root(ctx, of); err != nil {
			return false, err
		}
	}
	if roots[0] == roots[1] {
		return false, nil // the very same files, as a merge leaves them that nothing came between
	}
	for i, of := range trees {
		if hashes[i], err = g.trees(ctx, req, roots[i]); err != nil {
			return false, g.failed(ctx, err, dr.T("git.trees.failed", "commit", short(of.Commit)))
		}
	}
	return hashes[0] != hashes[1], nil
}

// root names all the files of a tree.
func (g git) root(ctx context.Context, of dr.Tree) (string, error) {
	_, tree, err := g.tree(ctx, of)
	if err != nil {
		return "", err
	}
	root, err := g.rootOf(ctx, tree)
	if err != nil {
		return "", g.failed(ctx, err, dr.T("git.trees.failed", "commit", short(of.Commit)))
	}
	return root, nil
}

// trees names what the stacks of a request read of a tree.
func (g git) trees(ctx context.Context, req dr.TreesRequest, root string) (string, error) {
	snap, err := g.snapshot(ctx, root)
	if err != nil {
		return "", err
	}
	all := make([]*reads, len(req.Stacks))
	for i, s := range req.Stacks {
		if all[i], err = read(ctx, snap, g.own(), s); err != nil {
			return "", err
		}
	}
	return treesHash(snap, req.Service.Repository.File, all...), nil
}

// own is what every address of the repository has in it: its owner and name.
func (g git) own() string {
	of := strings.Split(strings.TrimSuffix(strings.TrimRight(g.url, "/"), ".git"), "/")
	return strings.Join(of[max(0, len(of)-2):], "/")
}
