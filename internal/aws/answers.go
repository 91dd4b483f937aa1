package aws

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// sniffed is how much of an answer is looked at to tell whose it is.
const sniffed = 4 << 10

// errHollow is an answer of success in which nothing stands. The SDK would read it as one
// that lists nothing; each of the calls that drbot makes is answered with something.
var errHollow = errors.New("the answer is empty")

// tellAnswers has an answer that is none told apart before the SDK reads it: one that is not
// AWS's, and one in which nothing stands.
func tellAnswers(stack *middleware.Stack) error {
	return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("drbotTellAnswers", func(
		ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler,
	) (middleware.DeserializeOutput, middleware.Metadata, error) {
		out, metadata, err := next.HandleDeserialize(ctx, in)
		if err != nil {
			return out, metadata, &wayTo{hostOf(in.Request), err}
		}
		resp, ok := out.RawResponse.(*smithyhttp.Response)
		if service := awsmiddleware.GetServiceID(ctx); !ok || service == "" || service == metadataService {
			return out, metadata, nil // what gives a host its credentials answers as it likes
		}
		begin, err := beginOf(resp.Response)
		switch {
		case err != nil: // the reader tells that it cannot be read
			return out, metadata, nil
		case ofAProxy(resp.Response, begin):
			return out, metadata, &proxied{status: resp.StatusCode, host: hostOf(in.Request), said: string(begin)}
		case resp.StatusCode < http.StatusMultipleChoices && len(bytes.TrimSpace(begin)) == 0:
			return out, metadata, errHollow
		}
		return out, metadata, nil
	}), middleware.After)
}

// beginOf reads the beginning of an answer and leaves it to be read whole.
func beginOf(r *http.Response) ([]byte, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	begin, err := io.ReadAll(io.LimitReader(r.Body, sniffed))
	rest := io.MultiReader(bytes.NewReader(begin), r.Body)
	if err != nil {
		rest = io.MultiReader(bytes.NewReader(begin), failing{err})
	}
	r.Body = struct {
		io.Reader
		io.Closer
	}{rest, r.Body}
	return begin, err
}

// failing is the end of an answer that broke off.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func hostOf(request any) string {
	if r, ok := request.(*smithyhttp.Request); ok && r.URL != nil {
		return r.URL.Host
	}
	return ""
}
