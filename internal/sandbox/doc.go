// Package sandbox is a whole world for drbot on one machine: a local Slack, a
// local GitHub over a real repository, two AWS Regions, real Terraform, and a bot
// process that does not know it is being watched. It imports none of the bot's
// adapters: what it reads back, it reads itself.
package sandbox
