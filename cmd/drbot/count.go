package main

import (
	"errors"
	"strconv"

	"github.com/drbot/drbot/dr"
)

// How many are listed at most: of runs what a server gives at once, of entries what a
// terminal can still be asked to hold.
const (
	mostRuns    = 1000
	mostEntries = 1_000_000
)

// count is --limit, which says how many: one at least, and no more than there may be.
type count struct{ n, most int }

// String is the number.
func (c *count) String() string { return strconv.Itoa(c.n) }

// Type is what the help calls it.
func (c *count) Type() string { return "int" }

// Set takes what was typed.
func (c *count) Set(typed string) error {
	n, err := strconv.Atoi(typed)
	if err != nil || n < 1 || n > c.most {
		return &noCount{typed, c.most}
	}
	c.n = n
	return nil
}

// noCount is what was typed in the place of a number.
type noCount struct {
	typed string
	most  int
}

// Error is for the log alone; people are told by the catalogue.
func (e *noCount) Error() string { return "no count" }

// flagged says what is wrong with a flag.
func flagged(err error) dr.Text {
	if no := (*noCount)(nil); errors.As(err, &no) {
		return dr.T("cli.no-count", "most", no.most, "typed", dr.Foreign(strconv.Quote(no.typed)))
	}
	return dr.T("cli.flag", "what", dr.Foreign(err.Error()))
}
