package github

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

func hookRoutes() []route {
	const one = repoPath + "/hooks/{hook}"
	return []route{
		{"GET", repoPath + "/hooks", writer, (*Server).listHooks},
		{"GET", one + "/deliveries", writer, onHook((*Server).listDeliveries)},
		{"POST", one + "/deliveries/{delivery}/attempts", writer, onHook((*Server).postAttempt)},
	}
}

func onHook(do endpoint) endpoint {
	return func(s *Server, r *request) (int, any, error) {
		id, err := r.number("hook")
		if err != nil || id != s.hook.id {
			return 0, nil, notFound()
		}
		return do(s, r)
	}
}

func (s *Server) hookPayload() map[string]any {
	s.hook.mu.Lock()
	defer s.hook.mu.Unlock()
	return map[string]any{
		"type": "Repository", "id": s.hook.id, "name": "web", "active": true,
		"events": []string{"pull_request", "pull_request_review", "push", "issue_comment"},
		"config": map[string]any{"url": s.hook.url, "content_type": "json", "insecure_ssl": "0", "secret": "********"},
		"url":    s.repoURL("/hooks/%d", s.hook.id), "ping_url": s.repoURL("/hooks/%d/pings", s.hook.id),
		"test_url": s.repoURL("/hooks/%d/test", s.hook.id), "deliveries_url": s.repoURL("/hooks/%d/deliveries", s.hook.id),
		"last_response": map[string]any{"code": nil, "status": "unused", "message": nil},
		"created_at":    s.started, "updated_at": s.started,
	}
}

func (s *Server) listHooks(r *request) (int, any, error) {
	return http.StatusOK, paged(r, []map[string]any{s.hookPayload()}), nil
}

type deliveryJSON struct {
	ID          int64     `json:"id"`
	GUID        string    `json:"guid"`
	DeliveredAt time.Time `json:"delivered_at"`
	Redelivery  bool      `json:"redelivery"`
	Duration    float64   `json:"duration"`
	Status      string    `json:"status"`
	StatusCode  int       `json:"status_code"`
	Event       string    `json:"event"`
	Action      *string   `json:"action"`
	Request     any       `json:"request,omitempty"`
	Response    any       `json:"response,omitempty"`

	InstallationID *int64 `json:"installation_id"` // null: the webhook is the repository's
	RepositoryID   int64  `json:"repository_id"`
}

func deliveryPayload(d Delivery) deliveryJSON {
	out := deliveryJSON{
		ID: d.ID, GUID: d.GUID, DeliveredAt: d.At, Redelivery: d.Redelivery, Duration: d.Duration.Seconds(),
		StatusCode: d.Status, Event: d.Event, Action: orNull(d.Action), Status: "pending",
		RepositoryID: firstID - 1,
	}
	switch {
	case d.Status >= 200 && d.Status < 300:
		out.Status = "OK"
	case d.Status > 0:
		out.Status = "Invalid HTTP Response: " + strconv.Itoa(d.Status)
	case d.Done:
		out.Status = "failed to connect to host"
	}
	return out
}

// listDeliveries is newest first and paged by cursor, the one list of the API that is.
func (s *Server) listDeliveries(r *request) (int, any, error) {
	per := defaultPerPage
	if n, err := strconv.Atoi(r.FormValue("per_page")); err == nil && n > 0 {
		per = min(n, maxPerPage)
	}
	list := newestFirst(s.Deliveries())
	if c := r.FormValue("cursor"); c != "" {
		at := slices.IndexFunc(list, func(d Delivery) bool { return itoa(d.ID) == c })
		list = list[max(0, at):]
	}
	if len(list) > per {
		q := r.URL.Query()
		q.Set("cursor", itoa(list[per].ID))
		r.header.Set("Link", fmt.Sprintf(`<http://%s%s?%s>; rel="next"`, r.Host, r.URL.Path, q.Encode()))
		list = list[:per]
	}
	out := make([]deliveryJSON, 0, len(list))
	for _, d := range list {
		out = append(out, deliveryPayload(d))
	}
	return http.StatusOK, out, nil
}

func (s *Server) delivery(r *request) (Delivery, error) {
	id, err := r.number("delivery")
	if err != nil {
		return Delivery{}, err
	}
	for _, d := range s.Deliveries() {
		if d.ID == id {
			return d, nil
		}
	}
	return Delivery{}, notFound()
}

func (s *Server) postAttempt(r *request) (int, any, error) {
	d, err := s.delivery(r)
	if err != nil {
		return 0, nil, err
	}
	s.redeliver(d)
	return http.StatusAccepted, map[string]any{}, nil
}
