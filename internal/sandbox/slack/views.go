package slack

import (
	"encoding/json"
	"time"
	"unicode/utf8"
)

// triggerLife is how long a trigger_id opens a view.
const triggerLife = 3 * time.Second

// trigger is the right to open one view for one person.
type trigger struct {
	user string
	made time.Time
	used bool
}

// View is a modal the bot opened.
type View struct {
	ID         string
	User       string
	CallbackID string
	Raw        json.RawMessage
}

// Views returns the modals opened so far, oldest first.
func (s *Server) Views() []View {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]View(nil), s.views...)
}

// newTrigger makes a trigger_id for a person. The caller holds mu.
func (s *Server) newTrigger(user string) string {
	id := s.newID("13345224609.") + ".8fd32ab4"
	s.triggers[id] = &trigger{user: user, made: s.opts.Clock()}
	return id
}

func (s *Server) openView(a args, _ *Injected) reply {
	t := s.triggers[a["trigger_id"]]
	switch {
	case t == nil:
		return failWith("invalid_arguments", []string{"invalid `trigger_id` [json-pointer:/trigger_id]"})
	case t.used:
		return fail("exchanged_trigger_id")
	case s.opts.Clock().Sub(t.made) > triggerLife:
		return fail("expired_trigger_id")
	}
	raw := json.RawMessage(a["view"])
	if len(raw) > maxViewBytes {
		return fail("view_too_large")
	}
	var v object
	if json.Unmarshal(raw, &v) != nil {
		return fail("invalid_arguments")
	}
	if problems := checkView(v); len(problems) > 0 {
		return failWith("invalid_arguments", problems)
	}
	t.used = true
	callback, _ := v["callback_id"].(string)
	id := s.newID("V")
	s.views = append(s.views, View{ID: id, User: t.user, CallbackID: callback, Raw: raw})
	s.bump()
	v["id"], v["team_id"], v["app_id"], v["bot_id"] = id, s.opts.TeamID, s.opts.AppID, s.opts.BotID
	v["hash"], v["root_view_id"], v["state"] = "1."+id, id, object{"values": object{}}
	return okReply(object{"view": v})
}

// checkView returns the faults of a modal.
func checkView(v object) []string {
	c := &checker{blockIDs: map[string]bool{}}
	if kind, _ := v["type"].(string); kind != "modal" {
		c.addf("/view/type", "must be one of: modal")
	}
	c.text("/view/title", v["title"], textRule{max: maxViewTitle, plain: true})
	for _, key := range []string{"submit", "close"} {
		if t, given := v[key]; given {
			c.text("/view/"+key, t, textRule{max: maxViewTitle, plain: true})
		}
	}
	c.str("/view", v, "callback_id", maxID)
	c.str("/view", v, "external_id", maxID)
	if meta, _ := v["private_metadata"].(string); utf8.RuneCountInString(meta) > maxPrivateMetadata {
		c.addf("/view/private_metadata", "must be less than %d characters", maxPrivateMetadata+1)
	}
	items, _ := v["blocks"].([]any)
	if items == nil {
		c.addf("/view", "missing required field: blocks")
	}
	hasInput := false
	blocks := make([]object, len(items))
	for i, b := range items {
		blocks[i], _ = b.(object)
		hasInput = hasInput || blocks[i]["type"] == "input"
	}
	c.blocks("/view/blocks", blocks, maxViewBlocks, true)
	if _, submit := v["submit"]; hasInput && !submit {
		c.addf("/view", "missing required field: submit")
	}
	return c.problems
}
