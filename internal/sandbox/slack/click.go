package slack

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
)

// Click makes a persona press a button of a message and waits for the
// acknowledgement. A button with a confirmation needs Confirmed.
func (s *Server) Click(ctx context.Context, persona, channel, ts, actionID string, opts ...SendOption) (Delivery, error) {
	c := newSendConfig(opts)
	s.mu.Lock()
	payload, err := s.clickPayload(persona, channel, ts, actionID, c)
	to := s.actionURL
	s.mu.Unlock()
	if err != nil {
		return Delivery{}, err
	}
	raw, err := json.Marshal(payload)
	if err != nil {
		return Delivery{}, fmt.Errorf("encode click: %w", err)
	}
	d := Delivery{Time: s.opts.Clock(), Kind: "block_actions", User: persona, Channel: channel, Text: actionID}
	a, err := s.post(ctx, to, url.Values{"payload": {string(raw)}}, c)
	d.Error = a.told(err)
	if d.Error != "" {
		s.mu.Lock()
		thread := ""
		if m := s.find(channel, ts); m != nil {
			thread = m.ThreadTS
		}
		s.notice(channel, persona, thread, ":warning: This app responded with the error \""+d.Error+"\".")
		s.mu.Unlock()
	}
	return s.settle(d, a, err), nil
}

// clickPayload is the block_actions payload of a press. The caller holds mu.
func (s *Server) clickPayload(persona, channel, ts, actionID string, c sendConfig) (object, error) {
	p, where, err := s.actor(persona, channel)
	if err != nil {
		return nil, err
	}
	m := s.find(channel, ts)
	if m == nil || m.Ephemeral() && m.To != persona {
		return nil, fmt.Errorf("%w: %s", ErrNoSuchMessage, ts)
	}
	e, blockID, ok := findElement(m.Blocks, c.blockID, actionID)
	if !ok {
		return nil, fmt.Errorf("%w: %s", ErrNoSuchAction, actionID)
	}
	if _, asks := e["confirm"]; asks && !c.confirmed {
		return nil, fmt.Errorf("%w: %s", ErrNeedsConfirmation, actionID)
	}
	user := s.claimedUser(p.ID)
	team, domain := s.teamOf(p)
	if c.team != "" {
		team, domain = c.team, c.domain
	}
	container := object{"type": "message", "message_ts": m.TS, "channel_id": where.ID, "is_ephemeral": m.Ephemeral()}
	if m.ThreadTS != "" {
		container["thread_ts"] = m.ThreadTS
	}
	payload := object{
		"type": "block_actions", "token": s.opts.VerifyToken, "api_app_id": s.opts.AppID,
		"user":       object{"id": user, "username": p.Name, "name": p.Name, "team_id": team},
		"team":       object{"id": team, "domain": domain},
		"enterprise": nil, "is_enterprise_install": false,
		"channel":    object{"id": where.ID, "name": shownName(where)},
		"container":  container,
		"state":      object{"values": object{}},
		"actions":    []object{s.action(e, blockID, actionID)},
		"trigger_id": s.newTrigger(p.ID),
		"response_url": s.newResponseURL(responseURL{
			channel: where.ID, user: p.ID, source: m.TS, thread: threadOnly(m),
		}),
	}
	// Slack does not repeat an ephemeral message to the app.
	if !m.Ephemeral() {
		payload["message"] = s.wire(m, true)
	}
	return payload, nil
}

// action is the pressed button as the payload names it. The caller holds mu.
func (s *Server) action(e object, blockID, actionID string) object {
	a := object{"action_id": actionID, "block_id": blockID, "type": e["type"], "action_ts": s.newTS()}
	for _, key := range []string{"text", "value", "style", "url"} {
		if v, given := e[key]; given {
			a[key] = v
		}
	}
	return a
}

// threadOnly is the thread an answer belongs in: a reply's, not a root's.
func threadOnly(m *Message) string {
	if m.isReply() {
		return m.ThreadTS
	}
	return ""
}
