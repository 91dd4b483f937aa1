package wall

import (
	"errors"
	"os"
	"strings"
	"testing"
)

func init() {
	acts["score"] = func(want string) error {
		data, err := os.ReadFile("/proc/self/oom_score_adj")
		if err == nil && strings.TrimSpace(string(data)) != want {
			err = errors.New("it ends by " + strings.TrimSpace(string(data)))
		}
		return err
	}
}

// TestEndsFirst sees that where memory runs out the kernel takes what stands behind a wall
// before the program that started it.
func TestEndsFirst(t *testing.T) {
	data, err := os.ReadFile("/proc/self/oom_score_adj")
	if err != nil || strings.TrimSpace(string(data)) == endsFirst {
		t.Skipf("not proved here: this test itself ends by %s, %v", data, err)
	}
	if said := behind(t, Wall{Program: os.Args[0], Limits: true, Umask: 0o077}, []string{"score " + endsFirst}); said["score "+endsFirst] != "" {
		t.Error(said)
	}
}
