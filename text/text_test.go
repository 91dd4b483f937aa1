package text_test

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/text"
)

func words(t *testing.T, place text.Place) text.Words {
	t.Helper()
	c, err := text.New(dr.Verbs())
	if err != nil {
		t.Fatal(err)
	}
	return c.In("en", place)
}

// of gives the words of a small catalogue.
func of(t *testing.T, lang, english, korean string) text.Words {
	t.Helper()
	c, err := text.NewFrom(fstest.MapFS{"en.yaml": {Data: []byte(english)}, "ko.yaml": {Data: []byte(korean)}}, dr.Verbs())
	if err != nil {
		t.Fatal(err)
	}
	return c.In(lang, text.Slack)
}

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 1234 * time.Millisecond: "1.2s", 61 * time.Second: "1m1s", 4 * time.Hour: "4h0m", -90 * time.Second: "-1m30s",
		math.MinInt64:                   "-2562047h47m",
		59*time.Minute + 59*time.Second: "59m59s", 25*time.Hour + 31*time.Second: "25h1m",
	} {
		if got := text.Duration(d); got != want {
			t.Errorf("%v is %q, not %q", d, got, want)
		}
	}
}

func TestSay(t *testing.T) {
	at := time.Date(2026, 1, 31, 12, 12, 0, 0, time.FixedZone("KST", 9*3600))
	w := of(t, "en", `
all: "{{.word}} {{.foreign}} {{.int}} {{.half}} {{.at}} {{.took}} {{.inner}} {{.do}} {{.list}} {{.none}}"
inner: "({{.x}})"
count: {one: "{{.n}} stack", other: "{{.n}} stacks"}
`, "")
	got := w.Say(dr.T("all", "word", dr.Region("seoul"), "foreign", dr.Foreign("AWS says {{.x}}"), "int", 3, "half", 0.4, "at", at,
		"took", 90*time.Second, "inner", dr.T("inner", "x", "y"), "do", dr.Cmd("status"), "list", []dr.Text{dr.T("inner", "x", 1), dr.T("count", "n", 2)}, "none", ""))
	if want := "seoul AWS says {{.x}} 3 0.4 03:12:00 UTC 1m30s (y) /dr status (1), 2 stacks "; got != want {
		t.Errorf("said %q, not %q", got, want)
	}
	for n, want := range map[int]string{0: "0 stacks", 1: "1 stack", 2: "2 stacks"} {
		if got := w.Say(dr.T("count", "n", n)); got != want {
			t.Errorf("%d is said %q", n, got)
		}
	}
	if w.Say(dr.Text{}) != "" {
		t.Error("nothing is said in words")
	}
}

// TestLines sets texts below one another, each escaped once.
func TestLines(t *testing.T) {
	w := of(t, "en", `
all: "here:\n  {{.lines}}"
line: "- {{.x}}"
`, "").Marked(text.Marks{Escape: func(s string) string { return strings.ReplaceAll(s, "<", "&lt;") }})
	sent, err := json.Marshal(dr.T("all", "lines", dr.Lines{dr.T("line", "x", "<a>"), dr.T("line", "x", 2)}))
	if err != nil {
		t.Fatal(err)
	}
	var got dr.Text
	if err := json.Unmarshal(sent, &got); err != nil {
		t.Fatal(err)
	}
	if said := w.Say(got); said != "here:\n  - &lt;a>\n  - 2" {
		t.Errorf("said %q", said)
	}
}

// TestUnknownID has a text that no catalogue has be shown all the same.
func TestUnknownID(t *testing.T) {
	got := words(t, text.Slack).Marked(text.Marks{Escape: strings.ToUpper}).Say(dr.T("no.such", "who", "<!channel>", "n", 2))
	if got != "NO.SUCH(N=2, WHO=<!CHANNEL>)" {
		t.Errorf("said %q", got)
	}
}

func TestLanguageFallsBack(t *testing.T) {
	english, korean := `{a: "one {{.x}}", b: "two"}`, `{a: "하나 {{.x}}"}`
	w := of(t, "ko", english, korean)
	if got := w.Say(dr.T("a", "x", 1)) + ", " + w.Say(dr.T("b")); got != "하나 1, two" {
		t.Errorf("said %q", got)
	}
	if got := text.Capital(w.Say(dr.T("a", "x", 1))); got != "하나 1" {
		t.Errorf("begun with a capital letter it is %q", got)
	}
	if got := of(t, "fr", english, korean).Sentence(dr.T("a", "x", 1)); got != "One 1" {
		t.Errorf("in a language that is not there it is %q", got)
	}
}

