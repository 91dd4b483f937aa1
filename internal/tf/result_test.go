package tf

import (
	"os"
	"testing"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/text/texttest"
)

// TestAResultIsReadByALaterProcess reads what a supervisor left, also one of an
// edition that wrote sentences.
func TestAResultIsReadByALaterProcess(t *testing.T) {
	f := folder(t.TempDir())
	locked := dr.T("tf.locked", "holder", parseLock("Who: root@host", scrubber{}).holder())
	left := dr.ApplyResult{Kind: dr.ApplyLocked, Summary: sentences(locked, dr.T("tf.nothing-applied"))}
	if err := f.write(resultFile, left); err != nil {
		t.Fatal(err)
	}
	read := func(want string) {
		t.Helper()
		r, err := f.result()
		if err != nil || r == nil || r.Kind != dr.ApplyLocked || texttest.Say(t, r.Summary) != want {
			t.Errorf("read %+v, %v, want %q", r, err, want)
		}
	}
	read("The state is locked by root@host. Nothing was applied.")
	old := `{"Kind":"locked","Summary":"The state is locked by somebody else."}`
	if err := os.WriteFile(f.file(resultFile), []byte(old), 0o600); err != nil {
		t.Fatal(err)
	}
	read("The state is locked by somebody else.")
}
