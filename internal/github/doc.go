// Package github is drbot's side of GitHub: it opens, reads, merges and closes the
// pull request of a run, writes the plan comment and the commit statuses, and
// takes webhooks as nudges. It decides nothing about approvals: it reads what the
// rules look at, fresh each time, and fails rather than guess when a read fails.
//
// Writes are never repeated blindly. Each of them looks first whether it has
// already been done, and after a lost reply looks again.
package github
