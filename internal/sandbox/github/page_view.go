package github

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// frame is what every page shows.
type frame struct {
	Heading, Repo, Home string
	Version             int64
	Personas            []Persona
	As                  string
}

func (s *Server) frame(r *http.Request, title string) frame {
	personas := slices.DeleteFunc(s.Personas(), func(p Persona) bool { return p.Type == "Bot" })
	return frame{
		Heading: title, Repo: s.owner + "/" + s.repo, Home: "/" + s.owner + "/" + s.repo, Version: s.Version(),
		Personas: personas, As: s.chosen(r, personas),
	}
}

type listView struct {
	frame
	Open, Closed int
	Pulls        []pullRow
}

type pullRow struct {
	Pull
	Badge       badge
	Counts, Ago string
}

func (s *Server) showList(w http.ResponseWriter, r *http.Request) {
	v := listView{frame: s.frame(r, "Pull requests")}
	for _, p := range newestFirst(s.Pulls()) {
		row := pullRow{Pull: p, Badge: badgeOf(p), Counts: counts(p, len(s.Comments(p.Number))), Ago: s.ago(p.CreatedAt)}
		if p.State == "open" {
			v.Open++
		} else {
			v.Closed++
		}
		v.Pulls = append(v.Pulls, row)
	}
	s.show(w, http.StatusOK, "list.html", v)
}

func counts(p Pull, comments int) string {
	approved := 0
	for _, rv := range p.Reviews {
		if rv.State == Approved {
			approved++
		}
	}
	var parts []string
	if approved > 0 {
		parts = append(parts, "✓ "+plural(approved, "approval"))
	}
	if comments > 0 {
		parts = append(parts, plural(comments, "comment"))
	}
	return strings.Join(parts, " · ")
}

type badge struct{ Class, Text string }

func badgeOf(p Pull) badge {
	switch {
	case p.Merged:
		return badge{"merged", "Merged"}
	case p.State == "closed":
		return badge{"closed", "Closed"}
	case p.Draft:
		return badge{"draft", "Draft"}
	}
	return badge{"open", "Open"}
}

// ago is how long before now something happened, in words.
func (s *Server) ago(t time.Time) string {
	d := s.now().Sub(t)
	switch {
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return plural(int(d/time.Minute), "minute") + " ago"
	case d < 48*time.Hour:
		return plural(int(d/time.Hour), "hour") + " ago"
	}
	return "on " + t.Format("2 Jan 2006")
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return strconv.Itoa(n) + " " + word + "s"
}

// entry is one thing that happened, in the order people read it.
type entry struct {
	Kind   string // comment, review, commit, merged, closed
	At     time.Time
	ID     int64
	User   avatar
	Body   template.HTML
	Review Review
	Stale  bool // the review is not for the head
	Commit Commit
	Edited bool
	Ago    string
	Note   string
}

// avatar draws a user as a letter on one of a few colours.
type avatar struct {
	Login, Letter, Colour string
	Bot                   bool
}

func (s *Server) avatar(login string) avatar {
	defer s.lock()()
	if login == "" || s.account(login) == nil {
		return avatar{Login: "ghost", Letter: "?", Colour: "c0"}
	}
	h := fnv.New32a()
	h.Write([]byte(strings.ToLower(login)))
	return avatar{
		Login: login, Letter: strings.ToUpper(login[:1]), Colour: "c" + strconv.Itoa(int(h.Sum32()%6)),
		Bot: s.account(login).Type == "Bot",
	}
}

type pullView struct {
	frame
	Pull
	Badge                        badge
	By                           avatar
	Description                  template.HTML
	Timeline                     []entry
	Checks                       []Status
	CheckState                   string
	Log                          []Commit
	Files                        []diffFile
	CommitWord, FileWord, OldAgo string
}

func (s *Server) showPull(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.Atoi(r.PathValue("number"))
	if err != nil {
		s.showError(w, r, notFound())
		return
	}
	v, err := s.pullView(r, n)
	if err != nil {
		s.showError(w, r, err)
		return
	}
	s.show(w, http.StatusOK, "pull.html", v)
}

func (s *Server) pullView(r *http.Request, n int) (*pullView, error) {
	p, err := s.Pull(n)
	if err != nil {
		return nil, err
	}
	files, err := s.git.diff(r.Context(), p.MergeBaseCommit, p.HeadSHA)
	if err != nil {
		return nil, err
	}
	v := &pullView{
		frame: s.frame(r, p.Title), Pull: p, Badge: badgeOf(p), By: s.avatar(p.Author),
		Description: renderMarkdown(p.Body), Files: diffFiles(files), OldAgo: s.ago(p.CreatedAt),
		CommitWord: plural(p.Commits, "commit"), FileWord: plural(p.ChangedFiles, "file"),
	}
	if v.Log, err = s.git.log(r.Context(), "--reverse", p.BaseTip+".."+p.HeadSHA); err != nil {
		return nil, err
	}
	v.CheckState, v.Checks = s.checks(p.HeadSHA)
	v.Timeline, err = s.timeline(r.Context(), p, v.Log)
	return v, err
}

