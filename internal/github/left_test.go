package github_test

import (
	"fmt"
	"testing"

	"github.com/drbot/drbot/dr"
)

// TestOpenChanges lists what is open and from a branch of the bot's, and nothing else.
func TestOpenChanges(t *testing.T) {
	c, s := start(t)
	_, base, err := c.File(t.Context(), repo, "main")
	must(t, err)
	var made []dr.Change
	for i, branch := range []string{"drbot/portal-1", "drbot/portal-2", "drbotany", "alice/drbot/x"} {
		ch, err := c.OpenChange(t.Context(), dr.ChangeRequest{
			Repository: repo, BaseSHA: base, Branch: branch, Content: fmt.Sprintf("active_region = \"ap-northeast-1\" # %d\n", i), Title: "t", Body: "b", Message: "m",
		})
		must(t, err)
		made = append(made, ch)
	}
	must(t, s.ClosePull(t.Context(), "alice", made[0].Number))
	got, err := c.OpenChanges(t.Context(), repo, "drbot/")
	must(t, err)
	if len(got) != 1 || got[0].Number != made[1].Number || got[0].URL != made[1].URL || got[0].URL == "" || got[0].Branch != "drbot/portal-2" {
		t.Errorf("listed %+v of %+v", got, made)
	}
	if _, err := c.OpenChanges(t.Context(), dr.Repository{Owner: "acme", Name: "nowhere"}, "drbot/"); dr.CodeOf(err) != dr.NotFound || err == nil {
		t.Errorf("of a repository that is not there: %v", err)
	}
}
