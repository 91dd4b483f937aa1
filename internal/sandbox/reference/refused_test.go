//go:build aws

package reference

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMissingLink plans a stack that does not know which Region serves: it must
// fail rather than plan with a guess.
func TestMissingLink(t *testing.T) {
	tr := newTrial(t, "pilot-light")
	ok(t, tr.InitAll(tr.ctx))
	for _, stack := range tr.Names() {
		ok(t, os.Remove(filepath.Join(tr.dir(stack), flipFile)))
		if _, err := tr.Plan(tr.ctx, stack); err == nil || !strings.Contains(err.Error(), "active_region") {
			t.Errorf("%s plans without active_region: %v", stack, err)
		}
	}
}

// TestRefusedValues gives the stacks what they must refuse.
func TestRefusedValues(t *testing.T) {
	for _, c := range []struct{ file, name, value, says string }{
		{flipFile, "active_region", "us-east-1", "active_region"},
		{flipFile, "active_region", "ap-northeast-9", "active_region"},
		{sharedFile, "strategy", "lukewarm", "pilot-light"},
	} {
		t.Run(c.name+" "+c.value, func(t *testing.T) {
			tr := newTrial(t, "pilot-light")
			ok(t, tr.set(c.file, stringValue(c.name, c.value)))
			ok(t, tr.InitAll(tr.ctx))
			for _, stack := range tr.Names() {
				if _, err := tr.Plan(tr.ctx, stack); err == nil || !strings.Contains(err.Error(), "Invalid value for variable") || !strings.Contains(err.Error(), c.says) {
					t.Errorf("%s takes %s = %q: %v", stack, c.name, c.value, err)
				}
			}
		})
	}
}
