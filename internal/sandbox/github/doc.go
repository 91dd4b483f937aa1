// Package github is a local GitHub over a real bare Git repository. It speaks the REST routes, payloads and rules
// the bot depends on, serves the repository over smart HTTP, signs and sends webhooks, and shows a web page on
// which personas approve, push, merge and close. Code written for the real service runs against it unchanged.
//
// The rules it enforces are the ones a bot can get wrong: one open pull request per head branch (422), the SHA
// guard of a merge (409), nobody approves their own pull request (422), reviews that stay with the commit they were
// given on, comments of at most 65,536 characters. It can also misbehave on request: see [Fault] and [Lies].
package github
