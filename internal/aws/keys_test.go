package aws_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/aws"
	"github.com/drbot/drbot/internal/aws/awstest"
)

// hands are those of a clock that a test moves.
type hands struct {
	mu sync.Mutex
	at time.Time
}

func (h *hands) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.at
}

func (h *hands) set(at time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.at = at
}

// eventually waits for what is done beside the calls.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	for range 500 {
		if so() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("never: %s", what)
}

// TestCaseAWS21KeysAreUsedUntilTheyEnd has STS away while a session has 58 s left: nobody
// notices until they are over.
func TestCaseAWS21KeysAreUsedUntilTheyEnd(t *testing.T) {
	for name, away := range map[string]func(*awstest.Fake) awstest.Answer{
		"503":     func(*awstest.Fake) awstest.Answer { return awstest.XMLError(503, "ServiceUnavailable") },
		"denied":  func(*awstest.Fake) awstest.Answer { return awstest.XMLError(403, "AccessDenied") },
		"silence": func(f *awstest.Fake) awstest.Answer { return f.Hang },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := awstest.NewFake(t)
			began := time.Now().Truncate(time.Second)
			clock := &hands{at: began}
			f.On("AssumeRole", session(time.Hour))
			f.On("DescribeGlobalClusters", awstest.SteadyGlobalCluster())
			f.On("FailoverGlobalCluster", awstest.XML(""))
			c := f.Client(t, roles, func(o *aws.Options) { o.Clock = clock.now })
			both := func() {
				t.Helper()
				start := time.Now()
				for range 3 {
					if err := read(t.Context(), c); err != nil {
						t.Error(err)
					}
					if err := act(t.Context(), c); err != nil {
						t.Error(err)
					}
				}
				if took := time.Since(start); took > awstest.CallTimeout {
					t.Errorf("waited %s", took)
				}
			}
			both()
			f.On("AssumeRole", away(f))
			clock.set(began.Add(time.Hour - 58*time.Second))
			both()
			asked := f.Count("ap-northeast-1 AssumeRole")
			if asked > 8 { // two at first, then each of the two sessions with the SDK's attempts
				t.Errorf("STS is asked %d times", asked)
			}
			clock.set(began.Add(time.Hour - time.Second)) // by STS's clock they may have begun a second later
			both()
			clock.set(began.Add(time.Hour + 2*time.Second))
			err := read(t.Context(), c)
			if code := dr.CodeOf(err); code != dr.Temporary && name != "denied" || code != dr.Denied && name == "denied" {
				t.Errorf("with keys that have ended: %v", err)
			}
			f.On("AssumeRole", session(2*time.Hour))
			eventually(t, "others are taken", func() bool { return read(t.Context(), c) == nil && act(t.Context(), c) == nil })
		})
	}
}

// TestCaseAWS21SessionsOfAnHour are asked for, and renewed ten minutes before their end.
func TestCaseAWS21SessionsOfAnHour(t *testing.T) {
	f := awstest.NewFake(t)
	began := time.Now().Truncate(time.Second)
	clock := &hands{at: began}
	f.On("AssumeRole", session(time.Hour))
	f.On("DescribeGlobalClusters", awstest.SteadyGlobalCluster())
	c := f.Client(t, roles, func(o *aws.Options) { o.Clock = clock.now })
	at := func(since time.Duration, want int) {
		t.Helper()
		clock.set(began.Add(since))
		if err := read(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		eventually(t, fmt.Sprintf("%d sessions after %s", want, since), func() bool { return f.Count("ap-northeast-1 AssumeRole") == want })
	}
	at(0, 1)
	if got := f.Last("AssumeRole").Form.Get("DurationSeconds"); got != "3600" {
		t.Errorf("a session of %s s", got)
	}
	at(49*time.Minute, 1)
	f.On("AssumeRole", session(2*time.Hour)) // by the clock of the test it is an hour from now
	at(51*time.Minute, 2)
	at(52*time.Minute, 2)
}

// TestCaseAWS21TheHostsOwnKeys are used until they end as well: the agent that gives them
// may be away.
func TestCaseAWS21TheHostsOwnKeys(t *testing.T) {
	ownChain(t)
	var away atomic.Bool
	began := time.Now().Truncate(time.Second)
	agent := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if away.Load() {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		_, _ = io.WriteString(w, fmt.Sprintf(`{"AccessKeyId":"ASIA","SecretAccessKey":"s","Token":"t","Expiration":%q}`, began.Add(time.Hour).UTC().Format(time.RFC3339)))
	}))
	defer agent.Close()
	t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", agent.URL)
	clock := &hands{at: began}
	c, err := aws.New(t.Context(), aws.Options{CallTimeout: 5 * awstest.CallTimeout, Clock: clock.now, HTTPClient: &http.Client{
		Transport: page(200, "text/xml", "<DescribeGlobalClustersResponse><DescribeGlobalClustersResult/></DescribeGlobalClustersResponse>")}})
	if err != nil {
		t.Fatal(err)
	}
	for _, since := range []time.Duration{0, 51 * time.Minute, 56 * time.Minute, time.Hour - 58*time.Second, time.Hour - time.Second} {
		clock.set(began.Add(since))
		if err := read(t.Context(), c); err != nil {
			t.Errorf("after %s: %v", since, err)
		}
		away.Store(true)
	}
}
