package github

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/bradleyfalzon/ghinstallation/v2"
	gh "github.com/google/go-github/v60/github"

	"github.com/drbot/drbot/dr"
)

// App is drbot as a GitHub App. It finds the installation of each repository, gives its
// tokens and renews them before they end, or when GitHub does not take one any more.
//
// What is wrong with an App is mended by a person, on GitHub or in the configuration,
// and never by giving up what runs: its errors are dr.Uncertain, or dr.Temporary where
// another try may go well.
type App struct {
	id    int64
	key   []byte
	api   *gh.Client        // as the App itself
	under http.RoundTripper // below the tokens: one request, its time limit, the limits of GitHub
	sleep func(ctx context.Context, d time.Duration) error

	mu    sync.Mutex
	slug  string
	of    map[string]int64  // owner/name -> installation
	given map[int64]*given  // installation -> its tokens
	reads map[string]*given // installation and owner/name -> tokens that read it alone
}

// given are the tokens of one installation.
type given struct {
	mu  sync.Mutex
	src *ghinstallation.Transport
}

const (
	// mostLeft is what a token given for Git has left at least: it waits for its turn.
	mostLeft = 10 * time.Minute
	// mintTries is how often a token is asked for when GitHub does not answer.
	mintTries = 3
)

// NewApp makes drbot an App. It connects to nothing yet. Of the options it takes where
// GitHub is and how to wait.
func NewApp(id int64, key []byte, o Options) (*App, error) {
	o = o.withDefaults()
	o.Token, o.App = nil, nil
	under := newTransport(o)
	signed, err := ghinstallation.NewAppsTransport(under, id, key)
	if err != nil || id <= 0 {
		// The cause is left out: it is about the key.
		return nil, &dr.Error{Code: dr.Invalid, What: dr.T("github.app.key"), Next: dr.T("github.app.key.next")}
	}
	api := gh.NewClient(&http.Client{Transport: signed})
	if err := address(api, o); err != nil {
		return nil, err
	}
	api.UserAgent = o.UserAgent
	under.api = api.BaseURL
	return &App{
		id: id, key: key, api: api, under: under, sleep: o.Sleep, of: map[string]int64{}, given: map[int64]*given{}, reads: map[string]*given{},
	}, nil
}

// login is the App's own among the users.
func (a *App) login(ctx context.Context) (string, error) {
	a.mu.Lock()
	slug := a.slug
	a.mu.Unlock()
	if slug == "" {
		app, err := a.self(ctx)
		if err != nil {
			return "", err
		}
		slug = app.GetSlug()
	}
	if slug == "" {
		return "", nil
	}
	return slug + "[bot]", nil
}

