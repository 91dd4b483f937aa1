package aws

import (
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
)

const role = "arn:aws:iam::123456789012:role/drbot"

func TestNewOptions(t *testing.T) {
	for _, endpoint := range []string{"127.0.0.1:5000", "ftp://127.0.0.1", "http://", ":"} {
		_, err := New(t.Context(), Options{Endpoint: endpoint})
		refused(t, err, dr.Invalid)
	}
}

func TestLocalEndpointNeedsNoCABundle(t *testing.T) {
	t.Setenv("AWS_CA_BUNDLE", filepath.Join(t.TempDir(), "missing.pem"))
	f := newFake(t)
	f.on("DescribeGlobalClusters", steady())
	if _, err := f.client(t).DatabaseState(t.Context(), portal(), tokyo); err != nil {
		t.Fatal(err)
	}
}

// hosts answers every call with a refusal and keeps the hosts asked.
type hosts struct {
	mu    sync.Mutex
	names []string
}

func (h *hosts) RoundTrip(r *http.Request) (*http.Response, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.names = append(h.names, r.URL.Host)
	return &http.Response{StatusCode: http.StatusForbidden, Header: http.Header{}, Request: r,
		Body: io.NopCloser(strings.NewReader("<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>"))}, nil
}

func TestRolesAreTakenInTheRegionTheyAreFor(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "key")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("AWS_REGION", string(seoul))
	var seen hosts
	c, err := New(t.Context(), Options{
		HTTPClient: &http.Client{Transport: &seen},
		Roles:      func(string, dr.Region, Purpose) string { return role },
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.DatabaseState(t.Context(), portal(), tokyo)
	refused(t, err, dr.Denied)
	if want := []string{"sts.ap-northeast-1.amazonaws.com"}; !slices.Equal(seen.names, want) {
		t.Errorf("asked %q, want %q", seen.names, want)
	}
	if msg, hint := dr.Public(err, ""); !strings.Contains(msg, role) || !strings.Contains(hint, "sts:AssumeRole") {
		t.Errorf("people are shown %q, %q", msg, hint)
	}
}

func assumed() func(http.ResponseWriter, call) {
	return xml("<Credentials><AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>%s</Expiration></Credentials>",
		time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
}

func TestClientsAreKeptPerRegionAndRole(t *testing.T) {
	f := newFake(t)
	f.on("AssumeRole", assumed())
	f.on("DescribeGlobalClusters", steady())
	f.on("FailoverGlobalCluster", xml(""))
	c := f.client(t, func(o *Options) {
		o.Roles = func(_ string, _ dr.Region, p Purpose) string { return role + "-" + string(p) }
	})
	for range 3 {
		if _, err := c.DatabaseState(t.Context(), portal(), tokyo); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Promote(t.Context(), portal(), dr.Promotion{Mode: dr.Disaster, From: seoul, To: tokyo}); err != nil {
		t.Fatal(err)
	}
	if n := f.count("ap-northeast-1 AssumeRole"); n != 2 {
		t.Errorf("%d roles taken, want one to read and one to promote: %q", n, f.asked())
	}
	if got := f.last("AssumeRole").form.Get("RoleArn"); got != role+"-promote" {
		t.Errorf("took %q to promote", got)
	}
	for _, a := range f.asked() {
		if strings.HasPrefix(a, string(seoul)) {
			t.Errorf("%s was asked for in a disaster", a)
		}
	}
}

func TestErrorsAreSorted(t *testing.T) {
	for name, tc := range map[string]struct {
		answer func(http.ResponseWriter, call)
		code   dr.Code
		says   string
	}{
		"denied":      {xmlError(403, "AccessDenied"), dr.Denied, "rds:DescribeGlobalClusters"},
		"expired":     {xmlError(403, "ExpiredToken"), dr.Denied, "credentials"},
		"throttled":   {xmlError(400, "Throttling"), dr.Temporary, "slow down"},
		"throttled 5": {xmlError(503, "RequestLimitExceeded"), dr.Temporary, "slow down"},
		"fault":       {xmlError(500, "InternalFailure"), dr.Temporary, "500"},
		"fault, html": {func(w http.ResponseWriter, _ call) { http.Error(w, "<html>", http.StatusBadGateway) }, dr.Temporary, "502"},
		"broken":      {broken, dr.Temporary, "cannot be reached"},
		"missing":     {xmlError(404, "GlobalClusterNotFoundFault"), dr.NotFound, "no global cluster portal"},
		"empty":       {xml("<GlobalClusters></GlobalClusters>"), dr.NotFound, "no global cluster portal"},
		"unheard of":  {xmlError(400, "SomethingNew"), dr.Invalid, "SomethingNew"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.on("DescribeGlobalClusters", tc.answer)
			_, err := f.client(t).DatabaseState(t.Context(), portal(), tokyo)
			refused(t, err, tc.code)
			if msg, _ := dr.Public(err, ""); !strings.Contains(msg, tc.says) {
				t.Errorf("people are shown %q, want %q in it", msg, tc.says)
			}
			if n := len(f.asked()); n > readAttempts {
				t.Errorf("%d attempts", n)
			}
		})
	}
}

func TestARegionThatHangsCostsOneTimeout(t *testing.T) {
	f := newFake(t)
	f.on("DescribeGlobalClusters", f.hang)
	f.on("AssumeRole", f.hang)
	for name, roles := range map[string]func(string, dr.Region, Purpose) string{
		"service": nil,
		"role":    func(string, dr.Region, Purpose) string { return role },
	} {
		c := f.client(t, func(o *Options) { o.CallTimeout, o.Roles = 100*time.Millisecond, roles })
		start := time.Now()
		_, err := c.DatabaseState(t.Context(), portal(), tokyo)
		refused(t, err, dr.Temporary)
		if took := time.Since(start); took > testTimeout {
			t.Errorf("%s: took %s", name, took)
		}
	}
}

func TestARegionThatRefusesConnections(t *testing.T) {
	f := newFake(t)
	c := f.client(t)
	f.Server.Close()
	_, err := c.DatabaseState(t.Context(), portal(), tokyo)
	refused(t, err, dr.Temporary)
	if _, err := c.DatabaseState(t.Context(), portal(), ""); dr.CodeOf(err) != dr.Invalid {
		t.Errorf("without a Region: %v", err)
	}
}
