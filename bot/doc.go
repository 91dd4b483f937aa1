// Package bot is drbot in Slack: it reads a command, starts what was asked for
// and returns; it keeps one message per run up to date and says the rest in its
// thread. It decides nothing: who may do what is asked of the runbooks' engine.
package bot
