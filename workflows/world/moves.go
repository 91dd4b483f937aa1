package world

import (
	"maps"
	"slices"
	"strings"

	"github.com/drbot/drbot/dr"
)

// BeforeEach is Before for every call.
func (w *World) BeforeEach(call string, do func()) { w.rule(&Rule{call: call, times: -1, before: do}) }

// Gone lets no call of these ports through until the world is back.
func (w *World) Gone(calls ...string) (back func()) {
	var mine []*Rule
	for _, c := range calls {
		mine = append(mine, w.Fail(c, -1, refused(dr.Temporary, "%s did not answer.", c)))
	}
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.rules = slices.DeleteFunc(w.rules, func(r *Rule) bool { return slices.Contains(mine, r) })
	}
}

// Leave has an approver leave the configuration, which takes a start of the program: it is
// killed, and whoever finds it Killed revives it with the new one.
func (w *World) Leave(person string) {
	w.mu.Lock()
	w.leaving = append(w.leaving, person)
	w.mu.Unlock()
	if !w.Killed() {
		w.Kill()
	}
}

// Killed tells whether the bot is dead and not revived.
func (w *World) Killed() bool {
	select {
	case <-w.kills.now:
		return true
	case <-w.life.gone: // the copy of its database is being made
		return true
	default:
		return false
	}
}

// left takes those who leave out of the configuration, while no bot runs.
func (w *World) left() {
	w.mu.Lock()
	defer w.mu.Unlock()
	services := maps.Clone(w.Services)
	for name, s := range services {
		s.Approvers = slices.DeleteFunc(slices.Clone(s.Approvers), func(p string) bool { return slices.Contains(w.leaving, p) })
		services[name] = s
	}
	w.Services, w.leaving = services, nil
}

// MayApprove tells whether the configuration names a person as an approver.
func (w *World) MayApprove(person string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Contains(w.Services["portal"].Approvers, person)
}

// Made lists what the bot's applies have made, changed or deleted beyond the ordinary, by
// its address.
func (w *World) Made() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.tf.made)
}

// Points is the Region the users are led to.
func (w *World) Points() dr.Region {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.tf.points["traffic"]
}

// TryReview reviews the newest pull request, where there is one.
func (w *World) TryReview(person string, state dr.ReviewState) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if f := w.forge; len(f.pulls) > 0 {
		f.review(f.open(), person+"-gh", state)
	}
}

// TryMerge merges the open pull request by hand, where there is one.
func (w *World) TryMerge(person string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if f := w.forge; len(f.pulls) > 0 && f.open().Open {
		_, _ = f.mergePull(f.open(), person+"-gh") // one that cannot be merged is not
	}
}

// TryClose closes the open pull request, where there is one.
func (w *World) TryClose() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if f := w.forge; len(f.pulls) > 0 {
		f.open().Open = false
	}
}

// TryRetarget has the open pull request go to another branch, where there is one.
func (w *World) TryRetarget(branch string) {
	w.mu.Lock()
	open := len(w.forge.pulls) > 0 && w.forge.open().Open
	w.mu.Unlock()
	if open {
		w.Retarget(branch)
	}
}

// Proposal is what stands on the open pull request for people to read.
func (w *World) Proposal() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.forge.pulls) == 0 {
		return ""
	}
	text := ""
	for _, c := range w.forge.open().Comments {
		text += strings.ReplaceAll(c.Body, `\`, "") + "\n"
	}
	return text
}

// Approvals counts the approvers of the configuration whose last word on the open pull
// request's head approves.
func (w *World) Approvals() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	last := map[string]dr.ReviewState{}
	pr := w.forge.open()
	for _, r := range pr.Reviews {
		if r.HeadSHA == pr.Head || r.State != dr.Approved {
			last[r.By] = r.State
		}
	}
	n := 0
	for who, s := range last {
		if s == dr.Approved && slices.Contains(w.Services["portal"].Approvers, strings.TrimSuffix(who, "-gh")) {
			n++
		}
	}
	return n
}
