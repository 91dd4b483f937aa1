package github

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

//go:embed page
var pageFiles embed.FS

// contentPolicy lets the page load its own files and nothing else, whatever a comment holds.
const contentPolicy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// personaCookie remembers as whom the reader acts.
const personaCookie = "persona"

func (s *Server) loadPages() error {
	assets, err := fs.Sub(pageFiles, "page/assets")
	if err != nil {
		return err
	}
	s.views, err = template.New("").Funcs(template.FuncMap{
		"short": short, "markdown": renderMarkdown, "lower": strings.ToLower,
	}).ParseFS(pageFiles, "page/*.html")
	if err != nil {
		return fmt.Errorf("parse the page: %w", err)
	}
	repo := "/" + s.owner + "/" + s.repo
	mux := http.NewServeMux()
	mux.Handle("GET /assets/", http.StripPrefix("/assets/", http.FileServerFS(assets)))
	mux.HandleFunc("GET /events", s.streamEvents)
	mux.HandleFunc("GET /{$}", s.showList)
	mux.HandleFunc("GET "+repo, s.showList)
	mux.HandleFunc("GET "+repo+"/pulls", s.showList)
	mux.HandleFunc("GET "+repo+"/pull/{number}", s.showPull)
	mux.HandleFunc("GET "+repo+"/commit/{sha}", s.showCommit)
	mux.HandleFunc("POST "+repo+"/pull/{number}/{act}", s.postAct)
	s.pages = s.guard(mux)
	return nil
}

// guard keeps other sites out: a page elsewhere can neither post here nor, by pointing its own name at this
// machine, read from here.
func (s *Server) guard(next http.Handler) http.Handler {
	cross := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.ownHost(r.Host) {
			http.Error(w, "This page answers to the local machine only.", http.StatusForbidden)
			return
		}
		if err := cross.Check(r); err != nil {
			http.Error(w, "This form was sent by another site.", http.StatusForbidden)
			return
		}
		h := w.Header()
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
		next.ServeHTTP(w, r)
	})
}

func (s *Server) ownHost(host string) bool {
	if u, err := url.Parse(s.base()); err == nil && u.Host != "" && u.Host == host {
		return true
	}
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.Trim(host, "[]")
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (s *Server) base() string {
	defer s.lock()()
	return s.baseURL
}

// streamEvents tells the page's script that something it shows has changed.
func (s *Server) streamEvents(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	rc := http.NewResponseController(w)
	last := int64(-1)
	for {
		version, changed := s.watch.state()
		if version != last {
			last = version
			if _, err := fmt.Fprintf(w, "data: %d\n\n", version); err != nil {
				return
			}
			if err := rc.Flush(); err != nil {
				return
			}
		}
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		case <-s.stopped.Done():
			return
		}
	}
}

func (s *Server) show(w http.ResponseWriter, status int, name string, view any) {
	var b strings.Builder
	if err := s.views.ExecuteTemplate(&b, name, view); err != nil {
		s.log.Error("render page", "page", name, "err", err)
		http.Error(w, "The page could not be rendered.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	w.Write([]byte(b.String()))
}

func (s *Server) showError(w http.ResponseWriter, r *http.Request, err error) {
	status := http.StatusInternalServerError
	var e *Error
	if errors.As(err, &e) {
		status = e.Status
	} else if IsMissing(err) {
		status = http.StatusNotFound
	}
	s.show(w, status, "error.html", struct {
		frame
		Message string
	}{s.frame(r, "Not possible"), plainMessage(err)})
}

// plainMessage is the sentence a person needs, without status and field names.
func plainMessage(err error) string {
	var e *Error
	switch {
	case errors.As(err, &e) && len(e.Errors) > 0 && e.Errors[0].Message != "":
		return e.Errors[0].Message
	case errors.As(err, &e):
		return e.Message
	case errors.Is(err, errNoObject):
		return "There is no such branch, commit or file."
	}
	return err.Error()
}

// postAct does what a button says, as the chosen persona.
func (s *Server) postAct(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.Atoi(r.PathValue("number"))
	if err != nil {
		s.showError(w, r, notFound())
		return
	}
	login := r.PostFormValue("persona")
	http.SetCookie(w, &http.Cookie{
		Name: personaCookie, Value: url.QueryEscape(login), Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode,
	})
	if err := s.perform(r.Context(), login, n, r.PathValue("act"), r.PostForm); err != nil {
		s.showError(w, r, err)
		return
	}
	http.Redirect(w, r, "/"+s.owner+"/"+s.repo+"/pull/"+strconv.Itoa(n), http.StatusSeeOther)
}

func (s *Server) perform(ctx context.Context, login string, n int, act string, form url.Values) error {
	body := strings.TrimSpace(form.Get("body"))
	var err error
	switch act {
	case "approve":
		_, err = s.Review(ctx, login, n, Approved, body, "")
	case "request-changes":
		_, err = s.Review(ctx, login, n, ChangesRequested, body, "")
	case "comment":
		_, err = s.Comment(ctx, login, n, body)
	case "merge":
		_, err = s.Merge(ctx, login, n)
	case "close":
		err = s.ClosePull(ctx, login, n)
	case "reopen":
		err = s.ReopenPull(ctx, login, n)
	case "update-branch":
		err = s.UpdateBranch(ctx, login, n)
	case "push":
		err = s.strayCommit(ctx, login, n)
	case "dismiss":
		id, parseErr := strconv.ParseInt(form.Get("review"), 10, 64)
		if parseErr != nil {
			return notFound()
		}
		err = s.Dismiss(ctx, login, n, id, "Dismissed by "+login)
	default:
		err = notFound()
	}
	return err
}

// strayCommit is a commit nobody asked for, on the branch of a pull request.
func (s *Server) strayCommit(ctx context.Context, login string, n int) error {
	p, err := s.Pull(n)
	if err != nil {
		return err
	}
	return s.act(ctx, login, func(ctx context.Context, by *account) error {
		if err := needWrite(by); err != nil {
			return err
		}
		_, err := s.push(ctx, by, Push{
			By: login, Branch: p.HeadRef, Path: "stray-" + short(p.HeadSHA) + ".txt",
			Content: "Pushed by " + by.Name + " on top of " + p.HeadSHA + "\n", Message: "Stray commit by " + by.Login,
		})
		return err
	})
}

// chosen is the persona the reader acts as: the cookie's, or the first human who may write.
func (s *Server) chosen(r *http.Request, personas []Persona) string {
	if c, err := r.Cookie(personaCookie); err == nil {
		login, err := url.QueryUnescape(c.Value)
		if err == nil && slices.ContainsFunc(personas, func(p Persona) bool { return p.Login == login }) {
			return login
		}
	}
	for _, p := range personas {
		if p.Type == "User" && (p.Permission == "write" || p.Permission == "admin") {
			return p.Login
		}
	}
	return ""
}
