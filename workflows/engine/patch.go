package engine

import "github.com/dbos-inc/dbos-transact-golang/dbos"

// Patched tells whether a run does here what this version adds: one that was past this place
// before goes on as it did then. A name is for ever, and for one place.
func Patched(r *Run, name string) bool {
	if r.loose {
		return true
	}
	yes, err := dbos.Patch(r.ctx, name)
	if err != nil {
		r.halt(name, err)
	}
	return yes
}
