package tf

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drbot/drbot/dr"
)

// bank makes sessions of some length, one after the other.
type bank struct {
	last   time.Duration
	broken error
	made   int
}

func (b *bank) borrow(context.Context) (Keys, error) {
	if b.broken != nil {
		return Keys{}, b.broken
	}
	b.made++
	return Keys{ID: fmt.Sprint("ASIA", b.made), Secret: fmt.Sprint("secret-", b.made), Token: fmt.Sprint("token-", b.made), Until: time.Now().Add(b.last)}, nil
}

// TestSessionsAreRenewed goes through the hours of a long apply: at every look there is a
// session with at least half of its time left, and few are made.
func TestSessionsAreRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bank{last: 15 * time.Minute}
		l := newLender(b.borrow, func(err error) { t.Error(err) })
		for began := time.Now(); time.Since(began) < 3*time.Hour; time.Sleep(time.Minute) {
			k, err := l.session(t.Context())
			if left := time.Until(k.Until); err != nil || left < b.last/2 {
				t.Fatalf("%s left after %s, %v", left, time.Since(began), err)
			}
		}
		if b.made < 20 || b.made > 26 {
			t.Errorf("%d sessions in three hours", b.made)
		}
	})
}

// TestSTSIsAwayForAWhile gives the session that there is as long as it holds, does not wear
// out who asks, and gives none that has ended.
func TestSTSIsAwayForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, warned, asked := &bank{last: 15 * time.Minute}, 0, 0
		l := newLender(func(ctx context.Context) (Keys, error) { asked++; return b.borrow(ctx) }, func(error) { warned++ })
		first, err := l.session(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		b.broken = errors.New("STS does not answer")
		time.Sleep(8 * time.Minute)
		for range 60 {
			if k, err := l.session(t.Context()); err != nil || k != first {
				t.Fatalf("%+v, %v", k, err)
			}
			time.Sleep(time.Second)
		}
		if asked > 8 || warned != asked-1 {
			t.Errorf("asked %d times in a minute, told %d times", asked, warned)
		}
		time.Sleep(7 * time.Minute)
		if k, err := l.session(t.Context()); err == nil {
			t.Errorf("a session that has ended is given: %+v", k)
		}
		b.broken = nil
		if k, err := l.session(t.Context()); err != nil || k == first {
			t.Errorf("%+v, %v", k, err)
		}
		if got := l.known(); !slices.Contains(got, "secret-1") || !slices.Contains(got, "token-2") {
			t.Errorf("what was given and is to be scrubbed: %v", got)
		}
	})
}

// TestTheFirstSessionOfAnApply waits for an STS that does not answer at once, as nobody but
// people starts an apply anew, and not for one that refuses.
func TestTheFirstSessionOfAnApply(t *testing.T) {
	for name, c := range map[string]struct {
		code           dr.Code
		fails          int
		patience, took time.Duration
		well           bool
	}{
		"a moment":         {dr.Temporary, 3, time.Minute, 3 * time.Second, true},
		"too long":         {dr.Temporary, 1000, time.Minute, time.Minute, false},
		"a refusal":        {dr.Denied, 3, time.Minute, 0, false},
		"a plan's, no end": {dr.Temporary, 3, 0, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, left := &bank{last: time.Hour}, c.fails
				l := newLender(func(ctx context.Context) (Keys, error) {
					if left--; left >= 0 {
						return Keys{}, &dr.Error{Code: c.code}
					}
					return b.borrow(ctx)
				}, func(error) {})
				began := time.Now()
				if err := l.first(t.Context(), c.patience); (err == nil) != c.well || time.Since(began) != c.took {
					t.Errorf("after %s: %v", time.Since(began), err)
				}
			})
		})
	}
}

// opened is a lender that ends with the test.
func opened(t *testing.T, b *bank) *lender {
	t.Helper()
	l := newLender(b.borrow, func(error) {})
	if err := l.open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.close)
	return l
}

