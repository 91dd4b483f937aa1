package world

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/steps"
)

// The Regions of the service.
const (
	Seoul = dr.Region("ap-northeast-2")
	Tokyo = dr.Region("ap-northeast-1")
)

// NewService is the service every test begins with; a test changes what it is about.
func NewService() dr.Service {
	return dr.Service{
		Name: "portal", Strategy: dr.PilotLight, Objectives: dr.Objectives{RTO: 4 * time.Hour, RPO: 5 * time.Minute},
		Regions: []dr.Region{Seoul, Tokyo}, Channel: "C-PORTAL", Cooldown: 30 * time.Minute, Expiry: time.Hour, Quorum: 2,
		Repository: dr.Repository{Owner: "example", Name: "infra", Base: "main", File: "live/portal/active_region.auto.tfvars"},
		Stacks: []dr.Stack{
			{Name: "data", Dir: "live/portal/data", Role: dr.DataStack},
			{Name: "seoul", Dir: "live/portal/seoul", Role: dr.RegionStack, Region: Seoul},
			{Name: "tokyo", Dir: "live/portal/tokyo", Role: dr.RegionStack, Region: Tokyo},
			{Name: "traffic", Dir: "live/portal/traffic", Role: dr.TrafficStack},
		},
		Resources: []dr.Resource{Database("portal-global"), Workload("web")},
		Names: dr.Names{Public: "portal.example.test", Regional: map[dr.Region]string{
			Seoul: "seoul.portal.example.test", Tokyo: "tokyo.portal.example.test",
		}},
		Probes: []dr.Probe{{URL: "https://{host}/healthz", Status: 200}},
		Acts:   steps.DefaultActs(), Requesters: []string{"alice", "bob"}, Approvers: []string{"alice", "bob", "carol", "dave", "erin"},
	}
}

// another is a service like the first, and none of its things.
func another(n int) dr.Service {
	s := NewService()
	name := fmt.Sprintf("shop%02d", n)
	rename := func(text string) string { return strings.ReplaceAll(text, s.Name, name) }
	s.Repository.File = rename(s.Repository.File)
	for i := range s.Stacks {
		s.Stacks[i].Dir = rename(s.Stacks[i].Dir)
		s.Stacks[i].Name = name + "-" + s.Stacks[i].Name
	}
	s.Resources = []dr.Resource{Database(name + "-global"), Workload(name + "-web")}
	s.Names.Public = rename(s.Names.Public)
	for r, of := range s.Names.Regional {
		s.Names.Regional[r] = rename(of)
	}
	s.Name, s.Channel = name, "C-"+strings.ToUpper(name)
	return s
}

// Database is a global database of the service.
func Database(name string, after ...string) dr.Resource {
	return dr.Resource{Name: name, System: dr.AuroraGlobal, After: after, Spec: map[string]string{"global_cluster": name}, In: map[dr.Region]map[string]string{
		Seoul: {"cluster_arn": "arn:aws:rds:ap-northeast-2:1:cluster:" + name}, Tokyo: {"cluster_arn": "arn:aws:rds:ap-northeast-1:1:cluster:" + name},
	}}
}

// Workload is an ECS service of the service.
func Workload(name string) dr.Resource {
	at := map[string]string{"cluster": "portal", "service": name, "target_group": name}
	return dr.Resource{Name: name, System: dr.ECSService, In: map[dr.Region]map[string]string{Seoul: at, Tokyo: at}}
}

// everybody has the same name everywhere: alice is UALICE in Slack and alice-gh on the forge.
func everybody() dr.People {
	person := func(name, slack string) dr.Person {
		return dr.Person{Name: name, SlackIDs: []string{slack}, GitHubLogins: []string{name + "-gh"}, LocalUsers: []string{name}}
	}
	return dr.People{
		person("alice", "UALICE"), person("bob", "UBOB"), person("carol", "UCAROL"), person("dave", "UDAVE"), person("erin", "UERIN"),
		person("frank", "UFRANK"), // neither requester nor approver
	}
}

// open is the newest pull request that is open; the newest of all when none is.
func (f *forge) open() *Pull {
	for _, pr := range slices.Backward(f.pulls) {
		if pr.Open {
			return pr
		}
	}
	return f.pulls[len(f.pulls)-1]
}

