package engine

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
)

type remembered map[string]string

func (m remembered) Get(_ context.Context, key string) (string, error) { return m[key], nil }
func (m remembered) Put(_ context.Context, key, value string) error    { m[key] = value; return nil }

// TestKept keeps who has ended a run and reads it back, with a seal and without one; what was
// kept of several before they were a list is read as it was said.
func TestKept(t *testing.T) {
	for name, key := range map[string]sealer{"sealed": sealer("a key of sixteen bytes"), "without a key": nil} {
		t.Run(name, func(t *testing.T) {
			mem := remembered{}
			opts := Options{Memory: mem, Host: Host{Key: key, Log: slog.New(slog.DiscardHandler)}}
			e := &Engine{opts: opts}
			r := &Run{Record: &Record{ID: "run", opts: &opts}, engine: e, keyed: len(key) > 0}
			read := func(want dr.Voices) {
				t.Helper()
				if by, err := kept(t.Context(), r, abandonedKey("run")); err != nil || !slices.Equal(by, want) {
					t.Errorf("kept is %q: %v; want %q", by, err, want)
				}
			}
			for _, by := range []dr.Voices{{"bob"}, {"kim and lee", "dave"}, {"[bob]"}, {`["bob"]`}} {
				if err := keep(t.Context(), e, "run", abandonedKey("run"), by); err != nil {
					t.Fatal(err)
				}
				read(by)
			}
			seal, err := key.seal("run", abandonedKey("run"), "bob and carol")
			if err != nil {
				t.Fatal(err)
			}
			mem[abandonedKey("run")] = strings.TrimSuffix("bob and carol\n"+seal, "\n")
			read(dr.Voices{"bob and carol"})
			if len(key) > 0 {
				mem[abandonedKey("run")] = `["bob","carol"]` + "\n" + seal
				read(nil)
			}
		})
	}
}
