package github

import (
	"context"
	"fmt"
	"strings"
)

// File is a file that differs between two commits.
type File struct {
	Path, Previous, Status string // Status as GitHub says it: added, modified, removed, renamed, changed
	SHA                    string // of the blob
	Additions, Deletions   int
	Patch                  string // the hunks; "" for a binary file
}

// diff lists what changed from a to b. Names come from the raw format, which survives any byte in them; hunks from
// the patch, whose pieces stand in the same order.
func (g *repository) diff(ctx context.Context, a, b string) ([]File, error) {
	args := []string{"-c", "core.quotePath=false", "diff", "--no-color", "--no-ext-diff", "--full-index", "-M"}
	raw, err := g.run(ctx, gitCall{}, append(args, "--raw", "-z", a, b)...)
	if err != nil {
		return nil, err
	}
	patch, err := g.run(ctx, gitCall{}, append(args, "--patch", a, b)...)
	if err != nil {
		return nil, err
	}
	pieces := splitPatch(patch)
	var files []File
	fields := strings.Split(strings.TrimSuffix(raw, "\x00"), "\x00")
	for len(fields) >= 2 {
		var f File
		var rest int
		if f, rest, err = rawFile(fields); err != nil {
			return nil, err
		}
		fields = fields[rest:]
		take := 1
		if f.Status == "changed" {
			take = 2 // a changed type is a removal and an addition in the patch
		}
		for ; take > 0 && len(pieces) > 0; take-- {
			f.add(pieces[0])
			pieces = pieces[1:]
		}
		files = append(files, f)
	}
	return files, nil
}

// rawFile reads ":100644 100644 old new M" NUL path [NUL path].
func rawFile(fields []string) (File, int, error) {
	meta := strings.Fields(fields[0])
	if len(meta) != 5 {
		return File{}, 0, fmt.Errorf("unknown line of git diff --raw: %q", fields[0])
	}
	f := File{Path: fields[1], SHA: meta[3]}
	switch meta[4][0] {
	case 'A':
		f.Status = "added"
	case 'D':
		f.Status, f.SHA = "removed", meta[2]
	case 'T':
		f.Status = "changed"
	case 'R', 'C':
		if len(fields) < 3 {
			return File{}, 0, fmt.Errorf("a rename without a second name: %q", fields[1])
		}
		f.Status, f.Previous, f.Path = "renamed", fields[1], fields[2]
		return f, 3, nil
	default:
		f.Status = "modified"
	}
	return f, 2, nil
}

func splitPatch(patch string) []string {
	var pieces []string
	for line := range strings.Lines(patch) {
		if strings.HasPrefix(line, "diff --git ") {
			pieces = append(pieces, "")
		}
		if n := len(pieces); n > 0 {
			pieces[n-1] += line
		}
	}
	return pieces
}

// add takes the hunks of one piece and counts their lines.
func (f *File) add(piece string) {
	_, hunks, ok := strings.Cut(piece, "\n@@ ")
	if !ok {
		return
	}
	hunks = "@@ " + hunks
	for line := range strings.Lines(hunks) {
		switch line[0] {
		case '+':
			f.Additions++
		case '-':
			f.Deletions++
		}
	}
	if f.Patch != "" {
		f.Patch += "\n"
	}
	f.Patch += strings.TrimSuffix(hunks, "\n")
}
