// Package awshttp makes an HTTP client fit for the AWS SDK.
package awshttp

import (
	"io"
	"net/http"
)

// Doer sends a request, as the SDK's HTTP clients do.
type Doer interface {
	Do(*http.Request) (*http.Response, error)
}

// Client returns a client of the SDK that does not lose an answer which comes early.
//
// The SDK closes a request's body once it has the answer. net/http may then still be
// about to read the end of that body, and the SDK's io.WriterTo answers io.EOF there,
// which io.Copy passes on as an error (smithy-go v1.28.9, transport/http/internal/io,
// safe.go). net/http takes that for a failed write and closes the connection while the
// answer is being read: the call was carried out, the SDK says it failed, and asks again.
// A body without io.WriterTo has its end told by Read, where io.EOF is no error.
func Client(inner Doer) Doer { return client{inner} }

type client struct{ inner Doer }

func (c client) Do(req *http.Request) (*http.Response, error) {
	if req.Body != nil && req.Body != http.NoBody {
		plain := *req
		plain.Body = struct{ io.ReadCloser }{req.Body}
		req = &plain
	}
	return c.inner.Do(req)
}
