package awshttp_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/drbot/drbot/internal/awshttp"
)

type doer func(*http.Request) (*http.Response, error)

func (d doer) Do(r *http.Request) (*http.Response, error) { return d(r) }

// TestTheEndOfAClosedBody plays the answer that comes before net/http has read the end of
// the request's body: the SDK has closed it by then.
func TestTheEndOfAClosedBody(t *testing.T) {
	request := func() *http.Request {
		made, err := smithyhttp.NewStackRequest().(*smithyhttp.Request).SetStream(strings.NewReader("Action=SwitchoverGlobalCluster"))
		if err != nil {
			t.Fatal(err)
		}
		return made.Build(context.Background())
	}
	late := doer(func(r *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(r.Body)
		if err != nil || string(body) != "Action=SwitchoverGlobalCluster" {
			t.Errorf("the body is %q (%v)", body, err)
		}
		r.Body.Close()
		_, err = io.Copy(io.Discard, r.Body)
		return nil, err
	})
	if _, err := late.Do(request()); err != io.EOF {
		t.Errorf("the SDK's own body answers %v at its end: this package may have had its day", err)
	}
	if _, err := awshttp.Client(late).Do(request()); err != nil {
		t.Errorf("the end of the body is an error: %v", err)
	}
}

// TestNothingToSend leaves a request without a body as it is.
func TestNothingToSend(t *testing.T) {
	for _, body := range []io.ReadCloser{nil, http.NoBody} {
		_, err := awshttp.Client(doer(func(r *http.Request) (*http.Response, error) {
			if r.Body != body {
				t.Errorf("the body %v has become %v", body, r.Body)
			}
			return nil, nil
		})).Do(&http.Request{Body: body})
		if err != nil {
			t.Error(err)
		}
	}
}
