package tf

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
)

func TestWhatProvesALock(t *testing.T) {
	at := time.Date(2026, 8, 22, 3, 0, 0, 0, time.UTC)
	l := stateLock{ID: "x", Operation: applyOperation, Who: "root@host", Created: at}
	own := ownLock{Lock: l, Read: at.Add(time.Second), Working: at.Add(2 * time.Second)}
	if !own.proves(l) {
		t.Error("its own lock is not proved")
	}
	for name, change := range map[string]func(*ownLock, *stateLock){
		"another id":     func(_ *ownLock, l *stateLock) { l.ID = "y" },
		"another holder": func(_ *ownLock, l *stateLock) { l.Who = "root@other" },
		"another time":   func(_ *ownLock, l *stateLock) { l.Created = at.Add(1) },
		"no id":          func(o *ownLock, l *stateLock) { o.Lock.ID, l.ID = "", "" },
		"a plan's": func(o *ownLock, l *stateLock) {
			o.Lock.Operation, l.Operation = "OperationTypePlan", "OperationTypePlan"
		},
		"nothing said since":   func(o *ownLock, _ *stateLock) { o.Working = time.Time{} },
		"said before the look": func(o *ownLock, _ *stateLock) { o.Working = o.Read },
		"nothing noted":        func(o *ownLock, _ *stateLock) { *o = ownLock{} },
	} {
		o, now := own, l
		if change(&o, &now); o.proves(now) {
			t.Errorf("%s proves the lock", name)
		}
	}
}

func TestWhereAnApplyIsProvedDead(t *testing.T) {
	was := process{BootID: "b", Host: "h", Machine: "m"}
	for _, c := range []struct {
		now  process
		want bool
	}{
		{process{BootID: "b", Host: "another container"}, true},
		{process{BootID: "c", Host: "h", Machine: "m"}, true},
		{process{BootID: "c", Host: "other", Machine: "m"}, false},
		{process{BootID: "c", Host: "h", Machine: "n"}, false},
		{process{Host: "h", Machine: "m"}, false},
	} {
		if got := was.endedWithBoot(c.now); got != c.want {
			t.Errorf("%+v: %v", c.now, got)
		}
	}
	if (process{Host: "h"}).endedWithBoot(process{Host: "h"}) {
		t.Error("nothing is known, and it is dead")
	}
}

func TestAddressesOfAState(t *testing.T) {
	got, err := addressesIn(`{"version": 4, "resources": [
		{"mode": "managed", "type": "a", "name": "one", "instances": [{"attributes": {}}]},
		{"mode": "data", "type": "a", "name": "read", "instances": [{}]},
		{"mode": "managed", "type": "a", "name": "old", "instances": [{"deposed": "0123abcd"}]},
		{"module": "module.m[\"k\"]", "mode": "managed", "type": "a", "name": "each", "instances": [{"index_key": "x\"${y"}, {"index_key": 10}]}]}`)
	want := []string{"a.one", `module.m["k"].a.each["x\"$${y"]`, `module.m["k"].a.each[10]`}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := addressesIn("{"); err == nil {
		t.Error("half a state is read")
	}
}

func TestAReplacementIsNotMadeTwice(t *testing.T) {
	a := fallen{created: []string{"t.a", "t.b"}}
	p := dr.Plan{Changes: []dr.ResourceChange{
		{Address: "t.a", Actions: []string{"delete", "create"}}, {Address: "t.b", Actions: []string{"update"}}, {Address: "t.c", Actions: []string{"create"}},
	}}
	if got := a.again(p); !slices.Equal(got, []string{"t.a"}) {
		t.Errorf("got %v", got)
	}
}

func TestWhichAppliesFell(t *testing.T) {
	for _, c := range []struct {
		files string
		want  bool
	}{
		{"", false},
		{phaseFile, true},
		{phaseFile + " " + resultFile, false},
		{phaseFile + " " + resultFile + " " + rescuedState, true},
		{phaseFile + " " + settledFile, false},
		{phaseFile + " " + resultFile + " " + rescuedState + " " + settledFile, false},
	} {
		f := folder(t.TempDir())
		for _, name := range strings.Fields(c.files) {
			if err := os.WriteFile(f.file(name), []byte(applying), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := f.fell(); got != c.want || err != nil {
			t.Errorf("%q: %v, %v", c.files, got, err)
		}
	}
	f := folder(t.TempDir())
	if err := os.WriteFile(f.file(phaseFile), []byte(applying), 0o600); err != nil {
		t.Fatal(err)
	}
	alive, err := lockFile(t.Context(), f.file(aliveLock))
	if err != nil {
		t.Fatal(err)
	}
	defer unlock(alive)
	if got, err := f.fell(); got || err != nil {
		t.Errorf("one that lives: %v, %v", got, err)
	}
}
