package world

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/drbot/drbot/dr"
)

// Bot is the login of the bot itself.
const Bot = "drbot[bot]"

// Pull is one pull request as it is kept; what a look at it gives is made of this and
// the commits.
type Pull struct {
	Number      int
	File        string // that it changes
	Branch      string
	Base        string // the base commit it was made from
	BaseRef     string
	Head        string
	Title, Body string
	Open, Draft bool
	Merge       string // the commit of its merge
	MergedBy    string
	MergedAt    time.Time
	ClosedBy    string // empty where the forge does not tell
	MergedOn    string // the base right before the merge
	Reviews     []dr.Review
	Comments    []Comment
	Statuses    map[string]dr.CommitState
	Texts       map[string]string // of the statuses
	Out         string            // why the queue took it out last
	AutoMerge   string            // who has set it to merge by itself
	pens        map[string]string // who has last written what
	said        int64             // comments there ever were
}

// Comment is one comment on a pull request.
type Comment struct {
	ID       int64
	By, Body string
	At       time.Time // when it was last written
}

// forge is one repository, and who may do what with it.
type forge struct {
	repository
	repo      dr.Repository
	pulls     []*Pull
	protected string          // why it does not merge; empty when it does
	readers   map[string]bool // logins that may not write
	forks     bool            // every pull request comes from a fork
	hidden    bool            // nobody is told who may do what
	nobodys   bool            // the bot's address is no account's
	reviews   int64
	rules     map[string]dr.Level // what does not stand well with what it asks of a merge, by check
	merges    int
	queued    bool  // the base is merged into by its queue alone
	queue     []int // numbers, the first one first
	enqueued  int
	late      time.Duration // after which a review stands in the list
	orphans   bool          // no commit is told what it was made on
	stays     bool          // nobody is let switch auto-merge off
	strict    bool          // a head has to have all of its base
}

func newForge(repo dr.Repository, file string) *forge {
	f := &forge{
		repository: repository{commits: map[string]commit{}, branches: map[string]string{}},
		repo:       repo, readers: map[string]bool{}, rules: map[string]dr.Level{},
	}
	f.branches[repo.Base] = f.write("", repo.File, file, "somebody", "somebody")
	return f
}

func (f *forge) tip() string { return f.branches[f.repo.Base] }

// file is the active_region file of a commit.
func (f *forge) file(sha string) string { return f.commits[sha].tree[f.repo.File] }

// fileOf is the active_region file of a pull request's service.
func (f *forge) fileOf(pr *Pull, sha string) string { return f.commits[sha].tree[pr.File] }

// push puts a file on a branch.
func (f *forge) push(branch, path, content, author, committer string) string {
	sha := f.write(f.branches[branch], path, content, author, committer)
	f.move(branch, sha)
	return sha
}

// move makes a branch point elsewhere; what is open follows.
func (f *forge) move(branch, sha string) {
	f.branches[branch] = sha
	for _, pr := range f.pulls {
		if pr.Branch == branch && pr.Open {
			pr.Head = sha
			f.leave(pr, "branch_modified")
		}
	}
}

// drop deletes a branch; what is open ends with it.
func (f *forge) drop(branch string) {
	delete(f.branches, branch)
	for _, pr := range f.pulls {
		if pr.Branch == branch {
			f.close(pr)
		}
	}
}

// close takes a pull request out of everything that could merge it.
func (f *forge) close(pr *Pull) {
	pr.Open, pr.AutoMerge, pr.ClosedBy = false, "", ""
	f.leave(pr, "closed")
}

func refused(code dr.Code, format string, args ...any) error {
	return &dr.Error{Code: code, What: said(fmt.Sprintf(format, args...))}
}

// said is words of this world's own.
func said(words string) dr.Text { return dr.T(dr.Words, "words", dr.Foreign(words)) }

func (f *forge) pull(number int) (*Pull, error) {
	if number < 1 || number > len(f.pulls) {
		return nil, refused(dr.NotFound, "there is no pull request #%d.", number)
	}
	return f.pulls[number-1], nil
}

// known refuses a repository that is not there.
func (f *forge) known(repo dr.Repository) error {
	if repo.Owner != f.repo.Owner || repo.Name != f.repo.Name {
		return refused(dr.NotFound, "there is no repository %s/%s.", repo.Owner, repo.Name)
	}
	return nil
}

// File implements workflows.Files.
func (p *ports) File(ctx context.Context, repo dr.Repository, ref string) (content, sha string, err error) {
	subject := ref
	if len(ref) == 40 {
		subject = "commit"
	}
	type found struct{ content, sha string }
	at, err := ask(ctx, p, "File", subject, func() (found, error) {
		p.w.mu.Lock()
		defer p.w.mu.Unlock()
		f := p.w.forge
		if err := f.known(repo); err != nil {
			return found{}, err
		}
		if tip, ok := f.branches[ref]; ok {
			ref = tip
		}
		c, ok := f.commits[ref]
		if !ok {
			return found{}, refused(dr.NotFound, "there is no %s.", ref)
		}
		content, ok := c.tree[repo.File]
		if !ok {
			return found{}, refused(dr.NotFound, "there is no %s at %s.", repo.File, ref)
		}
		return found{content, c.sha}, nil
	})
	return at.content, at.sha, err
}

