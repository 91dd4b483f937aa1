// Command drbot-switch starts Terraform's wall as another user. It is the one program of
// drbot with capabilities (setuid, setgid, kill) and does nothing else with them; drbot
// starts it where it is installed beside it and drbot is an ordinary user. A file beside it,
// drbot-switch.conf, says who may call it and who is switched to.
package main

import (
	"os"

	"github.com/drbot/drbot/internal/wall"
)

func main() { os.Exit(wall.Switch()) }
