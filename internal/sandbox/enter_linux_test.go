package sandbox

import "github.com/drbot/drbot/internal/wall/walltest"

// enter becomes what a test starts where something is denied.
func enter() { walltest.Enter() }
