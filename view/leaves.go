package view

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// leaves is a text for as many comments as it takes. Every one of them ends with the same
// line, and what is folded when one is full is folded in the next one too.
type leaves struct {
	room int    // characters of one, beside its title and its last line
	foot string // the last line

	full   []string
	now    strings.Builder
	used   int
	folded string // the summary of the fold that is open
}

const (
	unfolded = "<details><summary>%s</summary>\n\n```\n"
	foldEnd  = "```\n\n</details>\n\n"
)

// write writes what is not parted.
func (g *leaves) write(s string) {
	n := utf8.RuneCountInString(s)
	if g.used > 0 && g.used+n > g.room {
		g.turn()
	}
	g.now.WriteString(s)
	g.used += n
}

func (g *leaves) turn() {
	summary := g.folded
	if summary != "" {
		g.fold()
	}
	g.full = append(g.full, g.now.String())
	g.now.Reset()
	g.used = 0
	if summary != "" {
		g.unfold(summary)
	}
}

func (g *leaves) unfold(summary string) {
	g.write(fmt.Sprintf(unfolded, summary))
	g.folded = summary
}

// fold ends a fold, for which there is always room.
func (g *leaves) fold() {
	g.now.WriteString(foldEnd)
	g.used += len(foldEnd)
	g.folded = ""
}

// written are the characters of the one in hand.
func (g *leaves) written() int { return g.used }

// bound are the comments, each with its title.
func (g *leaves) bound(title func(n, of int) string) []string {
	all := append(g.full, g.now.String())
	for i, s := range all {
		all[i] = fmt.Sprintf("### %s\n\n%s%s", title(i+1, len(all)), s, g.foot)
	}
	return all
}
