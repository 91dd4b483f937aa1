package config

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// faults collects what is wrong with a file, each with its path.
type faults struct{ list []string }

func (f *faults) add(path, format string, args ...any) {
	f.list = append(f.list, strings.TrimPrefix(path, ".")+": "+fmt.Sprintf(format, args...))
}

// shape compares a decoded document with the Go type it is meant for and reports
// every unknown key and every value of the wrong kind, where a decoder would stop
// at the first.
func (f *faults) shape(path string, v any, t reflect.Type) {
	if v == nil {
		return // an empty value keeps its default
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		f.text(path, v, t)
		return
	}
	switch t.Kind() {
	case reflect.Struct:
		f.object(path, v, t)
	case reflect.Map:
		m, ok := v.(map[string]any)
		if !ok {
			f.add(path, "must be a mapping of names to values")
			return
		}
		for _, k := range sortedKeys(m) {
			f.shape(path+"."+k, m[k], t.Elem())
		}
	case reflect.Slice:
		l, ok := v.([]any)
		if !ok {
			f.add(path, "must be a list")
			return
		}
		for i, e := range l {
			f.shape(fmt.Sprintf("%s[%d]", path, i), e, t.Elem())
		}
	case reflect.String:
		if _, ok := v.(string); !ok {
			f.add(path, "must be a text; put %v in quotes", v)
		}
	case reflect.Bool:
		if _, ok := v.(bool); !ok {
			f.add(path, "must be true or false")
		}
	case reflect.Int:
		switch v.(type) {
		case int, int64, uint64:
		default:
			f.add(path, "must be a whole number")
		}
	}
}

func (f *faults) text(path string, v any, t reflect.Type) {
	s, ok := v.(string)
	if !ok {
		f.add(path, "must be a duration such as 90s, 30m or 4h")
		return
	}
	u, ok := reflect.New(t).Interface().(encoding.TextUnmarshaler)
	if !ok {
		return
	}
	if err := u.UnmarshalText([]byte(s)); err != nil {
		f.add(path, "%v", err)
	}
}

func (f *faults) object(path string, v any, t reflect.Type) {
	m, ok := v.(map[string]any)
	if !ok {
		f.add(path, "must be a mapping of keys to values")
		return
	}
	fields := map[string]reflect.Type{}
	for i := range t.NumField() {
		fields[t.Field(i).Tag.Get("yaml")] = t.Field(i).Type
	}
	for _, k := range sortedKeys(m) {
		ft, known := fields[k]
		if !known {
			f.add(path+"."+k, "unknown key; known here: %s", strings.Join(sortedKeys(fields), ", "))
			continue
		}
		f.shape(path+"."+k, m[k], ft)
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
