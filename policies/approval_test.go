package policies

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
)

const (
	head  = "3f2c91a000000000000000000000000000000001"
	older = "12ab34c000000000000000000000000000000002"
	file  = "live/portal/active_region.auto.tfvars"
	want  = "active_region = \"ap-northeast-1\"\n"
)

// world is a change that is as drbot made it, in a team of five.
type world struct {
	state dr.ChangeState
	rules ApprovalRules
}

func newWorld() *world {
	return &world{
		state: dr.ChangeState{
			Open: true, Head: head, BaseRef: "main", BaseSHA: older, SameRepo: true, Author: "drbot",
			Files:    []dr.FileChange{{Path: file, Status: "modified"}},
			Commits:  []dr.Commit{{SHA: head, Author: "drbot", Committer: "drbot"}},
			CanWrite: []string{"alice-gh", "bob-gh", "bob-work", "carol-gh", "dave-gh"},
			HeadFile: want,
		},
		rules: ApprovalRules{
			People: dr.People{
				{Name: "alice", GitHubLogins: []string{"alice-gh", "alice-alt"}},
				{Name: "bob", GitHubLogins: []string{"bob-gh", "bob-work"}},
				{Name: "carol", GitHubLogins: []string{"carol-gh"}},
				{Name: "dave", GitHubLogins: []string{"dave-gh"}},
				{Name: "erin", GitHubLogins: []string{"erin-gh"}},
				{Name: "nologin"},
			},
			Approvers: []string{"alice", "bob", "carol", "dave"}, Requester: "alice", Quorum: 2,
			Head: head, BaseRef: "main", File: file, WantFile: want, BotLogin: "drbot",
		},
	}
}

// add appends a review with the next id.
func (w *world) add(by string, state dr.ReviewState, at string) *world {
	id := int64(len(w.state.Reviews) + 1)
	w.state.Reviews = append(w.state.Reviews, dr.Review{ID: id, By: by, State: state, HeadSHA: at, At: time.Unix(1000+id, 0)})
	return w
}

func (w *world) yes(by string) *world { return w.add(by, dr.Approved, head) }
func (w *world) no(by string) *world  { return w.add(by, dr.ChangesRequested, head) }
func (w *world) both() *world         { return w.yes("bob-gh").yes("carol-gh") }
func (w *world) count() dr.Approval   { return Count(w.state, w.rules) }
func (w *world) last() *dr.Review     { return &w.state.Reviews[len(w.state.Reviews)-1] }
func (w *world) dismiss(i int) *world { return w.dismissed(i, "dave-gh") }

// dismissed dismisses a review as a login; nobody knows who it was when that is empty.
func (w *world) dismissed(i int, by string) *world {
	r := &w.state.Reviews[i]
	r.Was, r.State, r.DismissedBy = r.State, dr.Dismissed, by
	return w
}

func (w *world) recorded(n int) *world {
	w.rules.Recorded = append(w.rules.Recorded, int64(n))
	return w
}

// with changes the world in a way that has no word of its own.
func (w *world) with(change func(*world)) *world { change(w); return w }

type row struct {
	name    string
	world   *world
	allowed bool
	by      string // persons, joined
	blocked string
	broken  string // part of it
	says    string // part of the reasons
}

func (r row) check(t *testing.T) {
	t.Helper()
	got := r.world.count()
	if got.Allowed != r.allowed {
		t.Errorf("allowed is %v; reasons: %q", got.Allowed, got.Reasons)
	}
	if by := strings.Join(got.By, ","); by != r.by {
		t.Errorf("approved by %q, want %q", by, r.by)
	}
	if by := strings.Join(got.Blocked, ","); by != r.blocked {
		t.Errorf("blocked by %q, want %q", by, r.blocked)
	}
	if broken := inWords(t, got.Broken); (broken != "") != (r.broken != "") || !strings.Contains(broken, r.broken) {
		t.Errorf("broken is %q, want %q", broken, r.broken)
	}
	if !strings.Contains(inWords(t, got.Reasons...), r.says) {
		t.Errorf("reasons %q do not say %q", got.Reasons, r.says)
	}
	if got.Policy == "" || len(got.Reasons) == 0 {
		t.Errorf("a decision without reasons or revision: %+v", got)
	}
	if !got.Broken.Empty() && (got.Allowed || len(got.By) > 0 || len(got.Waiting) > 0) {
		t.Errorf("broken, and yet there are approvals: %+v", got)
	}
}

