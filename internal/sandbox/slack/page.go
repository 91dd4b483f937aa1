package slack

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

//go:embed web
var webFiles embed.FS

// pageRenderer holds the parsed templates.
type pageRenderer struct {
	tmpl *template.Template
}

func newPageRenderer() *pageRenderer {
	funcs := template.FuncMap{
		"clock": func(t time.Time) string { return t.Format("15:04") },
		"stamp": func(t time.Time) string { return t.Format(time.RFC3339) },
	}
	// The templates are part of the program: one that does not parse is a bug.
	return &pageRenderer{tmpl: template.Must(template.New("page").Funcs(funcs).ParseFS(webFiles, "web/*.html"))}
}

func (p *pageRenderer) render(w io.Writer, name string, data any) error {
	if err := p.tmpl.ExecuteTemplate(w, name, data); err != nil {
		return fmt.Errorf("render %s: %w", name, err)
	}
	return nil
}

// contentPolicy allows what this server serves and nothing else.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
	"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// guard keeps other sites' pages away from the page and its endpoints: they
// act as people, and any site open in the same browser can reach localhost.
func (s *Server) guard(next http.HandlerFunc) http.HandlerFunc {
	origin := http.NewCrossOriginProtection()
	return func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		// A name that an attacker points at this machine is same-origin to the
		// browser; only the Host header tells.
		if !s.knownHost(r.Host) {
			http.Error(w, "unknown host", http.StatusForbidden)
			return
		}
		if err := origin.Check(r); err != nil {
			http.Error(w, "cross-origin request refused", http.StatusForbidden)
			return
		}
		next(w, r)
	}
}

// knownHost reports whether host is this machine or the configured address.
func (s *Server) knownHost(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.Trim(name, "[]")
	if ip := net.ParseIP(name); name == "localhost" || ip != nil && ip.IsLoopback() {
		return true
	}
	s.mu.Lock()
	base, err := url.Parse(s.baseURL)
	s.mu.Unlock()
	return err == nil && base.Host != "" && strings.EqualFold(base.Host, host)
}

func readLocation(r *http.Request) location {
	q := r.URL.Query()
	return location{channel: q.Get("channel"), persona: q.Get("as"), thread: q.Get("thread")}
}

func (s *Server) pageView(r *http.Request) pageView {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.view(readLocation(r))
}

func (s *Server) servePage(w http.ResponseWriter, r *http.Request) {
	var out bytes.Buffer
	if err := s.page.render(&out, "page.html", s.pageView(r)); err != nil {
		s.opts.Logger.ErrorContext(r.Context(), "slack page", "error", err)
		http.Error(w, "the page could not be rendered", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	// A browser that went away needs no page.
	_, _ = out.WriteTo(w)
}

func (s *Server) serveAsset(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	if strings.HasSuffix(name, ".html") {
		http.NotFound(w, r)
		return
	}
	http.ServeFileFS(w, r, webFiles, "web/"+name)
}
