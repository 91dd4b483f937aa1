package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	gh "github.com/google/go-github/v60/github"

	"github.com/drbot/drbot/dr"
)

// explain turns an error of go-github or of the transport into one with words
// for a person. doing completes "GitHub would not ...: ".
func explain(err error, doing dr.Text) error {
	if err == nil {
		return nil
	}
	var known *dr.Error
	if errors.As(err, &known) {
		return fmt.Errorf("%s: %w", doing, known)
	}
	if errors.Is(err, context.Canceled) {
		return &dr.Error{Code: dr.Temporary, What: dr.T("github.interrupted", "doing", doing), Err: err}
	}
	var answer *gh.ErrorResponse
	if !errors.As(err, &answer) || answer.Response == nil {
		return &dr.Error{Code: dr.Temporary, What: dr.T("github.no-answer", "doing", doing), Err: err}
	}
	if err := appRefused(answer.Message, doing, err); err != nil {
		return err
	}
	code, next := codeOf(answer.Response.StatusCode)
	return &dr.Error{Code: code, Next: next, Err: err, What: dr.T("github.refused", "doing", doing, "said", said(answer))}
}

// appRefused recognizes by its words a refusal that is about the App and that a person
// mends on GitHub: what runs goes on then.
func appRefused(message string, doing dr.Text, cause error) error {
	switch text := strings.ToLower(message); {
	case strings.Contains(text, "not accessible by integration"):
		return &dr.Error{Code: dr.Uncertain, What: dr.T("github.app.may-not", "doing", doing, "said", quoteOf(message)), Next: dr.T("github.app.may-not.next"), Err: cause}
	case strings.Contains(text, "installation has been suspended"):
		return &dr.Error{Code: dr.Uncertain, What: dr.T("github.app.suspended-now", "doing", doing), Next: dr.T("github.app.suspended-now.next"), Err: cause}
	}
	return nil
}

// mayNot is said of a permission that the App lacks.
const mayNot dr.TextID = "github.app.may-not"

// quoteOf is a reason of GitHub's on one line, without its full stop.
func quoteOf(reason string) dr.Foreign {
	return dr.Foreign(cut(strings.TrimRight(strings.Join(strings.Fields(reason), " "), "."), 300, "…"))
}

// codeOf sorts a status by whether trying again can help, and what else does.
func codeOf(status int) (code dr.Code, next dr.Text) {
	switch status {
	case http.StatusUnauthorized:
		return dr.Denied, dr.T("github.bad-token.next")
	case http.StatusForbidden, http.StatusUnavailableForLegalReasons:
		return dr.Denied, dr.T("github.forbidden.next")
	case http.StatusNotFound, http.StatusGone:
		return dr.NotFound, dr.T("github.not-found.next")
	case http.StatusMethodNotAllowed, http.StatusConflict, http.StatusPreconditionFailed, http.StatusLocked:
		return dr.Conflict, dr.T("github.conflict.next")
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return dr.Temporary, dr.Text{}
	}
	if status >= 400 && status < 500 {
		return dr.Invalid, dr.Text{}
	}
	return dr.Temporary, dr.Text{}
}

// said is what GitHub gave as its reason, on one line.
func said(answer *gh.ErrorResponse) dr.Foreign {
	parts := []string{strings.TrimRight(strings.TrimSpace(answer.Message), ".")}
	for _, e := range answer.Errors {
		if e.Message != "" {
			parts = append(parts, e.Message)
		} else if e.Field != "" {
			parts = append(parts, e.Field+" "+e.Code)
		}
	}
	text := strings.Join(parts, ": ")
	if text == "" {
		text = answer.Response.Status
	}
	return dr.Foreign(cut(strings.Join(strings.Fields(text), " "), 300, "…"))
}

// status is the HTTP status GitHub answered with; zero when it did not answer,
// or not in words that can be read.
func status(err error) int {
	var answer *gh.ErrorResponse
	if errors.As(err, &answer) && answer.Response != nil {
		return answer.Response.StatusCode
	}
	return 0
}

func notFound(err error) bool { return status(err) == http.StatusNotFound }

// lost tells whether a write may have taken effect although no good answer came.
func lost(err error) bool {
	var known *dr.Error
	if err == nil || errors.As(err, &known) {
		return false // refused before it was sent, or for a rate limit
	}
	code := status(err)
	return code == 0 || code >= 500
}