// The numbers are those of the list of approval edge cases the rules were made from.
func TestCountPeople(t *testing.T) {
	for _, r := range []row{
		{name: "two approvals", world: newWorld().both(), allowed: true, by: "bob,carol", says: "approved by bob, carol, on 3f2c91a"},
		{name: "01 no reviews", world: newWorld(), says: "needs 2 more approvals, on 3f2c91a"},
		{name: "03 the same person twice", world: newWorld().yes("bob-gh").yes("bob-gh"), by: "bob", says: "needs one more approval, on 3f2c91a"},
		{name: "03 two logins of one person", world: newWorld().yes("bob-gh").yes("bob-work"), by: "bob", says: "needs one more"},
		{name: "04 another letter case", world: newWorld().yes("Bob-GH").yes("bob-gh"), by: "bob"},
		{name: "04 another letter case counts", world: newWorld().yes("BOB-gh").yes("Carol-Gh"), allowed: true, by: "bob,carol"},
		{name: "05 the bot approves its own", world: newWorld().yes("DrBot").yes("bob-gh"), by: "bob", says: "is a bot"},
		{name: "06 the requester", world: newWorld().yes("alice-gh").yes("bob-gh"), by: "bob", says: "alice asked for this run"},
		{name: "06 the requester by another login and case", world: newWorld().yes("ALICE-alt").yes("bob-gh"), by: "bob", says: "alice asked for this run"},
		{name: "06 the requester under another entry", world: newWorld().with(func(w *world) {
			w.rules.People = append(dr.People{{Name: "al", GitHubLogins: []string{"alice-gh"}}}, w.rules.People...)
			w.rules.Approvers = append(w.rules.Approvers, "al")
		}).yes("alice-gh").yes("bob-gh"), by: "bob", says: "al asked for this run"},
		{name: "07 requester without a login", world: newWorld().with(func(w *world) { w.rules.Requester = "nologin" }).both(), by: "bob,carol", says: "login of the requester, nologin, is not known"},
		{name: "07 requester nobody knows", world: newWorld().with(func(w *world) { w.rules.Requester = "" }).both(), by: "bob,carol", says: "nobody"},
		{name: "24 a bot by its type", world: newWorld().yes("bob-gh").yes("carol-gh").with(func(w *world) { w.last().Bot = true }), by: "bob", says: "only people count"},
		{name: "24 a bot by its name", world: newWorld().yes("bob-gh").yes("renovate[bot]"), by: "bob", says: "renovate[bot] is a bot"},
		{name: "25 read access only", world: newWorld().with(func(w *world) { w.state.CanWrite = []string{"bob-gh"} }).both(), by: "bob", says: "carol's approval does not count: carol-gh has no write access"},
		{name: "25 write access in another case", world: newWorld().with(func(w *world) { w.state.CanWrite = []string{"BOB-GH", "Carol-gh"} }).both(), allowed: true, by: "bob,carol"},
		{name: "26 no approver any more", world: newWorld().with(func(w *world) { w.rules.Approvers = []string{"alice", "bob", "dave"} }).both(), by: "bob", says: "carol is not an approver of this service"},
		{name: "26 known, and of another team", world: newWorld().yes("erin-gh").yes("bob-gh"), by: "bob", says: "erin is not an approver"},
		{name: "unmapped login", world: newWorld().yes("mallory").yes("bob-gh"), by: "bob", says: "mallory is nobody the configuration knows"},
		{name: "27 deleted account", world: newWorld().yes("").yes("bob-gh"), by: "bob", says: "a deleted account"},
		{name: "29 nobody may approve", world: newWorld().with(func(w *world) { w.rules.Approvers = nil }).both(), says: "too few approvers"},
		{name: "too few approvers for the quorum", world: newWorld().with(func(w *world) { w.rules.Approvers = []string{"alice", "bob"} }), says: "no more than one person may still approve"},
		{name: "a higher quorum", world: newWorld().with(func(w *world) { w.rules.Quorum = 3 }).both(), by: "bob,carol", says: "needs one more"},
		{name: "a higher quorum met", world: newWorld().with(func(w *world) { w.rules.Quorum = 3 }).both().yes("dave-gh"), allowed: true, by: "bob,carol,dave"},
	} {
		t.Run(r.name, r.check)
	}
}

