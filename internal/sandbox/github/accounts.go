package github

import (
	"fmt"
	"slices"
	"strings"
)

// Persona is a user of the local GitHub.
type Persona struct {
	Login string
	Name  string // Login if empty
	Email string // commits with this address are theirs; LOGIN@example.com if empty
	Token string // no API access if empty
	Type  string // "User" (default) or "Bot"
	// Permission on the repository: admin, maintain, write, triage, read or none (default).
	Permission string
}

type account struct {
	Persona
	id      int64
	deleted bool
}

// roles maps what a team sets to the four words the API's `permission` knows.
var roles = map[string]string{
	"admin": "admin", "maintain": "write", "write": "write", "triage": "read", "read": "read", "none": "none",
}

// webFlow is the account behind commits GitHub makes itself: merges and edits on the site.
const webFlow = "web-flow"

func (s *Server) addAccounts(o Options) error {
	for _, p := range o.Personas {
		if strings.EqualFold(p.Login, o.BotLogin) && p.Token == "" {
			p.Token = o.BotToken
		}
		if err := s.addAccount(p); err != nil {
			return err
		}
	}
	if s.account(o.BotLogin) == nil {
		bot := Persona{Login: o.BotLogin, Token: o.BotToken, Type: "Bot", Permission: "write"}
		if err := s.addAccount(bot); err != nil {
			return err
		}
	}
	return s.addAccount(Persona{Login: webFlow, Name: "GitHub", Email: "noreply@github.com"})
}

func (s *Server) addAccount(p Persona) error {
	key := strings.ToLower(p.Login)
	if p.Login == "" {
		return fmt.Errorf("a persona has no login")
	}
	if s.accounts[key] != nil {
		return fmt.Errorf("two personas have the login %q", p.Login)
	}
	if p.Name == "" {
		p.Name = p.Login
	}
	if p.Type == "" {
		p.Type = "User"
	}
	if p.Permission == "" {
		p.Permission = "none"
	}
	if roles[p.Permission] == "" {
		return fmt.Errorf("persona %s: unknown permission %q", p.Login, p.Permission)
	}
	a := &account{Persona: p, id: s.newID()}
	if a.Email == "" {
		a.Email = defaultEmail(a)
	}
	if s.accounts == nil {
		s.accounts = map[string]*account{}
	}
	s.accounts[key] = a
	s.order = append(s.order, a)
	return nil
}

func defaultEmail(a *account) string {
	if a.Type == "Bot" {
		return fmt.Sprintf("%d+%s@users.noreply.github.com", a.id, a.Login)
	}
	return a.Login + "@example.com"
}

// account finds a login whatever its letter case, and nobody for a deleted one.
func (s *Server) account(login string) *account {
	a := s.accounts[strings.ToLower(login)]
	if a == nil || a.deleted {
		return nil
	}
	return a
}

func (s *Server) accountByToken(token string) *account {
	if token == "" {
		return nil
	}
	for _, a := range s.order {
		if a.Token == token && !a.deleted {
			return a
		}
	}
	return s.accountByAppToken(token)
}

// accountByEmail maps a commit to a user; nobody has an address that no persona owns.
func (s *Server) accountByEmail(email string) *account {
	for _, a := range s.order {
		if strings.EqualFold(a.Email, email) && !a.deleted && !listed(s.lies.NobodysMail, a.Login) {
			return a
		}
	}
	return nil
}

func listed(logins []string, login string) bool {
	return slices.ContainsFunc(logins, func(l string) bool { return strings.EqualFold(l, login) })
}

func (s *Server) mustAccount(login string) (*account, error) {
	if a := s.account(login); a != nil {
		return a, nil
	}
	return nil, fmt.Errorf("nobody has the login %q", login)
}

func (s *Server) seedAuthor(login string) (*account, error) {
	if login != "" {
		return s.mustAccount(login)
	}
	for _, a := range s.order {
		if a.Type == "User" {
			return a, nil // web-flow at the latest
		}
	}
	return nil, fmt.Errorf("nobody can make the initial commit")
}

func (a *account) canWrite() bool {
	p := roles[a.Permission]
	return p == "write" || p == "admin"
}

func (a *account) canRead() bool { return roles[a.Permission] != "none" }

// Personas lists the users in the order they were given, the bot last, without deleted ones.
func (s *Server) Personas() []Persona {
	defer s.lock()()
	var out []Persona
	for _, a := range s.order {
		if a.Login != webFlow && a.Login != QueueLogin && !a.deleted {
			out = append(out, a.Persona)
		}
	}
	return out
}

// SetPermission changes what a persona may do with the repository from now on.
func (s *Server) SetPermission(login, permission string) error {
	defer s.lock()()
	a, err := s.mustAccount(login)
	if err != nil {
		return err
	}
	if roles[permission] == "" {
		return fmt.Errorf("unknown permission %q", permission)
	}
	a.Permission = permission
	s.watch.bump()
	return nil
}

// DeleteAccount removes a user. What they wrote stays, with `user` null.
func (s *Server) DeleteAccount(login string) error {
	defer s.lock()()
	a, err := s.mustAccount(login)
	if err != nil {
		return err
	}
	a.deleted = true
	s.watch.bump()
	return nil
}
