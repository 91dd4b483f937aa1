package slack

import (
	"encoding/json"
	"fmt"
	"net/url"
	"unicode/utf8"
)

// Slack's limits, in characters (runes) or items.
const (
	maxPostText        = 40000
	maxUpdateText      = 4000 // chat.update is stricter than chat.postMessage
	maxMessageBlocks   = 50
	maxViewBlocks      = 100
	maxText            = 3000
	maxFields          = 10
	maxFieldText       = 2000
	maxHeaderText      = 150
	maxContextItems    = 10
	maxActionItems     = 25
	maxID              = 255
	maxButtonText      = 75
	maxButtonValue     = 2000
	maxURL             = 3000
	maxAltText         = 2000
	maxConfirmTitle    = 100
	maxConfirmText     = 300
	maxConfirmButton   = 30
	maxViewTitle       = 24
	maxPrivateMetadata = 3000
	maxViewBytes       = 250000
	maxInputLabel      = 2000
)

// object is one JSON object of a block, read loosely: the faults are to be
// named, not to stop the decoder.
type object = map[string]any

// checker collects what is wrong with blocks, in Slack's words.
type checker struct {
	problems []string
	blockIDs map[string]bool
}

func (c *checker) addf(at, format string, args ...any) {
	c.problems = append(c.problems, fmt.Sprintf(format, args...)+" [json-pointer:"+at+"]")
}

// checkMessageBlocks returns the faults of a message's blocks, each with its
// place, or none. ok is false when raw is no list of objects at all.
func checkMessageBlocks(raw json.RawMessage) (problems []string, ok bool) {
	var blocks []object
	if json.Unmarshal(raw, &blocks) != nil {
		return nil, false
	}
	c := &checker{blockIDs: map[string]bool{}}
	c.blocks("/blocks", blocks, maxMessageBlocks, false)
	return c.problems, true
}

func (c *checker) blocks(at string, blocks []object, most int, inView bool) {
	if len(blocks) > most {
		c.addf(at, "no more than %d items allowed", most)
	}
	for i, b := range blocks {
		c.block(fmt.Sprintf("%s/%d", at, i), b, inView)
	}
}

func (c *checker) block(at string, b object, inView bool) {
	c.blockID(at, b)
	switch kind, _ := b["type"].(string); kind {
	case "section":
		c.section(at, b)
	case "header":
		c.text(at+"/text", b["text"], textRule{max: maxHeaderText, plain: true})
	case "context":
		c.context(at, b)
	case "actions":
		c.actions(at, b)
	case "image":
		c.image(at, b)
	case "divider":
	case "input":
		if !inView {
			c.addf(at+"/type", "unsupported type: input")
			return
		}
		c.text(at+"/label", b["label"], textRule{max: maxInputLabel, plain: true})
		c.element(at+"/element", b["element"])
	case "":
		c.addf(at, "missing required field: type")
	default:
		c.addf(at+"/type", "unsupported type: %s", kind)
	}
}

func (c *checker) blockID(at string, b object) {
	id, given := c.str(at, b, "block_id", maxID)
	if !given || id == "" {
		return
	}
	if c.blockIDs[id] {
		c.addf(at+"/block_id", "`block_id` already exists")
	}
	c.blockIDs[id] = true
}

func (c *checker) section(at string, b object) {
	_, hasText := b["text"]
	rawFields, hasFields := b["fields"]
	if !hasText && !hasFields {
		c.addf(at, "missing required field: text")
		return
	}
	if hasText {
		c.text(at+"/text", b["text"], textRule{max: maxText})
	}
	if hasFields {
		for i, f := range c.list(at+"/fields", rawFields, maxFields) {
			c.text(fmt.Sprintf("%s/fields/%d", at, i), f, textRule{max: maxFieldText})
		}
	}
	if acc, given := b["accessory"]; given {
		c.element(at+"/accessory", acc)
	}
}

func (c *checker) context(at string, b object) {
	for i, e := range c.list(at+"/elements", b["elements"], maxContextItems) {
		here := fmt.Sprintf("%s/elements/%d", at, i)
		el, _ := e.(object)
		if kind, _ := el["type"].(string); kind == "image" {
			c.image(here, el)
			continue
		}
		c.text(here, e, textRule{max: maxText})
	}
}

func (c *checker) actions(at string, b object) {
	seen := map[string]bool{}
	for i, e := range c.list(at+"/elements", b["elements"], maxActionItems) {
		here := fmt.Sprintf("%s/elements/%d", at, i)
		c.element(here, e)
		el, _ := e.(object)
		id, _ := el["action_id"].(string)
		if id != "" && seen[id] {
			c.addf(here+"/action_id", "`action_id` already exists")
		}
		seen[id] = true
	}
}