func TestCountOpinions(t *testing.T) {
	for _, r := range []row{
		{name: "12 an older head", world: newWorld().add("bob-gh", dr.Approved, older).yes("carol-gh"), by: "carol", says: "bob's approval is for an older commit, 12ab34c"},
		{name: "13 back on an approved head, approved for an earlier digest", world: newWorld().both().recorded(1), by: "carol", says: "bob's approval was given before the current plan was posted"},
		{name: "16 approved, then changes requested", world: newWorld().both().no("bob-gh"), by: "carol", blocked: "bob", says: "bob requests changes"},
		{name: "17 changes requested, then approved", world: newWorld().no("bob-gh").both(), allowed: true, by: "bob,carol"},
		{name: "18 approved, then commented", world: newWorld().both().add("bob-gh", dr.Commented, head), allowed: true, by: "bob,carol"},
		{name: "19 approved, then dismissed", world: newWorld().both().dismiss(0), by: "carol"},
		{name: "19 dismissed, then approved again", world: newWorld().both().dismiss(0).yes("bob-gh"), allowed: true, by: "bob,carol"},
		{name: "20 dismissing a block revives nothing", world: newWorld().both().no("bob-gh").dismiss(2), by: "carol", says: "needs one more"},
		{name: "20 a second approval dismissed", world: newWorld().both().yes("bob-gh").dismiss(2), by: "carol"},
		{name: "21 another's block", world: newWorld().both().no("dave-gh"), by: "bob,carol", blocked: "dave", says: "dave requests changes"},
		{name: "21 a block on an older head", world: newWorld().add("dave-gh", dr.ChangesRequested, older).both(), by: "bob,carol", blocked: "dave"},
		{name: "21 a block from before the digest", world: newWorld().no("dave-gh").both().recorded(1), by: "bob,carol", blocked: "dave"},
		{name: "21 a dismissed block", world: newWorld().no("dave-gh").both().dismiss(0), allowed: true, by: "bob,carol"},
		{name: "21 no block by the requester", world: newWorld().both().no("alice-gh"), allowed: true, by: "bob,carol"},
		{name: "21 no block by a stranger", world: newWorld().both().no("mallory"), allowed: true, by: "bob,carol"},
		{name: "21 no block by a bot", world: newWorld().both().no("review[bot]"), allowed: true, by: "bob,carol"},
		{name: "21 no block without write access", world: newWorld().with(func(w *world) { w.state.CanWrite = []string{"bob-gh", "carol-gh"} }).both().no("dave-gh"), allowed: true, by: "bob,carol"},
		{name: "latest over two logins blocks", world: newWorld().both().no("bob-work"), by: "carol", blocked: "bob"},
		{name: "latest over two logins approves", world: newWorld().no("bob-work").both(), allowed: true, by: "bob,carol"},
		{name: "a login that may not write cannot lift a block", world: newWorld().with(func(w *world) {
			w.state.CanWrite = []string{"bob-gh", "carol-gh", "dave-gh"}
		}).no("bob-gh").yes("bob-work").yes("carol-gh").yes("dave-gh"), by: "carol,dave", blocked: "bob"},
		{name: "a login that may not write takes the approval back", world: newWorld().with(func(w *world) {
			w.state.CanWrite = []string{"bob-gh", "carol-gh"}
		}).both().no("bob-work"), by: "carol", says: "bob's change request does not count"},
		{name: "23 a draft review", world: newWorld().yes("bob-gh").add("carol-gh", dr.PendingReview, head), by: "bob"},
		{name: "23 a draft submitted after a later one of another login", world: newWorld().no("bob-work").yes("bob-gh").with(func(w *world) {
			w.state.Reviews[0].At = time.Unix(5000, 0)
		}).yes("carol-gh"), by: "carol", blocked: "bob"},
		{name: "a block that no later word clearly lifts", world: newWorld().with(func(w *world) {
			w.state.CanWrite = []string{"bob-gh", "carol-gh", "dave-gh"}
		}).no("bob-gh").yes("bob-gh").yes("bob-work").with(func(w *world) {
			w.last().At = time.Unix(1, 0)
		}).yes("carol-gh").yes("dave-gh"), by: "carol,dave", blocked: "bob"},
		{name: "32 a review of the second of the push", world: newWorld().both().with(func(w *world) {
			w.last().HeadSHA = older
		}), by: "bob", says: "carol's approval is for an older commit"},
		{name: "34 LGTM in a comment", world: newWorld().yes("bob-gh").add("carol-gh", dr.Commented, head), by: "bob"},
		{name: "42 on an earlier digest, both", world: newWorld().both().recorded(1).recorded(2), says: "needs 2 more approvals"},
		{name: "42 given again for the new digest", world: newWorld().both().recorded(1).recorded(2).both(), allowed: true, by: "bob,carol"},
		{name: "a state nobody has heard of", world: newWorld().yes("bob-gh").add("carol-gh", "ENDORSED", head), by: "bob"},
	} {
		t.Run(r.name, r.check)
	}
}

