package tf

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/user"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/text/texttest"
)

// losing stands before Moto and carries out every call; of those that take a lock it loses
// the answer of one, as a connection does that is cut while the answer comes.
func losing(t *testing.T, endpoint string, which int64) (string, *atomic.Int64) {
	t.Helper()
	to, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	var taken atomic.Int64
	proxy := httputil.NewSingleHostReverseProxy(to)
	proxy.ModifyResponse = func(res *http.Response) error {
		req := res.Request
		takes := req.Method == http.MethodPut && strings.HasSuffix(req.URL.Path, ".tflock") || strings.HasSuffix(req.Header.Get("X-Amz-Target"), ".PutItem")
		if takes && res.StatusCode < 300 && taken.Add(1) == which {
			panic(http.ErrAbortHandler)
		}
		return nil
	}
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	return server.URL, &taken
}

// TestALockWhoseAnswerWasLost loses the answer of the call that takes the lock: the SDK in
// Terraform asks again and is refused by its own lock, which nobody would ever release.
func TestALockWhoseAnswerWasLost(t *testing.T) {
	moto := startMoto(t)
	for name, c := range map[string]struct {
		file, table bool
		which       int64
	}{
		"the plan's, a file":   {file: true, which: 1},
		"the apply's, a table": {table: true, which: 2},
	} {
		t.Run(name, func(t *testing.T) {
			w := newCloud(t, moto, c.file, c.table)
			req := w.request("own", w.commitS3(`resource "terraform_data" "a" {}`))
			var taken *atomic.Int64
			w.opts.Environment["AWS_ENDPOINT_URL"], taken = losing(t, moto, c.which)
			r := w.apply(req)
			if r.Kind != dr.ApplyDone || r.Counts.Add != 1 || !strings.Contains(texttest.Say(t, r.Summary), "refused by its own lock") {
				t.Errorf("result %+v", r)
			}
			if taken.Load() < c.which {
				t.Fatal("no answer was lost, so nothing is proved")
			}
			if left := w.lockObject(); left != "" {
				t.Errorf("a lock is left: %s", left)
			}
			req.Key = "later"
			if r := w.apply(req); r.Kind != dr.ApplyDone || r.Counts.Add != 0 {
				t.Errorf("a later apply gave %+v", r)
			}
		})
	}
}

// TestALockOfSomebodyElse is not taken for an own one: what differs in one thing stays.
func TestALockOfSomebodyElse(t *testing.T) {
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	began := time.Date(2026, 11, 30, 3, 0, 0, 0, time.UTC)
	ended := began.Add(20 * time.Second)
	own := stateLock{ID: "1", Operation: applyOperation, Who: me.Username + "@" + host, Created: began.Add(time.Second)}
	if !own.by(0, applyOperation, began, ended) {
		t.Error("the own lock is not known")
	}
	for name, change := range map[string]func(*stateLock){
		"no id":             func(l *stateLock) { l.ID = "" },
		"another operation": func(l *stateLock) { l.Operation = planOperation },
		"another user":      func(l *stateLock) { l.Who = "somebody@" + host },
		"another host":      func(l *stateLock) { l.Who = me.Username + "@another" },
		"nobody":            func(l *stateLock) { l.Who = "" },
		"taken before":      func(l *stateLock) { l.Created = began.Add(-time.Millisecond) },
		"taken after":       func(l *stateLock) { l.Created = ended.Add(time.Millisecond) },
		"no moment":         func(l *stateLock) { l.Created = time.Time{} },
	} {
		l := own
		change(&l)
		if l.by(0, applyOperation, began, ended) {
			t.Errorf("%s: taken for the own", name)
		}
	}
	if own.by(anotherUser, applyOperation, began, ended) {
		t.Error("the lock of the bot's user is taken for that of Terraform's")
	}
}
