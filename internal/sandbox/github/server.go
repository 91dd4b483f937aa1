package github

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"
)

// DefaultBranch is the branch the initial commit is made on and pull requests usually target.
const DefaultBranch = "main"

// apiPrefix is where a GitHub Enterprise host, and so this one, keeps its REST API.
const apiPrefix = "/api/v3"

// Options says what the local GitHub holds and who may use it.
type Options struct {
	Dir   string // where the bare repository lives, as Dir/Owner/Repo.git; must exist
	Owner string // an organization
	Repo  string

	// The files of the initial commit. All three are laid over one another, in this order.
	SeedDir   string // .git and .terraform folders are left out; links and execute bits are kept
	Seed      fs.FS
	SeedFiles map[string]string
	// SeedAuthor is the login that made the initial commit; the first human persona if empty.
	SeedAuthor string

	Personas []Persona
	BotLogin string // added with write permission and type Bot, unless a persona of that login says otherwise
	BotToken string

	WebhookURL    string // may be set later with SetWebhook; nothing is sent while it is empty
	WebhookSecret string
	BaseURL       string // scheme and host of this server, for links; may be set later with SetBaseURL

	// LazyMergeable answers the first read after each change with mergeable null, as the real service does while it
	// computes. Off by default, because it makes every test read twice.
	LazyMergeable bool

	Clock  func() time.Time // time.Now if nil
	Logger *slog.Logger     // discards if nil
}

// Server is the local GitHub. It is an http.Handler for the API, Git and the web page.
type Server struct {
	owner, repo string
	git         *repository
	clock       func() time.Time
	log         *slog.Logger
	lazy        bool
	botLogin    string
	backend     string // path of git-http-backend
	api         *http.ServeMux
	pages       http.Handler
	views       *template.Template
	hook        *hook
	journal     *journal
	faults      *faults

	stop    context.CancelFunc
	stopped context.Context
	sending sync.WaitGroup

	mu        sync.Mutex // guards everything below, and every change of the repository
	baseURL   string
	accounts  map[string]*account
	order     []*account
	pulls     []*pull
	comments  []*Comment
	statuses  []*Status
	lies      Lies
	methods   []string           // of merging, that the repository allows
	demands   map[string]Demands // by branch
	autoMerge bool
	queues    []int             // numbers of the pull requests in merge queues, the first one first
	scopes    map[string]string // of classic tokens, by login in small letters
	nextID    int64
	started   time.Time
	pushedAt  time.Time
	used      rates // for the rate limit headers

	app    *app            // that is installed; nil without one
	signed map[string]bool // commits that GitHub has signed

	watch *watch
}

var nameRule = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

// New makes the bare repository with its initial commit and a server over it.
func New(ctx context.Context, o Options) (*Server, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	s := &Server{
		owner: o.Owner, repo: o.Repo, clock: o.Clock, log: o.Logger, lazy: o.LazyMergeable, botLogin: o.BotLogin,
		baseURL: strings.TrimSuffix(o.BaseURL, "/"), nextID: firstID, used: rates{},
		watch: newWatch(), methods: mergeMethods(), demands: map[string]Demands{}, scopes: map[string]string{}, signed: map[string]bool{},
	}
	if s.clock == nil {
		s.clock = time.Now
	}
	if s.log == nil {
		s.log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	s.started = s.now()
	s.pushedAt = s.started
	s.journal = &journal{changed: s.watch.notify}
	s.faults = &faults{changed: s.watch.notify}
	s.hook = newHook(s.newID(), o.WebhookURL, o.WebhookSecret)
	s.stopped, s.stop = context.WithCancel(context.Background())
	if err := s.addAccounts(o); err != nil {
		return nil, err
	}
	if err := s.openRepository(ctx, o); err != nil {
		return nil, err
	}
	s.api = s.routes()
	if err := s.loadPages(); err != nil {
		return nil, err
	}
	return s, nil
}

func (o Options) check() error {
	var errs []error
	if o.Dir == "" {
		errs = append(errs, errors.New("the option Dir is required"))
	}
	if !nameRule.MatchString(o.Owner) {
		errs = append(errs, fmt.Errorf("owner %q is not a name", o.Owner))
	}
	if !nameRule.MatchString(o.Repo) {
		errs = append(errs, fmt.Errorf("repo %q is not a name", o.Repo))
	}
	if o.BotLogin == "" || o.BotToken == "" {
		errs = append(errs, errors.New("BotLogin and BotToken are required"))
	}
	return errors.Join(errs...)
}

func (s *Server) openRepository(ctx context.Context, o Options) error {
	bin, err := exec.LookPath("git")
	if err != nil {
		return fmt.Errorf("the local GitHub needs git: %w", err)
	}
	s.git = newRepository(bin, o.Dir, filepath.Join(o.Dir, o.Owner, o.Repo+".git"))
	if s.backend, err = s.git.backend(ctx); err != nil {
		return err
	}
	author, err := s.seedAuthor(o.SeedAuthor)
	if err != nil {
		return err
	}
	files, err := collectSeed(o)
	if err != nil {
		return fmt.Errorf("read the seed: %w", err)
	}
	return s.git.create(ctx, files, s.signature(author))
}

// Close stops sending webhooks and ends open page streams and hanging calls. The repository stays on disk.
func (s *Server) Close() error {
	s.hook.mu.Lock() // no delivery starts between the stop and the wait
	s.stop()
	s.hook.mu.Unlock()
	s.sending.Wait()
	s.hook.client.CloseIdleConnections()
	return nil
}

// ServeHTTP answers the REST API below /api/v3/, Git below /{owner}/{repo}.git/ and the web page elsewhere.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case isAppPath(r.URL.Path):
		s.recorded(w, r, s.serveApp)
	case r.URL.Path == graphqlPath:
		s.recorded(w, r, s.serveGraphQL)
	case strings.HasPrefix(r.URL.Path, apiPrefix+"/"):
		s.recorded(w, r, s.serveAPI)
	case s.isGitPath(r.URL.Path):
		s.recorded(w, r, s.serveGit)
	default:
		s.pages.ServeHTTP(w, r)
	}
}

// SetBaseURL says under which scheme and host this server is reached; links in payloads start with it.
func (s *Server) SetBaseURL(url string) {
	defer s.lock()()
	s.baseURL = strings.TrimSuffix(url, "/")
}

// CloneURL is the address of the repository for Git clients.
func (s *Server) CloneURL() string {
	defer s.lock()()
	return s.htmlURL(".git")
}

// GitDir is the bare repository on disk, for reading it apart from this server.
func (s *Server) GitDir() string { return s.git.dir }

func (s *Server) now() time.Time { return s.clock().UTC().Truncate(time.Second) }

// lock is for `defer s.lock()()`.
func (s *Server) lock() func() {
	s.mu.Lock()
	return s.mu.Unlock
}

// firstID makes identifiers longer than 31 bits, so that code which keeps them in an int32 breaks here first.
const firstID = 3_000_000_000

func (s *Server) newID() int64 {
	s.nextID++
	return s.nextID
}
