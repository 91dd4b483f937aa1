package engine

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/drbot/drbot/dr"
)

// Outcome is what a step leaves behind. It is stored, so a value is kept as JSON and
// read from it alike on the first way through and after a restart.
type Outcome struct {
	Value json.RawMessage `json:"value,omitempty"`
	Line  dr.Text         `json:"line,omitzero"`  // the step's result on its line of the run
	Code  dr.Code         `json:"code,omitempty"` // empty when it went well
	What  dr.Text         `json:"what,omitzero"`  // what happened instead
	Next  dr.Text         `json:"next,omitzero"`  // what to do about it
	At    time.Time       `json:"at"`
	Jump  time.Duration   `json:"jump,omitempty"` // what the host's clock was set by meanwhile

	Cancelled bool `json:"cancelled,omitempty"` // not done, because somebody cancelled the run
}

// OK tells whether the step went well.
func (o Outcome) OK() bool { return o.Code == "" }

// Result is an outcome with its value.
type Result[T any] struct {
	Outcome
	Value T
}

// Lined is a step's value that has a line to show.
type Lined interface{ Line() dr.Text }

// Done is the outcome of a step that went well, with a value for later steps (nil for
// none) and a line to show.
func Done(value any, line dr.Text) (Outcome, error) {
	doc, err := json.Marshal(value)
	if err != nil {
		return Outcome{}, fmt.Errorf("encode the outcome: %w", err)
	}
	return Outcome{Value: doc, Line: line}, nil
}

// decode reads the value of an outcome; the zero value when it holds none.
func decode[T any](o Outcome) (v T, err error) {
	if len(o.Value) == 0 {
		return v, nil
	}
	if err := json.Unmarshal(o.Value, &v); err != nil {
		return v, fmt.Errorf("decode the outcome: %w", err)
	}
	return v, nil
}

// Key names the outcome of a step for the steps after it: the step's kind, and the
// type of its value.
type Key[T any] string

// Found says what became of a step that another one asks about.
type Found string

// What a step can have become.
const (
	Never   Found = "never" // it has not run, or has not gone well
	Skipped Found = "skipped"
	Ran     Found = "ran"
	Unread  Found = "unread" // it went well, and what it left cannot be read by this version
)

// Name is the step's name: its kind and what it works on.
func (k Key[T]) Name(on ...string) string {
	return strings.Join(append([]string{string(k)}, on...), "/")
}

// Of gives what a step left behind.
func (k Key[T]) Of(r *Run, on ...string) (T, Found) {
	name := k.Name(on...)
	var zero T
	if r.skipped[name] {
		return zero, Skipped
	}
	o, ok := r.outcomes[name]
	if !ok || !o.OK() {
		return zero, Never
	}
	v, err := decode[T](o)
	if err != nil {
		r.engine.opts.Log.Error("an outcome cannot be read", "run", r.ID, "step", name, "error", err)
		return zero, Unread
	}
	return v, Ran
}

// At is when a step went well, by the clock of then; zero when it has not.
func (k Key[T]) At(r *Run, on ...string) time.Time {
	if o, ok := r.outcomes[k.Name(on...)]; ok && o.OK() && !r.skipped[k.Name(on...)] {
		return o.At
	}
	return time.Time{}
}