func TestAdd(t *testing.T) {
	c, err := text.New(dr.Verbs())
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Add("en", []byte(`{state.paused: "resting", a.new: "new {{.x}}"}`)); err != nil {
		t.Fatal(err)
	}
	if got := c.In("en", text.Shell).Say(dr.T("a.new", "x", dr.RunPaused.Text())); got != "new resting" {
		t.Errorf("said %q", got)
	}
	if err := c.Add("en", []byte("{")); err == nil {
		t.Error("a broken file is taken")
	}
}

// TestMarks sees that what people typed is escaped once, wherever it stands, and the
// catalogue's own words never.
func TestMarks(t *testing.T) {
	w := of(t, "en", `
out: '<b> {{bold .who}} {{code .what}} {{code "own"}} {{.inner}} {{.list}} {{bold .none}}'
in: "& {{.x}}"
at: "{{.expires}} {{.seen}}"
`, "").Marked(text.Marks{
		Escape: func(s string) string { return strings.ReplaceAll(s, "<", "&lt;") },
		Bold:   "*",
		Code:   func(s string) string { return "`" + s + "`" },
		Time: func(arg string, at time.Time) string {
			if arg == "expires" {
				return "soon"
			}
			return ""
		},
	})
	got := w.Say(dr.T("out", "who", "<a>", "what", "<c>", "inner", dr.T("in", "x", "<d>"), "list", []string{"<e>"}, "none", ""))
	if want := "<b> *&lt;a>* `<c>` `own` & &lt;d> &lt;e> "; got != want {
		t.Errorf("said %q, not %q", got, want)
	}
	at := time.Unix(0, 0)
	if got := w.Say(dr.T("at", "expires", at, "seen", at)); got != "soon 00:00:00 UTC" {
		t.Errorf("times are said %q", got)
	}
	if got := w.Plain().Say(dr.T("in", "x", "<d>")); got != "& <d>" {
		t.Errorf("without marks it is %q", got)
	}
}

func TestCommand(t *testing.T) {
	full := dr.Cmd("failover", "service", "portal", "region", "ap-northeast-1", "mode", "planned", "reason", "it's on; $(rm)")
	for _, c := range []struct {
		cmd          dr.Command
		slack, shell string
	}{
		{dr.Cmd("failover", "service", "portal", "region", "ap-northeast-1", "mode", "planned"),
			"/dr failover portal ap-northeast-1 planned REASON", "drbot failover portal --to ap-northeast-1 --mode planned --reason TEXT"},
		{full, "/dr failover portal ap-northeast-1 planned it's on; $(rm)", `drbot failover portal --to ap-northeast-1 --mode planned --reason 'it'\''s on; $(rm)'`},
		{dr.Cmd("failback", "override-cooldown", "yes", "since", "2026-01-31T03:12:00Z"),
			"/dr failback SERVICE REGION planned|disaster --since 2026-01-31T03:12:00Z --override-cooldown REASON",
			"drbot failback SERVICE --to REGION --mode planned|disaster --since 2026-01-31T03:12:00Z --override-cooldown --reason TEXT"},
		{dr.Cmd("failover", "service", "portal", "region", "ap-northeast-2"), "/dr failover portal ap-northeast-2 planned|disaster REASON", "drbot failover portal --to ap-northeast-2 --mode planned|disaster --reason TEXT"},
		{dr.Cmd("status", "service", "portal"), "/dr status portal", "drbot status portal"},
		{dr.Cmd("status"), "/dr status", "drbot status"},
		{dr.Cmd("cancel", "run", "a;b"), "/dr cancel a;b", "drbot cancel 'a;b'"},
		{dr.Cmd("answer", "run", "portal-1", "answer", "retry|stop"), "/dr answer portal-1 retry|stop", "drbot answer portal-1 retry|stop"},
		{dr.Cmd("answer", "run", "portal-1"), "/dr answer portal-1 retry|accept|disaster|skip|stop", "drbot answer portal-1 retry|accept|disaster|skip|stop"},
		{dr.Cmd("config check"), "/dr config check", "drbot config check"},
	} {
		if got := words(t, text.Slack).Command(c.cmd); got != c.slack {
			t.Errorf("in Slack it is %q, not %q", got, c.slack)
		}
		if got := words(t, text.Shell).Command(c.cmd); got != c.shell {
			t.Errorf("in a shell it is %q, not %q", got, c.shell)
		}
	}
}

