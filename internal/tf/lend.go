package tf

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/net/netutil"

	"github.com/drbot/drbot/dr"
)

// Lending is where the credentials come from that Terraform has for AWS: it is lent the short
// session of the one role that its act needs, by an address on this host that answers to a
// token of that one act and ends with it. Whatever else leads to credentials is kept from it.
type Lending struct {
	// Role names the role of a service in a Region, to plan or to apply.
	Role func(service string, region dr.Region, apply bool) string
	// Keys makes a session in this process. The supervisor, which outlives it, makes its own
	// from Source.
	Keys   Borrow
	Source Source
}

// Borrow makes a session of a role.
type Borrow func(context.Context, Loan) (Keys, error)

// Source is what another process needs to make sessions as this one does. It holds secrets.
type Source struct {
	Environment map[string]string // of the credentials that this one has itself
	Endpoint    string
	CallTimeout time.Duration
}

// Loan is the session that one act's Terraform works under.
type Loan struct {
	Role   string
	Region dr.Region // of the stack; empty for one that belongs to none
	Else   dr.Region // whose role that one takes
	Act    Act
}

// Act is what a session is for.
type Act int

// The acts. To look is to plan with what the apply will have, as far as it only reads.
const (
	ActPlan Act = iota
	ActLook
	ActApply
)

// Keys are the credentials of a session.
type Keys struct {
	ID, Secret, Token string
	Until             time.Time
}

// loan is the session for a purpose; nil where nothing is lent.
func (l *Lending) loan(svc dr.Service, stack dr.Stack, why purpose) *Loan {
	if l == nil {
		return nil
	}
	of := regionOf(svc, stack)
	act := map[purpose]Act{toPlan: ActPlan, toLook: ActLook, toApply: ActApply}[why]
	return &Loan{Role: l.Role(svc.Name, of, act != ActPlan), Region: stack.Region, Else: of, Act: act}
}

// lent is what Terraform's environment has of a loan before there is an address: nothing that
// leads to credentials, and no instance's metadata.
func lent(env map[string]string) {
	maps.DeleteFunc(env, func(name, _ string) bool { return dr.GivesCredentials(name) })
	env[metadataDisabled] = "true"
}

// metadataDisabled is the variable by which nobody asks an instance's metadata.
const metadataDisabled = "AWS_EC2_METADATA_DISABLED"

const (
	// mostAsking bounds the connections to a lender: a Terraform has a few providers.
	mostAsking = 32
	// askTime is how long somebody who connects may take to ask.
	askTime = 5 * time.Second
	// makeTime bounds the making of a session.
	makeTime = 30 * time.Second
	// tryAgain is how long the session that there is is given before another is asked for,
	// when none could be made.
	tryAgain = 10 * time.Second
	// firstAgain is how soon the first session is asked for again.
	firstAgain = time.Second
	// applyPatience is how long an apply waits for its first session: nobody but people starts
	// another.
	applyPatience = time.Minute
	// sessionPath is where a session is given.
	sessionPath = "/session"
)

// lender gives one Terraform its session, as a host gives one to a container: whatever speaks
// to AWS asks it by itself, and again before a session ends.
type lender struct {
	borrow func(context.Context) (Keys, error)
	now    func() time.Time
	warn   func(error)
	token  string
	asking time.Duration // that somebody who connects may take

	mu      sync.Mutex // held while a session is made, so that one is made at a time
	keys    Keys
	made    time.Time
	refused time.Time // when none could be made
	secrets []string  // of all sessions that were given

	server   *http.Server
	listener net.Listener
	ended    chan struct{}
}

// lend makes the first session and opens the address. It is an error when no session is given,
// so that nothing is started which would fail by another name.
func (j job) lend(ctx context.Context) (*lender, error) {
	loan := j.Secrets.Loan
	if loan == nil {
		return nil, nil
	}
	if j.borrow == nil {
		return nil, errors.New("nobody makes the sessions that Terraform is to be lent")
	}
	l := newLender(func(ctx context.Context) (Keys, error) { return j.borrow(ctx, *loan) }, j.warn)
	if err := l.first(ctx, j.patience); err != nil {
		return nil, err
	}
	if err := l.open(); err != nil {
		return nil, err
	}
	return l, nil
}

// to is the job with the session for an act, where something is lent.
func (j job) to(act Act) job {
	if j.Secrets.Loan != nil {
		loan := *j.Secrets.Loan
		loan.Act = act
		j.Secrets.Loan = &loan
	}
	return j
}

