package github_test

import (
	"bufio"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	sandbox "github.com/drbot/drbot/internal/sandbox/github"
)

func (w *world) page(path string, change func(*http.Request)) (int, string) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.ctx, http.MethodGet, w.url+path, nil)
	w.must(err)
	if change != nil {
		change(req)
	}
	resp, err := http.DefaultClient.Do(req)
	w.must(err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	w.must(err)
	return resp.StatusCode, string(body)
}

func (w *world) press(act string, form url.Values, origin string) int {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.ctx, http.MethodPost, w.url+"/acme/infra/pull/1/"+act, strings.NewReader(form.Encode()))
	w.must(err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if origin != "" {
		req.Header.Set("Origin", origin)
	}
	resp, err := http.DefaultTransport.RoundTrip(req) // no redirects: the status is the point
	w.must(err)
	resp.Body.Close()
	return resp.StatusCode
}

func TestPageShowsAndEscapes(t *testing.T) {
	w := newWorld(t)
	if _, list := w.page("/", nil); !strings.Contains(list, "No pull request yet") {
		t.Errorf("empty list: %s", list)
	}
	n := w.openChange(w.bot()).GetNumber()
	_, err := w.Comment(w.ctx, "dave", n, "<script>alert(1)</script>\n\n**bold** [x](javascript:alert(1)) <img src=x onerror=alert(1)>\n\n| a | b |\n|---|---|\n| `1` | 2 |\n\n<details><summary>Plan</summary>\n\n```diff\n+ <b>new</b>\n```\n</details>")
	w.must(err)
	_, err = w.Review(w.ctx, "alice", n, sandbox.Approved, "ship & <i onclick=x>go</i>", "")
	w.must(err)
	_, err = w.Push(w.ctx, sandbox.Push{By: "carol", Branch: branch, Path: "evil.html", Content: "<script>steal()</script>\n", Message: "<i>stray</i>"})
	w.must(err)
	status, html := w.page("/acme/infra/pull/1", nil)
	if status != 200 {
		t.Fatalf("status %d: %s", status, html)
	}
	for _, want := range []string{
		"Fail portal over to Tokyo", "<em>down</em>", "<h2>Why</h2>", "<strong>bold</strong>", "<td><code>1</code></td>",
		"<details>", "<summary>Plan</summary>", "&lt;b&gt;new&lt;/b&gt;", "ship &amp; go", "older commit", "drbot/7f3a",
		"&lt;script&gt;steal()&lt;/script&gt;", "active_region = &#34;ap-northeast-1&#34;", "Merge by hand",
	} {
		if !strings.Contains(html, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, bad := range []string{"<script>alert", "<script>steal", `href="javascript`, "<img", "<i>stray", "http-equiv"} {
		if strings.Contains(html, bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
	if status, _ := w.page("/acme/infra/pull/9", nil); status != 404 {
		t.Errorf("a missing pull request: %d", status)
	}
	if _, list := w.page("/acme/infra/pulls", nil); !strings.Contains(list, "1 approval") {
		t.Error("the list does not count the approval")
	}
}

// TestPageOfACommit opens the commit that the page of a pull request leads to, and one that
// there is not.
func TestPageOfACommit(t *testing.T) {
	w := newWorld(t)
	w.openChange(w.bot())
	sha, err := w.Push(w.ctx, sandbox.Push{By: "carol", Branch: branch, Path: "evil.html", Content: "<script>steal()</script>\n", Message: "<i>stray</i>"})
	w.must(err)
	if _, html := w.page("/acme/infra/pull/1", nil); !strings.Contains(html, "/commit/"+sha) {
		t.Error("the page of the pull request does not lead to its commit")
	}
	status, html := w.page("/acme/infra/commit/"+sha, nil)
	for _, want := range []string{"&lt;i&gt;stray&lt;/i&gt;", "evil.html", "&lt;script&gt;steal()&lt;/script&gt;"} {
		if status != 200 || !strings.Contains(html, want) {
			t.Errorf("status %d: the page lacks %q", status, want)
		}
	}
	if status, _ := w.page("/acme/infra/commit/"+strings.Repeat("0", 40), nil); status != 404 {
		t.Errorf("a missing commit: %d", status)
	}
}

func TestPageButtons(t *testing.T) {
	w := newWorld(t)
	w.openChange(w.bot())
	as := func(login string) url.Values { return url.Values{"persona": {login}, "body": {"because"}} }
	if got := w.press("approve", as("alice"), ""); got != http.StatusSeeOther {
		t.Errorf("approve: %d", got)
	}
	for act, who := range map[string]string{"comment": "dave", "push": "bob", "request-changes": "carol"} {
		if got := w.press(act, as(who), w.url); got != http.StatusSeeOther {
			t.Errorf("%s: %d", act, got)
		}
	}
	if got := w.press("merge", as("dave"), w.url); got != http.StatusForbidden {
		t.Errorf("a reader merged: %d", got)
	}
	if got := w.press("merge", as("bob"), "https://evil.example"); got != http.StatusForbidden {
		t.Errorf("another site merged: %d", got)
	}
	if status, _ := w.page("/", func(r *http.Request) { r.Host = "evil.example" }); status != http.StatusForbidden {
		t.Errorf("under another name: %d", status)
	}
	p, err := w.Pull(1)
	w.must(err)
	if len(p.Reviews) != 2 || p.Commits != 2 || p.State != "open" || len(w.Comments(1)) != 1 {
		t.Errorf("after the buttons: %+v", p)
	}
	if got := w.press("merge", as("bob"), w.url); got != http.StatusSeeOther {
		t.Errorf("merge: %d", got)
	}
	if p, err = w.Pull(1); err != nil || !p.Merged || p.MergedBy != "bob" {
		t.Errorf("merged by %q, %v", p.MergedBy, err)
	}
}

func TestPageHearsOfChanges(t *testing.T) {
	w := newWorld(t)
	w.openChange(w.bot())
	req, err := http.NewRequestWithContext(w.ctx, http.MethodGet, w.url+"/events", nil)
	w.must(err)
	resp, err := http.DefaultClient.Do(req)
	w.must(err)
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	next := func() string {
		for lines.Scan() {
			if v, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				return v
			}
		}
		t.Fatal("the stream ended")
		return ""
	}
	first := next()
	_, err = w.Comment(w.ctx, "bob", 1, "hello")
	w.must(err)
	if second := next(); second == first {
		t.Error("the version did not change")
	}
}
