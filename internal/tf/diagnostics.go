package tf

import (
	"bytes"
	"cmp"
	"encoding/json"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
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
	Range    struct {
		Filename string `json:"filename"` // from the folder of the stack
		Start    struct {
			Line int `json:"line"`
		} `json:"start"`
	} `json:"range"`
	Snippet struct {
		Context string `json:"context"` // the block it stands in, as it is written
	} `json:"snippet"`
}

// headline is how Terraform sums up the errors beside it.
func (d diagnostic) headline() bool {
	return strings.HasPrefix(d.Summary, "Terraform encountered problems during initiali")
}

// at is where the cause stands, as Terraform has it: a resource, a file of the repository and
// its line. inside is the folder of the stack.
func (d diagnostic) at(inside string) string {
	var at []string
	if block := cmp.Or(d.Address, d.Snippet.Context); block != "" {
		at = append(at, block)
	}
	if file := d.Range.Filename; file != "" {
		if !filepath.IsAbs(file) {
			file = filepath.ToSlash(filepath.Join(inside, file))
		}
		at = append(at, file+":"+strconv.Itoa(d.Range.Start.Line))
	}
	return strings.Join(at, ", ")
}

// output reads what a command prints, line by line, and never fails: a writer
// that gave an error would stop terraform-exec from emptying the pipe, and
// Terraform would hang in the middle of an apply.
type output struct {
	each    func(event) // may be nil
	partial []byte
	skips   bool // the rest of a line that is too long, such as that of the outputs
	errors  []diagnostic
}

// Write takes the next bytes of the output.
func (o *output) Write(p []byte) (int, error) {
	o.partial = append(o.partial, p...)
	for {
		i := bytes.IndexByte(o.partial, '\n')
		if i < 0 && len(o.partial) > largestLine {
			o.partial, o.skips = nil, true
		}
		if i < 0 {
			return len(p), nil
		}
		if !o.skips {
			o.line(o.partial[:i])
		}
		o.partial, o.skips = o.partial[i+1:], false
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
	held  stateLock
	next  dr.Text // what to do, where the cause is a known one
	fault bool    // of the code itself: another try gives the same
	stale bool    // the plan that was to be applied is of a state that is no more
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
// inside is the folder of the stack.
func (o *output) failed(doing dr.Text, err error, scrub scrubber, inside string) *failure {
	if len(o.errors) == 0 && err != nil {
		o.errors = plainErrors(err.Error())
	}
	f := &failure{doing: doing, next: hintOf(o.errors, err), fault: slices.ContainsFunc(o.errors, diagnostic.ofCode)}
	var said []string
	for _, d := range o.errors {
		if d.headline() && len(o.errors) > 1 {
			continue
		}
		if strings.Contains(d.Summary, "Error acquiring the state lock") {
			f.held = parseLock(d.Detail, scrub)
			f.lock = dr.T("tf.locked", "holder", f.held.holder())
		}
		f.stale = f.stale || d.Summary == "Saved plan is stale"
		text := scrub.line(d.Summary)
		if at := d.at(inside); at != "" {
			text += " (" + scrub.line(at) + ")"
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

// What Terraform says below a summary in its output for a terminal.
var (
	onLine      = regexp.MustCompile(`^on (\S+) line (\d+)(?:, in (.+):)?$`)
	withAddress = regexp.MustCompile(`^with (\S+),$`)
)

// plainErrors finds the summaries in Terraform's output for a terminal, and where each stands.
func plainErrors(text string) []diagnostic {
	var out []diagnostic
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "│"))
		if summary, ok := strings.CutPrefix(line, "Error: "); ok {
			out = append(out, diagnostic{Severity: "error", Summary: summary})
			continue
		}
		if len(out) == 0 {
			continue
		}
		last := &out[len(out)-1]
		if m := onLine.FindStringSubmatch(line); m != nil && last.Range.Filename == "" {
			last.Range.Filename, last.Snippet.Context = m[1], m[3]
			last.Range.Start.Line, _ = strconv.Atoi(m[2]) // digits alone; a line that is beyond every number is told as 0
		}
		if m := withAddress.FindStringSubmatch(line); m != nil && last.Address == "" {
			last.Address = m[1]
		}
	}
	return out
}
