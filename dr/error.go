package dr

import "errors"

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
)

// Error is an error with words for a person: what happened (Msg) and what to
// type next (Hint). Err is for the log alone.
type Error struct {
	Code Code
	Msg  string
	Hint string
	Err  error
}

// Error is Msg, and the cause for the log.
func (e *Error) Error() string {
	if e.Err != nil {
		return e.Msg + ": " + e.Err.Error()
	}
	return e.Msg
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// CodeOf finds the code of an error; Temporary when it has none, since an error
// nobody classified came from the outside.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Temporary
}

// Public is what a person may see of an error: the message and the hint of the
// outermost Error, or the fallback. A cause may carry what a provider printed
// and is never shown.
func Public(err error, fallback string) (msg, hint string) {
	var e *Error
	if errors.As(err, &e) {
		return e.Msg, e.Hint
	}
	return fallback, ""
}
