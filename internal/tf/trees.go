package tf

import (
	"context"
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
	var hashes [2]string
	for i, of := range []dr.Tree{req.From, req.To} {
		err := guarded(func() (err error) {
			hashes[i], err = t.trees(limited, req, of)
			return err
		})
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return false, ctx.Err()
		default:
			return false, forPeople(req.Stacks[0].Name, err)
		}
	}
	return hashes[0] != hashes[1], nil
}

// trees names what the stacks of a request read of a tree.
func (t *Terraform) trees(ctx context.Context, req dr.TreesRequest, of dr.Tree) (string, error) {
	j, err := t.reader(ctx, req.Service, req.Stacks[0], toPlan)
	if err != nil {
		return "", err
	}
	g := newGit(j)
	_, tree, err := g.tree(ctx, of)
	if err != nil {
		return "", err
	}
	snap, err := g.snapshot(ctx, tree)
	if err != nil {
		return "", g.failed(ctx, err, dr.T("git.trees.failed", "commit", short(of.Commit)))
	}
	all := make([]*reads, len(req.Stacks))
	for i, s := range req.Stacks {
		if all[i], err = read(ctx, snap, g.own(), s); err != nil {
			return "", g.failed(ctx, err, dr.T("git.trees.failed", "commit", short(of.Commit)))
		}
	}
	return treesHash(snap, req.Service.Repository.File, all...), nil
}

// own is what every address of the repository has in it: its owner and name.
func (g git) own() string {
	of := strings.Split(strings.TrimSuffix(strings.TrimRight(g.url, "/"), ".git"), "/")
	return strings.Join(of[max(0, len(of)-2):], "/")
}
