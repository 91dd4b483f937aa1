package world

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/drbot/drbot/dr"
)

// thing is a resource that stands in a stack beyond the ordinary: a file of the
// repository each.
type thing struct {
	Value string
	Order int  // things are made in order
	Waits bool // its making waits until the gate is open
	Fails bool // its making fails

	Beside string `json:",omitempty"` // an attribute that changes with its value
}

func (t thing) text() string {
	doc, err := json.Marshal(t)
	if err != nil {
		panic(err) // strings and numbers alone
	}
	return string(doc)
}

const thingsDir = "things/"

func thingPath(stack, address string) string { return thingsDir + stack + "/" + address }

// thingsOf are those that the files want in a stack, by their addresses.
func thingsOf(stack string, tree map[string]string) map[string]thing {
	out := map[string]thing{}
	for path, text := range tree {
		if address, ok := strings.CutPrefix(path, thingPath(stack, "")); ok {
			var t thing
			if err := json.Unmarshal([]byte(text), &t); err != nil {
				panic(err) // only this package writes them
			}
			out[address] = t
		}
	}
	return out
}

// making is what an apply does to a thing.
type making struct {
	thing
	address, action string
}

// makings compares the things that the files want of a stack with its state: what is
// made anew or changed in order, then what goes.
func (tf *terraform) makings(stack string, tree map[string]string) []making {
	wanted := thingsOf(stack, tree)
	var out []making
	for address, t := range wanted {
		value, there := tf.state[stack][address]
		switch {
		case !there:
			out = append(out, making{t, address, "create"})
		case value != t.Value:
			out = append(out, making{t, address, "update"})
		}
	}
	slices.SortFunc(out, func(a, b making) int {
		return cmp.Or(a.Order-b.Order, strings.Compare(a.address, b.address))
	})
	for _, address := range slices.Sorted(maps.Keys(tf.state[stack])) {
		if _, still := wanted[address]; !still {
			out = append(out, making{address: address, action: "delete"})
		}
	}
	return out
}

func (tf *terraform) planThings(stack string, tree map[string]string, add func(address, action string, paths ...dr.PathChange)) {
	for _, m := range tf.makings(stack, tree) {
		if m.Value == "" || m.action == "delete" {
			add(m.address, m.action)
		} else {
			paths := []dr.PathChange{{Path: "input", Value: m.Value}}
			if m.Beside != "" {
				paths = append(paths, dr.PathChange{Path: m.Beside, Value: m.Value})
			}
			add(m.address, m.action, paths...)
		}
	}
}

// isThing tells a thing from what every stack has.
func (tf *terraform) isThing(stack, address string, tree map[string]string) bool {
	_, wanted := tree[thingPath(stack, address)]
	_, there := tf.state[stack][address]
	return wanted || there
}

// Import puts into a stack's state what no file wants: the next plan deletes it.
func (w *World) Import(stack, address string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.tf.state[stack] == nil {
		w.tf.state[stack] = map[string]string{}
	}
	w.tf.state[stack][address] = ""
}
