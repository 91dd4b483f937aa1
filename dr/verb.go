package dr

import "slices"

// Verb is a command that people type, told once: Slack, the command line, the help
// and every hint are made from it. What it is for stands in the catalogue under
// "verb.<name>".
type Verb struct {
	Name   string
	Params []Param
}

// Param is one thing a verb takes, in the order in which Slack's users type it.
type Param struct {
	Name     string
	Flag     string   // how the command line takes it, "--to"; positional when empty
	Option   bool     // an option by its flag in Slack too, before the rest
	Optional bool     // may be left out
	Switch   bool     // an option without a value
	Rest     bool     // takes all the words that are left
	Time     bool     // a time, in RFC 3339
	Choices  []string // when there are but these
	Either   bool     // "a|b" is a choice in a hint, as planned|disaster is
	Hole     string   // what stands for a value in a hint; the name in capitals when empty
}

// Placeholder is what stands for the parameter's value in a hint.
func (p Param) Placeholder() string {
	if p.Hole != "" {
		return p.Hole
	}
	return upper(p.Name)
}

func upper(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'a' <= c && c <= 'z' {
			b[i] = c - 'a' + 'A'
		}
	}
	return string(b)
}

// Verbs lists every verb, in the order of the help.
func Verbs() []Verb {
	service := Param{Name: "service"}
	run := Param{Name: "run"}
	move := []Param{
		service,
		{Name: "region", Flag: "--to", Either: true},
		{Name: "mode", Flag: "--mode", Choices: []string{string(Planned), string(Disaster)}, Hole: "planned|disaster"},
		{Name: "since", Flag: "--since", Option: true, Optional: true, Time: true, Hole: "TIME"},
		{Name: "override-cooldown", Flag: "--override-cooldown", Option: true, Optional: true, Switch: true},
		{Name: "reason", Flag: "--reason", Rest: true},
	}
	return []Verb{
		{Name: string(Failover), Params: move},
		{Name: string(Failback), Params: move},
		{Name: string(Resume), Params: move},
		{Name: "status", Params: []Param{{Name: "service", Optional: true, Hole: "SERVICE|RUN"}}},
		{Name: "cancel", Params: []Param{run}},
		{Name: "answer", Params: []Param{
			run, {Name: "answer", Choices: []string{"retry", "accept", "disaster", "skip", "stop"}, Hole: "retry|accept|disaster|skip|stop"}, {Name: "digest", Optional: true},
		}},
		{Name: "help"},
	}
}

// VerbNamed finds a verb in a list.
func VerbNamed(verbs []Verb, name string) (Verb, bool) {
	i := slices.IndexFunc(verbs, func(v Verb) bool { return v.Name == name })
	if i < 0 {
		return Verb{}, false
	}
	return verbs[i], true
}
