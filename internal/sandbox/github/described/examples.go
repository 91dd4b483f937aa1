package described

import (
	"encoding/json"
	"path"
	"testing"
)

// Example is one webhook as GitHub has sent it.
type Example struct {
	From    string // api.github.com, or an edition of GitHub Enterprise
	Event   string
	Payload json.RawMessage
}

// Examples are all that are published.
func Examples(t testing.TB) []Example {
	t.Helper()
	var out []Example
	for _, name := range exampleFiles {
		var events []struct {
			Name     string            `json:"name"`
			Examples []json.RawMessage `json:"examples"`
		}
		if err := json.Unmarshal(read(t, name), &events); err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			for _, payload := range e.Examples {
				out = append(out, Example{From: path.Base(path.Dir(name)), Event: e.Name, Payload: payload})
			}
		}
	}
	return out
}
