package config

import (
	"bytes"
	"encoding"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/drbot/drbot/dr"
)

// maxValues bounds what is read of a file, each alias followed as often as it is
// used: a short file can name an endless one.
const maxValues = 1 << 18

// maxMerges bounds how deep merge keys (<<) may lead into one another.
const maxMerges = 8

// document parses the one document of a file. The parser's own panics, which some
// malformed texts cause, are faults of the text: a configuration is what somebody typed.
func document(data []byte) (n *yaml.Node, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = notYAML(dr.T("config.unparsed", "why", dr.Foreign(fmt.Sprint(p))))
		}
	}()
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, second yaml.Node
	if err := dec.Decode(&doc); err != nil && !errors.Is(err, io.EOF) {
		return nil, parsed(err)
	}
	switch err := dec.Decode(&second); {
	case err == nil:
		return nil, notYAML(dr.T("config.second-document", "line", second.Line))
	case !errors.Is(err, io.EOF):
		return nil, parsed(err)
	}
	if len(doc.Content) == 0 {
		return &yaml.Node{Kind: yaml.MappingNode}, nil
	}
	return doc.Content[0], nil
}

// notYAML is the error of a text that is no document.
func notYAML(why dr.Text) error {
	return &dr.Error{Code: dr.Invalid, What: dr.T("config.not-yaml", "why", why), Next: dr.T("config.not-yaml.next")}
}

// parsed is what the parser says of a text.
func parsed(err error) error {
	return notYAML(dr.T(dr.Words, "words", dr.Foreign(strings.TrimPrefix(err.Error(), "yaml: "))))
}

// reader reads the nodes of a document into the values they are meant for.
type reader struct {
	*faults
	spans map[string]time.Duration // the durations that were written
	read  int                      // values looked at so far
}

func newReader() *reader {
	return &reader{faults: &faults{lines: map[string]int{}, wrong: map[string]bool{}}, spans: map[string]time.Duration{}}
}

// fill reads a node into the Go value it is meant for, in one walk, and reports every
// unknown key and every value of the wrong kind, where a decoder would stop at the first.
func (f *reader) fill(path string, n *yaml.Node, v reflect.Value) {
	if f.read++; f.read > maxValues {
		if f.read == maxValues+1 {
			f.list = append(f.list, Fault{What: dr.T("config.too-many-values", "most", maxValues)})
		}
		return
	}
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" {
		return // an empty value keeps its default
	}
	f.lines[path] = n.Line
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	if n.Kind == yaml.ScalarNode && v.Type() == reflect.TypeFor[Secret]() {
		f.add(path, dr.T("config.secret.inside"))
		return
	}
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		f.text(path, n, u)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		f.object(path, n, v)
	case reflect.Map:
		f.names(path, n, v)
	case reflect.Slice:
		f.sequence(path, n, v)
	default:
		f.scalar(path, n, v)
	}
}

func (f *reader) text(path string, n *yaml.Node, u encoding.TextUnmarshaler) {
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!str" {
		f.add(path, dr.T("config.shape.duration"))
		return
	}
	if err := u.UnmarshalText([]byte(n.Value)); err != nil { // the one type that reads a text is Duration
		f.add(path, dr.T("config.no-duration", "value", quoted(n.Value)))
		return
	}
	if d, ok := u.(*Duration); ok {
		f.spans[path] = time.Duration(*d)
	}
}

func (f *reader) scalar(path string, n *yaml.Node, v reflect.Value) {
	tag, must := "!!str", dr.T("config.shape.text")
	switch v.Kind() {
	case reflect.Bool:
		tag, must = "!!bool", dr.T("config.shape.bool")
	case reflect.Int:
		tag, must = "!!int", dr.T("config.shape.int")
	default:
		if n.Kind == yaml.ScalarNode {
			must = dr.T("config.shape.quotes", "value", dr.Foreign(n.Value))
		}
	}
	if n.Kind != yaml.ScalarNode || n.ShortTag() != tag || n.Decode(v.Addr().Interface()) != nil {
		f.add(path, must)
	}
}

func (f *reader) sequence(path string, n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.SequenceNode {
		f.add(path, dr.T("config.shape.list"))
		return
	}
	list := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	for i, e := range n.Content {
		f.fill(fmt.Sprintf("%s[%d]", path, i), e, list.Index(i))
	}
	v.Set(list)
}

