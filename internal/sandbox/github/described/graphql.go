package described

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
)

// GraphQL is the schema of GitHub's GraphQL API.
type GraphQL struct{ schema *ast.Schema }

var theSchema struct {
	once sync.Once
	*GraphQL
}

// Schema reads the schema once in a process.
func Schema(t testing.TB) *GraphQL {
	t.Helper()
	content := read(t, graphqlFile)
	theSchema.once.Do(func() {
		schema, err := loaded(string(content))
		if err != nil {
			t.Fatal(err)
		}
		theSchema.GraphQL = &GraphQL{schema}
	})
	if theSchema.GraphQL == nil {
		t.Fatal("the schema could not be read")
	}
	return theSchema.GraphQL
}

// loaded reads a schema in which a field may stand twice, as GitHub's has it.
func loaded(content string) (*ast.Schema, error) {
	doc, err := parser.ParseSchemas(validator.Prelude, &ast.Source{Name: graphqlFile, Input: content})
	if err != nil {
		return nil, err
	}
	for _, def := range doc.Definitions {
		known := map[string]bool{}
		def.Fields = slices.DeleteFunc(def.Fields, func(f *ast.FieldDefinition) bool {
			twice := known[f.Name]
			known[f.Name] = true
			return twice
		})
	}
	return validator.ValidateSchemaDocument(doc)
}

func (w *Watched) judgeQuery(body []byte, a *answer) {
	if a.status >= 400 { // taken by what stands before the API
		return
	}
	op, err := w.graphql.Asked(body)
	if err != nil {
		w.fault("a query asks", err)
		return
	}
	for _, s := range op.SelectionSet {
		if f, ok := s.(*ast.Field); ok {
			w.count("GraphQL "+f.Name, a.status)
		}
	}
	if a.status != http.StatusOK {
		w.fault("a query is answered", fmt.Errorf("with status %d", a.status))
	}
	if err := w.graphql.Answered(op, a.body.Bytes()); err != nil {
		w.fault("a query is answered", err)
	}
}

// Asked holds a question against the schema, with its variables.
func (g *GraphQL) Asked(body []byte) (*ast.OperationDefinition, error) {
	var in struct {
		Query     string         `json:"query"`
		Variables map[string]any `json:"variables"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	op, err := g.Query(in.Query)
	if err != nil {
		return nil, err
	}
	_, err = validator.VariableValues(g.schema, op, in.Variables)
	return op, err
}

// Query holds the text of a question against the schema.
func (g *GraphQL) Query(text string) (*ast.OperationDefinition, error) {
	doc, err := parser.ParseQuery(&ast.Source{Input: text})
	if err != nil {
		return nil, err
	}
	if errs := validator.ValidateWithRules(g.schema, doc, nil); len(errs) > 0 {
		return nil, errs
	}
	if len(doc.Operations) != 1 {
		return nil, fmt.Errorf("%d operations at once", len(doc.Operations))
	}
	return doc.Operations[0], nil
}

// Answered holds an answer against its question: every field that was asked for is there, of its type, and no other.
func (g *GraphQL) Answered(op *ast.OperationDefinition, body []byte) error {
	var doc struct {
		Data   map[string]any `json:"data"`
		Errors []struct {
			Message string `json:"message"`
		} `json:"errors"`
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		return err
	}
	if len(doc.Errors) == 0 {
		return g.object("data", op.SelectionSet, doc.Data)
	}
	for _, e := range doc.Errors {
		if e.Message == "" {
			return fmt.Errorf("an error without a message")
		}
	}
	return nil
}

func (g *GraphQL) object(at string, asked ast.SelectionSet, got map[string]any) error {
	known := map[string]bool{}
	for _, f := range g.asked(asked, got) {
		known[f.Alias] = true
		v, ok := got[f.Alias]
		if !ok {
			return fmt.Errorf("%s lacks %s", at, f.Alias)
		}
		if err := g.value(at+"."+f.Alias, f.SelectionSet, f.Definition.Type, v); err != nil {
			return err
		}
	}
	for name := range got {
		if !known[name] {
			return fmt.Errorf("%s has %s, which nobody asked for", at, name)
		}
	}
	return nil
}

// asked are the fields that were asked of an object, with those of the fragments that are about its type.
func (g *GraphQL) asked(set ast.SelectionSet, got map[string]any) (out []*ast.Field) {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			out = append(out, s)
		case *ast.InlineFragment:
			if g.about(s.TypeCondition, s.SelectionSet, got) {
				out = append(out, g.asked(s.SelectionSet, got)...)
			}
		case *ast.FragmentSpread:
			if g.about(s.Definition.TypeCondition, s.Definition.SelectionSet, got) {
				out = append(out, g.asked(s.Definition.SelectionSet, got)...)
			}
		}
	}
	return out
}

// about tells whether a fragment is about an object: by the name of its type, and where nobody asked for that, by any of
// its fields.
func (g *GraphQL) about(condition string, set ast.SelectionSet, got map[string]any) bool {
	if name, ok := got["__typename"].(string); ok && condition != "" {
		return slices.ContainsFunc(g.schema.PossibleTypes[condition], func(d *ast.Definition) bool { return d.Name == name })
	}
	for _, f := range g.asked(set, got) {
		if _, ok := got[f.Alias]; ok {
			return true
		}
	}
	return condition == ""
}

func (g *GraphQL) value(at string, asked ast.SelectionSet, t *ast.Type, v any) error {
	wrong := fmt.Errorf("%s is %v, and not of type %s", at, v, t)
	if v == nil {
		if t.NonNull {
			return wrong
		}
		return nil
	}
	if t.Elem != nil {
		list, ok := v.([]any)
		if !ok {
			return wrong
		}
		for i, e := range list {
			if err := g.value(fmt.Sprintf("%s[%d]", at, i), asked, t.Elem, e); err != nil {
				return err
			}
		}
		return nil
	}
	if len(asked) > 0 {
		o, ok := v.(map[string]any)
		if !ok {
			return wrong
		}
		return g.object(at, asked, o)
	}
	if !g.scalar(t.NamedType, v) {
		return wrong
	}
	return nil
}

func (g *GraphQL) scalar(name string, v any) bool {
	text, isText := v.(string)
	if def := g.schema.Types[name]; def != nil && def.Kind == ast.Enum {
		return slices.ContainsFunc(def.EnumValues, func(e *ast.EnumValueDefinition) bool { return e.Name == text })
	}
	switch name {
	case "Boolean":
		_, ok := v.(bool)
		return ok
	case "Int", "Float":
		_, ok := v.(float64)
		return ok
	}
	return isText // ID, String and GitHub's own: DateTime, GitObjectID, URI
}