func TestUsage(t *testing.T) {
	for verb, want := range map[string][2]string{
		"failover": {"/dr failover SERVICE REGION planned|disaster REASON", "drbot failover SERVICE --to REGION --mode planned|disaster --reason TEXT"},
		"status":   {"/dr status [SERVICE|RUN]", "drbot status [SERVICE|RUN]"},
		"help":     {"/dr help", "drbot help"},
	} {
		v, ok := dr.VerbNamed(dr.Verbs(), verb)
		if got := [2]string{words(t, text.Slack).Usage(v), words(t, text.Shell).Usage(v)}; !ok || got != want {
			t.Errorf("%s is used as %q", verb, got)
		}
	}
}

func TestNearest(t *testing.T) {
	c, err := text.New(dr.Verbs())
	if err != nil {
		t.Fatal(err)
	}
	for typed, want := range map[string]string{"fialover": "failover", "Status": "status", "stauts": "status", "failbak": "failback", "helpp": "help", "promote": "", "x": "", "": ""} {
		if got, ok := c.Nearest(typed); got != want || ok != (want != "") {
			t.Errorf("whoever types %q may have meant %q", typed, got)
		}
	}
}

func TestError(t *testing.T) {
	w := words(t, text.Shell)
	what, next := w.Error(&dr.Error{What: dr.T("run.starting"), Next: dr.T("run.do.cancel"), Err: errors.New("secret")})
	if what != "starting" || next != "to stop it" {
		t.Errorf("said %q, %q", what, next)
	}
	if what, next = w.Error(errors.New("secret")); what == "" || next == "" || strings.Contains(what+next, "secret") {
		t.Errorf("an error without words is said %q, %q", what, next)
	}
}

func TestOneLine(t *testing.T) {
	if got := text.OneLine(" a\tb\r\n\x1b[31mc\u202ed\u0085 가 "); got != "a b [31mc d 가" {
		t.Errorf("it is %q", got)
	}
}

func TestVisible(t *testing.T) {
	if got := text.Visible("a\n\tb\x1b[31mc\u202ed\r\u009b 가"); got != "a\n\tb[31mcd 가" {
		t.Errorf("it is %q", got)
	}
}

// TestCheck says a check in words with its name, and one that has none by its name alone.
func TestCheck(t *testing.T) {
	c, err := text.New(dr.Verbs())
	if err != nil {
		t.Fatal(err)
	}
	w := c.In("en", text.Slack).Marked(text.Marks{Escape: func(s string) string { return strings.ReplaceAll(s, "<", "&lt;") }})
	for name, want := range map[string]string{
		"aurora.lag": "replication lag (aurora.lag): fail",
		"probe":      "probe: fail",
		"a<b":        "a&lt;b: fail",
	} {
		if got := w.Say(dr.T("policy.check", "check", name, "level", dr.Fail.Text())); got != want {
			t.Errorf("%s is said as %q, not %q", name, got, want)
		}
		of := dr.T("policy.check", "check", dr.T("policy.subject", "check", name, "resource", "db"), "level", dr.Fail.Text())
		if got := w.Say(of); got != strings.Replace(want, ":", " of db:", 1) {
			t.Errorf("%s of a resource is said as %q", name, got)
		}
	}
}

// TestDate says a time with its day, and what was stored as words as it is.
func TestDate(t *testing.T) {
	w := of(t, "en", `due: "due {{date .at}}"`, "")
	at := time.Date(2026, 1, 31, 12, 12, 0, 0, time.UTC)
	for want, arg := range map[string]any{"due 2026-01-31 12:12 UTC": at, "due 2026-01-30 12:12 KST": "2026-01-30 12:12 KST"} {
		doc, err := json.Marshal(dr.T("due", "at", arg))
		if err != nil {
			t.Fatal(err)
		}
		var stored dr.Text
		if err := json.Unmarshal(doc, &stored); err != nil {
			t.Fatal(err)
		}
		if got := w.Say(stored); got != want {
			t.Errorf("said %q, not %q", got, want)
		}
	}
}
