package github

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	gh "github.com/google/go-github/v60/github"

	"github.com/drbot/drbot/dr"
)

const (
	defaultTimeout = 10 * time.Second
	defaultMaxWait = 2 * time.Minute
	defaultAgent   = "drbot"
)

// Options says which GitHub to talk to and as whom.
type Options struct {
	// Token gives the credential for one request. It is asked for each attempt, so
	// a source of short-lived installation tokens fits as well as a constant.
	Token func(ctx context.Context) (string, error)
	// App is drbot as a GitHub App, in the place of a token.
	App *App
	// Login is the bot's own login; asked for once when empty.
	Login string

	BaseURL   string // of a GitHub Enterprise host or a stand-in; github.com when empty
	UploadURL string // BaseURL when empty

	Transport http.RoundTripper // below the retries; http.DefaultTransport when nil
	UserAgent string
	Timeout   time.Duration // of one attempt, its body included; 10 s when zero
	MaxWait   time.Duration // that one call spends waiting for rate limits; 2 min when zero

	// Known tells whether a login is of somebody who may have a say. GitHub is asked about
	// nobody else's permission; about every reviewer's when nil.
	Known func(login string) bool

	// Share is how long the tip of the base and people's rights are shared by the looks
	// of the runs that wait on one repository; 15 s when zero.
	Share time.Duration

	// MergeTitle is the first line of the merge commit of a pull request; GitHub's own when nil.
	MergeTitle func(number int) string
	// Cut ends a text of which GitHub takes no more; three dots when empty.
	Cut string

	Logger *slog.Logger
	Clock  func() time.Time
	Sleep  func(ctx context.Context, d time.Duration) error
}

// Client is change control and publishing on GitHub. It is safe for concurrent use.
type Client struct {
	api        *gh.Client
	log        *slog.Logger
	sleep      func(ctx context.Context, d time.Duration) error
	now        func() time.Time
	mergeTitle func(number int) string
	cut        scissors
	known      func(login string) bool
	watch      *watcher
	app        *App

	mu   sync.Mutex
	self string
}

// New makes a client. It connects to nothing yet.
func New(o Options) (*Client, error) {
	if o.Token == nil && o.App == nil {
		return nil, &dr.Error{Code: dr.Invalid, What: dr.T("github.no-token")}
	}
	o = o.withDefaults()
	tr := newTransport(o)
	tr.next = newConditional(tr.next)
	api := gh.NewClient(&http.Client{Transport: tr})
	if err := address(api, o); err != nil {
		return nil, err
	}
	api.UserAgent = o.UserAgent
	tr.api = api.BaseURL
	return &Client{
		api: api, log: o.Logger, sleep: o.Sleep, now: o.Clock, mergeTitle: o.MergeTitle, cut: scissors(o.Cut), known: o.Known,
		watch: newWatcher(o.Clock, o.Share), app: o.App, self: o.Login,
	}, nil
}

// address points a client at the host that the options name.
func address(api *gh.Client, o Options) error {
	if o.BaseURL == "" {
		return nil
	}
	at, err := api.WithEnterpriseURLs(o.BaseURL, cmp.Or(o.UploadURL, o.BaseURL))
	if err != nil {
		return &dr.Error{Code: dr.Invalid, What: dr.T("github.address.no-url"), Err: err}
	}
	if s := at.BaseURL.Scheme; (s != "https" && s != "http") || at.BaseURL.Host == "" {
		return &dr.Error{Code: dr.Invalid, What: dr.T("github.address.scheme")}
	}
	api.BaseURL, api.UploadURL = at.BaseURL, at.UploadURL
	return nil
}

func (o Options) withDefaults() Options {
	if o.Transport == nil {
		o.Transport = http.DefaultTransport
	}
	o.UserAgent = cmp.Or(o.UserAgent, defaultAgent)
	o.Timeout = cmp.Or(o.Timeout, defaultTimeout)
	o.MaxWait = cmp.Or(o.MaxWait, defaultMaxWait)
	o.Share = cmp.Or(o.Share, defaultShare)
	if o.MergeTitle == nil {
		o.MergeTitle = func(int) string { return "" }
	}
	o.Cut = cmp.Or(o.Cut, "…")
	if o.Known == nil {
		o.Known = func(string) bool { return true }
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Sleep == nil {
		o.Sleep = sleep
	}
	return o
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Self is the bot's own login.
func (c *Client) Self(ctx context.Context) (string, error) {
	c.mu.Lock()
	known := c.self
	c.mu.Unlock()
	if known != "" {
		return known, nil
	}
	login, err := c.login(ctx)
	if err == nil && login == "" {
		err = errors.New("the answer has no login")
	}
	if err != nil {
		return "", explain(err, doingSelf())
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.self = login
	return login, nil
}

// login asks GitHub who the bot is. An App's installation token may not ask that.
func (c *Client) login(ctx context.Context) (string, error) {
	if c.app != nil {
		return c.app.login(ctx)
	}
	user, _, err := c.api.Users.Get(ctx, "")
	return user.GetLogin(), err
}

func doingSelf() dr.Text { return dr.T("github.doing.self") }

// byCount marks a listing that goes on for as long as its pages are full, whatever they say
// of a next one: a full page of it may be answered from what is remembered.
type byCount struct{}

// counted reads every page of a listing that is read again at each look.
func counted[T any](ctx context.Context, fetch func(context.Context, gh.ListOptions) ([]T, *gh.Response, error)) ([]T, error) {
	ctx = context.WithValue(ctx, byCount{}, true)
	var all []T
	for page := 1; page <= maxPages; page++ {
		items, resp, err := fetch(ctx, gh.ListOptions{Page: page, PerPage: fullPage})
		if err != nil {
			return nil, err
		}
		if all = append(all, items...); len(items) < fullPage && resp.NextPage <= page {
			return all, nil
		}
	}
	return nil, fmt.Errorf("a listing goes on after %d pages", maxPages)
}

// fullPage is the most that GitHub puts on one page.
const fullPage = 100

// maxPages bounds a listing whose links never end.
const maxPages = 200

// pages reads every page of a listing.
func pages[T any](fetch func(gh.ListOptions) ([]T, *gh.Response, error)) ([]T, error) {
	var all []T
	opts := gh.ListOptions{Page: 1, PerPage: fullPage}
	for range maxPages {
		items, resp, err := fetch(opts)
		if err != nil {
			return nil, err
		}
		all = append(all, items...)
		if resp.NextPage == 0 {
			return all, nil
		}
		if resp.NextPage <= opts.Page {
			return nil, fmt.Errorf("page %d of a listing points back to page %d", opts.Page, resp.NextPage)
		}
		opts.Page = resp.NextPage
	}
	return nil, fmt.Errorf("a listing goes on after %d pages", maxPages)
}
