package github

import (
	"context"
	"errors"
	"slices"
	"time"
)

// Pull is a pull request.
type Pull struct {
	Number                   int
	ID                       int64
	Title, Body              string
	State                    string // open or closed
	Draft, Merged            bool
	Author, MergedBy         string // logins
	HeadRef, HeadSHA         string
	BaseRef                  string
	BaseSHA                  string // tip of the base when the head last moved; it does not follow the base
	MergeCommitSHA           string // the test merge while open, the real one once merged
	Mergeable                bool
	Commits, ChangedFiles    int
	Additions, Deletions     int
	Reviews                  []Review
	Heads                    []string // every commit the head branch has pointed at, oldest first
	CreatedAt, UpdatedAt     time.Time
	ClosedAt, MergedAt       time.Time
	ClosedBy, HTMLURL        string
	BaseTip, MergeBaseCommit string // what the diff and the commits are measured from
}

// Review is an opinion on one commit of a pull request.
type Review struct {
	ID          int64
	User        string // login; "" when the account was deleted
	State       string // APPROVED, CHANGES_REQUESTED, COMMENTED, DISMISSED or PENDING
	Body        string
	CommitID    string
	SubmittedAt time.Time
}

// Comment is a comment in the conversation of a pull request.
type Comment struct {
	ID                   int64
	Pull                 int
	User, Body           string
	Edits                int    // how often the body was replaced
	Editor               string // who has done so last
	CreatedAt, UpdatedAt time.Time
}

// Status is a commit status.
type Status struct {
	ID                              int64
	SHA, State, Context             string
	Description, TargetURL, Creator string
	CreatedAt                       time.Time
}

// Event is one line of the history of a pull request.
type Event struct {
	ID    int64
	Kind  string // renamed, comment_deleted, review_dismissed, closed, reopened, merged, convert_to_draft, ready_for_review, base_ref_changed; added_to_ and removed_from_merge_queue, auto_merge_enabled and _disabled
	Actor string // login
	At    time.Time
	// Of a dismissal: the review, and what it said until then.
	Review  int64
	Was     string
	Message string
}

type pull struct {
	Pull
	events   []Event
	bodyBy   string             // who has last edited the description
	pending  bool               // lazy mode: the next read answers mergeable null
	arrivals map[string]arrival // of each head
	queued   queued
	auto     *auto // nil when it does not merge by itself
}

// arrival is when a commit became the head, as a time and as a place in the order of ids.
type arrival struct {
	At time.Time
	ID int64
}

// setHead notes that the branch points at another commit.
func (s *Server) setHead(p *pull, sha string) {
	p.HeadSHA = sha
	if !slices.Contains(p.Heads, sha) {
		p.Heads = append(p.Heads, sha)
	}
	if p.arrivals == nil {
		p.arrivals = map[string]arrival{}
	}
	p.arrivals[sha] = arrival{s.now(), s.newID()}
}

// happened adds a line to the history of a pull request.
func (s *Server) happened(p *pull, by *account, e Event) {
	e.ID, e.Actor, e.At = s.newID(), by.Login, s.now()
	p.events = append(p.events, e)
	p.UpdatedAt = e.At
}

func (s *Server) pull(n int) (*pull, error) {
	if n < 1 || n > len(s.pulls) {
		return nil, notFound()
	}
	return s.pulls[n-1], nil
}

func (s *Server) snapshot(p *pull) Pull {
	c := p.Pull
	c.Reviews = slices.Clone(p.Reviews)
	for i := range c.Reviews {
		if s.account(c.Reviews[i].User) == nil {
			c.Reviews[i].User = ""
		}
	}
	c.Heads = slices.Clone(p.Heads)
	c.HTMLURL = s.pullURL(p.Number)
	return c
}

// Pull returns a pull request as it is now.
func (s *Server) Pull(n int) (Pull, error) {
	defer s.lock()()
	p, err := s.pull(n)
	if err != nil {
		return Pull{}, err
	}
	return s.snapshot(p), nil
}

// Pulls lists all pull requests, oldest first.
func (s *Server) Pulls() []Pull {
	defer s.lock()()
	out := make([]Pull, 0, len(s.pulls))
	for _, p := range s.pulls {
		out = append(out, s.snapshot(p))
	}
	return out
}

// Comments lists the comments of a pull request, oldest first.
func (s *Server) Comments(n int) []Comment {
	defer s.lock()()
	var out []Comment
	for _, c := range s.comments {
		if c.Pull == n {
			out = append(out, *c)
		}
	}
	return out
}

// Statuses lists every status ever set on a commit, oldest first.
func (s *Server) Statuses(sha string) []Status {
	defer s.lock()()
	var out []Status
	for _, st := range s.statuses {
		if st.SHA == sha {
			out = append(out, *st)
		}
	}
	return out
}

// HeadOf returns the tip of a branch.
func (s *Server) HeadOf(ctx context.Context, branch string) (string, error) {
	return s.git.branch(ctx, branch)
}

// FileAt returns a file of a branch, tag or commit.
func (s *Server) FileAt(ctx context.Context, ref, path string) ([]byte, error) {
	sha, err := s.git.resolve(ctx, ref)
	if err != nil {
		return nil, err
	}
	e, ok, err := s.git.entry(ctx, sha, path)
	if err == nil && (!ok || e.Type != "blob") {
		err = errNoObject
	}
	if err != nil {
		return nil, err
	}
	return s.git.readBlob(ctx, e.SHA)
}

// Log lists the commits of a branch, tag or commit, newest first.
func (s *Server) Log(ctx context.Context, ref string) ([]Commit, error) {
	sha, err := s.git.resolve(ctx, ref)
	if err != nil {
		return nil, err
	}
	return s.git.log(ctx, "--end-of-options", sha)
}

// IsMissing tells whether an error says that a ref, file or pull request does not exist.
func IsMissing(err error) bool {
	var e *Error
	return errors.Is(err, errNoObject) || errors.As(err, &e) && e.Status == 404
}

func (s *Server) signature(a *account) Signature {
	return Signature{Name: a.Name, Email: a.Email, When: s.now()}
}
