package tf

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/drbot/drbot/dr"
)

// mostDiagnostics is how many of Terraform's errors are named to people.
const mostDiagnostics = 3

// event is one line of Terraform's machine-readable output, as far as drbot
// reads it. Messages, ids and provisioner output are not among the fields.
type event struct {
	Type       string      `json:"type"`
	At         string      `json:"@timestamp"`
	Diagnostic *diagnostic `json:"diagnostic"`
	Hook       struct {
		Resource struct {
			Addr string `json:"addr"`
		} `json:"resource"`
		Action  string  `json:"action"`
		Elapsed float64 `json:"elapsed_seconds"`
	} `json:"hook"`
	Changes struct {
		Operation string `json:"operation"`
	} `json:"changes"`
}

// diagnostic is an error or warning of Terraform: untrusted text.
type diagnostic struct {
	Severity string `json:"severity"`
	Summary  string `json:"summary"`
	Detail   string `json:"detail"`
	Address  string `json:"address"`
}

// output reads what a command prints, line by line, and never fails: a writer
// that gave an error would stop terraform-exec from emptying the pipe, and
// Terraform would hang in the middle of an apply.
type output struct {
	each    func(event) // may be nil
	partial []byte
	errors  []diagnostic
}

// Write takes the next bytes of the output.
func (o *output) Write(p []byte) (int, error) {
	o.partial = append(o.partial, p...)
	for {
		i := bytes.IndexByte(o.partial, '\n')
		if i < 0 {
			return len(p), nil
		}
		o.line(o.partial[:i])
		o.partial = o.partial[i+1:]
	}
}

func (o *output) line(line []byte) {
	var e event
	if json.Unmarshal(line, &e) != nil {
		return
	}
	if d := e.Diagnostic; d != nil && d.Severity == "error" && !slices.Contains(o.errors, *d) {
		o.errors = append(o.errors, *d)
	}
	if o.each != nil {
		o.each(e)
	}
}

// failure is why a Terraform command failed, in words fit for people.
type failure struct {
	doing dr.Text // "plan", "apply"
	said  dr.Arg
	lock  dr.Text // who holds the state lock, when that is the reason
	next  dr.Text // what to do, where the cause is a known one
}

// Text is the scrubbed reason.
func (f *failure) Text() dr.Text {
	if !f.lock.Empty() {
		return f.lock
	}
	return dr.T("tf.failed", "doing", f.doing, "said", f.said)
}

// told is the reason, and what to do where that is known.
func (f *failure) told() dr.Text {
	if f.next.Empty() || !f.lock.Empty() {
		return f.Text()
	}
	return sentences(f.Text(), dr.T("tf.hint", "next", f.next))
}

// Error is the reason for the log.
func (f *failure) Error() string { return f.Text().String() }

// failed turns the errors a command printed into a failure. What terraform-exec
// adds to its own error is the whole of stderr, so that is only looked at for
// summary lines, by a Terraform too old to print JSON.
func (o *output) failed(doing dr.Text, err error, scrub scrubber) *failure {
	if len(o.errors) == 0 && err != nil {
		o.errors = plainErrors(err.Error())
	}
	f := &failure{doing: doing, next: hintOf(o.errors, err)}
	var said []string
	for _, d := range o.errors {
		if strings.Contains(d.Summary, "Error acquiring the state lock") {
			f.lock = lockedBy(d.Detail, scrub)
		}
		text := scrub.line(d.Summary)
		if d.Address != "" {
			text += " (" + scrub.line(d.Address) + ")"
		}
		if !slices.Contains(said, text) {
			said = append(said, text)
		}
	}
	switch more := len(said) - mostDiagnostics; {
	case len(said) == 0:
		f.said = dr.ArgOf(dr.T("tf.silent"))
	case more > 0:
		f.said = dr.ArgOf(dr.T("tf.said.more", "said", terraformSaid(said[:mostDiagnostics]), "n", more))
	default:
		f.said = dr.ArgOf(terraformSaid(said) + ".")
	}
	return f
}

// terraformSaid is a few of Terraform's own errors, cut to size.
func terraformSaid(errors []string) dr.Foreign {
	return dr.Foreign(cut(strings.Join(errors, "; "), longestText))
}

// plainErrors finds the summaries in Terraform's output for a terminal.
func plainErrors(text string) []diagnostic {
	var out []diagnostic
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "│"))
		if summary, ok := strings.CutPrefix(line, "Error: "); ok {
			out = append(out, diagnostic{Severity: "error", Summary: summary})
		}
	}
	return out
}

// lockedBy says who holds a lock that Terraform describes.
func lockedBy(detail string, scrub scrubber) dr.Text {
	return dr.T("tf.locked", "holder", parseLock(detail, scrub).holder())
}
