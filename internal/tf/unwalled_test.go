package tf

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/wall"
	"github.com/drbot/drbot/text/texttest"
)

// TestEveryFaultOfAWallIsTold sees that each reason has words of the catalogue, which say
// all that it is about, and that it is the same one after it went through a program's output.
func TestEveryFaultOfAWallIsTold(t *testing.T) {
	nonsense := texttest.Nonsense(t).In("en", "shell")
	seen := map[string]wall.Why{}
	for _, why := range wall.Whys() {
		f := &wall.Fault{Why: why, Path: "/p", Other: "o", User: 7, Asked: 8, Has: 3, Cause: "EPERM"}
		err := unraised(fmt.Sprintf("exit status 126\n\n%s %v\n", wall.Refusal, f), scrubber{})
		what, next := texttest.Told(t, err)
		if dr.CodeOf(err) != dr.Invalid || next == "" || !strings.Contains(what, " ") {
			t.Errorf("%s: %q, %q", why, what, next)
		}
		if other, twice := seen[what]; twice {
			t.Errorf("%s is told as %s is: %s", why, other, what)
		}
		seen[what] = why
		told, _ := dr.Told(err)
		for _, word := range strings.Fields(nonsense.Say(told)) {
			if !strings.Contains(word, texttest.Word) && !strings.Contains("/p o 7 8 3 EPERM", word) {
				t.Errorf("%s says %q out of no catalogue", why, word)
			}
		}
	}
	// The words of another edition of the program that raises walls are the system's.
	if what, _ := texttest.Told(t, unraised(wall.Refusal+" as it was once said\nand more", scrubber{})); !strings.Contains(what, "as it was once said") || strings.Contains(what, "more") {
		t.Error(what)
	}
	if what, _ := texttest.Told(t, walled(errors.New("mkdir /x: permission denied"))); !strings.Contains(what, "mkdir /x") {
		t.Error(what)
	}
	if err := unraised("terraform says something else", scrubber{}); err != nil {
		t.Error(err)
	}
}
