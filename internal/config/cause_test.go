package config

import (
	"os"
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
)

// TestCausesAlone tells what is wrong, and nothing that is wrong because of it alone; and
// a fault that stands beside another is told with it.
func TestCausesAlone(t *testing.T) {
	data, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	people := string(data[strings.Index(string(data), "\npeople:"):strings.Index(string(data), "\nservices:")])
	for name, c := range map[string]struct {
		change []string // old and new, in turn
		want   []string // how each fault begins, of all there may be
	}{
		"two of a schedule": {[]string{"time_zone: Asia/Seoul", "time_zone: Asia/Soul", `drift: "`, `drift: "x `},
			[]string{`services[0].schedule.time_zone: "Asia/Soul" is no IANA`, `services[0].schedule.drift: "x `}},
		"a system": {[]string{"system: ecs-service", "system: ecs-servise"},
			[]string{`services[0].resources[1].system: "ecs-servise" is no system`}},
		"nobody":     {[]string{people, ""}, []string{"people: there is none"}},
		"one Region": {[]string{"regions: [ap-northeast-2, ap-northeast-1]", "regions: [ap-northeast-2]"}, []string{"services[0].regions: must name two"}},
		"no Region":  {[]string{"regions: [ap-northeast-2, ap-northeast-1]", "regions: []"}, []string{"services[0].regions: must name two"}},
		"a quorum":   {[]string{"quorum: 2 ", "quorum: 5 "}, []string{"services[0].approvers: with alice, bob, carol, dave as the requester, 3 people may approve, but 5 are needed"}},
	} {
		t.Run(name, func(t *testing.T) {
			file := string(data)
			for i := 0; i < len(c.change); i += 2 {
				if !strings.Contains(file, c.change[i]) {
					t.Fatalf("the example does not say %q", c.change[i])
				}
				file = strings.Replace(file, c.change[i], c.change[i+1], 1)
			}
			_, err := Parse([]byte(file), options(true))
			if err == nil {
				t.Fatal("it was taken")
			}
			told := strings.Split(said(t, err), "\n  ")[1:]
			for _, want := range c.want {
				if !strings.Contains("\n"+strings.Join(told, "\n"), "\n"+want) {
					t.Errorf("it lacks %q", want)
				}
			}
			if len(told) != len(c.want) {
				t.Errorf("it tells %d faults:\n%s", len(told), strings.Join(told, "\n"))
			}
		})
	}
}

// TestHintOfSecrets says what to do about secrets that are not there, which the example's
// keys do not tell; beside another fault the example is the hint.
func TestHintOfSecrets(t *testing.T) {
	data, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	for change, want := range map[string]dr.TextID{"": "config.faults.secrets", "strategy: pilot-light": "config.faults.next"} {
		o := options(true)
		o.Getenv = func(string) string { return "" }
		_, err := Parse([]byte(strings.Replace(string(data), change, strings.Replace(change, "pilot-light", "hope", 1), 1)), o)
		if _, next := dr.Told(err); next.ID != want {
			t.Errorf("beside %q the hint is %s", change, next.ID)
		}
	}
}
