package world

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/drbot/drbot/dr"
)

func textOf(marker, body string) string { return "<!-- " + marker + " -->\n" + body }

// marked is the bot's comment of a marker; nil when there is none.
func (pr *Pull) marked(marker string) *Comment {
	for i, c := range pr.Comments {
		if c.By == Bot && strings.HasPrefix(c.Body, textOf(marker, "")) {
			return &pr.Comments[i]
		}
	}
	return nil
}

func (pr *Pull) say(by, text string) {
	pr.said++
	pr.Comments = append(pr.Comments, Comment{pr.said, by, text, time.Now()})
}

func (pr *Pull) pen(what, by string) {
	if pr.pens == nil {
		pr.pens = map[string]string{}
	}
	pr.pens[what] = by
}

func (pr *Pull) retitle(by, title string) {
	pr.Title = title
	pr.pen("title", by)
}

func (pr *Pull) redescribe(by, body string) {
	pr.Body = body
	pr.pen("body", by)
}

func (pr *Pull) rewrite(by string, nth int, body string) {
	c := &pr.Comments[nth]
	c.Body, c.At = body, time.Now()
	pr.pen("comment", by)
}

func (pr *Pull) erase(by string, nth int) {
	pr.Comments = slices.Delete(pr.Comments, nth, nth+1)
	pr.pen("gone", by)
}

func (pr *Pull) set(by, name string, state dr.CommitState, text string) {
	pr.Statuses[name], pr.Texts[name] = state, text
	pr.pen("status "+name, by)
}

// Rewrites lists what anybody who may write does with what the bot has posted.
func Rewrites() map[string]func(w *World, by string) {
	return map[string]func(w *World, by string){
		"the title": func(w *World, by string) { w.rewrite(func(pr *Pull) { pr.retitle(by, "Nothing to see here") }) },
		"the body":  func(w *World, by string) { w.rewrite(func(pr *Pull) { pr.redescribe(by, "A change of the docs.") }) },
		"the plan":  func(w *World, by string) { w.rewrite(func(pr *Pull) { pr.rewrite(by, 0, "No changes.") }) },
		"no plan":   func(w *World, by string) { w.rewrite(func(pr *Pull) { pr.erase(by, 0) }) },
		"the status": func(w *World, by string) {
			w.rewrite(func(pr *Pull) { pr.set(by, "drbot/plan", dr.StateSuccess, "0 to add") })
		},
		"the count": func(w *World, by string) {
			w.rewrite(func(pr *Pull) { pr.set(by, "drbot/approval", dr.StateSuccess, "go on") })
		},
		"and is back": func(w *World, by string) { w.rewrite(func(pr *Pull) { pr.rewrite(by, 0, pr.Comments[0].Body) }) },
	}
}

func (w *World) rewrite(do func(*Pull)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	do(w.forge.open())
}

// Reads is what stands on the open pull request: title, description, comments and the texts of
// its statuses.
func (w *World) Reads() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	pr := w.forge.open()
	return strings.Join(pr.reads("drbot/plan", "drbot/approval"), "\n")
}

func (pr *Pull) reads(statuses ...string) []string {
	out := []string{pr.Title, pr.Body}
	for _, c := range pr.Comments {
		out = append(out, c.Body)
	}
	for _, name := range statuses {
		out = append(out, string(pr.Statuses[name])+" "+pr.Texts[name])
	}
	return out
}

// otherwise is one thing that is not as it was posted, and how it is put back.
type otherwise struct {
	dr.Rewritten
	mend func(*Pull, *dr.Posted)
}

// compare finds what does not stand as it was posted.
func (pr *Pull) compare(want dr.Posted) (out []otherwise) {
	if want.Title != "" && pr.Title != want.Title {
		out = append(out, otherwise{dr.Rewritten{What: dr.T("posted.title"), By: pr.pens["title"]}, func(pr *Pull, _ *dr.Posted) { pr.Title = want.Title }})
	}
	if want.Title != "" && pr.Body != want.Body {
		out = append(out, otherwise{dr.Rewritten{What: dr.T("posted.body"), By: pr.pens["body"]}, func(pr *Pull, _ *dr.Posted) { pr.Body = want.Body }})
	}
	for _, c := range want.Comments {
		i := slices.IndexFunc(pr.Comments, func(o Comment) bool { return o.ID == c.ID })
		switch {
		case i < 0:
			out = append(out, otherwise{dr.Rewritten{What: dr.T("posted.comment.gone"), By: pr.pens["gone"]}, func(pr *Pull, now *dr.Posted) {
				pr.comment(c.Marker, c.Body)
				made := pr.marked(c.Marker)
				c.Written = dr.Written{ID: made.ID, At: made.At}
				*now = now.WithComment(c)
			}})
		case pr.Comments[i].Body != textOf(c.Marker, c.Body) || pr.Comments[i].At.After(c.At):
			out = append(out, otherwise{dr.Rewritten{What: dr.T("posted.comment"), By: pr.pens["comment"]}, func(pr *Pull, now *dr.Posted) {
				pr.Comments[i].Body, pr.Comments[i].At = textOf(c.Marker, c.Body), time.Now()
				c.At = pr.Comments[i].At
				*now = now.WithComment(c)
			}})
		}
	}
	for _, s := range want.Statuses {
		if want.Head == pr.Head && (pr.Statuses[s.Name] != s.State || pr.Texts[s.Name] != s.Text) {
			out = append(out, otherwise{dr.Rewritten{What: dr.T("posted.status", "status", s.Name), By: pr.pens["status "+s.Name]}, func(pr *Pull, _ *dr.Posted) {
				pr.Statuses[s.Name], pr.Texts[s.Name] = s.State, s.Text
			}})
		}
	}
	return out
}

// Restore implements workflows.Publisher.
func (p *ports) Restore(ctx context.Context, _ dr.Repository, number int, want dr.Posted, first func([]dr.Rewritten) error) (dr.Posted, error) {
	var other []otherwise
	pr, err := ask(ctx, p, "Restore", "", func() (*Pull, error) {
		p.w.mu.Lock()
		defer p.w.mu.Unlock()
		pr, err := p.w.forge.pull(number)
		if err == nil {
			other = pr.compare(want)
		}
		return pr, err
	})
	if err != nil || len(other) == 0 {
		return want, err
	}
	told := make([]dr.Rewritten, len(other))
	for i, o := range other {
		told[i] = o.Rewritten
	}
	if err := first(told); err != nil {
		return want, err
	}
	err = tell(ctx, p, "PutBack", "", func() error {
		p.w.mu.Lock()
		defer p.w.mu.Unlock()
		for _, o := range other {
			o.mend(pr, &want)
		}
		return p.w.forge.fire()
	})
	return want, err
}
