//go:build !linux

package wall

import (
	"fmt"
	"os"
)

func (w Wall) raise() error { return &Fault{Why: NoLandlock} }

func version() int { return 0 }

func filters() bool { return false }

// Switch refuses where nobody can be let switch users.
func Switch() int {
	fmt.Fprintln(os.Stderr, Refusal, &Fault{Why: NoPowers})
	return refused
}

// Installed finds nothing where no program can be let switch users.
func Installed() (Installation, error) { return Installation{}, nil }

// Hide does nothing where there is no /proc to hide from.
func Hide() error { return nil }

// Hidden is true where there is nothing to hide from.
func Hidden() bool { return true }

// Unexpose does nothing where there is no /proc to read an environment from.
func Unexpose() error { return nil }
