package tf

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/drbot/drbot/dr"
)

// The files of an apply's folder.
const (
	startLock    = "start"          // held while deciding whether to start a supervisor
	aliveLock    = "alive"          // held by the supervisor for its whole life
	requestFile  = "request.json"   // what was asked for; no secrets
	processFile  = "pid.json"       // who the supervisor is, for people
	phaseFile    = "phase"          // says applying once Terraform may have begun
	progressFile = "progress.jsonl" // one record a line
	resultFile   = "result.json"    // how it ended; written once, whole
	logFile      = "supervisor.log"
	workFolder   = "work"            // checkout and plan; removed at the end
	rescuedState = "errored.tfstate" // state that Terraform could not store
	ownLockFile  = "lock.json"       // the state's lock as it was seen while the apply ran
	familyLock   = "family"          // held by Terraform and all that it starts
	lostFile     = "lost.json"       // what was found after everything had died
	settledFile  = "settled"         // nothing that a dead apply left is to be seen to

	releaseLock = "release.lock" // beside the folders: one at a time frees a state's lock
)

const applying = "apply\n"

// folder is where one apply lives. Its name is the key that must not be applied
// twice, and stays known when Prune has removed the folder.
type folder string

var notPlain = regexp.MustCompile(`[^A-Za-z0-9.-]+`)

// applyFolder names a folder after a key: readable, and unique by a hash.
func (d disk) applyFolder(key string) folder {
	sum := sha256.Sum256([]byte(key))
	plain := strings.Trim(notPlain.ReplaceAllString(key, "_"), ".")
	plain = plain[:min(len(plain), 60)]
	return folder(filepath.Join(d.appliesDir(), plain+"-"+hex.EncodeToString(sum[:12])))
}

func (f folder) file(name string) string { return filepath.Join(string(f), name) }

// request is what the supervisor is asked for.
type request struct {
	Key      string
	Run      string
	Service  string
	Stack    dr.Stack
	Commit   string
	Approved dr.Plan
	Unstable []dr.Unstable `json:",omitempty"`
	Held     []string      `json:",omitempty"` // the approved types that hold data
	Code     dr.CodeRules  `json:",omitzero"`
	Place    place
}

// same tells whether two requests ask for the same apply.
func (r request) same(o request) bool {
	return r.Key == o.Key && r.Stack.Name == o.Stack.Name && r.Stack.Dir == o.Stack.Dir && r.Commit == o.Commit &&
		dr.Plans{r.Approved}.Digest() == dr.Plans{o.Approved}.Digest()
}

// read decodes a file of the folder; false when it is not there.
func (f folder) read(name string, into any) (bool, error) {
	data, err := os.ReadFile(f.file(name))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read %s of the apply: %w", name, err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		return false, damaged(f, name, err)
	}
	return true, nil
}

func (f folder) write(name string, v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err == nil {
		err = writeAtomic(f.file(name), append(data, '\n'))
	}
	if err != nil {
		return fmt.Errorf("write %s of the apply: %w", name, err)
	}
	return nil
}

// began tells whether Terraform's apply may have been started.
func (f folder) began() (bool, error) {
	data, err := os.ReadFile(f.file(phaseFile))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	// Whatever the file says, it is only made when the apply is about to start.
	return len(data) > 0, err
}

// secure removes the plan, which holds secrets, and keeps a state that Terraform
// could not store: it is the only record of what was made.
func (f folder) secure() (rescued bool, err error) {
	work := f.file(workFolder)
	err = os.Remove(filepath.Join(work, planFile))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return false, err
	}
	err = filepath.WalkDir(work, func(name string, e os.DirEntry, err error) error {
		switch {
		case errors.Is(err, os.ErrNotExist):
			return nil
		case err != nil:
			return err
		case e.IsDir() && e.Name() == ".terraform":
			return filepath.SkipDir
		case e.Type().IsRegular() && e.Name() == rescuedState:
			rescued = true
			return f.rescue(name)
		default:
			return nil
		}
	})
	return rescued, err
}