// Cases github 13 and 14: each request for changes of a person has to be answered by that
// person or dismissed by somebody known who did not ask for the run.
func TestCountDismissals(t *testing.T) {
	for _, r := range []row{
		{name: "13 dismissed by the requester", world: newWorld().no("dave-gh").both().dismissed(0, "alice-gh"), by: "bob,carol", blocked: "dave",
			says: "dave's change request was dismissed by alice, who asked for this run: that lifts nothing, an approval by dave does"},
		{name: "13 dismissed by the requester's other login, in another case", world: newWorld().no("dave-gh").both().dismissed(0, "ALICE-alt"), by: "bob,carol", blocked: "dave"},
		{name: "13 dismissed by the requester's other entry", world: newWorld().with(func(w *world) {
			w.rules.People = append(dr.People{{Name: "al", GitHubLogins: []string{"alice-gh"}}}, w.rules.People...)
		}).no("dave-gh").both().dismissed(0, "alice-gh"), by: "bob,carol", blocked: "dave", says: "by al, who asked for this run"},
		{name: "13 nobody knows who dismissed", world: newWorld().no("dave-gh").both().dismissed(0, ""), by: "bob,carol", blocked: "dave",
			says: "a review by dave was dismissed, and GitHub does not tell by whom"},
		{name: "13 nobody knows what it said either", world: newWorld().no("dave-gh").both().dismissed(0, "").with(func(w *world) { w.state.Reviews[0].Was = "" }),
			by: "bob,carol", blocked: "dave"},
		{name: "13 dismissed by nobody of the configuration", world: newWorld().no("dave-gh").both().dismissed(0, "mallory"), by: "bob,carol", blocked: "dave",
			says: "dismissed by mallory, whom the configuration does not know"},
		{name: "13 dismissed by the requester, then approved", world: newWorld().no("dave-gh").both().dismissed(0, "alice-gh").yes("dave-gh"), allowed: true, by: "dave,bob,carol",
			says: "dave's change request was dismissed by alice, who asked"},
		{name: "13 the requester's block on the own run is none, whoever dismissed it", world: newWorld().no("alice-gh").both().dismissed(0, "alice-gh"), allowed: true, by: "bob,carol"},
		{name: "dismissed by somebody else, and it is said", world: newWorld().no("dave-gh").both().dismissed(0, "carol-gh"), allowed: true, by: "bob,carol",
			says: "dave's change request was dismissed by carol"},
		{name: "dismissed by its own author", world: newWorld().no("dave-gh").both().dismissed(0, "dave-gh"), allowed: true, by: "bob,carol", says: "dismissed by dave"},
		{name: "an approval dismissed by the requester blocks nothing", world: newWorld().both().yes("dave-gh").dismissed(2, "alice-gh"), allowed: true, by: "bob,carol"},
		{name: "14 two requests, the later dismissed", world: newWorld().no("dave-gh").no("dave-gh").both().dismissed(1, "carol-gh"), by: "bob,carol", blocked: "dave"},
		{name: "14 two requests, the earlier dismissed", world: newWorld().no("dave-gh").no("dave-gh").both().dismissed(0, "carol-gh"), by: "bob,carol", blocked: "dave"},
		{name: "14 two requests, one dismissed by the requester", world: newWorld().no("dave-gh").no("dave-gh").both().dismissed(0, "carol-gh").dismissed(1, "alice-gh"), by: "bob,carol", blocked: "dave"},
		{name: "14 both dismissed", world: newWorld().no("dave-gh").no("dave-gh").both().dismissed(0, "carol-gh").dismissed(1, "bob-gh"), allowed: true, by: "bob,carol"},
		{name: "14 an approval in between answers the earlier alone", world: newWorld().no("dave-gh").yes("dave-gh").no("dave-gh").both().dismissed(2, "carol-gh"), allowed: true, by: "bob,carol"},
		{name: "14 an approval in between, the later stands", world: newWorld().no("dave-gh").yes("dave-gh").no("dave-gh").both().dismissed(0, "carol-gh"), by: "bob,carol", blocked: "dave"},
		{name: "14 two requests, then approved", world: newWorld().no("bob-gh").no("bob-work").both().dismissed(1, "alice-gh"), allowed: true, by: "bob,carol"},
		{name: "14 by two logins, one dismissed", world: newWorld().no("bob-gh").no("bob-work").yes("carol-gh").yes("dave-gh").dismissed(1, "carol-gh"), by: "carol,dave", blocked: "bob"},
		{name: "14 an approval by a login that may not write answers nothing", world: newWorld().with(func(w *world) {
			w.state.CanWrite = []string{"bob-gh", "carol-gh", "dave-gh"}
		}).no("bob-gh").yes("bob-work").yes("carol-gh").yes("dave-gh").dismissed(0, "alice-gh"), by: "carol,dave", blocked: "bob"},
	} {
		t.Run(r.name, r.check)
	}
}