// self is the App as GitHub knows it.
func (a *App) self(ctx context.Context) (*gh.App, error) {
	app, _, err := a.api.Apps.Get(ctx, "")
	if err != nil {
		return nil, a.explain(err, dr.Repository{}, doingSelf())
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.slug = app.GetSlug()
	return app, nil
}

// Token is one for a repository, with ten minutes left at least. refused is one that was
// not taken; empty at first.
func (a *App) Token(ctx context.Context, repo dr.Repository, refused string) (string, error) {
	return a.token(ctx, repo, refused, mostLeft)
}

// ReadToken is one that reads the contents of a single repository and may do nothing else, with
// ten minutes left at least: for fetching the modules that are kept there.
func (a *App) ReadToken(ctx context.Context, repo dr.Repository) (string, error) {
	id, err := a.installation(ctx, repo)
	if err != nil {
		return "", err
	}
	g := a.reading(id, repo)
	g.mu.Lock()
	defer g.mu.Unlock()
	narrow := &gh.InstallationTokenOptions{Repositories: []string{repo.Name}, Permissions: &gh.InstallationPermissions{Contents: gh.String("read")}}
	if g.src != nil {
		token, err := a.mint(ctx, g.src, repo)
		if err != nil {
			g.src = nil // its installation may be another one by now, which mint has forgotten for it
			return "", err
		}
		if a.leaves(g.src, mostLeft) {
			return token, nil
		}
	}
	if g.src, err = a.source(id, narrow); err != nil {
		return "", err
	}
	return a.mint(ctx, g.src, repo)
}

// reading holds the token of an installation that reads a repository.
func (a *App) reading(id int64, repo dr.Repository) *given {
	a.mu.Lock()
	defer a.mu.Unlock()
	of := fmt.Sprint(id, " ", nameOf(repo))
	g := a.reads[of]
	if g == nil {
		g = &given{}
		a.reads[of] = g
	}
	return g
}

// leaves tells whether a token that was given has some time left.
func (a *App) leaves(src *ghinstallation.Transport, left time.Duration) bool {
	end, _, err := src.Expiry()
	return err != nil || time.Until(end) >= left
}

// forRequest is the token for the repository that a request is about.
func (a *App) forRequest(req *http.Request, refused string) (string, error) {
	repo, ok := req.Context().Value(aboutKey{}).(dr.Repository)
	// A repository that was renamed is found by its number: what was asked first names it.
	for at := req; !ok && at != nil; {
		repo, ok = repositoryIn(at.URL)
		if at.Response == nil {
			break
		}
		at = at.Response.Request
	}
	if !ok {
		return "", fmt.Errorf("%s is about no repository", req.URL.Path)
	}
	return a.token(req.Context(), repo, refused, 0)
}

// aboutKey finds in a context the repository that a request is about whose path does not
// say it.
type aboutKey struct{}

// repositoryIn reads owner and name behind /repos/.
func repositoryIn(u *url.URL) (dr.Repository, bool) {
	_, rest, ok := strings.Cut(u.Path, "/repos/")
	parts := strings.SplitN(rest, "/", 3)
	if !ok || len(parts) < 2 {
		return dr.Repository{}, false
	}
	return dr.Repository{Owner: parts[0], Name: parts[1]}, true
}

func (a *App) token(ctx context.Context, repo dr.Repository, refused string, left time.Duration) (string, error) {
	if refused != "" {
		a.forget(repo) // its installation may be another one by now, or none
	}
	id, err := a.installation(ctx, repo)
	if err != nil {
		return "", err
	}
	a.mu.Lock()
	g := a.given[id]
	if g == nil {
		g = &given{}
		a.given[id] = g
	}
	a.mu.Unlock()
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.src == nil {
		if g.src, err = a.source(id, &gh.InstallationTokenOptions{}); err != nil {
			return "", err
		}
	}
	token, err := a.mint(ctx, g.src, repo)
	if err != nil {
		return "", err
	}
	if token != refused && a.leaves(g.src, left) {
		return token, nil
	}
	fresh, err := a.source(id, &gh.InstallationTokenOptions{})
	if err != nil {
		return "", err
	}
	if token, err = a.mint(ctx, fresh, repo); err != nil {
		return "", err
	}
	g.src = fresh
	return token, nil
}

// source makes what gives an installation's tokens; each has a signer of its own, since
// two of them that share one write to it at once.
func (a *App) source(id int64, may *gh.InstallationTokenOptions) (*ghinstallation.Transport, error) {
	src, err := ghinstallation.New(a.under, a.id, id, a.key)
	if err != nil {
		return nil, &dr.Error{Code: dr.Uncertain, What: dr.T("github.app.key"), Next: dr.T("github.app.key.next")}
	}
	src.BaseURL = strings.TrimSuffix(a.api.BaseURL.String(), "/")
	src.InstallationTokenOptions = may // without any it asks with null, which GitHub does not describe
	return src, nil
}

// mint gives the token at hand, or asks for one.
func (a *App) mint(ctx context.Context, src *ghinstallation.Transport, repo dr.Repository) (string, error) {
	for try, pause := 1, firstPause; ; try, pause = try+1, 2*pause {
		token, err := src.Token(ctx)
		if err == nil {
			return token, nil
		}
		err = a.explain(err, repo, dr.T("github.doing.token", "owner", repo.Owner, "repository", repo.Name))
		if dr.CodeOf(err) != dr.Temporary || try == mintTries {
			a.forget(repo) // it may have been installed anew
			return "", err
		}
		if waitErr := a.sleep(ctx, pause); waitErr != nil {
			return "", err
		}
	}
}

func (a *App) forget(repo dr.Repository) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.of, nameOf(repo))
}

func nameOf(repo dr.Repository) string { return strings.ToLower(repo.Owner + "/" + repo.Name) }

