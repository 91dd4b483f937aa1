package bot

import (
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
)

func TestParse(t *testing.T) {
	since := time.Date(2026, 1, 31, 3, 12, 0, 0, time.UTC)
	for text, want := range map[string]command{
		"":                  {verb: "help"},
		"  HELP ":           {verb: "help"},
		"status":            {verb: "status"},
		"status Portal":     {verb: "status", service: "portal"},
		"cancel `portal-1`": {verb: "cancel", run: "portal-1"},
		"answer r-1 RETRY":  {verb: "answer", run: "r-1", answer: "retry"},
		"failover portal ap-northeast-1 Disaster Seoul is gone":                      {verb: "failover", service: "portal", region: "ap-northeast-1", mode: "disaster", reason: "Seoul is gone"},
		"failback “portal” ap-northeast-2 planned it’s back":                         {verb: "failback", service: "portal", region: "ap-northeast-2", mode: "planned", reason: "it’s back"},
		"failover p r planned —override-cooldown why":                                {verb: "failover", service: "p", region: "r", mode: "planned", override: true, reason: "why"},
		"failover p r disaster --since 2026-01-31T03:12:00Z --override-cooldown a b": {verb: "failover", service: "p", region: "r", mode: "disaster", since: since, override: true, reason: "a b"},
		"failover p r disaster --since=2026-01-31T03:12:00Z x":                       {verb: "failover", service: "p", region: "r", mode: "disaster", since: since, reason: "x"},
		"failover p": {verb: "failover", service: "p"},
	} {
		got, err := parse(text)
		if err != nil || got != want {
			t.Errorf("%q is read as %+v (%v)", text, got, err)
		}
	}
	for text, hint := range map[string]string{
		"promote portal":                     "/dr help",
		"status a b":                         "/dr help",
		"cancel":                             "/dr status",
		"answer r-1":                         "retry|skip|stop",
		"failover p r disaster --since x y":  "--since 20",
		"failover p r disaster --since":      "--since 20",
		"failover p r disaster --now please": "--override-cooldown",
		strings.Repeat("x", maxText+1):       "/dr help",
	} {
		_, err := parse(text)
		if _, h := dr.Public(err, ""); !strings.Contains(h, hint) {
			t.Errorf("%.40q is answered with %q, which does not say %q", text, h, hint)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"failover portal ap-northeast-1 disaster why", "answer x retry", "status —", "failover a b c --since"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parse(text)
		if err != nil {
			if msg, hint := dr.Public(err, ""); msg == "" || hint == "" {
				t.Errorf("%q is refused without words", text)
			}
			return
		}
		if c.verb == "" || strings.ContainsAny(c.service+string(c.region)+c.run, " \n\t") {
			t.Errorf("%q is read as %+v", text, c)
		}
	})
}
