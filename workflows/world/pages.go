package world

import (
	"sync"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/text"
	"github.com/drbot/drbot/view"
)

// words reads the catalogue once.
var words = sync.OnceValues(func() (*text.Catalogue, error) { return text.New(dr.Verbs()) })

// pages are the real words of pull requests.
func pages() view.PullRequest {
	c, err := words()
	if err != nil {
		panic(err) // the catalogue's own tests say what is wrong with it
	}
	return view.PullRequest{Words: c.In("en", text.Slack)}
}

// Words is what people read of a text.
func Words(t dr.Text) string { return pages().Words.Say(t) }
