package view

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/text"
)

// what GitHub takes of a comment, in characters.
const githubTakes = 65_536

// TestAPlanThatFitsNoCommentIsNotCut has more deletes, stacks, reasons and allowed code than a comment
// takes: all of it stands in one comment or another, each with its digest and the summary of
// every stack that it shows.
func TestAPlanThatFitsNoCommentIsNotCut(t *testing.T) {
	var plans dr.Plans
	var addresses []string
	for s := range 12 {
		pl := dr.Plan{Stack: fmt.Sprintf("stack-%02d", s)}
		for i := range 250 {
			ordinary := dr.ResourceChange{Address: fmt.Sprintf("aws_o.n%03d", i), Actions: []string{"update"}}
			grave := dr.ResourceChange{Address: fmt.Sprintf("aws_g.%s.s%02d-%03d", strings.Repeat("x", 400), s, i), Actions: []string{"delete"}}
			pl.Changes = append(pl.Changes, ordinary, grave)
			addresses = append(addresses, fmt.Sprintf("s%02d-%03d\n", s, i))
		}
		plans = append(plans, pl)
	}
	d := dr.Decision{Policy: "p1"}
	for i := range 500 {
		d.Reasons = append(d.Reasons, dr.T("policy.missed", "address", dr.Foreign(fmt.Sprintf("aws_r.%s.r%03d", strings.Repeat("y", 5000), i))))
	}
	all := PullRequest{english(t, text.Slack)}.Plan(sample(), plans, "d1gest", d)
	if len(all) < 10 {
		t.Fatalf("%d comments", len(all))
	}
	for i, c := range all {
		if n := utf8.RuneCountInString(c); n > githubTakes-500 {
			t.Errorf("comment %d has %d characters", i+1, n)
		}
		if !strings.HasPrefix(c, fmt.Sprintf("### Plan of `portal-1a2b3c4d` at 0123456, part %d of %d\n", i+1, len(all))) || !strings.Contains(c, "Digest `d1gest`") {
			t.Errorf("comment %d is %.100s ... %s", i+1, c, c[len(c)-100:])
		}
		if strings.Count(c, "```\n")%2 != 0 || strings.Count(c, "<details>") != strings.Count(c, "</details>") {
			t.Errorf("comment %d ends in the middle of a fold", i+1)
		}
	}
	whole := strings.Join(all, "\n")
	for _, a := range addresses {
		if strings.Count(whole, a) != 1 {
			t.Errorf("the delete of %q is there %d times", a, strings.Count(whole, a))
		}
	}
	for i := range 500 {
		if !strings.Contains(whole, fmt.Sprintf("r%03d would be gone", i)) {
			t.Errorf("reason %d is not there", i)
		}
	}
	for s := range plans {
		for _, want := range []string{fmt.Sprintf("<summary>stack-%02d: 500 changes</summary>", s), fmt.Sprintf("| stack-%02d | 0 | 250 | 250 |", s)} {
			if !strings.Contains(whole, want) {
				t.Errorf("it lacks %q", want)
			}
		}
	}
}

// TestAnAddressReadsAsItIs sees that what hides in an address is written by its number, and
// that it is said.
func TestAnAddressReadsAsItIs(t *testing.T) {
	bad := []string{"aws_lb.p\u0430y", "aws_lb.x[\"a\u202egpj\"]", "aws_lb.y[\"a\u2028delete aws_db.main\"]"}
	var pl dr.Plan
	for _, a := range bad {
		pl.Changes = append(pl.Changes, dr.ResourceChange{Address: a, Actions: []string{"update"}, Paths: []dr.PathChange{{Path: "tags[\"\u200b\"]"}}})
	}
	pl.Stack, pl.Outputs = "tokyo", []string{"u\u0440l"}
	got := whole(PullRequest{english(t, text.Slack)}.Plan(sample(), dr.Plans{pl}, "d", dr.Decision{Allowed: true}))
	for _, want := range []string{
		`update aws_lb.p\u{430}y (tags["\u{200b}"])`, `update aws_lb.x["a\u{202e}gpj"]`, `update aws_lb.y["a\u{2028}delete aws_db.main"]`, `output u\u{440}l`,
		"**Characters that cannot be seen or look like others stand in these addresses, and are written by their number:**\n\n- tokyo: aws\\_lb.p\\\\u{430}y\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("it lacks %q:\n%s", want, got)
		}
	}
	for _, a := range bad {
		if strings.Contains(got, a) {
			t.Errorf("%q stands there as it is", a)
		}
	}
}
