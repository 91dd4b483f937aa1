package tf

import (
	"fmt"
	"runtime/debug"

	"github.com/drbot/drbot/dr"
)

// guarded calls a function and turns its panic into an error. Every goroutine of this
// package runs in it: a defect in the reading of one plan must end neither the other
// runs nor, in the supervisor, an apply that nobody would know the end of.
func guarded(call func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &dr.Error{
				Code: dr.Uncertain,
				What: dr.T("tf.panic"),
				Next: dr.T("tf.panic.next"),
				Err:  fmt.Errorf("panic: %v\n%s", p, debug.Stack()),
			}
		}
	}()
	return call()
}
