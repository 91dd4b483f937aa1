package route53

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/aws/awstest"
)

func port(t *testing.T, s *httptest.Server) string {
	t.Helper()
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u.Port()
}

func TestProbe(t *testing.T) {
	var hosts []string
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hosts = append(hosts, r.Host)
		switch r.URL.Path {
		case "/health":
			fmt.Fprint(w, strings.Repeat("x", 2*probeBody))
		case "/moved":
			http.Redirect(w, r, "/health", http.StatusFound)
		default:
			http.Error(w, "down", http.StatusServiceUnavailable)
		}
	}))
	defer app.Close()
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	defer secure.Close()
	// The first address takes no connection.
	ns := serveNames(t, &nameServer{records: []string{
		"ap-northeast-1.portal.example.test. 60 IN A 127.0.0.9",
		"ap-northeast-1.portal.example.test. 60 IN A 127.0.0.1",
	}})
	s := named(ns.addr)
	base := "http://{host}:" + port(t, app)
	for name, tc := range map[string]struct {
		probe  dr.Probe
		level  dr.Level
		value  float64
		detail string
	}{
		"ok":           {dr.Probe{URL: base + "/health"}, dr.OK, 200, "/health"},
		"wanted":       {dr.Probe{URL: base + "/other", Status: 503}, dr.OK, 503, ""},
		"unwanted":     {dr.Probe{URL: base + "/other?token=canary"}, dr.Fail, 503, "answers 503 instead of 200"},
		"redirect":     {dr.Probe{URL: base + "/moved"}, dr.Fail, 302, "302"},
		"certificate":  {dr.Probe{URL: "https://{host}:" + port(t, secure) + "/"}, dr.Fail, 0, "certificate"},
		"nobody there": {dr.Probe{URL: "http://{host}:" + strings.Split(dead(t), ":")[1] + "/?token=canary"}, dr.Fail, 0, "no answer"},
		"no such name": {dr.Probe{URL: "http://x.{host}/"}, dr.Fail, 0, "does not exist"},
		"an address":   {dr.Probe{URL: app.URL + "/health"}, dr.OK, 200, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s.Probes = []dr.Probe{tc.probe}
			hosts = nil
			got, err := namesWith(t, &system{}).Probe(t.Context(), s, "ap-northeast-1.portal.example.test")
			if err != nil || len(got) != 1 {
				t.Fatalf("%+v, %v", got, err)
			}
			check := got[0]
			if check.Name != "probe" || check.Region != awstest.Tokyo || check.Level != tc.level || check.At.IsZero() || !strings.Contains(awstest.Say(t, check.Detail), tc.detail) {
				t.Errorf("%+v", check)
			}
			if (check.Value == nil) != (tc.value == 0) || check.Value != nil && *check.Value != tc.value {
				t.Errorf("value %v, want %v", check.Value, tc.value)
			}
			if strings.Contains(check.Line().String(), "canary") {
				t.Errorf("the query is shown: %s", check.Line())
			}
			if strings.Contains(tc.probe.URL, base) && (len(hosts) != 1 || hosts[0] != "ap-northeast-1.portal.example.test:"+port(t, app)) {
				t.Errorf("asked as %q", hosts)
			}
		})
	}
}

func TestProbeOfNothing(t *testing.T) {
	c := namesWith(t, &system{})
	if got, err := c.Probe(t.Context(), named(dead(t)), "portal.example.test"); err != nil || len(got) != 0 {
		t.Errorf("%+v, %v", got, err)
	}
	s := named(dead(t))
	s.Probes = []dr.Probe{{URL: "http://{host}/"}}
	got, err := c.Probe(t.Context(), s, "portal.example.test")
	if err != nil || len(got) != 1 || got[0].Level != dr.Unknown || got[0].Value != nil {
		t.Errorf("no name server: %+v, %v", got, err)
	}
	for _, bad := range []string{"{host}/health", "ftp://{host}/", "http://", ":"} {
		s.Probes = []dr.Probe{{URL: bad}}
		_, err := c.Probe(t.Context(), s, "portal.example.test")
		awstest.Refused(t, err, dr.Invalid)
	}
}
