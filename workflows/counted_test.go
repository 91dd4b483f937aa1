package workflows

import (
	"testing"

	"github.com/drbot/drbot/dr"
)

// TestCounted gives the words of those whose word something was, whatever they are called.
func TestCounted(t *testing.T) {
	said := []dr.Acceptance{{By: "kim and lee", Step: "x", Digest: "d"}, {By: "dave", Step: "x", Digest: "d"}, {By: "kim", Step: "x", Digest: "d"}}
	got := counted(said, []taking{{By: dr.Voices{"kim and lee", "dave"}, Step: "x", Digest: "d"}})
	if len(got) != 2 || got[0].By != "kim and lee" || got[1].By != "dave" {
		t.Errorf("accepted by %+v", got)
	}
}
