package tf

import (
	"errors"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/wall"
)

// unraised finds in what a program said that it was not started, and why.
func unraised(said string, scrub scrubber) error {
	f, is := wall.Said(said)
	if !is {
		return nil
	}
	f.Path, f.Other, f.Cause = scrub.line(f.Path), scrub.line(f.Other), scrub.line(f.Cause)
	return walled(f)
}

// walled is that a wall cannot be raised as it was asked for.
func walled(err error) error {
	return &dr.Error{Code: dr.Invalid, What: dr.T("tf.wall.unraised", "why", WhyNoWall(err)), Next: dr.T("tf.wall.unraised.next"), Err: err}
}

// WhyNoWall is why a wall does not stand, for people. What is no fault of a wall is the
// system's word for it.
func WhyNoWall(err error) dr.Arg {
	var f *wall.Fault
	if !errors.As(err, &f) {
		return dr.ArgOf(dr.Foreign(err.Error()))
	}
	for _, told := range []func(*wall.Fault) dr.Text{askedWrong, keptFrom, noUser, misinstalled} {
		if t := told(f); !t.Empty() {
			return dr.ArgOf(t)
		}
	}
	return dr.ArgOf(dr.Foreign(f.Cause))
}

// askedWrong is what is wrong with the wall that was asked for.
func askedWrong(f *wall.Fault) dr.Text {
	path := dr.Foreign(f.Path)
	switch f.Why {
	case wall.Unreadable:
		return dr.T("wall.unreadable")
	case wall.NoProgram:
		return dr.T("wall.no-program")
	case wall.NotOpened:
		return dr.T("wall.not-opened")
	case wall.NoMeans:
		return dr.T("wall.no-means")
	case wall.TooLittle:
		return dr.T("wall.too-little")
	case wall.NotWhole:
		return dr.T("wall.not-whole", "path", path)
	case wall.Never:
		return dr.T("wall.never", "path", path)
	case wall.Executable:
		return dr.T("wall.executable", "path", path, "written", dr.Foreign(f.Other))
	}
	return dr.Text{}
}

// keptFrom is what the host does not give.
func keptFrom(f *wall.Fault) dr.Text {
	path, cause := dr.Foreign(f.Path), dr.Foreign(f.Cause)
	switch f.Why {
	case wall.Older:
		return dr.T("wall.older", "asked", f.Asked, "has", f.Has)
	case wall.Ungrantable:
		return dr.T("wall.ungrantable", "cause", cause)
	case wall.Unkept:
		return dr.T("wall.unkept", "path", path)
	case wall.NoWay:
		return dr.T("wall.no-way", "cause", cause)
	case wall.Unexecuted:
		return dr.T("wall.unexecuted", "path", path, "cause", cause)
	case wall.Unstarted:
		return dr.T("wall.unstarted", "path", path, "cause", cause)
	case wall.Orphan:
		return dr.T("wall.orphan")
	case wall.Unknown:
		return dr.T("wall.unknown", "machine", dr.Foreign(f.Other))
	case wall.NoLandlock:
		return dr.T("wall.no-landlock")
	case wall.NoPowers:
		return dr.T("wall.no-powers")
	case wall.NoSelf:
		return dr.T("wall.no-self", "cause", cause)
	case wall.Refused:
		if f.Other != "" {
			return dr.T("wall.refused", "call", dr.Foreign(f.Other), "cause", cause)
		}
		return dr.T(dr.Words, "words", cause)
	}
	return dr.Text{}
}

// noUser is why a program does not become another user.
func noUser(f *wall.Fault) dr.Text {
	switch f.Why {
	case wall.NotBecome:
		return dr.T("wall.not-become", "user", f.User, "cause", dr.Foreign(f.Cause))
	case wall.GroupLeft:
		return dr.T("wall.group-left")
	case wall.WayBack:
		return dr.T("wall.way-back")
	case wall.PowersLeft:
		return dr.T("wall.powers-left")
	case wall.NotCaller:
		return dr.T("wall.not-caller", "user", f.User)
	case wall.NotListed:
		return dr.T("wall.not-listed", "user", f.User)
	}
	return dr.Text{}
}

// misinstalled is what is wrong with the installation of the program that switches users.
func misinstalled(f *wall.Fault) dr.Text {
	path, word := dr.Foreign(f.Path), dr.Foreign(f.Other)
	switch f.Why {
	case wall.NotRoots:
		return dr.T("wall.not-roots", "path", path)
	case wall.Unread:
		return dr.T("wall.unread", "path", path, "cause", dr.Foreign(f.Cause))
	case wall.BadID:
		return dr.T("wall.bad-id", "path", path, "word", word)
	case wall.BadLine:
		return dr.T("wall.bad-line", "path", path, "word", word)
	case wall.NoUsers:
		return dr.T("wall.no-users", "path", path)
	case wall.CallerAsOne:
		return dr.T("wall.caller-as-one", "path", path)
	}
	return dr.Text{}
}
