package policies

import (
	"strings"
	"sync"
	"testing"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/text"
)

var catalogue = sync.OnceValues(func() (*text.Catalogue, error) { return text.New(dr.Verbs()) })

// inWords is what people read of texts.
func inWords(t *testing.T, texts ...dr.Text) string {
	t.Helper()
	catalogue, err := catalogue()
	if err != nil {
		t.Fatal(err)
	}
	out := make([]string, len(texts))
	for i, s := range texts {
		out[i] = catalogue.In("en", text.Slack).Say(s)
	}
	return strings.Join(out, "; ")
}
