//go:build attack

package tf

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
)

// account stands in for STS, and keeps who asked. It gives a role to drbot's own credentials
// alone, as the trust policies of terraform/modules/drbot do.
type account struct {
	*httptest.Server
	mu    sync.Mutex
	asked []string // KEY ACTION
}

func newAccount(t *testing.T) *account {
	a := &account{}
	a.Server = httptest.NewServer(a)
	t.Cleanup(a.Close)
	return a
}

func (a *account) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20)) // half of it is answered like none
	form, _ := url.ParseQuery(string(body))
	_, rest, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	key, _, _ := strings.Cut(rest, "/")
	action := form.Get("Action")
	a.mu.Lock()
	a.asked = append(a.asked, key+" "+action)
	a.mu.Unlock()
	w.Header().Set("Content-Type", "text/xml")
	switch {
	case action == "AssumeRole" && !strings.HasPrefix(key, "BASE"):
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>")
	case action == "AssumeRole":
		fmt.Fprintf(w, "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>BASE-of-a-role</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>%s</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>", time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	default:
		_, _ = io.WriteString(w, "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/x</Arn><UserId>x</UserId><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>")
	}
}

// keys are those that were used.
func (a *account) keys() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []string
	for _, q := range a.asked {
		if key, _, _ := strings.Cut(q, " "); !slices.Contains(out, key) {
			out = append(out, key)
		}
	}
	return out
}

// metadata stands in for an instance's and for a task's, each with drbot's own credentials.
// Nobody may as much as ask it.
type metadata struct {
	mu    sync.Mutex
	asked []string
}

func (m *metadata) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	m.asked = append(m.asked, r.Host+r.URL.Path)
	m.mu.Unlock()
	doc := map[string]string{"Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": "BASE-of-the-host", "SecretAccessKey": "s", "Token": "t", "Expiration": time.Now().Add(time.Hour).UTC().Format(time.RFC3339)}
	switch path := r.URL.Path; {
	case path == "/latest/api/token":
		w.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "300")
		_, _ = io.WriteString(w, "token")
	case strings.HasSuffix(path, "/security-credentials/"):
		_, _ = io.WriteString(w, "drbot")
	case strings.Contains(path, "credentials"):
		_ = json.NewEncoder(w).Encode(doc)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func (m *metadata) heard() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.asked)
}

// inOwnNetwork runs a test again in a network of its own, in which the addresses of metadata
// are this machine's. It tells whether this is it.
func inOwnNetwork(t *testing.T, addresses ...string) bool {
	t.Helper()
	const mark = "DRBOT_ATTACK_NETWORK"
	if os.Getenv(mark) != "" {
		return true
	}
	script := "ip link set lo up"
	for _, a := range addresses {
		script += " && ip addr add " + a + "/32 dev lo"
	}
	if out, err := exec.CommandContext(t.Context(), "unshare", "--net", "sh", "-c", script).CombinedOutput(); err != nil {
		t.Skipf("not proved here: no network of its own can be made: %v, %s", err, out)
	}
	cmd := exec.CommandContext(t.Context(), "unshare", "--net", "sh", "-c", script+` && exec "$0" "$@"`, os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), mark+"=1")
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Fatalf("in a network of its own: %v", err)
	}
	return false
}

// asIdentity is a stack that asks who it is, with a provider of the repository's making.
func asIdentity(provider string) map[string]string {
	return files(fmt.Sprintf(`
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}
provider "aws" {
  region                      = "us-east-1"
  skip_requesting_account_id  = true
  skip_credentials_validation = true
  max_retries                 = 0
%s
}
data "aws_caller_identity" "me" {}
`, provider))
}

