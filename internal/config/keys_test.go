package config

import "reflect"

// allKeys lists every key a file may have.
func allKeys() []string {
	var keys []string
	seen := map[reflect.Type]bool{}
	var walk func(reflect.Type)
	walk = func(t reflect.Type) {
		switch t.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map:
			walk(t.Elem())
		case reflect.Struct:
			if seen[t] {
				return
			}
			seen[t] = true
			for i := range t.NumField() {
				keys = append(keys, t.Field(i).Tag.Get("yaml"))
				walk(t.Field(i).Type)
			}
		}
	}
	walk(reflect.TypeFor[file]())
	return keys
}
