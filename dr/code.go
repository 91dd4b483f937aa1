package dr

import "strings"

// CodeKind is a kind of what a stack's code may do that no plan shows.
type CodeKind string

// What a configuration allows by name. The plan shows none of it: a program that is
// started, an answer of some server, a file of the bot's machine, another identity.
const (
	CodeProvisioner CodeKind = "provisioner"
	CodeExternal    CodeKind = "external"
	CodeHTTP        CodeKind = "http"
	CodeLocal       CodeKind = "local"
	CodeProfile     CodeKind = "profile"
	CodeSharedFiles CodeKind = "shared_files"
	CodeAssumeRole  CodeKind = "assume_role"
	CodeEndpoints   CodeKind = "endpoints"
	CodeCredentials CodeKind = "credentials"
	CodeFile        CodeKind = "file"
	CodeRemoteState CodeKind = "remote_state"
	CodeBackend     CodeKind = "backend"
	CodeModule      CodeKind = "module"
	CodeUnread      CodeKind = "unread"
)

// CodeKinds lists them.
func CodeKinds() []CodeKind {
	return []CodeKind{
		CodeProvisioner, CodeExternal, CodeHTTP, CodeLocal, CodeProfile, CodeSharedFiles, CodeAssumeRole, CodeEndpoints,
		CodeCredentials, CodeFile, CodeRemoteState, CodeBackend, CodeModule, CodeUnread,
	}
}

// CodeRules are what a service's configuration says of the code of its stacks.
type CodeRules struct {
	Allow       []Allow  `json:"allow,omitempty"`
	ModuleHosts []string `json:"module_hosts,omitempty"` // a host, or the beginning of an address there
	// ModuleRepositories are those of the forge, OWNER/NAME, whose modules are fetched with a
	// token of their own.
	ModuleRepositories []string `json:"module_repositories,omitempty"`
	// LockFileOptional lets a stack have providers that no lock file names.
	LockFileOptional bool `json:"lock_file_optional,omitempty"`
}

// Allow lets the code of a service do something that is refused otherwise.
type Allow struct {
	What   CodeKind `json:"what"`
	Path   string   `json:"path,omitempty"` // a folder or a file of the repository; everywhere where it is empty
	Reason string   `json:"reason"`
}

// fetchedModules is the folder, in that of a stack, where modules from elsewhere are.
const fetchedModules = "/.terraform/"

// Allows finds what lets a file of the repository do something. What allows it in a folder
// says nothing of the modules that were fetched below it.
func (c CodeRules) Allows(what CodeKind, file string) (Allow, bool) {
	for _, a := range c.Allow {
		in := a.Path == "" || file == a.Path || strings.HasPrefix(file, a.Path+"/")
		beyond := a.Path != "" && strings.Contains("/"+file, fetchedModules) && !strings.Contains("/"+a.Path+"/", fetchedModules)
		if a.What == what && in && !beyond {
			return a, true
		}
	}
	return Allow{}, false
}

// AllowedCode is something that the code of a plan does and that its configuration allows.
type AllowedCode struct {
	What   CodeKind `json:"what"`
	At     string   `json:"at"` // file and line
	Says   Text     `json:"says"`
	Reason string   `json:"reason"`
}
