package tf

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// json reads a file in JSON. It is code as a whole: nobody writes it by hand.
func (r *reads) json(ctx context.Context, c *call, name, id, text string) error {
	r.runs("json", name, id)
	r.start = true // for all that is known
	var doc any
	if len(text) > largestConfig || json.Unmarshal([]byte(text), &doc) != nil {
		r.whole = true
		return nil
	}
	if isValues(name) {
		return r.strings(ctx, c, doc)
	}
	for _, data := range objects(within(doc, "data")) {
		if slices.ContainsFunc(programs, func(kind string) bool { _, ok := data[kind]; return ok }) {
			r.whole = true
			running{r}.programmed(c, func() { r.everyText(c, doc) })
		}
	}
	if has(doc, "provisioner") {
		running{r}.programmed(c, func() { r.everyText(c, doc) })
	}
	for _, modules := range objects(within(doc, "module")) {
		for _, call := range slices.Sorted(maps.Keys(modules)) {
			for _, block := range objects(modules[call]) {
				from, known := block["source"].(string)
				if err := r.called(ctx, c, call, from, known, nil); err != nil {
					return err
				}
			}
		}
	}
	return r.strings(ctx, c, doc)
}

// has tells whether a document has a key anywhere.
func has(doc any, key string) bool {
	switch doc := doc.(type) {
	case []any:
		return slices.ContainsFunc(doc, func(d any) bool { return has(d, key) })
	case map[string]any:
		_, found := doc[key]
		for _, d := range doc {
			found = found || has(d, key)
		}
		return found
	default:
		return false
	}
}

// everyText takes what the texts of a document name that starts programs.
func (r *reads) everyText(c *call, doc any) {
	switch doc := doc.(type) {
	case string:
		text := doc
		for _, of := range []string{"module", "root", "cwd"} {
			at := map[string]string{"module": c.rel}[of]
			text = strings.ReplaceAll(text, "${path."+of+"}", cmp.Or(at, "."))
		}
		r.files(text, r.stack, c.dir)
	case []any:
		for _, d := range doc {
			r.everyText(c, d)
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(doc)) {
			r.everyText(c, doc[key])
		}
	}
}

func within(doc any, key string) any {
	var out []any
	for _, o := range objects(doc) {
		out = append(out, o[key])
	}
	return out
}

// objects are the objects of what may be one or a list of them.
func objects(doc any) []map[string]any {
	switch doc := doc.(type) {
	case map[string]any:
		return []map[string]any{doc}
	case []any:
		var out []map[string]any
		for _, d := range doc {
			out = append(out, objects(d)...)
		}
		return out
	default:
		return nil
	}
}

// strings walks everything that a document in JSON may have Terraform evaluate.
func (r *reads) strings(ctx context.Context, c *call, doc any) error {
	switch doc := doc.(type) {
	case string:
		return r.template(ctx, c, doc)
	case []any:
		for _, d := range doc {
			if err := r.strings(ctx, c, d); err != nil {
				return err
			}
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(doc)) {
			if err := r.strings(ctx, c, doc[key]); err != nil {
				return err
			}
		}
	}
	return nil
}
