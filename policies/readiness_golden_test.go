package policies

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// told is a check as its system tells it, with what each mode needs of it.
type told struct {
	dr.Check
	Needs map[dr.Mode]dr.Need `json:"needs"`
}

func readTold(t *testing.T) []told {
	t.Helper()
	doc, err := os.ReadFile("testdata/readiness_checks.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []told
	if err := json.Unmarshal(doc, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// factsOf are the facts of a run in which every check is as it is told.
func factsOf(mode dr.Mode, all []told) dr.ReadinessFacts {
	f := dr.ReadinessFacts{Mode: mode, Source: "ap-northeast-2", Target: "ap-northeast-1", Strategy: dr.PilotLight, RPO: 300}
	for _, c := range all {
		c.Need = c.Needs[mode]
		f.Checks = append(f.Checks, c.Check)
		f.Expected = append(f.Expected, dr.Expected{Name: c.Name, Need: c.Need, Role: c.Role})
	}
	f.Resources = 2
	return f
}

// TestReadinessDecisions holds the rules to the decisions of every level of every
// check in both modes, word for word.
func TestReadinessDecisions(t *testing.T) {
	p := newPolicy(t)
	all := readTold(t)
	var got bytes.Buffer
	for _, mode := range []dr.Mode{dr.Planned, dr.Disaster} {
		for _, c := range readinessCases(mode, all) {
			v, err := p.Readiness(t.Context(), c.facts)
			if err != nil {
				t.Fatal(err)
			}
			if v.Allowed != (len(v.Reasons) == 0) {
				t.Errorf("%s: %+v", c.name, v)
			}
			fmt.Fprintf(&got, "%s, %s\n", mode, c.name)
			for _, said := range []struct {
				what  string
				texts []dr.Text
			}{{"deny", v.Reasons}, {"accept", v.Accepts}} {
				var lines []string
				for _, l := range said.texts {
					lines = append(lines, "    "+said.what+" "+inWords(t, l)+"\n")
				}
				slices.Sort(lines)
				got.WriteString(strings.Join(lines, ""))
			}
		}
	}
	const golden = "testdata/readiness_decisions.txt"
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	gotLines, wantLines := strings.Split(got.String(), "\n"), strings.Split(string(want), "\n")
	for i := range min(len(gotLines), len(wantLines)) {
		if gotLines[i] != wantLines[i] {
			t.Fatalf("line %d of %s:\n%s\nwant\n%s", i+1, golden, gotLines[i], wantLines[i])
		}
	}
	if len(gotLines) != len(wantLines) {
		t.Errorf("%d lines, %s has %d", len(gotLines), golden, len(wantLines))
	}
}

type readinessCase struct {
	name  string
	facts dr.ReadinessFacts
}

func readinessCases(mode dr.Mode, all []told) []readinessCase {
	cases := []readinessCase{{"all well", factsOf(mode, all)}}
	add := func(name string, change func(*dr.ReadinessFacts)) {
		f := factsOf(mode, all)
		change(&f)
		cases = append(cases, readinessCase{name, f})
	}
	for i, c := range all {
		for _, level := range []dr.Level{dr.Warn, dr.Fail, dr.Unknown, "", "splendid"} {
			add(fmt.Sprintf("%s %q", c.Name, level), func(f *dr.ReadinessFacts) { f.Checks[i].Level = level })
		}
		add(c.Name+" not made", func(f *dr.ReadinessFacts) { f.Checks = slices.Delete(f.Checks, i, i+1) })
		add(c.Name+" with words", func(f *dr.ReadinessFacts) {
			f.Checks[i].Level, f.Checks[i].Detail = dr.Fail, dr.T(dr.Words, "words", dr.Foreign("as it says"))
		})
	}
	lag := slices.IndexFunc(all, func(c told) bool { return c.Role == dr.RoleLag })
	for _, value := range []*float64{nil, number(-1), number(0), number(0.04), number(9.96), number(12), number(612.3)} {
		for _, unit := range []string{"s", "ms", "bananas", ""} {
			name := fmt.Sprintf("no lag in %q", unit)
			if value != nil {
				name = fmt.Sprintf("lag of %g %q", *value, unit)
			}
			add(name, func(f *dr.ReadinessFacts) { f.Checks[lag].Value, f.Checks[lag].Unit = value, unit })
		}
	}
	add("no objective", func(f *dr.ReadinessFacts) { f.RPO = 0 })
	for _, level := range []dr.Level{dr.OK, dr.Warn, dr.Fail, dr.Unknown} {
		add(fmt.Sprintf("a second lag, %q", level), func(f *dr.ReadinessFacts) {
			second := f.Checks[lag]
			second.Level, second.Value = level, number(70)
			f.Checks = append(f.Checks, second)
		})
	}
	return cases
}
