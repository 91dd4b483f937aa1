package github

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// App is a GitHub App that is installed on the repository.
type App struct {
	ID          int64
	Slug        string // its account is SLUG[bot]
	Key         *rsa.PublicKey
	Permissions map[string]string
	Events      []string
	Lifetime    time.Duration // of a token; an hour when zero, as on GitHub
	Others      []string      // repositories of the owner it is installed on as well, which hold nothing here
}

// app is the App, its one installation and the tokens it has given.
type app struct {
	App
	installation int64
	account      *account
	asked        map[string]string // what the App asks for; the installation may have accepted less
	elsewhere    bool              // installed for the owner, on another repository
	gone         bool              // not installed at all
	suspendedAt  time.Time
	tokens       map[string]appToken // by their values
	given        []string            // every token there ever was
}

const (
	msgNoJWT     = "A JSON web token could not be decoded"
	msgExpired   = "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires"
	msgTooLong   = "'Expiration time' claim ('exp') is too far in the future"
	msgIssued    = "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"
	msgSuspended = "This installation has been suspended"
	msgMayNot    = "Resource not accessible by integration"

	msgNoSuchRepository = "There is at least one repository that does not exist or is not accessible to the parent installation."
	msgNotGranted       = "The permissions requested are not granted to this installation."

	longestJWT = 10 * time.Minute
	clockSlack = time.Minute
)

// appToken is what an installation's token may, and until when.
type appToken struct {
	ends         time.Time
	permissions  map[string]string // fewer than the installation's; nil: those
	repositories []string          // nil: all
}

// InstallApp installs an App. Its account is there from then on, with the right to write.
func (s *Server) InstallApp(o App) error {
	defer s.lock()()
	login := o.Slug + "[bot]"
	if s.account(login) == nil {
		if err := s.addAccount(Persona{Login: login, Type: "Bot", Permission: "write"}); err != nil {
			return err
		}
	}
	if o.Lifetime == 0 {
		o.Lifetime = time.Hour
	}
	s.app = &app{
		App: o, installation: s.newID(), account: s.account(login), asked: o.Permissions, tokens: map[string]appToken{},
	}
	return nil
}

// SuspendApp suspends the installation, or lifts that.
func (s *Server) SuspendApp(suspended bool) {
	defer s.lock()()
	s.app.suspendedAt = time.Time{}
	if suspended {
		s.app.suspendedAt = s.now()
	}
}

// EndAppTokens ends every token given so far, as GitHub does when an installation is
// changed.
func (s *Server) EndAppTokens() {
	defer s.lock()()
	clear(s.app.tokens)
}

// AppTokens are all tokens that were ever given, oldest first.
func (s *Server) AppTokens() []string {
	defer s.lock()()
	return slices.Clone(s.app.given)
}

// SetAppKey replaces the key whose signatures are taken; the old one is revoked.
func (s *Server) SetAppKey(k *rsa.PublicKey) {
	defer s.lock()()
	s.app.Key = k
}

// MoveApp has the App installed on another repository of the owner alone, or for nobody.
func (s *Server) MoveApp(elsewhere, gone bool) {
	defer s.lock()()
	s.app.elsewhere, s.app.gone = elsewhere, gone
}

// AcceptApp sets what the installation has: what its owner has accepted of what the App
// asks for.
func (s *Server) AcceptApp(permissions map[string]string, events []string) {
	defer s.lock()()
	s.app.Permissions, s.app.Events = permissions, events
}

// accountByAppToken is the App's account for a token that has not ended.
func (s *Server) accountByAppToken(token string) *account {
	if s.app == nil {
		return nil
	}
	if given, ok := s.app.tokens[token]; ok && s.clock().Before(given.ends) {
		return s.app.account
	}
	return nil
}

func (s *Server) isApp(a *account) bool { return s.app != nil && a != nil && s.app.account == a }

// isAppPath tells what an App asks as itself, with its own signature.
func isAppPath(path string) bool {
	path = strings.TrimPrefix(path, apiPrefix)
	return path == "/app" || strings.HasPrefix(path, "/app/") || strings.HasSuffix(path, "/installation")
}

