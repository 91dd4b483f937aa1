package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/aws"
	"github.com/drbot/drbot/internal/config"
	"github.com/drbot/drbot/internal/tf"
)

// tellers stands in for STS, and keeps the last request and who signed it.
type tellers struct {
	*httptest.Server
	form url.Values
	key  string
}

func newTellers(t *testing.T) *tellers {
	s := &tellers{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm() // what is none is found missing
		s.form = r.PostForm
		_, rest, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
		s.key, _, _ = strings.Cut(rest, "/")
		w.Header().Set("Content-Type", "text/xml")
		_, _ = fmt.Fprintf(w, "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>%s</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>", time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	}))
	t.Cleanup(s.Close)
	return s
}

// TestLending asks for each act's session as the bot does and as its supervisor does, which
// has the bot's credentials from the bot and from nowhere else.
func TestLending(t *testing.T) {
	sts := newTellers(t)
	t.Setenv("AWS_ACCESS_KEY_ID", "BASE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("AWS_REGION", "ap-northeast-3")
	cfg := &config.Config{AWS: config.AWS{
		Endpoint: sts.URL, CallTimeout: 5 * time.Second,
		ReadRole: "arn:aws:iam::123456789012:role/{service}-read-{region}", ApplyRole: "arn:aws:iam::123456789012:role/{service}-apply-{region}",
	}}
	cloud, err := aws.New(t.Context(), aws.Options{Endpoint: sts.URL})
	if err != nil {
		t.Fatal(err)
	}
	bot := lending(cfg, cloud)
	if read, apply := bot.Role("portal", "ap-northeast-1", false), bot.Role("portal", "ap-northeast-1", true); !strings.HasSuffix(read, "role/portal-read-ap-northeast-1") || !strings.HasSuffix(apply, "role/portal-apply-ap-northeast-1") {
		t.Errorf("%s, %s", read, apply)
	}
	// The supervisor is started without these.
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"} {
		if err := os.Unsetenv(name); err != nil {
			t.Fatal(err)
		}
	}
	supervisor, err := borrowing(t.Context(), bot.Source)
	if err != nil {
		t.Fatal(err)
	}
	for who, borrow := range map[string]tf.Borrow{"the bot": bot.Keys, "the supervisor": supervisor} {
		for _, c := range []struct {
			act           tf.Act
			name, seconds string
			narrowed      bool
		}{{tf.ActPlan, "drbot-plan", "900", false}, {tf.ActLook, "drbot-look", "900", true}, {tf.ActApply, "drbot-apply", "3600", false}} {
			keys, err := borrow(t.Context(), tf.Loan{Role: "arn:aws:iam::123456789012:role/x", Else: "ap-northeast-1", Act: c.act})
			if err != nil || keys.ID != "ASIA" || sts.key != "BASE" {
				t.Fatalf("%s: %+v, signed by %q, %v", who, keys, sts.key, err)
			}
			if name, seconds, narrowed := sts.form.Get("RoleSessionName"), sts.form.Get("DurationSeconds"), sts.form.Get("Policy") != ""; name != c.name || seconds != c.seconds || narrowed != c.narrowed {
				t.Errorf("%s asks for %s of %s s, narrowed: %t", who, name, seconds, narrowed)
			}
		}
	}
}

func TestNothingLent(t *testing.T) {
	if l := lending(&config.Config{AWS: config.AWS{ReadRole: "arn:aws:iam::123456789012:role/x"}}, nil); l != nil {
		t.Errorf("%+v is lent without a role to apply", l)
	}
	for name := range ownCredentials([]string{"AWS_PROFILE=p", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/u", "https_proxy=p", "NO_PROXY=n", "DRBOT_SLACK_TOKEN=x", "DRBOT_HASH_KEY=x", "PGPASSWORD=x", "HOME=/"}) {
		if !dr.GivesCredentials(name) && !strings.HasSuffix(strings.ToUpper(name), "_PROXY") {
			t.Errorf("the supervisor is handed %s", name)
		}
	}
}
