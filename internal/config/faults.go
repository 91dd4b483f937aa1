package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"

	"github.com/drbot/drbot/dr"
)

// Fault is one thing that is wrong with a file.
type Fault struct {
	Path string // of the value; empty for the whole file
	Line int    // 0 when it stands nowhere
	What dr.Text
}

// Text is the fault as one line.
func (f Fault) Text() dr.Text {
	switch {
	case f.Path == "":
		return f.What
	case f.Line == 0:
		return dr.T("config.fault", "path", f.Path, "what", f.What)
	default:
		return dr.T("config.fault.line", "path", f.Path, "what", f.What, "line", f.Line)
	}
}

// faults collects what is wrong with a file, each with its path and line.
type faults struct {
	list  []Fault
	lines map[string]int  // where each value that was written stands
	wrong map[string]bool // the values that could not be read
	built bool            // all is read: what follows looks at the values
	gone  int             // how many of the faults are of the host and not of the file
}

// add reports a fault. Of a value that could not be read, nothing more is said.
func (f *faults) add(path string, what dr.Text) {
	if f.built && f.wrong[path] {
		return
	}
	f.wrong[path] = f.wrong[path] || !f.built
	f.list = append(f.list, Fault{Path: path, Line: f.line(path), What: what})
}

// absent reports something outside the file that it names.
func (f *faults) absent(path string, what dr.Text) {
	f.add(path, what)
	f.gone++
}

// line finds where a path stands, or where the nearest value around it does.
func (f *faults) line(path string) int {
	for path != "" {
		if line, ok := f.lines[path]; ok {
			return line
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
	return 0
}

// mostFaults bounds what is listed of a file that is wrong from end to end.
const mostFaults = 200

func (f *faults) err() error {
	var said dr.Lines
	for _, fault := range f.list[:min(len(f.list), mostFaults)] {
		said = append(said, fault.Text())
	}
	if more := len(f.list) - mostFaults; more > 0 {
		said = append(said, dr.T("config.faults.more", "n", more))
	}
	next := dr.T("config.faults.next")
	if f.gone == len(f.list) {
		next = dr.T("config.faults.secrets")
	}
	return &dr.Error{Code: dr.Invalid, What: dr.T("config.faults", "n", len(f.list), "faults", said), Next: next}
}

// below is the path of a key in a mapping.
func below(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// quoted shows what stands in the file between its ends, with what cannot be seen in it.
func quoted(s string) dr.Foreign { return dr.Foreign(fmt.Sprintf("%q", s)) }

// knownAre says what may stand instead of a name nobody knows, the likely one first.
func knownAre(name string, known []string) dr.Text {
	if near := nearest(name, known); near != "" {
		return dr.T("config.known.near", "near", near, "known", known)
	}
	return dr.T("config.known", "known", known)
}

// nearest is the known name a mistyped one may have been meant for; empty when none is near.
func nearest(name string, known []string) string {
	if len(name) > 100 {
		return ""
	}
	best, least := "", max(1, len(name)/3)+1
	for _, k := range known {
		if d := levenshtein.ComputeDistance(strings.ToLower(name), k); d < least {
			best, least = k, d
		}
	}
	return best
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// joined lists names as people do: a, b and c.
func joined(names []string) dr.Text {
	last := max(len(names)-1, 0)
	if last == 0 {
		return dr.T(dr.Words, "words", strings.Join(names, ""))
	}
	return dr.T("config.and", "before", names[:last], "last", names[last])
}