// Approve approves the open pull request as each of these people.
func (w *World) Approve(people ...string) {
	for _, name := range people {
		w.Review(name, dr.Approved)
	}
}

// ApproveRun approves the pull request of a run as each of these people.
func (w *World) ApproveRun(run string, people ...string) {
	w.t.Helper()
	pr := w.Record(run).Change.Number
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, name := range people {
		w.forge.review(w.forge.pulls[pr-1], name+"-gh", dr.Approved)
	}
}

// Review reviews the open pull request on its head.
func (w *World) Review(person string, state dr.ReviewState) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := w.forge
	f.review(f.open(), person+"-gh", state)
}

// ReviewAs is Review by the account of a number, whatever its login was before.
func (w *World) ReviewAs(person string, account int64, state dr.ReviewState) {
	w.mu.Lock()
	defer w.mu.Unlock()
	pr := w.forge.open()
	w.forge.review(pr, person+"-gh", state)
	pr.Reviews[len(pr.Reviews)-1].ByID = account
}

func (f *forge) review(pr *Pull, login string, state dr.ReviewState) int64 {
	f.reviews++
	pr.Reviews = append(pr.Reviews, dr.Review{ID: f.reviews, By: login, State: state, HeadSHA: pr.Head, At: time.Now()})
	return f.reviews
}

// Dismiss dismisses the newest opinion of a person on the open pull request.
func (w *World) Dismiss(by, person string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	pr := w.forge.open()
	for _, r := range slices.Backward(pr.Reviews) {
		if r.By == person+"-gh" && r.State != dr.Dismissed {
			if err := pr.dismiss(by+"-gh", r.ID); err != nil {
				w.t.Error(err)
			}
			return
		}
	}
	w.t.Errorf("%s has no review to dismiss", person)
}

func (pr *Pull) dismiss(login string, review int64) error {
	for i := range pr.Reviews {
		r := &pr.Reviews[i]
		if r.ID == review && (r.State == dr.Approved || r.State == dr.ChangesRequested) {
			r.Was, r.State, r.DismissedBy, r.DismissedAt = r.State, dr.Dismissed, login, time.Now()
			return nil
		}
	}
	return fmt.Errorf("review %d cannot be dismissed", review)
}

// Draft makes the open pull request a draft, or one no more.
func (w *World) Draft(draft bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.forge.open().Draft = draft
}

// Retarget sends the open pull request to another branch, which is made of the base.
func (w *World) Retarget(branch string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := w.forge
	f.branches[branch] = f.tip()
	f.open().BaseRef = branch
}

// PushToChange puts a commit of somebody's upon the bot's branch.
func (w *World) PushToChange(person string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := w.forge
	pr := f.open()
	f.push(pr.Branch, pr.File, f.fileOf(pr, pr.Head)+"# and more\n", person+"-gh", person+"-gh")
}

// PushToBase moves the base branch; what is new there is named by stack and address,
// "tokyo:aws_ssm_parameter.x".
func (w *World) PushToBase(extra ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := w.forge
	if len(extra) == 0 {
		f.push(f.repo.Base, "README.md", fmt.Sprintf("written %d times\n", len(f.commits)), "somebody", "somebody")
	}
	for _, e := range extra {
		stack, address, _ := strings.Cut(e, ":")
		f.push(f.repo.Base, thingPath(stack, address), thing{}.text(), "somebody", "somebody")
	}
}

// PushThing moves the base branch so that a stack wants a thing of this value, whose making
// fails or not.
func (w *World) PushThing(stack, address, value string, fails bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.forge.push(w.forge.repo.Base, thingPath(stack, address), thing{Value: value, Fails: fails}.text(), "somebody", "somebody")
}

// PushBeside moves the base branch so that a thing of this value gets another attribute changed
// with it.
func (w *World) PushBeside(stack, address, value, path string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.forge.push(w.forge.repo.Base, thingPath(stack, address), thing{Value: value, Beside: path}.text(), "somebody", "somebody")
}

// DropThing moves the base branch so that a stack does not want a thing any more.
func (w *World) DropThing(stack, address string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := w.forge
	tree := maps.Clone(f.commits[f.tip()].tree)
	delete(tree, thingPath(stack, address))
	f.move(f.repo.Base, f.commit(commit{parents: []string{f.tip()}, tree: tree, author: "somebody", committer: "somebody"}))
}

