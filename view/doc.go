// Package view says once what people are shown of a run and of a report. Slack, the
// terminal and the pull request only write it in their way, so that no two of them can
// say different things of one run.
package view
