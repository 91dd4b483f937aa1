package tf

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
)

// TestAStaleStateIsPlannedAnew: the plan of a session that only reads takes no lock, so the
// state may change between it and its apply, which refuses it then.
func TestAStaleStateIsPlannedAnew(t *testing.T) {
	w := newWorld(t)
	w.opts.Lending = lendingOf(newBank(t, time.Hour).URL)
	one := "resource \"terraform_data\" \"a\" {\n}\n"
	w.done("first", w.commit(files(one)))
	req := w.request("second", w.again(one+"resource \"terraform_data\" \"b\" {\n}\n"))
	mark := filepath.Join(w.dir, "changed")
	w.opts.TerraformPath = w.wrapper("apply", "echo >> "+mark+"; if [ $(wc -l < "+mark+") = 1 ]; then sed -i 's/\"serial\": [0-9]*/\"serial\": 7/' "+w.state()+"; fi")
	if r := w.apply(req); r.Kind != dr.ApplyDone || r.Counts.Add != 1 {
		t.Errorf("result %+v", r)
	}
	if data, err := os.ReadFile(mark); err != nil || len(data) != 2 {
		t.Errorf("it was applied %d times, %v", len(data), err)
	}
	// One that is stale each time is told, and nothing is made.
	w.opts.TerraformPath = w.wrapper("apply", "sed -i 's/\"serial\": \\([0-9]*\\)/\"serial\": 1\\1/' "+w.state())
	req = w.request("third", w.again(one))
	if r := w.apply(req); r.Kind != dr.ApplyFailed || len(r.Made) > 0 || !strings.Contains(r.Summary.String(), "stale") {
		t.Errorf("result %+v", r)
	}
}
