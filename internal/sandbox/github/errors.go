package github

import (
	"encoding/json"
	"fmt"
	"net/http"
)

const docsURL = "https://docs.github.com/rest"

// Error is a refusal, with the body GitHub gives it.
type Error struct {
	Status           int      `json:"-"`
	Message          string   `json:"message"`
	Errors           []Detail `json:"errors,omitempty"`
	DocumentationURL string   `json:"documentation_url"`
}

// Detail is one entry of Errors. One with no resource is a bare string on the wire.
type Detail struct {
	Resource string
	Code     string
	Field    string
	Message  string
}

func (e *Error) Error() string {
	msg := e.Message
	if len(e.Errors) > 0 {
		d := e.Errors[0]
		msg += ": " + d.Message
		if d.Message == "" {
			msg += d.Field + " " + d.Code
		}
	}
	return fmt.Sprintf("%d %s", e.Status, msg)
}

// MarshalJSON writes an object, or a string where GitHub does.
func (d Detail) MarshalJSON() ([]byte, error) {
	if d.Resource == "" {
		return json.Marshal(d.Message)
	}
	return json.Marshal(struct {
		Resource string `json:"resource"`
		Code     string `json:"code"`
		Field    string `json:"field,omitempty"`
		Message  string `json:"message,omitempty"`
	}(d))
}

func refuse(status int, format string, args ...any) *Error {
	return &Error{Status: status, Message: fmt.Sprintf(format, args...), DocumentationURL: docsURL}
}

func notFound() *Error { return refuse(http.StatusNotFound, "Not Found") }

// invalid is GitHub's "Validation Failed".
func invalid(d Detail) *Error {
	e := refuse(http.StatusUnprocessableEntity, "Validation Failed")
	e.Errors = []Detail{d}
	return e
}

// unprocessable is the other shape of a 422: the reason is a string.
func unprocessable(reason string) *Error {
	e := refuse(http.StatusUnprocessableEntity, "Unprocessable Entity")
	e.Errors = []Detail{{Message: reason}}
	return e
}
