package config

import (
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
)

// TestBoundsAreWhole finds a bound for every duration a file may have, and each in the documents.
func TestBoundsAreWhole(t *testing.T) {
	data, err := os.ReadFile("../../docs/configure.md")
	if err != nil {
		t.Fatal(err)
	}
	all := append(bounds(), serviceBounds()...)
	have := map[string]bool{}
	for _, b := range all {
		have[b.path] = true
		documented, words := false, plain(b.least)+" to "+plain(b.most)
		for line := range strings.Lines(string(data)) {
			documented = documented || strings.Contains(line, "`"+b.path+"`") && strings.Contains(line, "| "+words+" |")
		}
		if !documented {
			t.Errorf("docs/configure.md does not say that %s may be %s", b.path, words)
		}
	}
	found := 0
	var walk func(path string, in reflect.Type)
	walk = func(path string, in reflect.Type) {
		switch {
		case in == reflect.TypeFor[Duration]():
			if found++; !have[path] {
				t.Errorf("%s has no bounds", path)
			}
		case in.Kind() == reflect.Pointer:
			walk(path, in.Elem())
		case in.Kind() == reflect.Struct:
			for i := range in.NumField() {
				walk(below(path, in.Field(i).Tag.Get("yaml")), in.Field(i).Type)
			}
		}
	}
	walk("", reflect.TypeFor[file]())
	walk("", reflect.TypeFor[service]())
	if found != len(all) {
		t.Errorf("there are %d durations and %d bounds", found, len(all))
	}
}

// TestOutOfBounds writes every duration as nothing, as less, just inside and just outside.
func TestOutOfBounds(t *testing.T) {
	for _, b := range bounds() {
		section, key, _ := strings.Cut(b.path, ".")
		for value, want := range values(b) {
			_, err := Parse([]byte(section+": {"+key+": "+value+"}"), options(false))
			judge(t, b.path, value, want, err)
		}
	}
	for _, b := range serviceBounds() {
		text := "services:\n  - " + strings.Replace(b.path, ".", ": {", 1) + ": %"
		if strings.Contains(b.path, ".") {
			text += "}"
		}
		for value, want := range values(b) {
			_, err := Parse([]byte(strings.Replace(text, "%", value, 1)), options(false))
			judge(t, "services[0]."+b.path, value, want, err)
		}
	}
}

func values(b bound) map[string]string {
	all := map[string]string{
		"0s": "no time to wait", "-1h": "no time to wait",
		(b.most + time.Second).String(): "out of bounds",
		b.least.String():                "", b.most.String(): "",
	}
	if b.least > 0 {
		all[(b.least - time.Microsecond).String()] = "out of bounds"
	}
	return all
}

func judge(t *testing.T, path, value, want string, err error) {
	t.Helper()
	if err == nil {
		t.Fatal("a file without people was taken")
	}
	of := ""
	for line := range strings.Lines(said(t, err)) {
		if strings.Contains(line, "  "+path+": ") {
			of += line
		}
	}
	if want == "" && of != "" || !strings.Contains(of, want) {
		t.Errorf("%s: %s is said to be %q; it must be %q", path, value, of, want)
	}
}

func TestSchedule(t *testing.T) {
	for spec, want := range map[string]string{
		"0 3 * * *": "", "*/15 * * * 1-5": "", "@daily": "", "0 0 29 2 *": "",
		"TZ=Asia/Seoul 0 3 * * *": "belongs into time_zone", "CRON_TZ=UTC 0 3 * * *": "belongs into time_zone",
		"@every 5m": "is an interval", " @every 5m": "is an interval",
		"0 0 30 2 *": "never comes", "0 0 31 4,6 *": "never comes",
		"TZ=0": "belongs into time_zone", "CRON_TZ=": "belongs into time_zone", // the library panics on these
		"0 3 * *": "no cron expression", "0 0 3 * * *": "no cron expression", "@reboot": "no cron expression",
	} {
		of := ""
		if why := cronFault(spec, false); !why.Empty() {
			of = said(t, &dr.Error{Code: dr.Invalid, What: why, Next: why})
		}
		if want == "" && of != "" || !strings.Contains(of, want) {
			t.Errorf("%q: %q; it must say %q", spec, of, want)
		}
	}
	for spec, fine := range map[string]bool{"@every 5s": true, "@every 1s": true, "@every 1ns": false, "@every 999ms": false, "@every -5s": false, "@every 0s": false} {
		if why := cronFault(spec, true); why.Empty() != fine {
			t.Errorf("%s for trying out: %s", spec, why)
		}
	}
	if schedules("TZ=0") != nil {
		t.Error("what the library panics on is a schedule")
	}
}
