package github

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	gh "github.com/google/go-github/v60/github"

	"github.com/drbot/drbot/dr"
)

// readRulesFor bounds how long a run waits to be told the rules of its repository.
const readRulesFor = 20 * time.Second

// Rules makes the checks of what a repository asks of a merge and of whoever approves it,
// so that what would stop a run is known before anybody is woken.
type Rules struct {
	client  *Client
	people  dr.People
	own     []string                   // statuses that a run reports itself
	literal func(content string) error // what is wrong with an active_region file
}

// NewRules makes the reader of rules. own are the statuses that a run reports itself.
func NewRules(c *Client, people dr.People, own []string, literal func(content string) error) *Rules {
	return &Rules{client: c, people: people, own: own, literal: literal}
}

// rule is one check: what a run needs of it, and how it is told from what was read.
type rule struct {
	dr.Spec
	of func(findings) verdict
}

// verdict is what a check says.
type verdict struct {
	level dr.Level
	why   dr.Text
	// early says that there is nothing yet to look at. It is known in time without anybody
	// having to accept that it is not known now.
	early bool
}

func fine(why dr.Text) verdict { return verdict{level: dr.OK, why: why} }

// fileCheck is that of the file which a change writes.
const fileCheck = "github.file"

// rules are all checks, in the order in which they are told. What would surely stop a
// merge denies a planned run; whoever approves a disaster run accepts it, for a person
// may mend or merge meanwhile. What could not be read is told and denies nothing.
func rules() []rule {
	need := map[dr.Mode]dr.Need{dr.Planned: dr.NeedSound}
	at := func(id string, of func(findings) verdict) rule { return rule{dr.Spec{ID: id, Need: need}, of} }
	return []rule{
		at("github.access", findings.access),
		at(fileCheck, findings.fileThere),
		at("github.approvers", findings.approvers),
		at("github.author", findings.author),
		at("github.methods", findings.methods),
		at("github.protection", findings.protected),
		at("github.rulesets", findings.rulesets),
		at("github.queue", findings.queue),
		at("github.signatures", findings.signatures),
		at("github.linear", findings.linear),
		at("github.up-to-date", findings.upToDate),
		at("github.checks", findings.checks),
		at("github.reviews", findings.reviews),
		at("github.code-owners", findings.codeOwners),
		at("github.conversations", findings.conversations),
		at("github.deployments", findings.deployments),
		at("github.auto-merge", findings.autoMerge),
	}
}

// Specs lists every check of a repository.
func Specs() []dr.Spec {
	var out []dr.Spec
	for _, r := range rules() {
		out = append(out, r.Spec)
	}
	return out
}

// Rules reads every rule of a service's repository. It always gives all checks; what
// cannot be read is Unknown, with what is missing.
func (r *Rules) Rules(ctx context.Context, s dr.Service, mode dr.Mode) []dr.Check {
	ctx, cancel := context.WithTimeout(ctx, readRulesFor)
	defer cancel()
	found := r.find(ctx, s)
	at := r.client.now()
	out := make([]dr.Check, 0, len(rules()))
	for _, rule := range rules() {
		v, need := rule.of(found), rule.Need[mode]
		if v.early {
			need = dr.NeedFact
		}
		out = append(out, dr.Check{Name: rule.ID, Need: need, Role: rule.Role, Level: v.level, Detail: v.why, At: at})
	}
	return out
}

// unread is a check that could not be made, with what would have been needed for it.
func unread(err error, needs string) verdict {
	what, _ := dr.Told(err)
	if s := status(err); s == http.StatusForbidden || s == http.StatusNotFound {
		return verdict{level: dr.Unknown, why: dr.T("rule.forbidden", "why", what, "needs", needs)}
	}
	return verdict{level: dr.Unknown, why: dr.T("rule.unread", "why", what)}
}

// What GitHub calls the permissions of fine-grained tokens and Apps.
const (
	needsAdmin    = "Administration: read"
	needsMetadata = "Metadata: read"
	needsStatuses = "Commit statuses: read, Checks: read"
	needsPulls    = "Pull requests: read"
)