func TestCountWaiting(t *testing.T) {
	for _, c := range []struct {
		name  string
		world *world
		want  []string
	}{
		{"nobody has spoken", newWorld(), []string{"bob", "carol", "dave"}},
		{"one has", newWorld().yes("bob-gh"), []string{"carol", "dave"}},
		{"a block is no wait", newWorld().no("bob-gh"), []string{"carol", "dave"}},
		{"a stale approval is a wait", newWorld().add("bob-gh", dr.Approved, older), []string{"bob", "carol", "dave"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.world.count().Waiting; !slices.Equal(got, c.want) {
				t.Errorf("waiting for %v, want %v", got, c.want)
			}
		})
	}
}

// Case 18: a login that has been freed and taken by somebody else.
func TestCountAnotherAccount(t *testing.T) {
	another := func(w *world) *world { w.last().Another = true; return w }
	for _, r := range []row{
		{name: "its approval does not count", world: another(newWorld().yes("carol-gh").yes("bob-gh")), by: "carol", says: "bob reviewed as bob-gh, which is another account"},
		{name: "its change request does not block", world: another(newWorld().both().no("dave-gh")), allowed: true, by: "bob,carol"},
		{name: "nor answers it the person's own", world: another(newWorld().both().no("dave-gh").yes("dave-gh")), by: "bob,carol", blocked: "dave", says: "dave requests changes"},
		{name: "it lifts nothing", world: newWorld().both().no("dave-gh").dismissed(2, "bob-gh").with(func(w *world) { w.last().DismissedByAnother = true }), by: "bob,carol", blocked: "dave", says: "dismissed by bob-gh, which is another account"},
		{name: "the person's other login counts", world: another(newWorld().yes("carol-gh").yes("bob-work").yes("bob-gh")), allowed: true, by: "carol,bob"},
	} {
		t.Run(r.name, r.check)
	}
}
