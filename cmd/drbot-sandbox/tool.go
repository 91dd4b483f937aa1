package main

import (
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/drbot/drbot/internal/sandbox"
	"github.com/drbot/drbot/internal/sandbox/aws"
)

// toolCommand is what the sandbox's stacks call in place of a provider.
func (o *outside) toolCommand() *cobra.Command {
	c := &cobra.Command{Use: "tool", Short: "What the sandbox's Terraform stacks call", Hidden: true}
	c.AddCommand(&cobra.Command{
		Use: "scale REGION TASKS", Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			n, err := strconv.Atoi(args[1])
			if err != nil {
				return misuse("TASKS is a number.", "drbot-sandbox tool scale REGION TASKS")
			}
			for service := range strings.SplitSeq(o.getenv("DRBOT_SANDBOX_SERVICES"), ",") {
				if err := aws.Scale(c.Context(), o.getenv("DRBOT_SANDBOX_ENDPOINT"), args[0], sandbox.Service, service, n); err != nil {
					return err
				}
			}
			return nil
		},
	}, &cobra.Command{
		Use: "point REGION", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			name := o.getenv("DRBOT_SANDBOX_NAME")
			return aws.PointTraffic(c.Context(), o.getenv("DRBOT_SANDBOX_ENDPOINT"), o.getenv("DRBOT_SANDBOX_ZONE"), name, args[0]+"."+name)
		},
	}, &cobra.Command{
		Use: "effect URL", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return sandbox.TellEffect(c.Context(), args[0], o.stdout) },
	})
	return c
}
