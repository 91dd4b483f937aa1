package dr_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/drbot/drbot/dr"
)

// TestVoices stores people and reads them back, and reads what was stored of several before
// they were a list.
func TestVoices(t *testing.T) {
	for doc, want := range map[string]dr.Voices{
		`""`: nil, `"bob"`: {"bob"}, `"kim and lee"`: {"kim and lee"}, `["bob","kim and lee"]`: {"bob", "kim and lee"},
	} {
		var got dr.Voices
		if err := json.Unmarshal([]byte(doc), &got); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s is read as %q: %v", doc, got, err)
		}
		if back, err := json.Marshal(got); err != nil || string(back) != doc {
			t.Errorf("%s is written as %s: %v", doc, back, err)
		}
	}
	if a := dr.ArgOf(dr.Voices{"bob"}); a.Word != "bob" || a.List != nil {
		t.Errorf("one is %+v", a)
	}
	if a := dr.ArgOf(dr.Voices{"bob", "carol"}); len(a.List) != 2 {
		t.Errorf("two are %+v", a)
	}
	if err := json.Unmarshal([]byte(`3`), new(dr.Voices)); err == nil {
		t.Error("a number is read as people")
	}
}
