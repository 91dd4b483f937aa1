//go:build !linux

package wall

import (
	"errors"
	"fmt"
	"os"
)

func (w Wall) raise() error { return errors.New("this system has no Landlock") }

func version() int { return 0 }

func filters() bool { return false }

// Switch refuses where nobody can be let switch users.
func Switch() int {
	fmt.Fprintln(os.Stderr, Refusal, "this system has no capabilities of files")
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
