package slack

import (
	"encoding/json"
	"html/template"
)

// shownBlock is a block as the page reads it; the checks were done before it
// was stored.
type shownBlock struct {
	Type      string         `json:"type"`
	BlockID   string         `json:"block_id"`
	Text      *shownText     `json:"text"`
	Fields    []shownText    `json:"fields"`
	Elements  []shownElement `json:"elements"`
	Accessory *shownElement  `json:"accessory"`
	ImageURL  string         `json:"image_url"`
	AltText   string         `json:"alt_text"`
}

type shownText struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

type shownElement struct {
	Type     string          `json:"type"`
	Text     json.RawMessage `json:"text"` // words in a context block, an object in a button
	ActionID string          `json:"action_id"`
	Style    string          `json:"style"`
	URL      string          `json:"url"`
	ImageURL string          `json:"image_url"`
	AltText  string          `json:"alt_text"`
	Confirm  *struct {
		Title   shownText `json:"title"`
		Text    shownText `json:"text"`
		Confirm shownText `json:"confirm"`
		Deny    shownText `json:"deny"`
		Style   string    `json:"style"`
	} `json:"confirm"`
	Placeholder *shownText `json:"placeholder"`
}

// blockViews prepares stored blocks for the template.
func (s *Server) blockViews(raw json.RawMessage) []blockView {
	var blocks []shownBlock
	if json.Unmarshal(raw, &blocks) != nil {
		return nil
	}
	out := make([]blockView, len(blocks))
	for i, b := range blocks {
		v := blockView{Type: b.Type}
		if b.Text != nil {
			v.Text = s.textHTML(*b.Text)
		}
		for _, f := range b.Fields {
			v.Fields = append(v.Fields, s.textHTML(f))
		}
		for _, e := range b.Elements {
			v.Elements = append(v.Elements, s.elementView(e, b.BlockID))
		}
		if b.Accessory != nil {
			e := s.elementView(*b.Accessory, b.BlockID)
			v.Accessory = &e
		}
		if b.Type == "image" {
			v.Image = &imageView{URL: linkable(b.ImageURL), Alt: b.AltText}
		}
		out[i] = v
	}
	return out
}

func (s *Server) textHTML(t shownText) template.HTML {
	if t.Type == "mrkdwn" {
		return renderMrkdwn(t.Text, s.mentionName)
	}
	return renderPlain(t.Text)
}

func (s *Server) elementView(e shownElement, blockID string) elementView {
	v := elementView{Type: e.Type, ActionID: e.ActionID, BlockID: blockID, Style: e.Style, URL: linkable(e.URL)}
	switch e.Type {
	case "mrkdwn", "plain_text":
		t := shownText{Type: e.Type}
		if json.Unmarshal(e.Text, &t.Text) == nil {
			v.Text = s.textHTML(t)
		}
	case "image":
		v.Image = &imageView{URL: linkable(e.ImageURL), Alt: e.AltText}
	default:
		var t shownText
		if json.Unmarshal(e.Text, &t) == nil {
			v.Text = s.textHTML(t)
		}
		if e.Placeholder != nil {
			v.Text = s.textHTML(*e.Placeholder)
		}
	}
	if c := e.Confirm; c != nil {
		v.Confirm = &confirmView{
			Title: s.textHTML(c.Title), Text: s.textHTML(c.Text),
			Confirm: s.textHTML(c.Confirm), Deny: s.textHTML(c.Deny), Danger: c.Style == "danger",
		}
	}
	return v
}

// linkable is the address when a click on it is harmless, and nothing otherwise.
func linkable(to string) string {
	if safeURL(to) {
		return to
	}
	return ""
}
