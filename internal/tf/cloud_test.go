package tf

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/sandbox/aws"
)

const bucket = "drbot-state"

// startMoto gives the address of an empty AWS.
func startMoto(t *testing.T) string {
	t.Helper()
	sandbox, err := aws.Start(t.Context(), aws.Options{Dir: t.TempDir(), Empty: true})
	if errors.Is(err, aws.ErrNoMoto) {
		t.Skipf("not proved here: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sandbox.Close)
	return sandbox.Layout.MotoEndpoint
}

// cloud is a world whose state is on S3.
type cloud struct {
	*world
	endpoint string
	object   string // the path of the state
}

// newCloud is a world with a state of its own. Its lock is a file beside the
// state, an item of a DynamoDB table, or both.
func newCloud(t *testing.T, endpoint string, file, table bool) *cloud {
	t.Helper()
	key := notPlain.ReplaceAllString(t.Name(), "_") + ".tfstate"
	c := &cloud{world: newWorld(t), endpoint: endpoint, object: "/" + bucket + "/" + key}
	c.opts.Environment = map[string]string{
		"AWS_ACCESS_KEY_ID": "SANDBOX", "AWS_SECRET_ACCESS_KEY": "sandbox", "AWS_ENDPOINT_URL": endpoint,
	}
	c.backend = map[string]string{
		"bucket": bucket, "key": key, "region": "us-east-1", "use_path_style": "true", "use_lockfile": fmt.Sprint(file),
		"skip_credentials_validation": "true", "skip_requesting_account_id": "true", "skip_metadata_api_check": "true",
	}
	c.call(http.MethodPut, "s3", "/"+bucket, "", "")
	if table {
		c.backend["dynamodb_table"] = key
		c.call(http.MethodPost, "dynamodb", "/", "DynamoDB_20120810.CreateTable", `{"TableName": "`+c.backend["dynamodb_table"]+`",
			"BillingMode": "PAY_PER_REQUEST", "KeySchema": [{"AttributeName": "LockID", "KeyType": "HASH"}],
			"AttributeDefinitions": [{"AttributeName": "LockID", "AttributeType": "S"}]}`)
	}
	return c
}

// call talks to Moto, which reads the service and the Region in the signature
// and does not check it. What is not there is empty.
func (c *cloud) call(method, service, path, target, body string) string {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.endpoint+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=SANDBOX/20260101/us-east-1/"+service+"/aws4_request, SignedHeaders=host, Signature=none")
	if target != "" {
		req.Header.Set("X-Amz-Target", target)
		req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	switch {
	case err == nil && res.StatusCode == http.StatusNotFound:
		return ""
	case err != nil || res.StatusCode >= 300:
		c.t.Fatalf("%s %s: %s, %v\n%s", method, path, res.Status, err, data)
	}
	return string(data)
}

// lockObject is the lock file; empty when there is none.
func (c *cloud) lockObject() string { return c.call(http.MethodGet, "s3", c.object+".tflock", "", "") }

// putLock puts somebody's lock file in place.
func (c *cloud) putLock(l map[string]string) string {
	c.t.Helper()
	data, err := json.Marshal(l)
	if err != nil {
		c.t.Fatal(err)
	}
	c.call(http.MethodPut, "s3", c.object+".tflock", "", string(data))
	return string(data)
}

// commitS3 commits a stack that keeps its state on S3.
func (c *cloud) commitS3(main string) string {
	c.t.Helper()
	f := files(main)
	f["app/main.tf"] = strings.Replace(f["app/main.tf"], `backend "local"`, `backend "s3"`, 1)
	return c.commit(f)
}

// talking is a gate at which the provisioner says something all the time, as
// resources that take long do every ten seconds.
func (g *gate) talking(first string) string {
	return first + "echo ran >> " + g.mark + "; while [ -p " + g.fifo + " ]; do echo waiting; sleep 0.05; done"
}

// killed starts an apply, kills all of it at the gate once its lock is known,
// and gives the folder and what the caller gets. Nothing else may be made beside
// what stands at the gate.
func (w *world) killed(req dr.ApplyRequest, g *gate, lockKnown bool, kill func(pid int)) (folder, dr.ApplyResult) {
	w.t.Helper()
	tf := w.terraform()
	wait := w.applying(tf, req)
	g.reached()
	f := tf.disk.applyFolder(req.Key)
	eventually(w.t, "the supervisor has heard of it", func() bool {
		a, err := f.fallen()
		return err == nil && len(a.open) > 0
	})
	if lockKnown {
		awaitOwnLock(w.t, f)
	}
	kill(supervisorOf(w.t, f))
	return f, wait()
}

// awaitOwnLock waits until an apply's lock is proved to be its.
func awaitOwnLock(t *testing.T, f folder) {
	t.Helper()
	eventually(t, "the lock is proved", func() bool {
		var own ownLock
		known, err := f.read(ownLockFile, &own)
		return known && err == nil && !own.Working.IsZero()
	})
}

// killSession kills everything that was started in a supervisor's session, as
// the loss of the host would.
func killSession(t *testing.T) func(pid int) {
	return func(pid int) {
		t.Helper()
		eventually(t, "all of the apply is dead", func() bool {
			members := session(t, pid)
			for _, m := range members {
				_ = syscall.Kill(m, syscall.SIGKILL) // it may be gone by now
			}
			return len(members) == 0
		})
	}
}

// session lists the living processes of a session.
func session(t *testing.T, id int) []int {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	var out []int
	for _, name := range stats {
		data, err := os.ReadFile(name)
		if err != nil {
			continue // it ended
		}
		fields := strings.Fields(string(data)[bytes.LastIndexByte(data, ')')+1:])
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		if err == nil && fields[0] != "Z" && fields[3] == strconv.Itoa(id) {
			out = append(out, pid)
		}
	}
	return out
}
