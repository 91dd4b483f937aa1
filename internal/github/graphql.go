package github

import (
	"context"
	"net/http"
	"strings"

	"github.com/drbot/drbot/dr"
)

// graphqlError is one of the errors of an answer that has the status 200 all the same.
type graphqlError struct {
	Type    string `json:"type"`
	Message string `json:"message"`
}

// place is a repository that questions are asked about which REST does not answer.
type place struct {
	client *Client
	repo   dr.Repository
}

// graphql asks one question about the repository and reads the answer's data. kind is
// GitHub's type of its refusal, empty where it took none or did not answer.
func (c place) graphql(ctx context.Context, doing dr.Text, query string, vars, data any) (kind string, err error) {
	ctx = context.WithValue(ctx, aboutKey{}, c.repo)
	at := *c.client.api.BaseURL
	if base, ok := strings.CutSuffix(at.Path, "/v3/"); ok {
		at.Path = base + "/" // an Enterprise host has them side by side
	}
	at.Path += "graphql"
	req, err := c.client.api.NewRequest(http.MethodPost, at.String(), map[string]any{"query": query, "variables": vars})
	if err != nil {
		return "", explain(err, doing)
	}
	answer := struct {
		Data   any            `json:"data"`
		Errors []graphqlError `json:"errors"`
	}{Data: data}
	if _, err := c.client.api.Do(ctx, req, &answer); err != nil {
		return "", explain(err, doing)
	}
	if len(answer.Errors) == 0 {
		return "", nil
	}
	return refusedQuery(answer.Errors[0], doing)
}

// refusedQuery sorts a refusal as explain does. One of a type that is not known may have
// come in the middle: it is looked at again.
func refusedQuery(e graphqlError, doing dr.Text) (kind string, err error) {
	if err := appRefused(e.Message, doing, nil); err != nil {
		return e.Type, err
	}
	code := dr.Temporary
	switch e.Type {
	case staleData:
		code = dr.Conflict
	case "FORBIDDEN", "INSUFFICIENT_SCOPES":
		code = dr.Denied
	case "NOT_FOUND":
		code = dr.NotFound
	case "UNPROCESSABLE":
		code = dr.Invalid
	}
	return e.Type, &dr.Error{Code: code, What: dr.T("github.refused", "doing", doing, "said", quoteOf(e.Message))}
}

// staleData is the refusal of a commit whose branch is not where it was expected.
const staleData = "STALE_DATA"
