//go:build attack

package tf

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
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
	asked map[string][]string // keys, by the Region that was asked
}

func newAccount(t *testing.T) *account {
	a := &account{asked: map[string][]string{}}
	a.Server = httptest.NewServer(a)
	t.Cleanup(a.Close)
	return a
}

func (a *account) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20)) // half of it is answered like none
	form, _ := url.ParseQuery(string(body))
	_, rest, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	key, action, region := "", form.Get("Action"), ""
	if scope := strings.Split(rest, "/"); len(scope) > 2 {
		key, region = scope[0], scope[2]
	}
	a.mu.Lock()
	a.asked[region] = append(a.asked[region], key)
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

// keys are those that were used in a Region.
func (a *account) keys(region string) []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Compact(slices.Clone(a.asked[region]))
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

// claim is one way by which a provider of the repository's says who it is. Each has a Region
// of its own, by which it is told apart.
type claim struct {
	name, region, provider string
	wall                   string // what stops it
}

// claims is a stack in which providers ask who they are.
func claims(all ...claim) map[string]string {
	var b strings.Builder
	b.WriteString("terraform {\n  required_providers {\n    aws = { source = \"hashicorp/aws\" }\n  }\n}\n")
	for i, c := range all {
		fmt.Fprintf(&b, "provider \"aws\" {\n  alias = \"a%d\"\n  region = %q\n  skip_requesting_account_id = true\n  skip_credentials_validation = true\n  max_retries = 0\n%s\n}\n", i, c.region, c.provider)
		fmt.Fprintf(&b, "data \"aws_caller_identity\" \"a%d\" {\n  provider = aws.a%d\n}\n", i, i)
	}
	return files(b.String())
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
	byFile := fmt.Sprintf("shared_credentials_files = [%q]\nprofile = \"base\"", own)
	tried := []claim{
		{"as it is", "us-east-1", "", "it is lent the session of its role"},
		{"a profile of the bot's", "us-east-2", `profile = "base"`, "HOME is empty, and no configuration is named"},
		{"the bot's file", "us-west-1", byFile, "files of the bot are not granted"},
		{"the host's role by a profile", "us-west-2", "shared_config_files = [\"${path.root}/host\"]\nprofile = \"host\"", "AWS_EC2_METADATA_DISABLED"},
		{"a program of the repository's", "eu-west-1", "shared_config_files = [\"${path.root}/host\"]\nprofile = \"program\"", "nothing but Terraform and its providers is executed"},
		{"another role", "eu-west-2", "assume_role {\n  role_arn = \"arn:aws:iam::123456789012:role/drbot-apply\"\n}", "roles trust the bot alone"},
		{"the metadata, named", "eu-west-3", "skip_metadata_api_check = false", "the session comes before the host's role"},
	}
	var given map[string]string // to a Terraform that is lent nothing
	plan := func(w *world, all map[string]string) *account {
		who := newAccount(w.t)
		all["app/host"] = "[profile host]\ncredential_source = Ec2InstanceMetadata\nrole_arn = arn:aws:iam::123456789012:role/x\n[profile program]\ncredential_process = /bin/cat keys.json\n"
		all["app/keys.json"] = `{"Version": 1, "AccessKeyId": "BASE-of-a-program", "SecretAccessKey": "s"}`
		w.opts.PluginDir, w.opts.Isolation.Shell = plugins, false
		w.opts.Environment = map[string]string{"AWS_ENDPOINT_URL": who.URL, "AWS_ENDPOINT_URL_STS": who.URL}
		if w.opts.Lending == nil {
			w.opts.Environment[metadataDisabled] = "false"
			maps.Copy(w.opts.Environment, given)
		}
		// How it ends does not matter: what was used does.
		_, err := w.terraform().Plan(t.Context(), dr.PlanRequest{Service: trusting(), Stack: w.stack(), Commit: w.commit(all)})
		w.t.Log(err)
		return who
	}
	lent := newWorld(t)
	lent.opts.Lending = lendingOf(newBank(t, time.Hour).URL)
	who := plan(lent, claims(tried...))
	for _, c := range tried {
		used := who.keys(c.region)
		if slices.ContainsFunc(used, func(key string) bool { return strings.HasPrefix(key, "BASE") }) {
			t.Errorf("%s WENT THROUGH: Terraform is %v", c.name, used)
		}
		if c.name == "as it is" && !slices.Equal(used, []string{"READ-0-1"}) {
			t.Errorf("what is lent does not serve: %v", used)
		}
		t.Logf("%-30s stopped: %s %v", c.name, c.wall, used)
	}
	if heard := around.heard(); len(heard) > 0 {
		t.Errorf("metadata WAS ASKED for %v", heard)
	}
	// The very same goes through where what stops it is left out, or it would be proved by nothing.
	open := newWorld(t)
	open.opts.Isolation = Isolation{}
	who = plan(open, claims(claim{region: "us-east-1", provider: "skip_metadata_api_check = false"}, claim{region: "us-east-2", provider: byFile}, tried[3], tried[4]))
	for region, key := range map[string]string{"us-east-1": "BASE-of-the-host", "us-east-2": "BASE-of-the-home", "us-west-2": "BASE-of-a-role", "eu-west-1": "BASE-of-a-program"} {
		if used := who.keys(region); !slices.Contains(used, key) {
			t.Errorf("%s is out of reach although nothing keeps it: %v", key, used)
		}
	}
	// And a profile and another role, where Terraform has the bot's own file as it used to.
	named := newWorld(t)
	named.opts.Isolation = Isolation{}
	given = map[string]string{"AWS_SHARED_CREDENTIALS_FILE": own}
	who = plan(named, claims(claim{region: "us-east-2", provider: `profile = "base"`}, claim{region: "eu-west-2", provider: tried[5].provider}))
	for _, region := range []string{"us-east-2", "eu-west-2"} {
		if used := who.keys(region); !slices.Contains(used, "BASE-of-the-home") {
			t.Errorf("in %s the bot's own is out of reach although nothing keeps it: %v", region, used)
		}
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
