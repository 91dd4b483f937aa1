package tf

import (
	"encoding/json"
	"runtime"
	"slices"
	"strings"

	"github.com/drbot/drbot/dr"
)

// hints are causes that Terraform tells in words of its own which do not say what to do
// here, by what it says of them. A cause that is not among them is told in Terraform's
// words alone: a guess would lead people astray.
func hints() []hint {
	platform := runtime.GOOS + "_" + runtime.GOARCH
	return []hint{
		{dr.T("tf.hint.platform", "platform", platform), []string{
			"doesn't match any of the checksums", "does not match any of the checksums", "the cached package for",
			"the current package for", "checksums previously recorded in the dependency lock file",
		}},
		{dr.T("tf.hint.mirror", "platform", platform), []string{
			"was not found in any of the search locations", "no available releases match", "provider registry does not have a provider named", "could not query provider registry",
		}},
		{dr.T("tf.hint.mirror-closed"), []string{"failed to compute a checksum for it: open", "cannot search"}},
		{dr.T("tf.hint.lock-file"), []string{
			"the lock file is read-only", "lock file is read-only", "inconsistent dependency lock file", "provider dependency changes detected",
		}},
		{dr.T("tf.hint.backend"), []string{
			"backend configuration changed", "backend initialization required", "backend type changed", "unsetting the previously set backend",
		}},
		{dr.T("tf.hint.variable"), []string{"no value for required variable"}},
		{dr.T("tf.hint.credentials"), []string{"no valid credential sources found"}},
		{dr.T("tf.hint.private"), []string{"could not read username for", "could not read from remote repository", "repository not found"}},
		{dr.T("tf.hint.submodule"), []string{"unreadable module directory"}},
		{dr.T("tf.disk-full.next"), []string{"no space left on device", "disk quota exceeded"}},
	}
}

type hint struct {
	next dr.Text
	says []string // any of these, in lower case
}

// hintOf says what to do about why a command failed; empty when that is not known. What is
// looked through is not scrubbed, and none of it is in what is said.
func hintOf(errors []diagnostic, err error) dr.Text {
	if is[*json.SyntaxError](err) {
		return dr.T("tf.hint.banner")
	}
	var all strings.Builder
	for _, d := range errors {
		all.WriteString(" " + d.Summary + " " + d.Detail)
	}
	if err != nil {
		all.WriteString(" " + err.Error())
	}
	// Terraform breaks its lines where they are too long, inside a frame for a terminal.
	said := strings.ToLower(strings.Join(strings.Fields(strings.ReplaceAll(all.String(), "│", " ")), " "))
	for _, h := range hints() {
		if slices.ContainsFunc(h.says, func(words string) bool { return strings.Contains(said, words) }) {
			return h.next
		}
	}
	return dr.Text{}
}
