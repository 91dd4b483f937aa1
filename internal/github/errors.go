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
// for a person. doing completes "GitHub did not ...: ".
func explain(err error, doing string) error {
	if err == nil {
		return nil
	}
	var known *dr.Error
	if errors.As(err, &known) {
		return fmt.Errorf("%s: %w", doing, known)
	}
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("%s: %w", doing, err)
	}
	var answer *gh.ErrorResponse
	if !errors.As(err, &answer) {
		return &dr.Error{Code: dr.Temporary, Msg: "GitHub did not answer when asked to " + doing + ".", Err: err}
	}
	e := &dr.Error{Err: err, Msg: fmt.Sprintf("GitHub would not %s: %s.", doing, said(answer))}
	switch code := answer.Response.StatusCode; {
	case code == http.StatusUnauthorized:
		e.Code, e.Hint = dr.Denied, "Check the bot's GitHub token: it is missing, expired or revoked."
	case code == http.StatusForbidden:
		e.Code, e.Hint = dr.Denied, "Check what the bot's GitHub token may do."
	case code == http.StatusNotFound, code == http.StatusGone:
		e.Code, e.Hint = dr.NotFound, "GitHub says the same when the bot's token may not see it."
	case code == http.StatusConflict:
		e.Code = dr.Conflict
	case code == http.StatusUnprocessableEntity, code == http.StatusBadRequest:
		e.Code = dr.Invalid
	default:
		e.Code = dr.Temporary
	}
	return e
}

// said is what GitHub gave as its reason, on one line.
func said(answer *gh.ErrorResponse) string {
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
	return cut(strings.Join(strings.Fields(text), " "), 300, "…")
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