// access tells whether the token is taken, sees the repository and may write to it.
func (f findings) access() verdict {
	r, err := f.repository, f.repositoryErr
	repo := f.service.Repository
	switch {
	case status(err) == http.StatusUnauthorized:
		return verdict{level: dr.Fail, why: dr.T("rule.token-refused")}
	case notFound(err), status(err) == http.StatusForbidden:
		return verdict{level: dr.Fail, why: dr.T("rule.repository-unseen", "owner", repo.Owner, "repository", repo.Name)}
	case err != nil:
		return unread(err, needsMetadata)
	case r.GetArchived():
		return verdict{level: dr.Fail, why: dr.T("rule.archived", "owner", repo.Owner, "repository", repo.Name)}
	case f.classic && !slices.Contains(f.scopes, "repo") && (r.GetPrivate() || !slices.Contains(f.scopes, "public_repo")):
		return verdict{level: dr.Fail, why: dr.T("rule.scopes", "scopes", orNone(f.scopes))}
	}
	if f.app {
		return f.installed()
	}
	push, told := r.Permissions["push"]
	switch {
	case !told:
		return verdict{level: dr.Unknown, why: dr.T("rule.permissions-untold")}
	case !push:
		return verdict{level: dr.Fail, why: dr.T("rule.no-push", "owner", repo.Owner, "repository", repo.Name)}
	default:
		return fine(dr.Text{})
	}
}

func orNone(words []string) dr.Arg {
	if len(words) == 0 {
		return dr.ArgOf(dr.T("rule.none"))
	}
	return dr.ArgOf(dr.Foreign(strings.Join(words, ", ")))
}

// fileThere tells whether what stands at the file's path is a file with the one literal.
func (f findings) fileThere() verdict {
	file := f.service.Repository.File
	switch e := f.entry; {
	case dr.CodeOf(f.fileErr) == dr.NotFound && status(f.fileErr) == 0: // all was read, and it is not there
		what, _ := dr.Told(f.fileErr)
		return verdict{level: dr.Fail, why: what}
	case f.fileErr != nil:
		return unread(f.fileErr, "Contents: read")
	case e.GetMode() == modeLink:
		return verdict{level: dr.Fail, why: dr.T("rule.link", "file", file)}
	case e.GetType() != "blob":
		return verdict{level: dr.Fail, why: dr.T("github.file.none", "file", file)}
	case f.literalErr != nil:
		what, _ := dr.Told(f.literalErr)
		return verdict{level: dr.Fail, why: what}
	default:
		return fine(dr.T("rule.mode", "mode", dr.Foreign(e.GetMode())))
	}
}

// approvers tells whether enough people may write for every request to be approved.
func (f findings) approvers() verdict {
	sure, likely := f.standing(dr.OK), append(f.standing(dr.OK), f.standing(dr.Unknown)...)
	out := f.standing(dr.Fail)
	short := func(people []string) (who string, have int, is bool) {
		for _, r := range f.service.Requesters {
			n := len(people)
			if slices.Contains(people, r) {
				n--
			}
			if n < f.service.Quorum {
				return r, n, true
			}
		}
		return "", 0, false
	}
	if who, have, is := short(likely); is {
		return verdict{level: dr.Fail, why: dr.T("rule.no-quorum", "who", who, "have", have, "needed", f.service.Quorum, "people", out)}
	}
	switch {
	case len(sure) < len(likely):
		return unread(f.permissionErr, needsMetadata)
	case len(out) > 0:
		return verdict{level: dr.Warn, why: dr.T("rule.no-writers", "people", out)}
	default:
		return fine(dr.Text{})
	}
}

// standing lists the approvers of whom it is known, unknown or out of the question that
// they may write.
func (f findings) standing(l dr.Level) []string {
	var out []string
	for _, name := range f.service.Approvers {
		if f.mayWrite[name] == l {
			out = append(out, name)
		}
	}
	return out
}

