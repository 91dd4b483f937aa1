package github

import (
	"crypto/sha256"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestWebhookLargeAndUnsigned sends large bodies that nobody signed: after some nothing of
// them is read, while small ones are taken as before, and large ones again a while later.
func TestWebhookLargeAndUnsigned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHook(t)
		h.maxBody = defaultMaxWebhook
		pad := strings.Repeat(" ", smallBody+1)
		genuine := `{"repository":{"full_name":"acme/infra"},"pull_request":{"number":7}}`
		codes := map[int]int{}
		for range 100 {
			code, _ := h.send(delivery("pull_request", pad, with("X-Hub-Signature-256", "sha256="+sign(sha256.New, "guessed", pad))))
			codes[code]++
		}
		if codes[http.StatusUnauthorized] != wastedBurst || codes[http.StatusTooManyRequests] != 100-wastedBurst {
			t.Errorf("answered %v", codes)
		}
		if code, said := h.send(delivery("pull_request", genuine)); code != http.StatusOK {
			t.Errorf("a small one was answered %d %s", code, said)
		}
		if code, _ := h.send(delivery("pull_request", genuine+pad)); code != http.StatusTooManyRequests {
			t.Errorf("a large one was answered %d", code)
		}
		time.Sleep(wastedEvery)
		if code, said := h.send(delivery("pull_request", genuine+pad)); code != http.StatusOK {
			t.Errorf("a large one was answered %d %s later", code, said)
		}
	})
}

// TestWebhookIdle sends comments that lead to nothing: they are answered, and nothing is
// recorded of them.
func TestWebhookIdle(t *testing.T) {
	h := newHook(t)
	h.idle = func(n Nudge) bool { return n.Kind == "issue_comment" }
	body := `{"issue":{"number":7,"pull_request":{}},` + inRepository + `}`
	for range 80 {
		if code, said := h.send(delivery("issue_comment", body)); code != http.StatusOK {
			t.Fatalf("%d %s", code, said)
		}
	}
	if len(h.seen) > 0 || len(h.nudges) > 0 {
		t.Errorf("%d recorded, %d nudges", len(h.seen), len(h.nudges))
	}
	if code, _ := h.send(delivery("issue_comment", body, with("X-Hub-Signature-256", "sha256="+strings.Repeat("0", 64)))); code != http.StatusUnauthorized {
		t.Errorf("an unsigned one was answered %d", code)
	}
}

// TestSlowBodies has four connections of somebody who has no secret, each with a body that never
// comes: they take all the room there is, and not for as long as a delivery waits.
func TestSlowBodies(t *testing.T) {
	h := newHook(t)
	h.maxBody = defaultMaxWebhook
	server := httptest.NewServer(h.Webhook)
	defer server.Close()
	for range bodiesAtOnce {
		c, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\nX-Hub-Signature-256: sha256="+strings.Repeat("0", 64)+"\r\nContent-Length: 1000\r\n\r\n{"); err != nil {
			t.Fatal(err)
		}
	}
	for deadline := time.Now().Add(10 * time.Second); len(h.room) < bodiesAtOnce; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("they take no room")
		}
	}
	const body = `{"repository":{"full_name":"acme/infra"},"pull_request":{"number":7}}`
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"X-Hub-Signature-256": "sha256=" + sign(sha256.New, secret, body), "X-GitHub-Event": "pull_request", "X-GitHub-Delivery": "d", "Content-Type": "application/json"} {
		req.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("a genuine delivery was answered %d", res.StatusCode)
	}
}