// largestState bounds a state that is kept: whoever wrote it may have written anything.
const largestState = 1 << 30

// rescue takes a state out of the checkout.
func (f folder) rescue(name string) error {
	info, err := os.Lstat(name)
	if err != nil {
		return err
	}
	if ownerOf(info) != os.Geteuid() {
		return f.copied(name)
	}
	to := f.file(rescuedState)
	return errors.Join(os.Rename(name, to), os.Chmod(to, 0o600))
}

// copied is rescue for another user's file, who may hold it open still.
func (f folder) copied(name string) (err error) {
	from, err := openPlain(name, math.MaxInt64)
	if errors.Is(err, errNoPlainFile) {
		return nil // another thing by now than what was found
	}
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.CreateTemp(string(f), rescuedState)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, io.LimitReader(from, largestState))
	if err = errors.Join(err, to.Sync(), to.Close()); err == nil {
		err = os.Rename(to.Name(), f.file(rescuedState))
	}
	if err != nil {
		return errors.Join(err, os.Remove(to.Name()))
	}
	return os.Remove(name)
}

// clear removes the checkout too, in which applies behind that wall left something.
func (f folder) clear(behind Isolation) error {
	work := f.file(workFolder)
	behind = behind.of(toApply)
	behind.takeBack(work)
	if _, err := f.secure(); err != nil {
		return err
	}
	return errors.Join(behind.remove(tempOf(filepath.Dir(filepath.Dir(string(f))), work)), behind.remove(work))
}

// record is one line of the progress file: the only fields of Terraform's output
// that are kept.
type record struct {
	Type    string  `json:"type"`
	Address string  `json:"address,omitempty"`
	Action  string  `json:"action,omitempty"`
	Elapsed float64 `json:"elapsed,omitempty"`
	Total   int     `json:"total,omitempty"` // of the planned record
}

// The types of records. All but the first are Terraform's own.
const (
	recordPlanned  = "planned"
	recordStart    = "apply_start"
	recordProgress = "apply_progress"
	recordComplete = "apply_complete"
	recordErrored  = "apply_errored"
)

// recordOf keeps the allowed fields of a line, if its type is allowed.
func recordOf(e event) (record, bool) {
	switch e.Type {
	case recordStart, recordProgress, recordComplete, recordErrored:
		// Reading a data source is no step of an apply.
		return record{Type: e.Type, Address: e.Hook.Resource.Addr, Action: e.Hook.Action, Elapsed: e.Hook.Elapsed}, e.Hook.Action != "read"
	default:
		return record{}, false
	}
}

// tally is what the records of an apply add up to.
type tally struct {
	total, done int
	made        []string // addresses completed, in order
	created     []string // those that were made anew
	broken      []string // those whose making anew began and is not completed
	open        []string // addresses being worked on, the latest last
	counts      dr.Counts
}

func (t *tally) add(r record) {
	switch r.Type {
	case recordPlanned:
		t.total = r.Total
	case recordStart:
		t.open = append(t.open, r.Address)
		if r.Action == "create" && !slices.Contains(t.broken, r.Address) {
			t.broken = append(t.broken, r.Address)
		}
	case recordErrored:
		t.close(r.Address)
	case recordComplete:
		t.close(r.Address)
		t.done++
		if !slices.Contains(t.made, r.Address) {
			t.made = append(t.made, r.Address)
		}
		switch r.Action {
		case "create":
			t.counts.Add++
			t.created = append(t.created, r.Address)
			t.broken = slices.DeleteFunc(t.broken, func(a string) bool { return a == r.Address })
		case "update":
			t.counts.Change++
		case "delete":
			t.counts.Destroy++
		}
	}
}

// none tells whether nothing was begun.
func (t *tally) none() bool { return len(t.broken)+len(t.made)+len(t.open)+t.done == 0 }

func (t *tally) close(address string) {
	if i := slices.Index(t.open, address); i >= 0 {
		t.open = slices.Delete(t.open, i, i+1)
	}
}
