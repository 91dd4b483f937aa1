package aws

import (
	"net/http"
	"net/url"
	"testing"
	"time"
)

// Through makes a client as in production, behind a proxy. The environment's proxy is read
// once a process, so that a test cannot set it there.
func Through(t *testing.T, proxy string) *Client {
	t.Helper()
	t.Setenv("AWS_ACCESS_KEY_ID", "key")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	at, err := url.Parse(proxy)
	if err != nil {
		t.Fatal(err)
	}
	behind := newTransport().WithTransportOptions(func(tr *http.Transport) { tr.Proxy = http.ProxyURL(at) })
	c, err := New(t.Context(), Options{HTTPClient: &http.Client{Transport: behind.GetTransport()}, CallTimeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return c
}