// relend has Terraform lent the session for another act from here on, at another address:
// what an earlier command has left running is not lent it.
func relend(ctx context.Context, m *module, act Act) error {
	if loan := m.job.Secrets.Loan; loan == nil || loan.Act == act {
		return nil
	}
	j := m.job.to(act)
	l, err := j.lend(ctx)
	if err != nil {
		return err
	}
	m.scrub = m.scrub.and(m.lender.known()...)
	m.lender.close()
	m.job, m.lender = j, l
	return raise(m, m.tf, working)
}

// first has a session made. What is temporary is tried again for a while.
func (l *lender) first(ctx context.Context, patience time.Duration) error {
	for end := l.now().Add(patience); ; {
		_, err := l.session(ctx)
		if err == nil || dr.CodeOf(err) != dr.Temporary || !l.now().Before(end) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(firstAgain):
		}
	}
}

func newLender(borrow func(context.Context) (Keys, error), warn func(error)) *lender {
	token := rand.Text()
	return &lender{borrow: borrow, now: time.Now, warn: warn, token: token, asking: askTime, secrets: []string{token}, ended: make(chan struct{})}
}

// open begins to answer, on this host alone.
func (l *lender) open() (err error) {
	if l.listener, err = net.Listen("tcp4", "127.0.0.1:0"); err != nil {
		return fmt.Errorf("lend a session: %w", err)
	}
	l.server = &http.Server{
		Handler: l, ReadTimeout: l.asking, WriteTimeout: makeTime + l.asking, MaxHeaderBytes: 8 << 10,
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), DisableGeneralOptionsHandler: true,
	}
	l.server.SetKeepAlivesEnabled(false)
	go func() {
		defer close(l.ended)
		_ = guarded(func() error { return l.server.Serve(netutil.LimitListener(l.listener, mostAsking)) }) // it ends when it is closed
	}()
	return nil
}

// close ends the address, and every connection to it.
func (l *lender) close() {
	if l == nil || l.server == nil {
		return
	}
	_ = l.server.Close() // nobody is left to be told
	<-l.ended
}

// environment is what leads to the address.
func (l *lender) environment(env map[string]string) {
	if l == nil {
		return
	}
	env["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://" + l.listener.Addr().String() + sessionPath
	env["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = l.token
}

// known are the secrets of everything that was given.
func (l *lender) known() []string {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.secrets[:len(l.secrets):len(l.secrets)]
}

// ServeHTTP gives the session to who has the token.
func (l *lender) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	switch {
	case subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte(l.token)) != 1:
		refuse(w, http.StatusForbidden, "AccessDenied", "this address answers to one Terraform alone")
		return
	case r.URL.Path != sessionPath || r.URL.RawQuery != "":
		refuse(w, http.StatusNotFound, "NotFound", "there is a session and nothing else")
		return
	case r.Method != http.MethodGet:
		refuse(w, http.StatusMethodNotAllowed, "MethodNotAllowed", "a session is got")
		return
	}
	k, err := l.session(r.Context())
	if err != nil {
		// Why stands in the log: what is said here comes out of Terraform.
		refuse(w, http.StatusServiceUnavailable, "NoSession", "drbot could not renew the session of this act's role")
		return
	}
	answer(w, http.StatusOK, map[string]string{
		"AccessKeyId": k.ID, "SecretAccessKey": k.Secret, "Token": k.Token, "Expiration": k.Until.UTC().Format(time.RFC3339),
	})
}

func refuse(w http.ResponseWriter, status int, code, why string) {
	answer(w, status, map[string]string{"code": code, "message": why})
}

func answer(w http.ResponseWriter, status int, doc map[string]string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(doc) // who asked may be gone
}

// session is one that has at least half of its time left. Where none can be made the one
// that there is is given as long as it holds: STS may come back before it ends.
func (l *lender) session(ctx context.Context) (Keys, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	holds := now.Before(l.keys.Until)
	switch {
	case l.keys.Until.Sub(now) > l.keys.Until.Sub(l.made)/2:
		return l.keys, nil
	case holds && now.Sub(l.refused) < tryAgain:
		return l.keys, nil
	}
	// Somebody who goes does not take the others' session along.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), makeTime)
	defer cancel()
	var k Keys
	err := guarded(func() (err error) {
		k, err = l.borrow(ctx)
		return err
	})
	if err != nil {
		l.refused = l.now()
		l.warn(err)
		if holds {
			return l.keys, nil
		}
		return Keys{}, err
	}
	l.keys, l.made = k, now
	l.secrets = append(l.secrets, k.Secret, k.Token)
	return k, nil
}