// installation finds the one that a repository is in.
func (a *App) installation(ctx context.Context, repo dr.Repository) (int64, error) {
	a.mu.Lock()
	id, known := a.of[nameOf(repo)]
	a.mu.Unlock()
	if known {
		return id, nil
	}
	found, err := a.find(ctx, repo)
	if err != nil {
		return 0, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.of[nameOf(repo)] = found.GetID()
	return found.GetID(), nil
}

func (a *App) find(ctx context.Context, repo dr.Repository) (*gh.Installation, error) {
	found, _, err := a.api.Apps.FindRepositoryInstallation(ctx, repo.Owner, repo.Name)
	if err == nil && found.GetID() == 0 {
		err = errors.New("the answer has no installation")
	}
	if err == nil {
		return found, nil
	}
	if notFound(err) {
		return nil, a.nowhere(ctx, repo, err)
	}
	return nil, a.explain(err, repo, dr.T("github.doing.installation", "owner", repo.Owner, "repository", repo.Name))
}

// unseen says of what GitHub does not find whether that is because the App may not see
// the repository any more; nil where it may, and with a token, of which nobody can tell.
func (c place) unseen(ctx context.Context) error {
	if c.client.app == nil {
		return nil
	}
	_, err := c.client.app.find(ctx, c.repo)
	return err
}

// nowhere says whether the App is not installed for the owner, or not on the repository.
func (a *App) nowhere(ctx context.Context, repo dr.Repository, cause error) error {
	for _, look := range []func(context.Context, string) (*gh.Installation, *gh.Response, error){
		a.api.Apps.FindOrganizationInstallation, a.api.Apps.FindUserInstallation,
	} {
		if other, _, err := look(ctx, repo.Owner); err == nil {
			return &dr.Error{
				Code: dr.Uncertain, Err: cause,
				What: dr.T("github.app.elsewhere", "owner", repo.Owner, "repository", repo.Name),
				Next: dr.T("github.app.elsewhere.next", "owner", repo.Owner, "repository", repo.Name, "url", dr.Foreign(other.GetHTMLURL())),
			}
		}
	}
	return &dr.Error{
		Code: dr.Uncertain, Err: cause,
		What: dr.T("github.app.not-installed", "owner", repo.Owner, "repository", repo.Name),
		Next: dr.T("github.app.not-installed.next", "owner", repo.Owner, "repository", repo.Name),
	}
}

// explain gives what went wrong with the App itself its words.
func (a *App) explain(err error, repo dr.Repository, doing dr.Text) error {
	var known *dr.Error
	if errors.As(err, &known) {
		return known
	}
	code, said := refusalOf(err)
	to := func(what, next dr.Text) error {
		return &dr.Error{Code: dr.Uncertain, What: what, Next: next, Err: err}
	}
	switch {
	case code == http.StatusUnauthorized:
		return to(dr.T("github.app.key-refused", "app", a.id), dr.T("github.app.key-refused.next", "app", a.id))
	case code == http.StatusForbidden && strings.Contains(strings.ToLower(said), "suspended"):
		return to(dr.T("github.app.suspended", "owner", repo.Owner), dr.T("github.app.suspended.next", "owner", repo.Owner))
	case code == http.StatusNotFound && repo.Owner != "":
		return to(dr.T("github.app.not-installed", "owner", repo.Owner, "repository", repo.Name),
			dr.T("github.app.not-installed.next", "owner", repo.Owner, "repository", repo.Name))
	case code >= 400 && code < 500 && code != http.StatusTooManyRequests && code != http.StatusRequestTimeout:
		return to(dr.T("github.refused", "doing", doing, "said", dr.Foreign(cmp.Or(said, http.StatusText(code)))), dr.T("github.app.key-refused.next", "app", a.id))
	}
	return &dr.Error{Code: dr.Temporary, What: dr.T("github.no-answer", "doing", doing), Err: err}
}

// refusalOf is what GitHub answered with to the App: to go-github or to what asks for
// tokens.
func refusalOf(err error) (code int, said string) {
	var answer *gh.ErrorResponse
	if errors.As(err, &answer) && answer.Response != nil {
		return answer.Response.StatusCode, answer.Message
	}
	var minted *ghinstallation.HTTPError
	if !errors.As(err, &minted) || minted.Response == nil {
		return 0, ""
	}
	var body struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(peek(minted.Response), &body) != nil {
		return minted.Response.StatusCode, ""
	}
	return minted.Response.StatusCode, body.Message
}
