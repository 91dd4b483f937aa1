package bot

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/text"
)

// english are the words of the tests.
func english(t testing.TB) text.Words {
	t.Helper()
	c, err := text.New(dr.Verbs())
	if err != nil {
		t.Fatal(err)
	}
	return c.In("en", text.Slack)
}

func TestParse(t *testing.T) {
	w := english(t)
	since := time.Date(2026, 1, 31, 3, 12, 0, 0, time.UTC)
	args := func(pairs ...string) map[string]string {
		m := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = pairs[i+1]
		}
		return m
	}
	const day = "2026-01-31T03:12:00Z"
	for typed, want := range map[string]command{
		"":                  {verb: "help", args: args()},
		"  HELP ":           {verb: "help", args: args()},
		"status":            {verb: "status", args: args()},
		"status Portal":     {verb: "status", args: args("service", "portal")},
		"cancel `portal-1`": {verb: "cancel", args: args("run", "portal-1")},
		"answer r-1 RETRY":  {verb: "answer", args: args("run", "r-1", "answer", "retry")},
		"failover portal ap-northeast-1 Disaster Seoul is gone":                      {verb: "failover", args: args("service", "portal", "region", "ap-northeast-1", "mode", "disaster", "reason", "Seoul is gone")},
		"failback “portal” ap-northeast-2 planned it’s back":                         {verb: "failback", args: args("service", "portal", "region", "ap-northeast-2", "mode", "planned", "reason", "it’s back")},
		"failover p r planned —override-cooldown why":                                {verb: "failover", args: args("service", "p", "region", "r", "mode", "planned", "override-cooldown", "yes", "reason", "why")},
		"failover p r disaster --since 2026-01-31T03:12:00Z --override-cooldown a b": {verb: "failover", since: since, args: args("service", "p", "region", "r", "mode", "disaster", "since", day, "override-cooldown", "yes", "reason", "a b")},
		"failover p r disaster --since=2026-01-31T03:12:00Z x":                       {verb: "failover", since: since, args: args("service", "p", "region", "r", "mode", "disaster", "since", day, "reason", "x")},
		"failover p": {verb: "failover", args: args("service", "p")},
		"failover":   {verb: "failover", args: args()},
	} {
		got, err := parse(typed, w.Catalogue())
		if err != nil || got.verb != want.verb || !got.since.Equal(want.since) || !maps.Equal(got.args, want.args) {
			t.Errorf("%q is read as %+v (%v)", typed, got, err)
		}
	}
	for typed, want := range map[string][2]string{
		"promote portal":                    {`there is no command "promote".`, "/dr help"},
		"fialover portal":                   {`there is no command "fialover".`, "did you mean /dr failover SERVICE REGION planned|disaster REASON?"},
		"status a b":                        {`I do not understand "b".`, "/dr help"},
		"cancel":                            {"which run?", "/dr status lists them; then /dr cancel RUN"},
		"answer":                            {"which run?", "/dr answer RUN retry|accept|disaster|skip|stop"},
		"answer r-1":                        {"which answer?", "/dr answer r-1 retry|accept|disaster|skip|stop"},
		"failover p r disaster --since x y": {`"x" is not a time.`, "--since, such as 20"},
		"failover p r disaster --since":     {`"" is not a time.`, "--since, such as 20"},
		"failover p r planned Seoul is back --override-cooldown": {`"--override-cooldown" stands in the reason.`, "--since TIME, --override-cooldown, before the reason"},
		"failover p r disaster --now please":                     {`there is no option "--now".`, "--since TIME, --override-cooldown, before the reason"},
		strings.Repeat("x", maxText+1):                           {"too long", "/dr help"},
	} {
		_, err := parse(typed, w.Catalogue())
		if what, next := w.Error(err); !strings.Contains(what, want[0]) || !strings.Contains(next, want[1]) {
			t.Errorf("%.40q is answered with %q, %q", typed, what, next)
		}
	}
}

// TestNewVerb sees that a verb that is told to the catalogue alone is read, helped with
// and meant by whoever mistypes it.
func TestNewVerb(t *testing.T) {
	drill := dr.Verb{Name: "drill", Params: []dr.Param{{Name: "service"}, {Name: "at", Flag: "--at", Option: true, Optional: true, Time: true, Hole: "TIME"}, {Name: "reason", Rest: true}}}
	c, err := text.New(append(dr.Verbs(), drill))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Add("en", []byte(`{verb.drill: "practise", param.at: "when"}`)); err != nil {
		t.Fatal(err)
	}
	got, err := parse("drill portal --at 2026-01-31T03:12:00Z to see", c)
	if err != nil || got.verb != "drill" || got.args["service"] != "portal" || got.args["reason"] != "to see" || got.since.IsZero() {
		t.Errorf("it is read as %+v (%v)", got, err)
	}
	w := c.In("en", text.Slack)
	if _, next := w.Error(second(parse("dril portal", c))); !strings.Contains(next, "/dr drill SERVICE REASON") {
		t.Errorf("who mistypes it is told %q", next)
	}
	s := &Server{words: marked(w)}
	if help := s.help(); !strings.Contains(help, "• `/dr drill SERVICE REASON` – practise") || !strings.Contains(help, "• `--at TIME` – when") {
		t.Errorf("the help is\n%s", help)
	}
}

func second(_ command, err error) error { return err }

func FuzzParse(f *testing.F) {
	w := english(f)
	for _, s := range []string{"failover portal ap-northeast-1 disaster why", "answer x retry", "status —", "failover a b c --since"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		c, err := parse(typed, w.Catalogue())
		if err != nil {
			if what, next := w.Error(err); what == "" || next == "" {
				t.Errorf("%q is refused without words", typed)
			}
			return
		}
		if c.verb == "" {
			t.Errorf("%q is read as %+v", typed, c)
		}
		for name, value := range c.args {
			if name != "reason" && strings.ContainsAny(value, " \n\t") {
				t.Errorf("%q is read as %+v", typed, c)
			}
		}
	})
}
