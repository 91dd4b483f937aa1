package described

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"
)

// REST is the description of GitHub's REST API and of its webhooks. It has a thousand operations in 13 MB; each that
// is asked about is read by itself, with the parts that it refers to.
type REST struct {
	paths, hooks map[string]map[string]json.RawMessage // by template or name, then by method
	parts        map[string]map[string]json.RawMessage // by kind and name

	mu     sync.Mutex
	routes map[string]*routers.Route
}

var theREST struct {
	once sync.Once
	*REST
}

// Rest reads the description once in a process.
func Rest(t testing.TB) *REST {
	t.Helper()
	content := read(t, restFile)
	theREST.once.Do(func() {
		var doc struct {
			Paths map[string]map[string]json.RawMessage `json:"paths"`
			Hooks map[string]map[string]json.RawMessage `json:"x-webhooks"`
			Parts map[string]map[string]json.RawMessage `json:"components"`
		}
		if err := json.Unmarshal(content, &doc); err != nil {
			t.Fatal(err)
		}
		theREST.REST = &REST{paths: doc.Paths, hooks: doc.Hooks, parts: doc.Parts, routes: map[string]*routers.Route{}}
	})
	if theREST.REST == nil {
		t.Fatal("the description could not be read")
	}
	return theREST.REST
}

// route finds the operation of a request and the values of its path's parameters.
func (d *REST) route(method string, u *url.URL) (*routers.Route, map[string]string, error) {
	path := strings.Split(u.EscapedPath(), "/")
	var best string
	var params map[string]string
	most := -1
	for template, item := range d.paths {
		if item[strings.ToLower(method)] == nil {
			continue
		}
		if p, literal, ok := match(strings.Split(template, "/"), path); ok && literal > most {
			best, params, most = template, p, literal
		}
	}
	if most < 0 {
		return nil, nil, fmt.Errorf("GitHub describes no %s %s", method, u.Path)
	}
	r, err := d.operation(method, best, d.paths[best])
	return r, params, err
}

// several are the parameters that may hold slashes.
var several = []string{"path", "ref", "branch", "basehead", "tree_sha"}

// match fits a path into a template and counts the segments that are the same.
func match(template, path []string) (params map[string]string, literal int, ok bool) {
	if len(template) == 0 || len(path) == 0 {
		return map[string]string{}, 0, len(template) == len(path)
	}
	name, isParam := strings.CutPrefix(template[0], "{")
	name, whole := strings.CutSuffix(name, "}")
	isParam = isParam && whole && !strings.Contains(name, "{") // compare/{base}...{head} is there as compare/{basehead} too
	longest := 1
	if isParam && slices.Contains(several, name) {
		longest = len(path)
	}
	for n := 1; n <= longest; n++ {
		value, err := url.PathUnescape(strings.Join(path[:n], "/"))
		if err != nil || !isParam && template[0] != path[0] {
			return nil, 0, false
		}
		rest, same, fits := match(template[1:], path[n:])
		switch {
		case !fits:
		case isParam:
			rest[name] = value
			return rest, same, true
		default:
			return rest, same + 1, true
		}
	}
	return nil, 0, false
}

// operation reads one operation, once.
func (d *REST) operation(method, template string, item map[string]json.RawMessage) (*routers.Route, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	key := method + " " + template
	if r := d.routes[key]; r != nil {
		return r, nil
	}
	parts := map[string]map[string]any{}
	op, err := d.bare(item[strings.ToLower(method)], parts)
	if err != nil {
		return nil, err
	}
	doc, err := json.Marshal(map[string]any{
		"openapi": "3.0.3", "info": map[string]any{"title": key, "version": "1"}, "components": parts,
		"paths": map[string]any{template: map[string]any{strings.ToLower(method): op}},
	})
	if err != nil {
		return nil, err
	}
	spec, err := openapi3.NewLoader().LoadFromData(doc)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	at := spec.Paths.Value(template)
	r := &routers.Route{Spec: spec, Path: template, PathItem: at, Method: method, Operation: at.GetOperation(method)}
	d.routes[key] = r
	return r, nil
}

// bare decodes a part and, into parts, every part that it refers to, without what is there for readers alone.
func (d *REST) bare(raw json.RawMessage, parts map[string]map[string]any) (any, error) {
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		return nil, err
	}
	var firstErr error
	var walk func(v any, names bool)
	walk = func(v any, names bool) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				walk(e, false)
			}
		case map[string]any:
			if ref, ok := v["$ref"].(string); ok && !names {
				if err := d.follow(ref, parts); err != nil && firstErr == nil {
					firstErr = err
				}
				return
			}
			// Where one alone has to fit, GitHub's own examples fit several: its errors do not differ.
			if of, ok := v["oneOf"]; ok && !names {
				v["anyOf"] = of
				delete(v, "oneOf")
			}
			for key, e := range v {
				// A discriminator says the same as the enumerations do, but not of an array.
				if !names && (slices.Contains([]string{"example", "examples", "externalDocs", "discriminator"}, key) || strings.HasPrefix(key, "x-")) {
					delete(v, key)
					continue
				}
				walk(e, key == "properties" && !names)
			}
		}
	}
	walk(v, false)
	return v, firstErr
}

// actor is who did what happened to an issue. GitHub gives null for an account that was deleted, and describes that for
// the events of a repository and not for those of one issue.
var actor = regexp.MustCompile(`("actor"\s*:\s*\{\s*"\$ref"\s*:\s*"#/components/schemas/)simple-user"`)

func (d *REST) follow(ref string, parts map[string]map[string]any) error {
	kind, name, ok := strings.Cut(strings.TrimPrefix(ref, "#/components/"), "/")
	raw := d.parts[kind][name]
	if !ok || raw == nil {
		return fmt.Errorf("the description refers to %s, which it does not have", ref)
	}
	if parts[kind] == nil {
		parts[kind] = map[string]any{}
	}
	if _, known := parts[kind][name]; known {
		return nil
	}
	parts[kind][name] = nil // so that a part may refer to itself
	if strings.HasSuffix(name, "-issue-event") {
		raw = actor.ReplaceAll(raw, []byte(`${1}nullable-simple-user"`))
	}
	v, err := d.bare(raw, parts)
	if name == "auto-merge" { // of a merge without words of its own; the webhooks' description says so
		for _, words := range []string{"commit_title", "commit_message"} {
			v.(map[string]any)["properties"].(map[string]any)[words].(map[string]any)["nullable"] = true
		}
	}
	parts[kind][name] = v
	return err
}

// hook finds the operation of a webhook's event.
func (d *REST) hook(event, action string) (*routers.Route, error) {
	name := strings.ReplaceAll(event, "_", "-")
	if action != "" {
		name += "-" + strings.ReplaceAll(action, "_", "-")
	}
	item := d.hooks[name]
	if item == nil {
		return nil, fmt.Errorf("GitHub describes no webhook %s", name)
	}
	return d.operation(http.MethodPost, "/"+name, item)
}