func (s *Server) checks(sha string) (string, []Status) {
	defer s.lock()()
	state, latest := s.latestStatuses(sha)
	out := make([]Status, 0, len(latest))
	for _, st := range latest {
		out = append(out, *st)
	}
	slices.SortFunc(out, func(a, b Status) int { return cmp.Compare(a.Context, b.Context) })
	return state, out
}

func (s *Server) timeline(ctx context.Context, p Pull, log []Commit) ([]entry, error) {
	all := s.pushed(p, log)
	for _, c := range s.Comments(p.Number) {
		all = append(all, entry{
			Kind: "comment", At: c.CreatedAt, ID: c.ID, User: s.avatar(c.User), Body: renderMarkdown(c.Body), Edited: c.Edits > 0,
		})
	}
	for _, rv := range p.Reviews {
		if rv.State == Pending {
			continue
		}
		all = append(all, entry{
			Kind: "review", At: rv.SubmittedAt, ID: rv.ID, User: s.avatar(rv.User), Body: renderMarkdown(rv.Body),
			Review: rv, Stale: rv.CommitID != p.HeadSHA, Note: reviewWords[rv.State],
		})
	}
	slices.SortStableFunc(all, func(a, b entry) int { // ids grow, so they settle what happened in the same second
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID))
	})
	if p.State == "closed" {
		end := entry{Kind: "closed", At: p.ClosedAt, User: s.avatar(p.ClosedBy)}
		if p.Merged {
			c, err := s.git.commit(ctx, p.MergeCommitSHA)
			if err != nil {
				return nil, err
			}
			end.Kind, end.Commit = "merged", c
		}
		all = append(all, end)
	}
	for i := range all {
		all[i].Ago = s.ago(all[i].At)
	}
	return all, nil
}

// pushed tells when each commit reached the branch, which its own date does not say.
func (s *Server) pushed(p Pull, log []Commit) []entry {
	all := make([]entry, len(log))
	at := arrival{At: p.CreatedAt}
	for i, c := range slices.Backward(log) { // what lies below a head came with it
		if a, ok := s.arrived(p.Number, c.SHA); ok {
			at = a
		}
		all[i] = entry{Kind: "commit", At: at.At, ID: at.ID, Commit: c, User: s.byEmail(c.Author)}
	}
	return all
}

func (s *Server) arrived(n int, sha string) (arrival, bool) {
	defer s.lock()()
	p, err := s.pull(n)
	if err != nil {
		return arrival{}, false
	}
	a, ok := p.arrivals[sha]
	return a, ok
}

var reviewWords = map[string]string{
	Approved: "approved these changes", ChangesRequested: "requested changes", Commented: "reviewed",
	Dismissed: "had a review dismissed",
}

func (s *Server) byEmail(by Signature) avatar {
	unlock := s.lock()
	a := s.accountByEmail(by.Email)
	unlock()
	if a == nil {
		return avatar{Login: by.Name, Letter: "?", Colour: "c0"}
	}
	return s.avatar(a.Login)
}

type diffFile struct {
	File
	Lines []diffLine
}

type diffLine struct {
	Class, Old, New, Text string
}

func diffFiles(files []File) []diffFile {
	out := make([]diffFile, 0, len(files))
	for _, f := range files {
		out = append(out, diffFile{f, diffLines(f.Patch)})
	}
	return out
}

func diffLines(patch string) []diffLine {
	var out []diffLine
	var before, after int
	for line := range strings.Lines(patch) {
		line = strings.TrimSuffix(line, "\n")
		l := diffLine{Text: line}
		switch {
		case strings.HasPrefix(line, "@@"):
			l.Class = "hunk"
			if _, err := fmt.Sscanf(line, "@@ -%d", &before); err != nil {
				before = 0
			}
			if _, rest, ok := strings.Cut(line, " +"); ok {
				if _, err := fmt.Sscanf(rest, "%d", &after); err != nil {
					after = 0
				}
			}
		case strings.HasPrefix(line, "+"):
			l.Class, l.New = "add", strconv.Itoa(after)
			after++
		case strings.HasPrefix(line, "-"):
			l.Class, l.Old = "del", strconv.Itoa(before)
			before++
		case strings.HasPrefix(line, `\`):
			l.Class = "note"
		default:
			l.Old, l.New = strconv.Itoa(before), strconv.Itoa(after)
			before++
			after++
		}
		out = append(out, l)
	}
	return out
}

type commitView struct {
	frame
	Commit
	By    avatar
	Files []diffFile
}

func (s *Server) showCommit(w http.ResponseWriter, r *http.Request) {
	v, err := s.commitView(r)
	if err != nil {
		s.showError(w, r, err)
		return
	}
	s.show(w, http.StatusOK, "commit.html", v)
}

func (s *Server) commitView(r *http.Request) (*commitView, error) {
	sha, err := s.git.resolve(r.Context(), r.PathValue("sha"))
	if err != nil {
		return nil, err
	}
	c, err := s.git.commit(r.Context(), sha)
	if err != nil {
		return nil, err
	}
	v := &commitView{frame: s.frame(r, c.Subject()), Commit: c, By: s.byEmail(c.Author)}
	if len(c.Parents) > 0 {
		files, err := s.git.diff(r.Context(), c.Parents[0], sha)
		if err != nil {
			return nil, err
		}
		v.Files = diffFiles(files)
	}
	return v, nil
}
