// Command drbot-launch raises the wall that Terraform and git run behind and becomes the one
// behind it. drbot starts it where it is installed beside it: it does the same as drbot
// itself, and starts in a millisecond.
package main

import (
	"fmt"
	"os"

	"github.com/drbot/drbot/internal/wall"
)

func main() {
	wall.Enter()
	fmt.Fprintln(os.Stderr, "drbot-launch: only drbot starts this command")
	os.Exit(2)
}