// Parents gives what a commit was made on.
func (p *ports) Parents(ctx context.Context, repo dr.Repository, sha string) ([]string, error) {
	return ask(ctx, p, "Parents", "", func() ([]string, error) {
		p.w.mu.Lock()
		defer p.w.mu.Unlock()
		f := p.w.forge
		if err := f.known(repo); err != nil {
			return nil, err
		}
		if len(sha) != 40 {
			return nil, refused(dr.Invalid, "%q is no full commit.", sha)
		}
		c, ok := f.commits[sha]
		if !ok {
			return nil, refused(dr.NotFound, "there is no commit %s.", sha)
		}
		if f.orphans {
			return nil, nil
		}
		return slices.Clone(c.parents), nil
	})
}

// Self implements workflows.Files.
func (p *ports) Self(ctx context.Context) (string, error) {
	return ask(ctx, p, "Self", "", func() (string, error) { return Bot, nil })
}

// ruled are the checks of what the forge asks of a merge.
var ruled = []string{"github.access", "github.queue", "github.checks"}

// SetRule makes a check of what the forge asks of a merge say this.
func (w *World) SetRule(name string, level dr.Level) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.forge.rules[name] = level
}

// Rules implements workflows.Rules.
func (p *ports) Rules(ctx context.Context, _ dr.Service, mode dr.Mode) []dr.Check {
	need := map[dr.Mode]dr.Need{dr.Planned: dr.NeedSound}[mode]
	levels, err := ask(ctx, p, "Rules", "", func() (map[string]dr.Level, error) {
		p.w.mu.Lock()
		defer p.w.mu.Unlock()
		return maps.Clone(p.w.forge.rules), nil
	})
	var out []dr.Check
	for _, name := range ruled {
		c := dr.Check{Name: name, Need: need, Level: dr.OK, At: time.Now()}
		if l, ok := levels[name]; ok {
			c.Level, c.Detail = l, said("it does not stand well")
		}
		if err != nil {
			c.Level = dr.Unknown
			c.Detail, _ = dr.Told(err)
		}
		out = append(out, c)
	}
	return out
}

// Comment implements workflows.Publisher.
func (p *ports) Comment(ctx context.Context, _ dr.Repository, number int, marker, body string) error {
	_, kind, _ := strings.Cut(marker, ":")
	kind, _, _ = strings.Cut(kind, ":")
	return tell(ctx, p, "Comment", kind, func() error {
		p.w.mu.Lock()
		defer p.w.mu.Unlock()
		if marker == "" || strings.ContainsAny(marker, "<>\n") {
			return refused(dr.Invalid, "%q is no marker.", marker)
		}
		pr, err := p.w.forge.pull(number)
		if err == nil {
			pr.comment(marker, body)
		}
		return err
	})
}

// Commented implements workflows.Publisher.
func (p *ports) Commented(ctx context.Context, _ dr.Repository, number int, marker string) (dr.Written, error) {
	return ask(ctx, p, "Commented", "", func() (dr.Written, error) {
		p.w.mu.Lock()
		defer p.w.mu.Unlock()
		pr, err := p.w.forge.pull(number)
		if err != nil {
			return dr.Written{}, err
		}
		if c := pr.marked(marker); c != nil {
			return dr.Written{ID: c.ID, At: c.At}, nil
		}
		return dr.Written{}, refused(dr.NotFound, "there is no such comment on #%d.", number)
	})
}

func (pr *Pull) comment(marker, body string) {
	text := textOf(marker, body)
	if c := pr.marked(marker); c == nil {
		pr.say(Bot, text)
	} else if c.Body != text {
		c.Body, c.At = text, time.Now()
	}
}

// Status implements workflows.Publisher.
func (p *ports) Status(ctx context.Context, _ dr.Repository, sha, name string, state dr.CommitState, text, _ string) error {
	return tell(ctx, p, "Status", name, func() error {
		p.w.mu.Lock()
		defer p.w.mu.Unlock()
		for _, pr := range p.w.forge.pulls {
			if pr.Head == sha {
				pr.Statuses[name], pr.Texts[name] = state, text
			}
		}
		return p.w.forge.fire()
	})
}

var (
	regionLine = regexp.MustCompile(`(?m)^active_region = "([a-z0-9-]+)"`)
	regionName = regexp.MustCompile(`^[a-z0-9-]+$`)
)

// ActiveRegion implements workflows.ActiveRegionFile.
func (p *ports) ActiveRegion(content string) (dr.Region, error) {
	found := regionLine.FindAllStringSubmatch(content, -1)
	if len(found) != 1 {
		return "", refused(dr.Invalid, "The active_region file does not set active_region.")
	}
	return dr.Region(found[0][1]), nil
}

// SetActiveRegion implements workflows.ActiveRegionFile.
func (p *ports) SetActiveRegion(content string, to dr.Region) (string, error) {
	from, err := p.ActiveRegion(content)
	if err != nil {
		return "", err
	}
	if !regionName.MatchString(string(to)) {
		return "", refused(dr.Invalid, "%q is no Region.", to)
	}
	return strings.Replace(content, `"`+string(from)+`"`, `"`+string(to)+`"`, 1), nil
}

func fileOf(active dr.Region) string {
	return "# where the users are\nactive_region = \"" + string(active) + "\"\n"
}

// ofBranch finds the newest pull request of a branch; nil when there is none.
func (f *forge) ofBranch(branch string) *Pull {
	for _, pr := range slices.Backward(f.pulls) {
		if pr.Branch == branch {
			return pr
		}
	}
	return nil
}