func (f *reader) names(path string, n *yaml.Node, v reflect.Value) {
	out := reflect.MakeMap(v.Type())
	for _, p := range f.pairs(path, n, dr.T("config.shape.names")) {
		e := reflect.New(v.Type().Elem()).Elem()
		f.fill(below(path, p.key), p.value, e)
		out.SetMapIndex(reflect.ValueOf(p.key), e)
	}
	v.Set(out)
}

// rest is the tag of a struct's field that takes the keys no other field has.
const rest = ",inline"

func (f *reader) object(path string, n *yaml.Node, v reflect.Value) {
	fields, other := map[string]reflect.Value{}, reflect.Value{}
	for i := range v.NumField() {
		tag := v.Type().Field(i).Tag.Get("yaml")
		if tag == rest {
			other = v.Field(i)
			other.Set(reflect.MakeMap(other.Type()))
			continue
		}
		fields[tag] = v.Field(i)
	}
	for _, p := range f.pairs(path, n, dr.T("config.shape.keys")) {
		at := below(path, p.key)
		field, known := fields[p.key]
		switch {
		case known && field.Kind() == reflect.String && p.commented():
			f.lines[at] = p.line
			f.add(at, dr.T("config.commented", "value", dr.Foreign(strings.Fields(p.comment)[0])))
		case known:
			f.fill(at, p.value, field)
		case other.IsValid():
			e := reflect.New(other.Type().Elem()).Elem()
			f.fill(at, p.value, e)
			other.SetMapIndex(reflect.ValueOf(p.key), e)
		default:
			f.lines[at] = p.line
			f.add(at, dr.T("config.key.unknown", "known", knownAre(p.key, sortedKeys(fields))))
		}
	}
}

// pair is a key of a mapping with its value.
type pair struct {
	key     string
	value   *yaml.Node
	line    int
	comment string // behind the key, on its line
}

// commented tells whether what was meant for the value is a comment: "channel: #ops". A
// comment that is one begins with a blank.
func (p pair) commented() bool {
	return p.value.Kind == yaml.ScalarNode && p.value.ShortTag() == "!!null" && len(p.comment) > 1 && !strings.HasPrefix(p.comment, "# ")
}

// pairs lists a mapping's keys in order, those of merge keys behind its own, and
// reports the ones that stand there twice.
func (f *reader) pairs(path string, n *yaml.Node, must dr.Text) []pair {
	if n.Kind != yaml.MappingNode {
		f.add(path, must)
		return nil
	}
	seen := map[string]int{}
	return f.merged(path, n, must, seen, 0)
}

func (f *reader) merged(path string, n *yaml.Node, must dr.Text, seen map[string]int, deep int) []pair {
	var out []pair
	var more []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, value := n.Content[i], n.Content[i+1]
		if k.Kind == yaml.AliasNode {
			k = k.Alias
		}
		line, twice := seen[k.Value]
		switch {
		case k.Kind == yaml.ScalarNode && k.ShortTag() == "!!merge":
			more = append(more, value)
		case k.Kind != yaml.ScalarNode || k.ShortTag() != "!!str":
			f.lines[below(path, "?")] = k.Line
			f.add(below(path, "?"), dr.T("config.shape.key"))
		case twice && deep == 0:
			f.lines[below(path, k.Value)] = k.Line
			f.add(below(path, k.Value), dr.T("config.key.twice", "line", line))
		case !twice:
			seen[k.Value] = k.Line
			out = append(out, pair{k.Value, value, k.Line, k.LineComment})
		}
	}
	for _, m := range more {
		out = append(out, f.inherited(path, m, must, seen, deep+1)...)
	}
	return out
}

// inherited is what a merge key brings in: the keys of a mapping or of several.
func (f *reader) inherited(path string, n *yaml.Node, must dr.Text, seen map[string]int, deep int) []pair {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if f.read += len(n.Content); f.read > maxValues {
		return nil // said where the next value is read
	}
	switch {
	case deep > maxMerges:
		f.add(path, dr.T("config.merge.deep", "most", maxMerges))
	case n.Kind == yaml.MappingNode:
		return f.merged(path, n, must, seen, deep)
	case n.Kind == yaml.SequenceNode:
		var out []pair
		for _, e := range n.Content {
			out = append(out, f.inherited(path, e, must, seen, deep+1)...)
		}
		return out
	default:
		f.add(path+".<<", dr.T("config.merge.shape"))
	}
	return nil
}