// asks asks a lender as the SDKs do.
func asks(t *testing.T, method, url, token string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

// TestLender asks as Terraform, as another act's Terraform and as anybody on this host.
func TestLender(t *testing.T) {
	b := &bank{last: time.Hour}
	l, other := opened(t, b), opened(t, b)
	env, others := map[string]string{}, map[string]string{}
	l.environment(env)
	other.environment(others)
	url, token := env["AWS_CONTAINER_CREDENTIALS_FULL_URI"], env["AWS_CONTAINER_AUTHORIZATION_TOKEN"]
	if !strings.HasPrefix(url, "http://127.0.0.1:") || len(token) < 26 || token == others["AWS_CONTAINER_AUTHORIZATION_TOKEN"] {
		t.Fatalf("%v, %v", env, others)
	}
	status, body := asks(t, http.MethodGet, url, token)
	var doc map[string]string
	if err := json.Unmarshal([]byte(body), &doc); err != nil || status != http.StatusOK {
		t.Fatalf("%d, %s", status, body)
	}
	if doc["AccessKeyId"] != "ASIA1" || doc["SecretAccessKey"] != "secret-1" || doc["Token"] != "token-1" || doc["Expiration"] == "" {
		t.Errorf("%v", doc)
	}
	for name, c := range map[string]struct {
		method, url, token string
		want               int
	}{
		"without a token":   {http.MethodGet, url, "", http.StatusForbidden},
		"another's token":   {http.MethodGet, url, others["AWS_CONTAINER_AUTHORIZATION_TOKEN"], http.StatusForbidden},
		"half of the token": {http.MethodGet, url, token[:20], http.StatusForbidden},
		"another path":      {http.MethodGet, url + "/../secrets", token, http.StatusNotFound},
		"a question":        {http.MethodGet, url + "?role=other", token, http.StatusNotFound},
		"another method":    {http.MethodPost, url, token, http.StatusMethodNotAllowed},
		"a head":            {http.MethodHead, url, token, http.StatusMethodNotAllowed},
	} {
		if status, body := asks(t, c.method, c.url, c.token); status != c.want || strings.Contains(body, "secret-") {
			t.Errorf("%s: %d, %s", name, status, body)
		}
	}
	b.broken, b.last = errors.New("the account's own secret"), 0
	if status, body := asks(t, http.MethodGet, others["AWS_CONTAINER_CREDENTIALS_FULL_URI"], others["AWS_CONTAINER_AUTHORIZATION_TOKEN"]); status != http.StatusServiceUnavailable || strings.Contains(body, "own secret") {
		t.Errorf("what STS said reaches Terraform: %d, %s", status, body)
	}
	l.close()
	if conn, err := net.Dial("tcp", l.listener.Addr().String()); err == nil {
		_ = conn.Close()
		t.Error("the address is there although the act has ended")
	}
}

// TestLenderIsNotHeldUp has as many connections as are taken at once be opened and nothing
// said on them: who asks is answered.
func TestLenderIsNotHeldUp(t *testing.T) {
	l := newLender((&bank{last: time.Hour}).borrow, func(error) {})
	l.asking = 200 * time.Millisecond
	if err := l.open(); err != nil {
		t.Fatal(err)
	}
	defer l.close()
	for range 2 * mostAsking {
		conn, err := net.Dial("tcp", l.listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	env := map[string]string{}
	l.environment(env)
	if status, _ := asks(t, http.MethodGet, env["AWS_CONTAINER_CREDENTIALS_FULL_URI"], env["AWS_CONTAINER_AUTHORIZATION_TOKEN"]); status != http.StatusOK {
		t.Error(status)
	}
}

// TestWhatTerraformIsLent is what leads Terraform to credentials, by what is configured.
func TestWhatTerraformIsLent(t *testing.T) {
	t.Setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/base")
	t.Setenv("ECS_CONTAINER_METADATA_URI_V4", "http://169.254.170.2/v4/base")
	svc := dr.Service{Name: "portal", Regions: []dr.Region{"ap-northeast-2", "ap-northeast-1"}}
	own := Options{Environment: map[string]string{"AWS_PROFILE": "base", "AWS_MAX_ATTEMPTS": "5"}, PassEnv: []string{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "ECS_CONTAINER_METADATA_URI_V4"}}
	lending := own
	lending.Lending = &Lending{Role: func(service string, region dr.Region, apply bool) string {
		return fmt.Sprint(service, "-", region, "-", apply)
	}}
	env := (&Terraform{opts: lending}).environment(svc, dr.Stack{}, toApply)
	for name := range env {
		if dr.GivesCredentials(name) {
			t.Errorf("%s is Terraform's beside what it is lent", name)
		}
	}
	if env[metadataDisabled] != "true" || env["AWS_MAX_ATTEMPTS"] != "5" {
		t.Errorf("%v", env)
	}
	if env := (&Terraform{opts: own}).environment(svc, dr.Stack{}, toPlan); env["AWS_PROFILE"] != "base" || env[metadataDisabled] != "" {
		t.Errorf("nothing is lent, and what is given is not there: %v", env)
	}
	if env := (&Terraform{}).environment(svc, dr.Stack{}, toPlan); env[metadataDisabled] != "true" {
		t.Errorf("nothing is given, and the host's own role is in reach: %v", env)
	}
	written := Options{Environment: map[string]string{metadataDisabled: "false"}}
	if env := (&Terraform{opts: written}).environment(svc, dr.Stack{}, toPlan); env[metadataDisabled] != "false" {
		t.Errorf("the host's own role is not given although it was written: %v", env)
	}
	for _, c := range []struct {
		stack dr.Region
		why   purpose
		want  Loan
	}{
		{"ap-northeast-2", toPlan, Loan{"portal-ap-northeast-2-false", "ap-northeast-2", "ap-northeast-2", ActPlan}},
		{"ap-northeast-2", toLook, Loan{"portal-ap-northeast-2-true", "ap-northeast-2", "ap-northeast-2", ActLook}},
		{"", toApply, Loan{"portal-ap-northeast-1-true", "", "ap-northeast-1", ActApply}},
	} {
		if got := lending.Lending.loan(svc, dr.Stack{Region: c.stack}, c.why); *got != c.want {
			t.Errorf("%+v, not %+v", *got, c.want)
		}
	}
	if got := own.Lending.loan(svc, dr.Stack{}, toApply); got != nil {
		t.Errorf("%+v is lent by nobody", got)
	}
}
