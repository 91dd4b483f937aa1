package steps

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/drbot/drbot/dr"
)

// keep stores a value under a key unless one is there; v becomes the stored one.
func keep[T any](ctx context.Context, l Ledger, key string, v *T) error {
	doc, err := json.Marshal(v)
	if err != nil {
		return err
	}
	stored, err := l.Keep(ctx, key, string(doc))
	if err != nil {
		return err
	}
	var out T
	if err := json.Unmarshal([]byte(stored), &out); err != nil {
		return fmt.Errorf("decode %s: %w", key, err)
	}
	*v = out
	return nil
}

// deployedKey is where the newest deployment of a workload is kept, as it was when
// something was done: a database promoted, or nothing yet.
func deployedKey(run string, in dr.Region, w dr.Resource, when string) string {
	return key(run, "deployed", string(in), w.Name, when)
}