// author tells whether GitHub knows whose the bot's commits are, by the last one.
func (f findings) author() verdict {
	switch {
	case f.commitErr != nil:
		return unread(f.commitErr, needsPulls)
	case f.commit == nil:
		return verdict{level: dr.Unknown, why: dr.T("rule.no-commit"), early: true}
	}
	if err := named(f.commit); err != nil {
		what, _ := dr.Told(err)
		return verdict{level: dr.Fail, why: what}
	}
	return fine(dr.Text{})
}

// allowed are the methods of merging that neither the repository nor the branch forbids;
// told is false where the repository does not tell.
func (f findings) allowed() (methods []string, told bool) {
	r := f.repository
	for _, way := range ways(r) {
		if way.allowed == nil {
			return nil, false
		}
		linear := way.name == "merge" && f.asked.linear
		if *way.allowed && !linear && (f.asked.methods == nil || slices.Contains(f.asked.methods, way.name)) {
			methods = append(methods, way.name)
		}
	}
	return methods, true
}

func (f findings) methods() verdict {
	if f.repositoryErr != nil {
		return unread(f.repositoryErr, needsMetadata)
	}
	methods, told := f.allowed()
	switch {
	case !told:
		return verdict{level: dr.Unknown, why: dr.T("rule.methods-untold")}
	case len(methods) == 0:
		return verdict{level: dr.Fail, why: dr.T("rule.no-method")}
	default:
		return fine(dr.T("rule.methods", "methods", methods))
	}
}

// protected tells whether the branch's protection can be read, and lets the bot merge.
func (f findings) protected() verdict {
	a := f.asked
	switch {
	case f.protectionErr != nil:
		return unread(f.protectionErr, needsAdmin)
	case a.locked:
		return verdict{level: dr.Fail, why: dr.T("rule.locked", "base", f.service.Repository.Base)}
	case !a.restricted || slices.ContainsFunc(a.pushers, func(l string) bool { return f.self != "" && strings.EqualFold(l, f.self) }):
		return fine(dr.Text{})
	case a.groups || f.self == "":
		return verdict{level: dr.Warn, why: dr.T("rule.pushers", "base", f.service.Repository.Base)}
	default:
		return verdict{level: dr.Fail, why: dr.T("rule.no-pusher", "base", f.service.Repository.Base, "login", f.self)}
	}
}

// rulesets tells whether the rules of the branch can be read, and what is among them that
// drbot does not know.
func (f findings) rulesets() verdict {
	switch {
	case f.rulesErr != nil:
		return unread(f.rulesErr, needsMetadata)
	case slices.Contains(f.asked.others, "update"):
		return verdict{level: dr.Fail, why: dr.T("rule.no-updates", "base", f.service.Repository.Base)}
	case len(f.asked.others) > 0:
		return verdict{level: dr.Warn, why: dr.T("rule.others", "rules", dr.Foreign(strings.Join(f.asked.others, ", ")))}
	default:
		return fine(dr.Text{})
	}
}

// asks tells of one demand: what it means where it is made, and that it is not known where
// one of the two places could not be read that may make it.
func (f findings) asks(made bool, level dr.Level, why dr.Text) verdict {
	switch {
	case made:
		return verdict{level: level, why: why}
	case f.rulesErr != nil:
		return unread(f.rulesErr, needsMetadata)
	case f.protectionErr != nil:
		return unread(f.protectionErr, needsAdmin)
	default:
		return fine(dr.Text{})
	}
}

// queue is no hindrance: a run puts its change there and follows it.
func (f findings) queue() verdict {
	if f.asked.queue || f.rulesErr != nil {
		return f.asks(f.asked.queue, dr.OK, dr.T("rule.queue"))
	}
	return fine(dr.Text{}) // rulesets alone tell of it, of a queue of the protection too
}

// installed tells whether an App may do what a run does. What a repository says of
// permissions is said of users alone.
func (f findings) installed() verdict {
	if f.apartErr != nil {
		return unread(f.apartErr, needsMetadata)
	}
	var worst verdict
	for _, d := range f.apart {
		if worst.level != dr.Fail {
			worst = verdict{level: d.Level, why: dr.T("rule.installed", "what", d.What, "next", d.Next)}
		}
	}
	if worst.level == "" {
		return fine(dr.Text{})
	}
	return worst
}

