package dr

import (
	"context"
	"errors"
)

// Code sorts errors by what the person or program on the other side can do.
type Code string

// The codes.
const (
	Invalid   Code = "invalid"   // the input is wrong: type something else
	Denied    Code = "denied"    // this caller may not
	Conflict  Code = "conflict"  // the world is not in the state for it
	NotFound  Code = "not_found" // no such thing
	Temporary Code = "temporary" // try again
	Uncertain Code = "uncertain" // an act may have taken effect; look before anything else
	Defect    Code = "defect"    // nobody classified it: drbot's own fault, told at once
)

// Error is an error with words for a person: what happened (What) and what to type
// next (Next). Err is for the log alone.
type Error struct {
	Code Code
	What Text
	Next Text
	Err  error
}

// Error is What by its id, and the cause, for the log.
func (e *Error) Error() string {
	if e.Err != nil {
		return e.What.String() + ": " + e.Err.Error()
	}
	return e.What.String()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// ErrUnsealed marks what is kept and was written by nobody who has the key.
var ErrUnsealed = errors.New("it has no seal of the key")

// ErrSlowDown marks what a service did not take because it is asked too often: it is there, and
// takes it later.
var ErrSlowDown = errors.New("it is asked too often")

// CodeOf finds the code of an error. A time limit that has passed, or a caller who gave
// up, is Temporary; an error nobody classified is a Defect: whoever met it did not expect
// it, and another try would meet it again.
func CodeOf(err error) Code {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e.Code
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return Temporary
	default:
		return Defect
	}
}

// Told is what a person may see of an error: what happened and what to do next, of the
// outermost Error. A cause may hold what a provider printed and is never shown.
func Told(err error) (what, next Text) {
	var e *Error
	if !errors.As(err, &e) {
		return Text{ID: "error.unknown"}, Text{ID: "error.unknown.next"}
	}
	return e.What, e.Next
}
