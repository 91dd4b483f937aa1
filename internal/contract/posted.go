package contract

import (
	"errors"
	"slices"

	"github.com/drbot/drbot/dr"
)

// posting is a change on which everything was posted that a run posts.
type posting struct {
	changing
	dr.Change
	want dr.Posted
	as   []string // how it reads
}

const (
	statusOne = "drbot/plan"
	statusTwo = "drbot/approval"
)

func (w changing) posted() posting {
	w.Helper()
	req := w.request()
	change, err := w.Change.OpenChange(w.Context(), req)
	wellDone(w.T, err)
	p := posting{changing: w, Change: change, want: dr.Posted{Title: req.Title, Body: req.Body, Head: change.Head}}
	wellDone(w.T, w.People.Comment(w.Context(), Writer, change.Number, "a person's own"))
	for _, marker := range []string{"plan", "plan:2"} {
		c := dr.PostedComment{Marker: marker, Body: "what " + marker + " says"}
		wellDone(w.T, w.Publish.Comment(w.Context(), w.Repo, change.Number, c.Marker, c.Body))
		c.Written, err = w.Publish.Commented(w.Context(), w.Repo, change.Number, marker)
		wellDone(w.T, err)
		p.want = p.want.WithComment(c)
	}
	for _, s := range []dr.PostedStatus{{Name: statusOne, State: dr.StateSuccess, Text: "1 to add"}, {Name: statusTwo, State: dr.StatePending, Text: "two are missing"}} {
		wellDone(w.T, w.Publish.Status(w.Context(), w.Repo, change.Head, s.Name, s.State, s.Text, ""))
		p.want = p.want.WithStatus(s)
	}
	p.as = p.reads()
	return p
}

func (p posting) reads() []string {
	return p.Pens.Written(p.Number, p.Head, statusOne, statusTwo)
}

// restore puts back what is not as it was posted, and gives what that was.
func (p *posting) restore() (told []dr.Rewritten) {
	p.Helper()
	now, err := p.Publish.Restore(p.Context(), p.Repo, p.Number, p.want, func(other []dr.Rewritten) error {
		told = other
		return nil
	})
	wellDone(p.T, err)
	p.want = now
	return told
}

func (w changing) stands() {
	p := w.posted()
	for range 2 {
		if told := p.restore(); told != nil {
			w.Errorf("nobody has touched it: %+v", told)
		}
	}
	w.review(Writer, p.Number, dr.Approved)
	wellDone(w.T, w.People.Comment(w.Context(), Maintainer, p.Number, "what others say is theirs"))
	if told := p.restore(); told != nil || !slices.Contains(p.reads(), "what others say is theirs") {
		w.Errorf("nobody has touched it: %+v, %q", told, p.reads())
	}
}

func (w changing) untold() {
	p := w.posted()
	wellDone(w.T, w.Pens.Retitle(w.Context(), Writer, p.Number, "Nothing to see here"))
	cannot := errors.New("the record is not written")
	_, err := w.Publish.Restore(w.Context(), w.Repo, p.Number, p.want, func([]dr.Rewritten) error { return cannot })
	if !errors.Is(err, cannot) || slices.Equal(p.reads(), p.as) {
		w.Errorf("%v, and it reads %q", err, p.reads())
	}
}

// rewrite is something that somebody does with what was posted.
type rewrite struct {
	does func(w changing, by string, p posting) error
	told dr.TextID
}

var rewritten = map[string]rewrite{
	"another title": {func(w changing, by string, p posting) error {
		return w.Pens.Retitle(w.Context(), by, p.Number, "Nothing to see here")
	}, "posted.title"},
	"another description": {func(w changing, by string, p posting) error {
		return w.Pens.Redescribe(w.Context(), by, p.Number, "A change of the docs.")
	}, "posted.body"},
	"another first comment": {func(w changing, by string, p posting) error {
		return w.Pens.EditComment(w.Context(), by, p.Number, 1, "<!-- plan -->\nno changes")
	}, "posted.comment"},
	"a comment whose marker is gone": {func(w changing, by string, p posting) error {
		return w.Pens.EditComment(w.Context(), by, p.Number, 2, "no changes")
	}, "posted.comment"},
	"a comment that was deleted": {func(w changing, by string, p posting) error {
		return w.Pens.DeleteComment(w.Context(), by, p.Number, 2)
	}, "posted.comment.gone"},
	"another status": {func(w changing, by string, p posting) error {
		return w.Pens.SetStatus(w.Context(), by, p.Head, statusTwo, dr.StateSuccess, "two are missing")
	}, "posted.status"},
	"the words of a status": {func(w changing, by string, p posting) error {
		return w.Pens.SetStatus(w.Context(), by, p.Head, statusOne, dr.StateSuccess, "0 to add")
	}, "posted.status"},
}

// restored has it done by somebody, and by whoever has the bot's own account.
func (w changing) restored(r rewrite) {
	p := w.posted()
	for _, by := range []string{Writer, w.Self} {
		wellDone(w.T, r.does(w, by, p))
		told := p.restore()
		if len(told) != 1 || told[0].What.ID != r.told || told[0].By != by {
			w.Errorf("of %s it tells %+v", by, told)
		}
		if now := p.reads(); !slices.Equal(now, p.as) {
			w.Errorf("it reads %q, posted as %q", now, p.as)
		}
		if told := p.restore(); told != nil {
			w.Errorf("it is as it was posted, and is said not to be: %+v", told)
		}
	}
}
