package tf

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/text/texttest"
)

// shelf is a work folder with made-up applies in it.
type shelf struct {
	*testing.T
	tf   *Terraform
	now  time.Time
	open map[string]bool
}

func newShelf(t *testing.T) *shelf {
	t.Helper()
	tf, err := New(options(filepath.Join(t.TempDir(), "work"), "/nowhere/infra.git"))
	if err != nil {
		t.Fatal(err)
	}
	return &shelf{T: t, tf: tf, now: time.Now(), open: map[string]bool{}}
}

func (s *shelf) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// put makes the folder of an apply with these files, so many days old.
func (s *shelf) put(run string, days int, files ...string) folder {
	s.Helper()
	f := s.tf.disk.applyFolder(run + "/apply/app")
	s.must(os.MkdirAll(string(f), 0o700))
	s.must(f.write(requestFile, request{Key: run + "/apply/app", Run: run, Place: place{GitURL: "file:///nowhere/infra.git"}}))
	for _, name := range files {
		switch name {
		case resultFile:
			s.must(f.write(name, dr.ApplyResult{Kind: dr.ApplyDone, Summary: dr.T(dr.Words, "words", dr.Foreign("of "+run))}))
		case phaseFile:
			s.must(os.WriteFile(f.file(name), []byte(applying), 0o600))
		default:
			s.must(os.WriteFile(f.file(name), nil, 0o600))
		}
	}
	at := s.now.AddDate(0, 0, -days)
	for _, name := range append(files, requestFile) {
		s.must(os.Chtimes(f.file(name), at, at))
	}
	return f
}

func (s *shelf) prune(keep Retention) Pruned {
	s.Helper()
	keep.Open = func(run string) bool { return s.open[run] }
	done, err := s.tf.Prune(s.Context(), keep)
	s.must(err)
	return done
}

