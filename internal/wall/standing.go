package wall

// Standing says which walls can be raised here.
type Standing struct {
	Landlock int  // the version that the kernel has; 0 for none
	Filter   bool // of system calls; by itself no wall
}

// Look asks the kernel.
func Look() Standing { return Standing{Landlock: version(), Filter: filters()} }

// Any tells whether there is a wall at all.
func (s Standing) Any() bool { return s.Landlock > 0 }

// The versions of Landlock from which on it keeps more than files.
const (
	listens = 4 // nothing listens
	signals = 6 // nothing outside is signalled, nor reached by an abstract socket
)

// Signals tells whether a program behind the wall is kept from signalling others of its user.
func (s Standing) Signals() bool { return s.Landlock >= signals }