// signatures are no hindrance to an App, whose commits GitHub signs; but those of an
// executable file, which is told of its installation.
func (f findings) signatures() verdict {
	if f.app && f.asked.signatures && f.fileErr == nil && f.entry.GetMode() != modeExecutable {
		if methods, told := f.allowed(); told && slices.Equal(methods, []string{"rebase"}) {
			return verdict{level: dr.Fail, why: dr.T("rule.signatures-rebase")} // GitHub signs no commit that it rebases
		}
		return fine(dr.Text{})
	}
	return f.asks(f.asked.signatures, dr.Fail, dr.T("rule.signatures"))
}

func (f findings) linear() verdict {
	methods, told := f.allowed()
	switch {
	case !f.asked.linear || !told:
		return f.asks(f.asked.linear, dr.Warn, dr.T("rule.linear-untold"))
	case len(methods) == 0:
		return verdict{level: dr.Fail, why: dr.T("rule.linear-no-method")}
	default:
		return fine(dr.T("rule.linear", "methods", methods))
	}
}

// busyBase is how many commits in an hour make it likely that one comes while people read.
const busyBase = 4

// upToDate is no hindrance, for a run makes the newer head itself; but each costs another
// round of approvals.
func (f findings) upToDate() verdict {
	base := f.service.Repository.Base
	switch {
	case f.asked.upToDate() && f.busyErr != nil:
		return unread(f.busyErr, "Contents: read")
	case f.busy >= busyBase:
		return verdict{level: dr.Warn, why: dr.T("rule.up-to-date.busy", "base", base, "n", f.busy)}
	default:
		return f.asks(f.asked.upToDate(), dr.OK, dr.T("rule.up-to-date", "base", base))
	}
}

// checks tells of required checks that nobody reports: neither the run itself, nor, as far
// as was seen, anybody else.
func (f findings) checks() verdict {
	switch {
	case len(f.unseen) == 0:
		return f.asks(false, dr.OK, dr.Text{})
	case f.seenErr != nil:
		return unread(f.seenErr, needsStatuses)
	default:
		return verdict{level: dr.Fail, why: dr.T("rule.unreported", "checks", dr.Foreign(strings.Join(f.unseen, ", ")), "base", f.service.Repository.Base)}
	}
}

func (f findings) reviews() verdict {
	return f.asks(f.asked.reviews > f.service.Quorum, dr.Warn, dr.T("rule.reviews", "n", f.asked.reviews, "quorum", f.service.Quorum))
}

func (f findings) codeOwners() verdict {
	return f.asks(f.asked.owners, dr.Warn, dr.T("rule.code-owners", "file", f.service.Repository.File))
}

func (f findings) conversations() verdict {
	return f.asks(f.asked.conversations, dr.Warn, dr.T("rule.conversations"))
}

func (f findings) deployments() verdict {
	envs := f.asked.deployments
	return f.asks(len(envs) > 0, dr.Warn, dr.T("rule.deployments", "environments", dr.Foreign(strings.Join(envs, ", "))))
}

func (f findings) autoMerge() verdict {
	switch r := f.repository; {
	case f.repositoryErr != nil:
		return unread(f.repositoryErr, needsMetadata)
	case r.AllowAutoMerge == nil:
		return verdict{level: dr.Unknown, why: dr.T("rule.auto-merge-untold")}
	case r.GetAllowAutoMerge():
		return fine(dr.T("rule.auto-merge"))
	default:
		return fine(dr.Text{})
	}
}

// way is a method of merging, and whether the repository allows it; nil when it does not
// tell.
type way struct {
	name    string
	allowed *bool
}

// ways are all there are, best first.
func ways(r *gh.Repository) []way {
	if r == nil {
		r = &gh.Repository{}
	}
	return []way{{"merge", r.AllowMergeCommit}, {"squash", r.AllowSquashMerge}, {"rebase", r.AllowRebaseMerge}}
}
