package tf

import (
	"context"
	"net/url"
	"strconv"
	"strings"

	"github.com/drbot/drbot/dr"
)

// moduleAccess is a repository that modules may be fetched from, and a token that reads it and
// nothing else.
type moduleAccess struct {
	URL, Token string
}

// moduleAccess asks for the tokens of the repositories that a service takes modules from.
func (t *Terraform) moduleAccess(ctx context.Context, svc dr.Service) ([]moduleAccess, error) {
	if t.opts.ModuleToken == nil {
		return nil, nil
	}
	var out []moduleAccess
	for _, name := range svc.Code.ModuleRepositories {
		owner, repo, _ := strings.Cut(name, "/")
		at := dr.Repository{Owner: owner, Name: repo}
		address, err := checkGitURL(t.opts.GitURL(at))
		if err != nil {
			return nil, err
		}
		token, err := t.opts.ModuleToken(ctx, at)
		switch {
		case err == nil:
			out = append(out, moduleAccess{address, token})
		case is[*dr.Error](err):
			return nil, err
		default:
			return nil, &dr.Error{Code: dr.Temporary, What: dr.T("git.no-token"), Err: err}
		}
	}
	return out, nil
}

// fetchModules has the git that brings modules show each repository its own token, whichever
// way a module's source is written; it asks nobody for one. Of what the configuration gives
// git by the environment nothing is lost.
func (j job) fetchModules(env map[string]string) {
	n, err := strconv.Atoi(env["GIT_CONFIG_COUNT"])
	if err != nil || n < 0 {
		n = 0
	}
	set := func(key, value string) {
		env["GIT_CONFIG_KEY_"+strconv.Itoa(n)], env["GIT_CONFIG_VALUE_"+strconv.Itoa(n)] = key, value
		n++
	}
	for _, m := range j.Secrets.Modules {
		u, err := url.Parse(m.URL)
		if err != nil || u.Host == "" || m.Token == "" {
			continue
		}
		plain := strings.TrimSuffix(m.URL, ".git")
		// Git takes a whole part of a path for the beginning of an address: each form is one.
		for _, address := range []string{plain, plain + ".git"} {
			set("http."+address+".extraHeader", "Authorization: Basic "+basic(m.Token))
			set("http."+address+".followRedirects", "false")
		}
		path := strings.TrimPrefix(strings.TrimSuffix(u.Path, ".git"), "/")
		for _, ssh := range []string{"ssh://git@" + u.Hostname() + "/" + path, "git@" + u.Hostname() + ":" + path} {
			set("url."+plain+".insteadOf", ssh)
		}
	}
	if n > 0 {
		env["GIT_CONFIG_COUNT"] = strconv.Itoa(n)
	}
	if env["GIT_TERMINAL_PROMPT"] == "" {
		env["GIT_TERMINAL_PROMPT"] = "0"
	}
}
