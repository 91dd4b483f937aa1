package slack_test

import (
	"bufio"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	slackgo "github.com/slack-go/slack"
)

// element is a start tag of a parsed page with the text directly after it.
type element struct {
	name  string
	attrs map[string]string
	text  string
}

// parseHTML parses a page and fails on tags that do not match up.
func parseHTML(t *testing.T, page string) []element {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(page))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	var out []element
	ids := map[string]bool{}
	depth := 0
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("parse page: %v\n%s", err, page)
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			depth++
			e := element{name: tok.Name.Local, attrs: map[string]string{}}
			for _, a := range tok.Attr {
				e.attrs[a.Name.Local] = a.Value
			}
			if id := e.attrs["id"]; id != "" && ids[id] {
				t.Errorf("two elements have the id %s", id)
			}
			ids[e.attrs["id"]] = true
			out = append(out, e)
		case xml.EndElement:
			depth--
		case xml.CharData:
			if len(out) > 0 {
				out[len(out)-1].text += string(tok)
			}
		}
	}
	if depth != 0 {
		t.Errorf("%d tags left open", depth)
	}
	return out
}

func get(t *testing.T, url string, header ...string) (int, http.Header, string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Host" {
			req.Host = header[i+1]
		}
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(body)
}

const hostile = `<script>alert(1)</script><img src=x onerror=alert(2)> "'><!--`

func TestPageEscapesEverything(t *testing.T) {
	s, api, url := start(t, nil)
	startBot(t, s, nil)
	mustPost(t, api, ops, slackgo.MsgOptionText(hostile, false))
	mustPost(t, api, ops, slackgo.MsgOptionBlocks(
		slackgo.NewHeaderBlock(slackgo.NewTextBlockObject("plain_text", hostile, false, false)),
		section("*"+hostile+"* `"+hostile+"` ```"+hostile+"``` <javascript:alert(3)|click> <https://e.x/\"onmouseover=alert(4)|"+`x"y`+"> <@U0<b>>"),
		slackgo.NewContextBlock("", slackgo.NewTextBlockObject("mrkdwn", hostile, false, false)),
		cancelButton(),
	))
	if _, err := s.Say("U0MINA", ops, hostile, ""); err != nil {
		t.Fatal(err)
	}
	status, header, page := get(t, url+"/?channel="+ops+"&as=U0MINA")
	if status != 200 || !strings.Contains(header.Get("Content-Security-Policy"), "script-src 'self'") {
		t.Fatalf("status %d, header %v", status, header)
	}
	messages := 0
	for _, e := range parseHTML(t, page) {
		switch {
		case e.name == "script" && (e.attrs["src"] == "" || strings.TrimSpace(e.text) != ""):
			t.Errorf("an inline script: %+v", e)
		case e.name == "img" || e.name == "iframe" || e.name == "style":
			t.Errorf("a foreign tag: %+v", e)
		case e.name == "article":
			messages++
		}
		for name, value := range e.attrs {
			if strings.HasPrefix(name, "on") || name == "style" || strings.HasPrefix(strings.ToLower(value), "javascript:") {
				t.Errorf("a foreign attribute %s=%q on %s", name, value, e.name)
			}
		}
	}
	if messages != 3 {
		t.Errorf("%d messages on the page, want 3", messages)
	}
}

