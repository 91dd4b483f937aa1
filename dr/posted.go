package dr

import (
	"slices"
	"time"
)

// Posted is what a run has put on its pull request for people to read, as it was put there.
type Posted struct {
	Title    string          `json:"title,omitempty"`
	Body     string          `json:"body,omitempty"`
	Head     string          `json:"head,omitempty"` // the commit that the statuses are of
	Comments []PostedComment `json:"comments,omitempty"`
	Statuses []PostedStatus  `json:"statuses,omitempty"`
}

// PostedComment is one comment of the bot's. It is found by its number, and by its marker
// where it is gone.
type PostedComment struct {
	Marker string `json:"marker"`
	Body   string `json:"body"`
	Written
}

// Written is which comment it is, and when it was last written by the forge's clock.
type Written struct {
	ID int64     `json:"id,omitempty"`
	At time.Time `json:"at,omitzero"`
}

// PostedStatus is a commit status.
type PostedStatus struct {
	Name  string      `json:"name"`
	State CommitState `json:"state"`
	Text  string      `json:"text"`
}

// Rewritten is something of what was posted that says, or for a while said, something else.
type Rewritten struct {
	What Text   `json:"what"`
	By   string `json:"by,omitempty"` // empty where the forge does not tell
}

// Same tells whether two are the same in all.
func (p Posted) Same(o Posted) bool {
	return p.Title == o.Title && p.Body == o.Body && p.Head == o.Head && slices.Equal(p.Statuses, o.Statuses) &&
		slices.EqualFunc(p.Comments, o.Comments, func(a, b PostedComment) bool {
			return a.Marker == b.Marker && a.Body == b.Body && a.ID == b.ID && a.At.Equal(b.At)
		})
}

// WithComment is what was posted with a comment in the place of what had its marker.
func (p Posted) WithComment(c PostedComment) Posted {
	p.Comments = slices.Clone(p.Comments)
	if i := slices.IndexFunc(p.Comments, func(o PostedComment) bool { return o.Marker == c.Marker }); i >= 0 {
		p.Comments[i] = c
		return p
	}
	p.Comments = append(p.Comments, c)
	return p
}

// WithStatus is what was posted with a status in the place of what had its name.
func (p Posted) WithStatus(s PostedStatus) Posted {
	p = p.WithoutStatus(s.Name)
	p.Statuses = append(p.Statuses, s)
	return p
}

// WithoutStatus is what was posted but for a status.
func (p Posted) WithoutStatus(name string) Posted {
	p.Statuses = slices.DeleteFunc(slices.Clone(p.Statuses), func(o PostedStatus) bool { return o.Name == name })
	return p
}
