package systems_test

import (
	"io/fs"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/drbot/drbot/internal/aws/systems"
	"github.com/drbot/drbot/text"
)

// TestEveryCheckIsInWords finds what each check means and how it is mended in the
// catalogue.
func TestEveryCheckIsInWords(t *testing.T) {
	doc, err := fs.ReadFile(text.Files(), "en.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var messages map[string]any
	if err := yaml.Unmarshal(doc, &messages); err != nil {
		t.Fatal(err)
	}
	specs := systems.Specs()
	if len(specs) == 0 {
		t.Fatal("there are no checks")
	}
	for _, spec := range specs {
		for _, id := range []string{"check." + spec.ID, "mend." + spec.ID, "called." + spec.ID} {
			if words, ok := messages[id].(string); !ok || words == "" {
				t.Errorf("%s stands in no catalogue", id)
			}
		}
	}
}
