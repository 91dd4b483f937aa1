package config

import (
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/drbot/drbot/dr"
)

var (
	teamForm  = regexp.MustCompile(`^[TE][A-Z0-9]{2,20}$`)
	slackForm = regexp.MustCompile(`^[UW][A-Z0-9]{2,20}$`)
	loginForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$`)
	hostForm  = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9])?)*\.?$`)
	roleForm  = regexp.MustCompile(`^arn:aws[a-z-]*:iam::\d{12}:role/\S+$`)
)

// formed checks the values of which a wrong one would be found only when it is used.
func (f *faults) formed(in file, database string) {
	wrong := func(ok bool, at string, what dr.Text) {
		if !ok {
			f.add(at, what)
		}
	}
	wrong(address(in.Listen), "listen", dr.T("config.form.listen", "value", quoted(in.Listen)))
	wrong(strings.HasPrefix(database, "sqlite:") || strings.HasPrefix(database, "postgres://") || strings.HasPrefix(database, "postgresql://"),
		"state.database", dr.T("config.form.database")) // its value may hold a password
	wrong(in.Slack.TeamID == "" || teamForm.MatchString(in.Slack.TeamID), "slack.team_id", dr.T("config.form.team", "value", quoted(in.Slack.TeamID)))
	for _, u := range [][2]string{{"slack.api_url", in.Slack.APIURL}, {"github.api_url", in.GitHub.APIURL}, {"github.git_url", in.GitHub.GitURL}, {"aws.endpoint", in.AWS.Endpoint}} {
		wrong(u[1] == "" || web(u[1]), u[0], dr.T("config.form.url", "value", quoted(u[1])))
		wrong(!plainly(u[1]), u[0], dr.T("config.form.plain", "value", quoted(u[1])))
	}
	for _, r := range [][2]string{{"aws.read_role", in.AWS.ReadRole}, {"aws.apply_role", in.AWS.ApplyRole}, {"aws.promote_role", in.AWS.PromoteRole}} {
		wrong(r[1] == "" || roleForm.MatchString(r[1]), r[0], dr.T("config.form.role", "value", quoted(r[1])))
	}
	for _, env := range []struct {
		at  string
		all map[string]string
	}{{"terraform.environment", in.Terraform.Environment}, {"terraform.apply_environment", in.Terraform.ApplyEnv}} {
		for _, name := range sortedKeys(env.all) {
			wrong(!issued(env.all[name]), env.at+"."+name, dr.T("config.environment.secret")) // and never what stands there
		}
	}
	for i, p := range in.People {
		for j, id := range p.Slack {
			wrong(slackForm.MatchString(id), fmt.Sprintf("people[%d].slack[%d]", i, j), dr.T("config.form.slack", "value", quoted(id)))
		}
		for j, login := range p.GitHub {
			wrong(loginForm.MatchString(login), fmt.Sprintf("people[%d].github[%d]", i, j), dr.T("config.form.login", "value", quoted(login)))
		}
	}
	for i, s := range in.Services {
		at := fmt.Sprintf("services[%d]", i)
		wrong(s.Names.Public == "" || hostForm.MatchString(s.Names.Public), at+".names.public", dr.T("config.form.host", "value", quoted(s.Names.Public)))
		for _, r := range sortedKeys(s.Names.Regional) {
			name := s.Names.Regional[r]
			wrong(name == "" || hostForm.MatchString(name), at+".names.regional."+r, dr.T("config.form.host", "value", quoted(name)))
		}
		for j, server := range s.Names.Servers {
			wrong(address(server), fmt.Sprintf("%s.names.servers[%d]", at, j), dr.T("config.form.server", "value", quoted(server)))
		}
		for j, p := range s.Probes {
			wrong(p.Status == 0 || 100 <= p.Status && p.Status <= 599, fmt.Sprintf("%s.probes[%d].status", at, j), dr.T("config.form.status", "value", p.Status))
		}
	}
}

// address tells whether a text is a host, which may be empty, and a port.
func address(s string) bool {
	_, port, err := net.SplitHostPort(s)
	n, bad := strconv.Atoi(port)
	return err == nil && bad == nil && 0 <= n && n <= 65535
}

func web(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}