// Tip is the newest commit of the base.
func (w *World) Tip() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.forge.tip()
}

// PushCode moves the base branch so that a stack runs other code and changes the same.
func (w *World) PushCode(stack string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.forge.push(w.forge.repo.Base, codePath(stack), fmt.Sprintf("written %d times\n", len(w.forge.commits)), "somebody", "somebody")
}

// PushComment moves the base branch within a stack, where it changes no plan.
func (w *World) PushComment(dir string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.forge.push(w.forge.repo.Base, dir+"/notes.tf", fmt.Sprintf("# written %d times\n", len(w.forge.commits)), "somebody", "somebody")
}

// KeepTasks moves the base branch so that a stack keeps its tasks, whatever Region is
// active, or does not any more.
func (w *World) KeepTasks(st dr.Stack, keeps bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := ""
	if keeps {
		text = "# the tasks stay\n"
	}
	w.forge.push(w.forge.repo.Base, keepsPath(st), text, "somebody", "somebody")
}

// IgnoreTasks has a stack leave how many tasks there are to others, as code does that
// ignores changes of the count.
func (w *World) IgnoreTasks(stack string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tf.ignores[stack] = true
}

// PushBroken moves the base branch so that a folder cannot be planned; PushComment mends it.
func (w *World) PushBroken(dir string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.forge.push(w.forge.repo.Base, dir+"/notes.tf", brokenCode, "somebody", "somebody")
}

// PushProgram moves the base branch so that a folder starts a program; PushComment mends it.
func (w *World) PushProgram(dir string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.forge.push(w.forge.repo.Base, dir+"/notes.tf", programCode, "somebody", "somebody")
}

// SetBase makes the base branch say another active Region.
func (w *World) SetBase(active dr.Region) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.forge.push(w.forge.repo.Base, w.forge.repo.File, fileOf(active), "somebody", "somebody")
}

// CloseByHand closes the open pull request.
func (w *World) CloseByHand() {
	w.mu.Lock()
	defer w.mu.Unlock()
	pr := w.forge.open()
	w.forge.close(pr)
	pr.ClosedBy = "dave-gh"
}

// MergeByHand merges the open pull request as a person.
func (w *World) MergeByHand(person string) { w.MergeAs(person + "-gh") }

// MergeAs merges the open pull request by an account of any login.
func (w *World) MergeAs(login string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := w.forge.mergePull(w.forge.open(), login); err != nil {
		w.t.Errorf("merge by hand: %v", err)
	}
}

// MergePull merges a pull request of a number by an account, open or not.
func (w *World) MergePull(number int, login string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	pr, err := w.forge.pull(number)
	if err == nil {
		_, err = w.forge.mergePull(pr, login)
	}
	if err != nil {
		w.t.Errorf("merge #%d: %v", number, err)
	}
}

// MergesBring has every merge bring along what a stack wants besides.
func (w *World) MergesBring(stack, address string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.forge.adds = map[string]string{thingPath(stack, address): thing{}.text()}
}

// HideParents has nobody told what a commit was made on.
func (w *World) HideParents() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.forge.orphans = true
}

// ListLate has the list of reviews show one only a while after it was given.
func (w *World) ListLate(by time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.forge.late = by
}

// Protect makes the repository refuse every merge; with nothing it does no more.
func (w *World) Protect(why string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.forge.protected = why
}

// Base is the Region the base branch says is active.
func (w *World) Base() dr.Region {
	w.mu.Lock()
	defer w.mu.Unlock()
	active, err := (&ports{}).ActiveRegion(w.forge.file(w.forge.tip()))
	if err != nil {
		w.t.Errorf("the base branch has no active Region: %v", err)
	}
	return active
}

// Merges counts the merges by anybody.
func (w *World) Merges() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.forge.merges
}

// OpenPulls counts the pull requests that are open.
func (w *World) OpenPulls() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, pr := range w.forge.pulls {
		if pr.Open {
			n++
		}
	}
	return n
}

// Pull is a copy of a pull request.
func (w *World) Pull(number int) Pull {
	w.mu.Lock()
	defer w.mu.Unlock()
	pr, err := w.forge.pull(number)
	if err != nil {
		w.t.Fatal(err)
	}
	return *pr
}