func TestPageShowsBlocksThreadAndEphemerals(t *testing.T) {
	_, api, url := start(t, nil)
	root := mustPost(t, api, ops, slackgo.MsgOptionBlocks(
		slackgo.NewHeaderBlock(slackgo.NewTextBlockObject("plain_text", "Failover :rocket:", true, false)),
		section("by <@U0MINA> in <#C0OTHER>, see <https://git.example/7|change 7>"), cancelButton()))
	mustPost(t, api, ops, slackgo.MsgOptionText("the plan", false), slackgo.MsgOptionTS(root))
	if _, err := api.PostEphemeral(ops, "U0MINA", slackgo.MsgOptionText("just you", false)); err != nil {
		t.Fatal(err)
	}
	_, _, mina := get(t, url+"/?channel="+ops+"&as=U0MINA&thread="+root)
	parseHTML(t, mina)
	for _, want := range []string{
		"<h3>Failover ", "🚀", `<span class="mention">@Mina Park</span>`, `<span class="mention">#random</span>`,
		`<a href="https://git.example/7" target="_blank" rel="noopener noreferrer">change 7</a>`, "1 reply", "the plan",
		"just you", "Only visible to you", `data-action="cancel"`, `<dialog class="confirm">`, "Eve Elsewhere (of evil)", "Vera Visitor (guest)",
	} {
		if !strings.Contains(mina, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if _, _, joon := get(t, url+"/?channel="+ops+"&as=U0JOON"); strings.Contains(joon, "just you") || strings.Contains(joon, "the plan") {
		t.Error("another persona sees an ephemeral message, or a closed thread")
	}
	for path, kind := range map[string]string{"page.js": "javascript", "page.css": "text/css"} {
		if status, h, _ := get(t, url+"/_sandbox/assets/"+path); status != 200 || !strings.Contains(h.Get("Content-Type"), kind) {
			t.Errorf("%s: %d %s", path, status, h.Get("Content-Type"))
		}
	}
}

func TestOtherSitesCannotDriveThePage(t *testing.T) {
	s, _, url := start(t, nil)
	startBot(t, s, nil)
	send := func(ctype string, header ...string) int {
		t.Helper()
		req, err := http.NewRequest(http.MethodPost, url+"/_sandbox/command",
			strings.NewReader(`{"persona":"U0MINA","channel":"`+ops+`","line":"/dr status"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", ctype)
		for i := 0; i+1 < len(header); i += 2 {
			if header[i] == "Host" {
				req.Host = header[i+1]
			}
			req.Header.Set(header[i], header[i+1])
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		return resp.StatusCode
	}
	for name, got := range map[string]int{
		"another origin": send("application/json", "Origin", "https://evil.example"),
		"no origin":      send("application/json", "Origin", "null"),
		"another site":   send("application/json", "Sec-Fetch-Site", "cross-site"),
		"another host":   send("application/json", "Host", "evil.example"),
		"a plain form":   send("text/plain"),
	} {
		if got < 400 {
			t.Errorf("%s got %d", name, got)
		}
	}
	if n := len(s.Deliveries()); n != 0 {
		t.Errorf("%d commands reached the bot", n)
	}
	if got := send("application/json", "Origin", url); got != 200 || len(s.Deliveries()) != 1 {
		t.Errorf("the page itself got %d", got)
	}
	if status, _, _ := get(t, url+"/_sandbox/state", "Host", "evil.example"); status != http.StatusForbidden {
		t.Errorf("state for another host: %d", status)
	}
}

func TestLiveUpdates(t *testing.T) {
	s, api, url := start(t, nil)
	startBot(t, s, nil)
	req, err := http.NewRequestWithContext(within(t, 10*time.Second), http.MethodGet, url+"/_sandbox/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	next := func() string {
		t.Helper()
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				return data
			}
		}
		t.Fatalf("the stream ended: %v", lines.Err())
		return ""
	}
	first := next()
	ts := mustPost(t, api, ops, slackgo.MsgOptionText("news", false), slackgo.MsgOptionBlocks(cancelButton()))
	if next() == first {
		t.Error("no event for a message")
	}
	var st struct{ Messages string }
	if _, _, body := get(t, url+"/_sandbox/state?channel="+ops+"&as=U0MINA"); json.Unmarshal([]byte(body), &st) != nil || !strings.Contains(st.Messages, "m-"+ts) {
		t.Errorf("state = %s", body)
	}
	if status := click(t, url, ts, false); status != http.StatusConflict {
		t.Errorf("an unconfirmed click got %d", status)
	}
	if status := click(t, url, ts, true); status != 200 || len(s.Deliveries()) != 1 {
		t.Errorf("a confirmed click got %d", status)
	}
}

func click(t *testing.T, url, ts string, confirmed bool) int {
	t.Helper()
	body, err := json.Marshal(m{"persona": "U0MINA", "channel": ops, "ts": ts, "block": "run-actions", "action": "cancel", "confirmed": confirmed})
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Post(url+"/_sandbox/click", "application/json", strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}