func (s *shelf) left() (out []string) {
	s.Helper()
	entries, err := os.ReadDir(s.tf.disk.appliesDir())
	s.must(err)
	for _, e := range entries {
		if e.IsDir() {
			name, _, _ := strings.Cut(e.Name(), "_")
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

func TestPruneRemovesWhatIsOverAndOld(t *testing.T) {
	s := newShelf(t)
	s.put("done-old", 31, phaseFile, resultFile)
	s.put("done-young", 29, phaseFile, resultFile)
	s.put("open-old", 300, phaseFile, resultFile)
	s.put("never-begun", 31)
	s.put("died", 300, phaseFile)
	s.put("died-rescued", 300, phaseFile, resultFile, rescuedState)
	s.put("died-settled", 300, phaseFile, settledFile)
	for name, lock := range map[string]string{"alive": aliveLock, "starting": startLock, "child-lives": familyLock} {
		f := s.put(name, 300, phaseFile, resultFile)
		held, err := lockFile(t.Context(), f.file(lock))
		s.must(err)
		defer unlock(held)
	}
	s.open["open-old"] = true
	if done := s.prune(Retention{}); done.Applies != 3 {
		t.Errorf("removed %+v", done)
	}
	want := []string{"alive", "child-lives", "died", "died-rescued", "done-young", "open-old", "starting"}
	if got := s.left(); !slices.Equal(got, want) {
		t.Errorf("left are %v", got)
	}
	if _, err := os.Stat(s.tf.disk.trashDir()); err == nil {
		entries, err := os.ReadDir(s.tf.disk.trashDir())
		if err != nil || len(entries) > 0 {
			t.Errorf("not all of it is removed: %v, %v", entries, err)
		}
	}
}

func TestPruneKeepsTheNewest(t *testing.T) {
	s := newShelf(t)
	for day, name := range []string{"a", "b", "c", "d"} {
		s.put(name, day, phaseFile, resultFile)
	}
	s.put("open", 20, phaseFile, resultFile)
	s.open["open"] = true
	if done := s.prune(Retention{Newest: 2}); done.Applies != 2 {
		t.Errorf("removed %+v", done)
	}
	if got := s.left(); !slices.Equal(got, []string{"a", "b", "open"}) {
		t.Errorf("left are %v", got)
	}
	if done := s.prune(Retention{Newest: 2}); done.Applies != 0 {
		t.Errorf("the second time removed %+v", done)
	}
}

func TestAPrunedKeyIsNotAppliedAgain(t *testing.T) {
	s := newShelf(t)
	f := s.put("old", 31, phaseFile, resultFile)
	s.prune(Retention{})
	_, err := s.tf.Apply(t.Context(), dr.ApplyRequest{Service: trusting(), Key: "old/apply/app", Run: "old"}, nil)
	var known *dr.Error
	if !errors.As(err, &known) || known.Code != dr.Conflict || !strings.Contains(texttest.Say(t, known.What), "not applied again") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(string(f)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder is there again: %v", err)
	}
	if began, err := s.tf.Began(t.Context(), "old/apply/app"); err != nil || !began {
		t.Errorf("it has begun: %t (%v)", began, err)
	}
	if err := s.tf.disk.notOver(s.tf.disk.applyFolder("old/apply/ap")); err != nil {
		t.Errorf("a key like it: %v", err)
	}
}

// A process can die between moving a folder away and removing it.
func TestPruneEndsWhatAnEarlierOneBegan(t *testing.T) {
	s := newShelf(t)
	s.must(os.MkdirAll(filepath.Join(s.tf.disk.trashDir(), "half"), 0o700))
	dead := filepath.Join(s.tf.disk.scratchDir(), "DEADPLAN")
	s.must(os.MkdirAll(filepath.Join(dead, "src"), 0o700))
	s.must(os.WriteFile(dead+lockSuffix, nil, 0o600))
	live, release, err := s.tf.disk.scratch(t.Context())
	s.must(err)
	defer release()
	download := filepath.Join(s.tf.opts.CacheDir, downloads+"1")
	s.must(os.MkdirAll(download, 0o700))
	old := s.now.AddDate(0, 0, -31)
	s.must(os.Chtimes(download, old, old))
	s.prune(Retention{})
	for _, gone := range []string{s.tf.disk.trashDir(), dead, dead + lockSuffix, download} {
		if _, err := os.Stat(gone); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is there: %v", filepath.Base(gone), err)
		}
	}
	if _, err := os.Stat(live); err != nil {
		t.Errorf("the folder of a plan that is being made: %v", err)
	}
}

func TestPruneOfMirrors(t *testing.T) {
	w := newWorld(t)
	commit := w.commit(files(localExec("a", "true", "")))
	w.plan(commit)
	tf := w.terraform()
	url, err := checkGitURL(w.bare)
	if err != nil {
		t.Fatal(err)
	}
	mirror := filepath.Join(w.opts.WorkDir, mirrorsDir, mirrorName(url))
	stray := filepath.Join(w.opts.WorkDir, mirrorsDir, mirrorName("https://git.example/gone.git"))
	busy := filepath.Join(w.opts.WorkDir, mirrorsDir, mirrorName("https://git.example/busy.git"))
	for _, dir := range []string{stray, stray + ".old", busy, mirror + ".new"} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	lock, err := lockFile(t.Context(), busy+".lock")
	if err != nil {
		t.Fatal(err)
	}
	defer unlock(lock)
	there := func(name string) bool {
		_, err := os.Stat(name)
		return err == nil
	}
	open := func(string) bool { return false }
	if done, err := tf.Prune(t.Context(), Retention{Open: open}); err != nil || done.Mirrors != 0 || !there(stray) {
		t.Fatalf("without a list of repositories: %+v, %v", done, err)
	}
	done, err := tf.Prune(t.Context(), Retention{Open: open, Repositories: []dr.Repository{{Name: "infra"}}})
	if err != nil || done.Mirrors != 1 {
		t.Errorf("removed %+v, %v", done, err)
	}
	if !there(mirror) || there(stray) || there(stray+".old") || !there(busy) || there(mirror+".new") {
		t.Error("the mirrors left are not those that are named or busy")
	}
	// What was fetched is still there, without the forge.
	if err := os.Rename(w.bare, w.bare+".away"); err != nil {
		t.Fatal(err)
	}
	w.plan(commit)
}

// Many fetches leave many packs; packing them loses nothing.
func TestAMirrorIsPacked(t *testing.T) {
	w := newWorld(t)
	w.opts.PlanUnlocked = true
	tf := w.terraform()
	j, err := tf.job(t.Context(), dr.Service{}, w.stack(), toPlan)
	if err != nil {
		t.Fatal(err)
	}
	g := newGit(j)
	var commits []string
	for i := range 12 {
		commits = append(commits, w.commit(map[string]string{"n": strings.Repeat("x", i+1)}))
		if err := os.MkdirAll(filepath.Dir(g.mirror), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := g.fetch(t.Context(), commits[i]); err != nil {
			t.Fatal(err)
		}
		if _, err := g.run(t.Context(), "", nil, "repack", "-q", "-d"); err != nil { // a pack a fetch, as of big ones
			t.Fatal(err)
		}
	}
	packs := func() int {
		found, err := filepath.Glob(filepath.Join(g.mirror, "objects", "pack", "*.pack"))
		if err != nil {
			t.Fatal(err)
		}
		return len(found)
	}
	before := packs()
	if err := tidyMirror(t.Context(), g.mirror); err != nil {
		t.Fatal(err)
	}
	if after := packs(); before < 11 || after != 1 {
		t.Errorf("%d packs became %d", before, after)
	}
	for i, sha := range commits {
		if _, err := g.checkout(t.Context(), filepath.Join(t.TempDir(), "src"), sha, "", dr.Stack{Dir: "."}); err != nil {
			t.Errorf("commit %d: %v", i, err)
		}
	}
}
