package github

import (
	"testing"

	gh "github.com/google/go-github/v60/github"

	"github.com/drbot/drbot/dr"
)

// An App's own commits are signed; what a rebase merge makes of them is not, and GitHub
// refuses that where the base takes signed commits alone.
func TestSignaturesWhereOnlyRebaseIsAllowed(t *testing.T) {
	yes, no := true, false
	f := findings{
		app: true, asked: asked{signatures: true}, entry: &gh.TreeEntry{Mode: gh.String(modeFile)},
		repository: &gh.Repository{AllowMergeCommit: &no, AllowSquashMerge: &no, AllowRebaseMerge: &yes},
	}
	if v := f.signatures(); v.level != dr.Fail {
		t.Errorf("it says %s: %s", v.level, v.why)
	}
}
