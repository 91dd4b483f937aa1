package github

import "strings"

// TakeLogin has somebody rename their account and a stranger take the freed login, with
// the same token and right to write: what was said before is by the renamed one.
func (s *Server) TakeLogin(login string) error {
	defer s.lock()()
	old, err := s.mustAccount(login)
	if err != nil {
		return err
	}
	taker := old.Persona
	old.Login, old.Token = old.Login+"-renamed", ""
	delete(s.accounts, strings.ToLower(login))
	s.accounts[strings.ToLower(old.Login)] = old
	for _, p := range s.pulls {
		for i := range p.Reviews {
			if strings.EqualFold(p.Reviews[i].User, login) {
				p.Reviews[i].User = old.Login
			}
		}
	}
	taker.Email = ""
	if err := s.addAccount(taker); err != nil {
		return err
	}
	s.watch.bump()
	return nil
}