// TestAttackOnBaseCredentials tries each way by which a provider comes to credentials, with
// all that drbot could have of its own around: in its environment, in its HOME, and at the
// addresses of instance and task. None gives more than the session of the act's role. With
// the host's own role left to Terraform by the configuration the very same stack is drbot.
func TestAttackOnBaseCredentials(t *testing.T) {
	plugins := os.Getenv("TF_PLUGIN_DIR")
	if plugins == "" {
		t.Skip("not proved here: TF_PLUGIN_DIR names no mirror with the AWS provider")
	}
	const instance, task = "169.254.169.254", "169.254.170.2"
	if !inOwnNetwork(t, instance, task) {
		return
	}
	around := &metadata{}
	for _, address := range []string{instance, task} {
		listener, err := net.Listen("tcp", address+":80")
		if err != nil {
			t.Fatal(err)
		}
		server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: around}}
		server.Start()
		t.Cleanup(server.Close)
	}
	home := t.TempDir()
	if err := os.Mkdir(filepath.Join(home, ".aws"), 0o700); err != nil {
		t.Fatal(err)
	}
	own := filepath.Join(home, ".aws", "credentials")
	const keys = "\naws_access_key_id = BASE-of-the-home\naws_secret_access_key = s\n"
	for name, text := range map[string]string{
		"credentials": "[default]" + keys + "[base]" + keys, "config": "[profile host]\ncredential_source = Ec2InstanceMetadata\nrole_arn = arn:aws:iam::123456789012:role/x\n", "token": "web identity",
	} {
		if err := os.WriteFile(filepath.Join(home, ".aws", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, value := range map[string]string{
		"HOME": home, "AWS_ACCESS_KEY_ID": "BASE-of-the-environment", "AWS_SECRET_ACCESS_KEY": "s", "AWS_PROFILE": "base", "AWS_SHARED_CREDENTIALS_FILE": own,
		"AWS_WEB_IDENTITY_TOKEN_FILE": filepath.Join(home, ".aws", "token"), "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/x",
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials/base", "ECS_CONTAINER_METADATA_URI_V4": "http://" + task + "/v4/base",
	} {
		t.Setenv(name, value)
	}
	bank := newBank(t, time.Hour)
	for _, c := range []struct {
		name, provider string
		left           string // the key that it gets where what stops it is left out
		wall           string // what stops it
	}{
		{name: "as it is", wall: "it is lent the session of its role"},
		{name: "a profile of the bot's", provider: `profile = "base"`, wall: "HOME is empty, and no configuration is named"},
		{name: "the bot's file", provider: fmt.Sprintf("shared_credentials_files = [%q]\nprofile = \"base\"", own), wall: "files of the bot are not granted"},
		{name: "the host's role by a profile", provider: "shared_config_files = [\"${path.root}/host\"]\nprofile = \"host\"", wall: "AWS_EC2_METADATA_DISABLED"},
		{name: "a program of the repository's", provider: "shared_config_files = [\"${path.root}/host\"]\nprofile = \"program\"", wall: "nothing but Terraform and its providers is executed"},
		{name: "another role", provider: "assume_role {\n  role_arn = \"arn:aws:iam::123456789012:role/drbot-apply\"\n}", wall: "roles trust the bot alone"},
		{name: "the metadata, named", provider: "skip_metadata_api_check = false", wall: "the session comes before the host's role"},
		{name: "control: the host's role is left to it", left: "BASE-of-the-host", provider: "skip_metadata_api_check = false"},
		{name: "control: the bot's file without a wall", left: "BASE-of-the-home", provider: fmt.Sprintf("shared_credentials_files = [%q]\nprofile = \"base\"", own)},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			who := newAccount(t)
			before := len(around.heard())
			w.opts.PluginDir, w.opts.Isolation.Shell = plugins, false
			w.opts.Environment = map[string]string{"AWS_ENDPOINT_URL": who.URL, "AWS_ENDPOINT_URL_STS": who.URL}
			if w.opts.Lending = lendingOf(bank.URL); c.left != "" {
				w.opts.Lending, w.opts.Isolation, w.opts.Environment[metadataDisabled] = nil, Isolation{}, "false"
			}
			all := asIdentity(c.provider)
			all["app/host"] = "[profile host]\ncredential_source = Ec2InstanceMetadata\nrole_arn = arn:aws:iam::123456789012:role/x\n[profile program]\ncredential_process = /bin/cat " + own + "\n"
			_, err := w.terraform().Plan(t.Context(), dr.PlanRequest{Service: trusting(), Stack: w.stack(), Commit: w.commit(all)})
			used, heard := who.keys(), around.heard()[before:]
			if c.left != "" {
				if !slices.Contains(used, c.left) {
					t.Errorf("%s is out of reach without what is tried, so nothing is proved: %v, %v, %v", c.left, used, heard, err)
				}
				return
			}
			for _, key := range used {
				if strings.HasPrefix(key, "BASE") {
					t.Errorf("%s WENT THROUGH: Terraform is %s", c.name, key)
				}
			}
			if len(heard) > 0 {
				t.Errorf("%s WENT THROUGH: metadata was asked for %v", c.name, heard)
			}
			if c.name == "as it is" && (err != nil || !slices.Equal(used, []string{"READ-0-1"})) {
				t.Errorf("what is lent does not serve: %v, %v", used, err)
			}
			t.Logf("stopped: %s (%v)", c.wall, used)
		})
	}
}

// TestAttackOnAnothersSession looks for the session of another act from inside a stack: its
// address is found among the ports of this host, and answers nobody without its token.
func TestAttackOnAnothersSession(t *testing.T) {
	w := newWorld(t)
	other := opened(t, &bank{last: time.Hour})
	w.opts.Lending = lendingOf(newBank(t, time.Hour).URL)
	address := other.listener.Addr().(*net.TCPAddr)
	found := filepath.Join(w.dir, "found")
	steal := fmt.Sprintf(`curl -s -H "Authorization: $AWS_CONTAINER_AUTHORIZATION_TOKEN" http://127.0.0.1:%d%s >> %s; curl -s http://127.0.0.1:%d%s >> %s; curl -s -H "Authorization: $AWS_CONTAINER_AUTHORIZATION_TOKEN" "$AWS_CONTAINER_CREDENTIALS_FULL_URI" >> %s`,
		address.Port, sessionPath, found, address.Port, sessionPath, found, found)
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("not proved here: there is no curl on PATH")
	}
	req := w.request("steal", w.commit(files("resource \"terraform_data\" \"a\" {\n  provisioner \"local-exec\" {\n    command = <<-SH\n"+steal+"\n    SH\n  }\n}\n")))
	if r := w.apply(req); r.Kind != dr.ApplyDone {
		t.Fatalf("%+v", r)
	}
	data, err := os.ReadFile(found)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(data), "secret-1\"") {
		t.Errorf("another act's session WENT THROUGH: %s", data)
	}
	if !strings.Contains(string(data), "the-secret-of-2-1") || strings.Count(string(data), "AccessDenied") != 2 {
		t.Errorf("the own session is out of reach too, so nothing is proved: %s", data)
	}
	t.Log("stopped: each address answers to the token of one act")
}
