package slack

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

func lastName(pointer string) string {
	return pointer[strings.LastIndexByte(pointer, '/')+1:]
}

// eachText calls f with every text of a tree of blocks, in reading order. A
// property named text holds either the words or a text object around them.
// What a confirmation asks is seen only after a click, so it is asked for apart.
func eachText(v any, confirms bool, f func(string)) {
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			eachText(x, confirms, f)
		}
	case object:
		if t, ok := v["text"].(string); ok {
			f(t)
		} else {
			eachText(v["text"], confirms, f)
		}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if key != "text" && (confirms || key != "confirm") {
				eachText(v[key], confirms, f)
			}
		}
	}
}

// textTotal counts the characters Slack adds up for msg_blocks_too_long.
func textTotal(blocks json.RawMessage) int {
	var tree any
	if json.Unmarshal(blocks, &tree) != nil {
		return 0
	}
	total := 0
	eachText(tree, true, func(t string) { total += utf8.RuneCountInString(t) })
	return total
}

// fillIDs gives every block and element the id Slack makes up when the app
// gave none; a click names both. The caller holds mu and has checked blocks.
func (s *Server) fillIDs(blocks json.RawMessage) json.RawMessage {
	var list []object
	if len(blocks) == 0 || json.Unmarshal(blocks, &list) != nil || len(list) == 0 {
		return nil
	}
	for _, b := range list {
		if id, _ := b["block_id"].(string); id == "" {
			b["block_id"] = s.newID("b")
		}
		for _, e := range elementsOf(b) {
			kind, _ := e["type"].(string)
			if id, _ := e["action_id"].(string); id == "" && kind == "button" {
				e["action_id"] = s.newID("a")
			}
		}
	}
	filled, err := json.Marshal(list)
	if err != nil {
		return blocks
	}
	return filled
}

// elementsOf lists the interactive elements of a block.
func elementsOf(b object) []object {
	var out []object
	if acc, ok := b["accessory"].(object); ok {
		out = append(out, acc)
	}
	if kind, _ := b["type"].(string); kind != "actions" {
		return out
	}
	items, _ := b["elements"].([]any)
	for _, e := range items {
		if el, ok := e.(object); ok {
			out = append(out, el)
		}
	}
	return out
}

// findElement returns the element a click means and the id of its block.
// Without blockID the first block with the action wins.
func findElement(blocks json.RawMessage, blockID, actionID string) (element object, block string, ok bool) {
	var list []object
	if json.Unmarshal(blocks, &list) != nil {
		return nil, "", false
	}
	for _, b := range list {
		id, _ := b["block_id"].(string)
		if blockID != "" && id != blockID {
			continue
		}
		for _, e := range elementsOf(b) {
			if a, _ := e["action_id"].(string); a == actionID {
				return e, id, true
			}
		}
	}
	return nil, "", false
}
