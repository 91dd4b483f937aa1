package main

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/drbot/drbot/dr"
)

// member is one value of a JSON object or list; a list's has no key.
type member struct{ key, value json.RawMessage }

// worded puts beside every text of a JSON document what it says in words: ids and
// arguments are for programs, and who looks through the document wants to read it too.
// All else stays as it is, in its order.
func worded(doc []byte, say func(dr.Text) string) ([]byte, error) {
	doc = bytes.TrimSpace(doc)
	if len(doc) == 0 || doc[0] != '{' && doc[0] != '[' {
		return doc, nil
	}
	all, err := members(doc)
	if err != nil {
		return nil, fmt.Errorf("read a document: %w", err)
	}
	said, isText := textOf(doc, all)
	var out bytes.Buffer
	out.WriteByte(doc[0])
	for i, m := range all {
		if i > 0 {
			out.WriteByte(',')
		}
		if m.key != nil {
			out.Write(m.key)
			out.WriteByte(':')
		}
		if !isText { // what a text is about stands in its words
			if m.value, err = worded(m.value, say); err != nil {
				return nil, err
			}
		}
		out.Write(m.value)
	}
	if isText {
		words, err := json.Marshal(say(said))
		if err != nil {
			return nil, fmt.Errorf("write words: %w", err)
		}
		fmt.Fprintf(&out, `,"words":%s`, words)
	}
	out.WriteByte(doc[len(doc)-1])
	return out.Bytes(), nil
}

// members takes an object or a list apart.
func members(doc []byte) ([]member, error) {
	var out []member
	dec := json.NewDecoder(bytes.NewReader(doc))
	if _, err := dec.Token(); err != nil {
		return nil, err
	}
	for dec.More() {
		var m member
		if doc[0] == '{' {
			key, err := dec.Token()
			if err != nil {
				return nil, err
			}
			if m.key, err = json.Marshal(key); err != nil {
				return nil, err
			}
		}
		if err := dec.Decode(&m.value); err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
}

// textOf tells whether an object is a text: it has an id, at most arguments beside it, and
// nothing more.
func textOf(doc []byte, all []member) (dr.Text, bool) {
	var t dr.Text
	id := false
	for _, m := range all {
		switch string(m.key) {
		case `"id"`:
			id = true
		case `"args"`:
		default:
			return t, false
		}
	}
	return t, id && json.Unmarshal(doc, &t) == nil
}
