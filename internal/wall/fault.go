package wall

import (
	"encoding/json"
	"errors"
	"strings"
)

// Why is a reason for which a wall cannot be raised. Whoever tells people of it has words
// for each; this package has none.
type Why string

// What is wrong with what was asked for.
const (
	Unreadable Why = "unreadable" // what was told of the wall
	NoProgram  Why = "no-program" // by its whole path
	NotOpened  Why = "not-opened" // what is nobody else's
	NoMeans    Why = "no-means"   // neither Landlock nor another user
	TooLittle  Why = "too-little" // memory
	NotWhole   Why = "not-whole"  // Path
	Never      Why = "never"      // is Path granted
	Executable Why = "executable" // Path would be, and Other is written
)

// What is wrong with the host, or with who asks.
const (
	Older       Why = "older"         // Landlock: Asked and Has
	Ungrantable Why = "ungrantable"   // by Cause
	Unkept      Why = "unkept"        // Path
	NoWay       Why = "no-way"        // by Cause
	Unexecuted  Why = "unexecuted"    // Path, by Cause
	Unstarted   Why = "unstarted"     // Path, by Cause
	Orphan      Why = "orphan"        // who started it has ended
	Unknown     Why = "unknown"       // the calls of Other's processors
	NoLandlock  Why = "no-landlock"   // in this system
	NoSelf      Why = "no-self"       // by Cause
	Refused     Why = "refused"       // Other, a call of the system, by Cause
	NotBecome   Why = "not-become"    // User, by Cause
	GroupLeft   Why = "group-left"    // of another user's
	WayBack     Why = "way-back"      // to root is open
	PowersLeft  Why = "powers-left"   // capabilities
	NoPowers    Why = "no-powers"     // of files, in this system
	NotCaller   Why = "not-caller"    // User
	NotListed   Why = "not-listed"    // User
	NotRoots    Why = "not-roots"     // alone to change: Path
	Unread      Why = "unread"        // Path, by Cause
	BadID       Why = "bad-id"        // Other, in Path
	BadLine     Why = "bad-line"      // Other, in Path
	NoUsers     Why = "no-users"      // in Path, or no caller
	CallerAsOne Why = "caller-as-one" // of the users, in Path
)

// Whys lists the reasons.
func Whys() []Why {
	return []Why{
		Unreadable, NoProgram, NotOpened, NoMeans, TooLittle, NotWhole, Never, Executable,
		Older, Ungrantable, Unkept, NoWay, Unexecuted, Unstarted, Orphan, Unknown, NoLandlock, NoSelf, Refused,
		NotBecome, GroupLeft, WayBack, PowersLeft, NoPowers, NotCaller, NotListed, NotRoots, Unread, BadID, BadLine, NoUsers, CallerAsOne,
	}
}

// Fault is why a wall does not stand, with what it is about. It crosses from the program
// that raises walls to the one that asked for it.
type Fault struct {
	Why   Why    `json:"why"`
	Path  string `json:"path,omitempty"`
	Other string `json:"other,omitempty"` // another path, or a word
	User  int    `json:"user,omitempty"`
	Asked int    `json:"asked,omitempty"`
	Has   int    `json:"has,omitempty"`
	Cause string `json:"cause,omitempty"` // in the system's words
}

// Error is for the log alone.
func (f *Fault) Error() string {
	doc, err := json.Marshal(f)
	if err != nil {
		return string(f.Why)
	}
	return string(doc)
}

// caused is a fault with what the system said.
func caused(f Fault, err error) error {
	if err == nil {
		return nil
	}
	if is := (*Fault)(nil); errors.As(err, &is) {
		return err // told already
	}
	f.Cause = err.Error()
	return &f
}

// in says of a fault in which file it is.
func in(path string, err error) error {
	if f := (*Fault)(nil); errors.As(err, &f) {
		at := *f
		at.Path = path
		return &at
	}
	return err
}

// Said finds in what a program said that it was not started, and why.
func Said(by string) (*Fault, bool) {
	_, why, is := strings.Cut(by, Refusal)
	if !is {
		return nil, false
	}
	f := &Fault{}
	if err := json.NewDecoder(strings.NewReader(why)).Decode(f); err != nil {
		line, _, _ := strings.Cut(strings.TrimSpace(why), "\n")
		return &Fault{Why: Refused, Cause: line}, true // of another edition of the program
	}
	return f, true
}
