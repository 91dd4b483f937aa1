package tf

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/text/texttest"
)

func TestAPanicIsTheCallsError(t *testing.T) {
	uncertain := func(err error) {
		t.Helper()
		classified(t, err, dr.Uncertain)
		if !strings.Contains(err.Error(), "a defect") {
			t.Errorf("the cause is lost in %v", err)
		}
	}
	uncertain(run(t.Context(), io.Discard, func(context.Context, io.Writer) error { panic("a defect") }))

	// What reads the output panics in a goroutine that starts and ends with the process.
	// The process goes on to its end all the same, and is not left on a full pipe.
	ended := t.TempDir() + "/ended"
	out := &output{each: func(event) { panic("a defect") }}
	err := run(t.Context(), out, func(ctx context.Context, w io.Writer) error {
		cmd := exec.CommandContext(ctx, "sh", "-c", `echo '{"type":"apply_start"}'; head -c 1000000 /dev/zero; echo > "$0"`, ended)
		cmd.Stdout = struct{ io.Writer }{w} // not a file, as terraform-exec has it
		return cmd.Run()
	})
	uncertain(err)
	if _, err := os.Stat(ended); err != nil {
		t.Errorf("the process did not end by itself: %v", err)
	}
	m := &module{}
	uncertain(m.ended(t.Context(), dr.T("tf.doing.apply"), out, err))
}

func TestASupervisorWithADefectSaysSo(t *testing.T) {
	for name, began := range map[string]bool{"before it began": false, "after": true} {
		t.Run(name, func(t *testing.T) {
			f := folder(t.TempDir())
			if began {
				put(t, f, phaseFile, applying)
			}
			s := &supervisor{folder: f, tally: tally{made: []string{"terraform_data.a"}}}
			r := s.afterPanic(t.Context(), errors.New("a defect"))
			if r.Kind != dr.ApplyFailed || r.Summary.Empty() {
				t.Errorf("result %+v", r)
			}
			if nothing := strings.Contains(texttest.Say(t, r.Summary), "Nothing was applied"); nothing == began {
				t.Errorf("it says %q", r.Summary)
			}
			if began != (len(r.Made) == 1) {
				t.Errorf("made %v", r.Made)
			}
		})
	}
}

func TestAWriterThatFailsIsNoPanic(t *testing.T) {
	var to bytes.Buffer
	w := &firstWrite{to: &to, seen: make(chan struct{})}
	if n, err := w.Write([]byte("x")); n != 1 || err != nil || to.String() != "x" {
		t.Errorf("wrote %d, %v", n, err)
	}
	<-w.seen
}
