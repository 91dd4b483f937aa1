package github

import (
	"context"
	"sync/atomic"
	"testing"
)

// A panic in one of the readings is the caller's, who is guarded, and not the process's end.
func TestAPanicInAReading(t *testing.T) {
	var read atomic.Int32
	defer func() {
		if p := recover(); p != "boom" || read.Load() != 2 {
			t.Errorf("the panic is %v, %d others were read", p, read.Load())
		}
	}()
	other := func(context.Context) { read.Add(1) }
	together(t.Context(), other, func(context.Context) { panic("boom") }, other)
	t.Error("the panic was lost")
}