func (c *checker) image(at string, b object) {
	if _, file := b["slack_file"]; !file {
		c.required(at, b, "image_url", maxURL)
	}
	c.required(at, b, "alt_text", maxAltText)
	if t, given := b["title"]; given {
		c.text(at+"/title", t, textRule{max: maxAltText, plain: true})
	}
}

// element checks an interactive element. Only those the page can show are
// known; a new one must be added here with its limits before a bot may use it.
func (c *checker) element(at string, v any) {
	e, ok := v.(object)
	if !ok {
		c.addf(at, "must be an object")
		return
	}
	c.str(at, e, "action_id", maxID)
	if confirm, given := e["confirm"]; given {
		c.confirm(at+"/confirm", confirm)
	}
	switch kind, _ := e["type"].(string); kind {
	case "button":
		c.button(at, e)
	case "image":
		c.image(at, e)
	case "static_select", "users_select", "plain_text_input", "radio_buttons", "checkboxes", "datepicker":
		if p, given := e["placeholder"]; given {
			c.text(at+"/placeholder", p, textRule{max: 150, plain: true})
		}
	case "":
		c.addf(at, "missing required field: type")
	default:
		c.addf(at+"/type", "unsupported type: %s", kind)
	}
}

func (c *checker) button(at string, e object) {
	c.text(at+"/text", e["text"], textRule{max: maxButtonText, plain: true})
	c.str(at, e, "value", maxButtonValue)
	if link, given := c.str(at, e, "url", maxURL); given {
		if u, err := url.Parse(link); err != nil || u.Scheme == "" {
			c.addf(at+"/url", "must be a valid URL")
		}
	}
	c.style(at, e)
}

func (c *checker) style(at string, e object) {
	if s, given := c.str(at, e, "style", maxID); given && s != "primary" && s != "danger" {
		c.addf(at+"/style", "must be one of: primary, danger")
	}
}

func (c *checker) confirm(at string, v any) {
	e, ok := v.(object)
	if !ok {
		c.addf(at, "must be an object")
		return
	}
	c.text(at+"/title", e["title"], textRule{max: maxConfirmTitle, plain: true})
	c.text(at+"/text", e["text"], textRule{max: maxConfirmText})
	c.text(at+"/confirm", e["confirm"], textRule{max: maxConfirmButton, plain: true})
	c.text(at+"/deny", e["deny"], textRule{max: maxConfirmButton, plain: true})
	c.style(at, e)
}

// textRule is what a place asks of its text object.
type textRule struct {
	max   int
	plain bool // mrkdwn is not allowed here
}

func (c *checker) text(at string, v any, rule textRule) {
	t, ok := v.(object)
	if !ok {
		c.addf(at, "missing required field: %s", lastName(at))
		return
	}
	switch kind, _ := t["type"].(string); {
	case kind == "plain_text":
	case kind == "mrkdwn" && !rule.plain:
	case kind == "mrkdwn":
		c.addf(at+"/type", "must be one of: plain_text")
	default:
		c.addf(at+"/type", "must be one of: plain_text, mrkdwn")
	}
	s, ok := t["text"].(string)
	switch n := utf8.RuneCountInString(s); {
	case !ok:
		c.addf(at, "missing required field: text")
	case n == 0:
		c.addf(at+"/text", "must be more than 0 characters")
	case n > rule.max:
		c.addf(at+"/text", "must be less than %d characters", rule.max+1)
	}
}

func (c *checker) list(at string, v any, most int) []any {
	items, ok := v.([]any)
	switch {
	case v == nil:
		c.addf(at, "missing required field: %s", lastName(at))
	case !ok:
		c.addf(at, "must be an array")
	case len(items) == 0:
		c.addf(at, "no less than 1 items allowed")
	case len(items) > most:
		c.addf(at, "no more than %d items allowed", most)
	}
	return items
}

func (c *checker) str(at string, o object, key string, most int) (string, bool) {
	v, given := o[key]
	if !given {
		return "", false
	}
	s, ok := v.(string)
	if !ok {
		c.addf(at+"/"+key, "must be a string")
		return "", false
	}
	if utf8.RuneCountInString(s) > most {
		c.addf(at+"/"+key, "must be less than %d characters", most+1)
	}
	return s, true
}

func (c *checker) required(at string, o object, key string, most int) {
	if s, given := c.str(at, o, key, most); !given || s == "" {
		c.addf(at, "missing required field: %s", key)
	}
}
