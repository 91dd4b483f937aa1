package config

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
)

// many is the example with n services.
func many(t testing.TB, n int) []byte {
	t.Helper()
	data, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	head, one, found := strings.Cut(string(data), "services:\n")
	if !found {
		t.Fatal("the example has no services")
	}
	var b strings.Builder
	b.WriteString(head + "services:\n")
	for i := range n {
		b.WriteString(strings.ReplaceAll(one, "portal", fmt.Sprintf("portal-%d", i)))
	}
	return []byte(b.String())
}

// work is what reading a file costs: values looked at, and memory asked for, which
// grows with all that is done and is the same on every machine.
func work(t *testing.T, n int) (values, bytes float64) {
	t.Helper()
	data := many(t, n)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f, c, err := parse(data, options(false))
	runtime.ReadMemStats(&after)
	if err != nil || len(c.Services) != n {
		t.Fatalf("%d services: %v", n, err)
	}
	return float64(f.read), float64(after.TotalAlloc - before.TotalAlloc)
}

// TestLinear reads eight times as many services with eight times the work.
func TestLinear(t *testing.T) {
	values, bytes := work(t, 50)
	moreValues, moreBytes := work(t, 400)
	if r := moreValues / values; r > 8 {
		t.Errorf("the values grew %.1f times", r)
	}
	if r := moreBytes / bytes; r > 10 {
		t.Errorf("the memory grew %.1f times, from %.0f bytes", r, bytes)
	}
}

func BenchmarkParse(b *testing.B) {
	for _, n := range []int{50, 200, 400} {
		data := many(b, n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if _, err := Parse(data, options(false)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestBounds gives files that are small to write and endless to read.
func TestBounds(t *testing.T) {
	bomb := "a: &a [" + strings.Repeat("x,", 2000) + "]\nservices:\n" + strings.Repeat("  - {requesters: *a}\n", 2000)
	for file, want := range map[string]string{
		bomb: "more than 262144 values",
		"a: &a {<<: *a}\nservices: [*a]\nslack: {<<: *a}": "merge keys lead into one another",
		"listen: a\n---\nlisten: b":                       "a second document",
		"listen: a\nsocket: s\nlisten: b":                 "listen: is there twice, first in line 1 (line 3)",
		"1: x":                                            "a key must be a text",
	} {
		if _, err := Parse([]byte(file), options(false)); !strings.Contains(said(t, err), want) {
			t.Errorf("%.80q: %.300s; it must say %q", file, said(t, err), want)
		}
	}
}

// TestMerge reads what several services share from one place.
func TestMerge(t *testing.T) {
	data, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(data), "    quorum: 2 ", "    <<: {quorum: 3, cooldown: 5m}\n#", 1)
	c, err := Parse([]byte(text), options(true))
	if err != nil {
		t.Fatal(err)
	}
	if s := c.Services["portal"]; s.Quorum != 3 || s.Cooldown.Minutes() != 30 {
		t.Errorf("a merge key gave a quorum of %d and a cooldown of %s", s.Quorum, s.Cooldown)
	}
}
