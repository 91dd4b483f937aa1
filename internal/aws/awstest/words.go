package awstest

import (
	"sync"
	"testing"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/text"
)

// Say is what people read of a text.
func Say(t *testing.T, s dr.Text) string {
	t.Helper()
	return words(t).Say(s)
}

// Told is what people read of an error: what happened and what to do next.
func Told(t *testing.T, err error) (what, next string) {
	t.Helper()
	return words(t).Error(err)
}

// catalogue is read once: tests ask for words by the hundred.
var catalogue = sync.OnceValues(func() (*text.Catalogue, error) { return text.New(dr.Verbs()) })

func words(t *testing.T) text.Words {
	t.Helper()
	c, err := catalogue()
	if err != nil {
		t.Fatal(err)
	}
	return c.In("en", text.Slack)
}
