package dr

import (
	"fmt"
	"slices"
)

// The systems that runs act on. Every other system is only looked at, and no code
// outside its folder knows its name.
const (
	AuroraGlobal = "aurora-global" // an Aurora global database: its writer is moved
	ECSService   = "ecs-service"   // an ECS service a Region: scaled and deployed
)

// Resource is one thing of a service that a check or a step looks at. What
// identifies it is written down in the configuration and never looked up first: the
// Region to ask may be gone.
type Resource struct {
	Name   string                       `json:"name"`            // of its own within the service; stands in step names
	System string                       `json:"system"`          // what kind of thing it is
	Spec   map[string]string            `json:"spec,omitempty"`  // what identifies it everywhere, by the system's fields
	In     map[Region]map[string]string `json:"in,omitempty"`    // what identifies it in each Region, by the system's fields
	After  []string                     `json:"after,omitempty"` // names of resources that are acted on before it
}

// At is what identifies the resource in a Region; empty when it is not there.
func (r Resource) At(in Region, field string) string { return r.In[in][field] }

// Field is one value that identifies a resource of a system.
type Field struct {
	Name     string
	Regional bool // one value a Region, else one for the resource
	Optional bool
	Form     string // a regular expression the whole value must match; empty for any
}

// Means is what a field of the system is, for the reader of the configuration.
func (s SystemInfo) Means(field string) Text {
	return Text{ID: TextID("field." + (s.ID + "." + field))}
}

// SystemInfo is what the rest of the program knows of a system: what identifies a
// resource of it and which checks are made.
type SystemInfo struct {
	ID     string
	Fields []Field
	Specs  []Spec
}

// Need is what a run of a mode needs of a check.
type Need string

const (
	// NeedNothing lets whoever approves accept what is not ok.
	NeedNothing Need = ""
	// NeedOK denies a run unless the check was made and is ok.
	NeedOK Need = "ok"
	// NeedWarn denies a run unless the check was made and is ok or a warning.
	NeedWarn Need = "warn"
	// NeedGood denies a run when the check was made and is neither ok nor a warning.
	NeedGood Need = "good"
	// NeedSound denies a run when the check fails. What is not known denies nothing, and
	// whoever approves accepts it.
	NeedSound Need = "sound"
	// NeedFact makes the check a fact of the mode that nobody has to accept.
	NeedFact Need = "fact"
)

// Role says that a check is more than a line of a list: a rule or a result reads it.
type Role string

const (
	// RoleLag is how far the target's data is behind, in seconds: the expected loss.
	RoleLag Role = "lag"
	// RoleSource is whether the source Region answers.
	RoleSource Role = "source"
)

// Spec is a check as its system tells it, once: the words for its meaning and its
// mending stand in the catalogue under "check.<id>" and "mend.<id>".
type Spec struct {
	ID        string        `json:"id"` // "aurora.lag"
	Unit      string        `json:"unit,omitempty"`
	Threshold float64       `json:"threshold,omitempty"` // by default, in Unit; zero where the service's objectives set it
	Need      map[Mode]Need `json:"need,omitempty"`
	Role      Role          `json:"role,omitempty"`
}

// Target is what a system looks at for its checks: one resource, and the way the
// run would go.
type Target struct {
	Service  Service
	Resource Resource
	Mode     Mode
	Source   Region
	Target   Region
}

// ResourcesOf lists a service's resources of a system in the order they are acted on:
// that of the configuration, but none before those it comes after.
func (s Service) ResourcesOf(system string) []Resource {
	order, err := ResourceOrder(s.Resources)
	if err != nil {
		order = s.Resources // a configuration with a cycle is not loaded
	}
	var out []Resource
	for _, r := range order {
		if r.System == system {
			out = append(out, r)
		}
	}
	return out
}

// Resource finds a resource by name.
func (s Service) Resource(name string) (Resource, bool) {
	i := slices.IndexFunc(s.Resources, func(r Resource) bool { return r.Name == name })
	if i < 0 {
		return Resource{}, false
	}
	return s.Resources[i], true
}

// ResourceOrder sorts resources so that each stands behind those it comes after, and
// otherwise as they were. An error names a resource that comes after itself, or after
// one that is not there.
func ResourceOrder(in []Resource) ([]Resource, error) {
	byName := make(map[string]Resource, len(in))
	for _, r := range in {
		byName[r.Name] = r
	}
	var out []Resource
	const visiting, done = 1, 2
	state := map[string]int{}
	var visit func(r Resource) error
	visit = func(r Resource) error {
		switch state[r.Name] {
		case done:
			return nil
		case visiting:
			return fmt.Errorf("%s comes after itself", r.Name)
		}
		state[r.Name] = visiting
		for _, name := range r.After {
			before, ok := byName[name]
			if !ok {
				return fmt.Errorf("%s comes after %s, which is no resource", r.Name, name)
			}
			if err := visit(before); err != nil {
				return err
			}
		}
		state[r.Name] = done
		out = append(out, r)
		return nil
	}
	for _, r := range in {
		if err := visit(r); err != nil {
			return nil, err
		}
	}
	return out, nil
}