func (s *Server) serveApp(w http.ResponseWriter, r *http.Request) {
	defer s.lock()()
	status, payload, err := s.askedByApp(r)
	if err != nil {
		writeError(w, s.refusal(r, err))
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(payload) // a caller who is gone has lost the answer
}

func (s *Server) askedByApp(r *http.Request) (int, any, error) {
	if err := s.signedByApp(r); err != nil {
		return 0, nil, err
	}
	path := strings.TrimPrefix(r.URL.Path, apiPrefix)
	own := "/app/installations/" + itoa(s.app.installation)
	owned := []string{"/orgs/" + s.owner + "/installation", "/users/" + s.owner + "/installation"}
	repo := "/repos/" + s.owner + "/" + s.repo + "/installation"
	switch {
	case r.Method == http.MethodGet && path == "/app":
		return http.StatusOK, s.appPayload(), nil
	case s.app.gone:
		return 0, nil, notFound()
	case r.Method == http.MethodGet && (path == own || slices.Contains(owned, path)),
		r.Method == http.MethodGet && strings.EqualFold(path, repo) && !s.app.elsewhere:
		return http.StatusOK, s.installationPayload(), nil
	case r.Method == http.MethodGet && slices.ContainsFunc(s.app.Others, func(name string) bool {
		return strings.EqualFold(path, "/repos/"+s.owner+"/"+name+"/installation")
	}):
		return http.StatusOK, s.installationPayload(), nil
	case r.Method == http.MethodPost && path == own+"/access_tokens":
		return s.giveToken(r)
	}
	return 0, nil, notFound()
}

// giveToken gives one that may what is asked for, or what the installation may where nothing is.
func (s *Server) giveToken(r *http.Request) (int, any, error) {
	if !s.app.suspendedAt.IsZero() {
		return 0, nil, refuse(http.StatusForbidden, msgSuspended)
	}
	var asked struct {
		Repositories []string          `json:"repositories"`
		Permissions  map[string]string `json:"permissions"`
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil || len(body) > 0 && json.Unmarshal(body, &asked) != nil {
		return 0, nil, refuse(http.StatusBadRequest, "Problems parsing JSON")
	}
	for _, name := range asked.Repositories {
		if !strings.EqualFold(name, s.repo) && !slices.ContainsFunc(s.app.Others, func(o string) bool { return strings.EqualFold(name, o) }) {
			return 0, nil, refuse(http.StatusUnprocessableEntity, msgNoSuchRepository)
		}
	}
	for name, access := range asked.Permissions {
		if !has(s.app.Permissions, name, access) {
			return 0, nil, refuse(http.StatusUnprocessableEntity, msgNotGranted)
		}
	}
	var b [18]byte
	_, _ = rand.Read(b[:]) // never fails, by its documentation
	token, end := "ghs_"+hex.EncodeToString(b[:]), s.clock().Add(s.app.Lifetime).UTC()
	s.app.tokens[token], s.app.given = appToken{end, asked.Permissions, asked.Repositories}, append(s.app.given, token)
	may := s.app.Permissions
	if asked.Permissions != nil {
		may = asked.Permissions
	}
	return http.StatusCreated, map[string]any{
		"token": token, "expires_at": end.Truncate(time.Second), "permissions": may, "repository_selection": "selected",
	}, nil
}

func (s *Server) appPayload() map[string]any {
	return map[string]any{
		"id": s.app.ID, "slug": s.app.Slug, "node_id": nodeID("App", s.app.ID), "name": s.app.Slug, "owner": s.ownerPayload(), "description": nil,
		"external_url": s.baseURL, "html_url": s.baseURL + "/apps/" + s.app.Slug, "created_at": s.started, "updated_at": s.started,
		"permissions": s.app.asked, "events": s.app.Events, "installations_count": 1,
	}
}

func (s *Server) installationPayload() map[string]any {
	var at any
	if !s.app.suspendedAt.IsZero() {
		at = s.app.suspendedAt
	}
	id := itoa(s.app.installation)
	return map[string]any{
		"id": s.app.installation, "account": s.ownerPayload(), "app_id": s.app.ID, "app_slug": s.app.Slug, "target_id": int64(firstID), "target_type": "Organization",
		"repository_selection": "selected", "permissions": s.app.Permissions, "events": s.app.Events, "suspended_at": at, "suspended_by": nil,
		"access_tokens_url": s.apiURL("/app/installations/%s/access_tokens", id), "repositories_url": s.apiURL("/installation/repositories"),
		"html_url":   s.baseURL + "/organizations/" + s.owner + "/settings/installations/" + id,
		"created_at": s.started, "updated_at": s.started, "single_file_name": nil,
	}
}

// signedByApp checks the App's own signature: RS256, for the right App, of now.
func (s *Server) signedByApp(r *http.Request) error {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if s.app == nil || !strings.EqualFold(scheme, "bearer") {
		return refuse(http.StatusUnauthorized, msgNoJWT)
	}
	claims, ok := s.verified(token)
	if !ok {
		return refuse(http.StatusUnauthorized, msgNoJWT)
	}
	now := s.clock()
	issued, expires := time.Unix(claims.Issued, 0), time.Unix(claims.Expires, 0)
	switch {
	case claims.issuer() != itoa(s.app.ID):
		return refuse(http.StatusNotFound, "Integration not found")
	case !expires.After(now):
		return refuse(http.StatusUnauthorized, msgExpired)
	case expires.After(now.Add(longestJWT)):
		return refuse(http.StatusUnauthorized, msgTooLong)
	case issued.After(now.Add(clockSlack)):
		return refuse(http.StatusUnauthorized, msgIssued)
	}
	return nil
}

type claims struct {
	Issuer  json.RawMessage `json:"iss"` // a number, or the same as a string
	Issued  int64           `json:"iat"`
	Expires int64           `json:"exp"`
}

func (c claims) issuer() string { return strings.Trim(string(c.Issuer), `"`) }

func (s *Server) verified(token string) (c claims, ok bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 || s.app.Key == nil {
		return c, false
	}
	var header struct {
		Algorithm string `json:"alg"`
	}
	if !decodePart(parts[0], &header) || header.Algorithm != "RS256" || !decodePart(parts[1], &c) {
		return c, false
	}
	sig, err := base64.RawURLEncoding.DecodeString(parts[2])
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	return c, err == nil && rsa.VerifyPKCS1v15(s.app.Key, crypto.SHA256, sum[:], sig) == nil
}

func decodePart(part string, v any) bool {
	doc, err := base64.RawURLEncoding.DecodeString(part)
	return err == nil && json.Unmarshal(doc, v) == nil
}

// admitApp refuses what the installation may not.
func (s *Server) admitApp(rt route, r *request) error {
	switch {
	case !s.isApp(r.user):
		return nil
	case !s.app.suspendedAt.IsZero():
		return refuse(http.StatusForbidden, msgSuspended)
	case rt.path == "/user":
		return refuse(http.StatusForbidden, msgMayNot)
	case s.app.gone, s.app.elsewhere:
		return notFound()
	}
	given := s.app.tokens[tokenOf(r.Request)]
	if given.repositories != nil && !slices.ContainsFunc(given.repositories, func(name string) bool { return strings.EqualFold(name, s.repo) }) {
		return notFound()
	}
	if name, access := permissionFor(rt); !s.appMay(r, name, access) {
		return refuse(http.StatusForbidden, msgMayNot)
	}
	return nil
}

// appMay tells whether the App has a permission, and so has the token it shows: every one of
// them reads what a repository is.
func (s *Server) appMay(r *request, name, access string) bool {
	given := s.app.tokens[tokenOf(r.Request)]
	return has(s.app.Permissions, name, access) && (given.permissions == nil || name == "metadata" || has(given.permissions, name, access))
}

func has(permissions map[string]string, name, access string) bool {
	got := permissions[name]
	return got == "write" || got == "admin" || got != "" && access == "read"
}

// permissionFor is the permission of an App that a route takes, and how much of it.
func permissionFor(rt route) (name, access string) {
	access = "read"
	if rt.method != http.MethodGet {
		access = "write"
	}
	rest := strings.TrimPrefix(rt.path, repoPath)
	for _, p := range []struct{ path, name string }{
		{"/pulls/{number}/merge", "contents"}, {"/pulls", "pull_requests"}, {"/issues/{number}/comments", "pull_requests"},
		{"/issues/comments", "pull_requests"}, {"/issues", "issues"}, {"/statuses", "statuses"}, {"/commits/", "contents"},
		{"/git/", "contents"}, {"/contents", "contents"}, {"/branches", "contents"}, {"/compare", "contents"},
	} {
		if strings.HasPrefix(rest, p.path) {
			return p.name, access
		}
	}
	return "metadata", "read"
}
