package aws

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials/processcreds"
	"github.com/aws/aws-sdk-go-v2/credentials/ssocreds"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/drbot/drbot/dr"
)

// metadataService is the SDK's name of an instance's metadata, the last that the chain of
// credentials asks.
const metadataService = "ec2imds"

// skewed is how far two clocks are apart when AWS no longer takes a request; it allows for
// five minutes, and the SDK thinks of four as too many.
const skewed = 4 * time.Minute

// sortCredentials sorts why the credentials of a session cannot be had.
func (s *Session) sortCredentials(err error) error {
	var known *dr.Error
	if errors.As(err, &known) { // the role was asked for in a session of its own
		return known
	}
	op := operationOf(err)
	var program *processcreds.ProviderError
	switch {
	case signInOver(err, op):
		return &dr.Error{Code: dr.Denied, Err: err, What: dr.T("aws.signed-out", "region", s.region), Next: dr.T("aws.signed-out.next")}
	case errors.As(err, &program):
		return &dr.Error{Code: dr.Denied, Err: err, What: dr.T("aws.failed-program", "region", s.region), Next: dr.T("aws.failed-program.next")}
	case op.service == metadataService && httpStatus(err) < http.StatusInternalServerError:
		return &dr.Error{Code: dr.Denied, Err: err, What: dr.T("aws.no-credentials"), Next: dr.T("aws.no-credentials.next")}
	case op.service == nobody || op.service == metadataService:
		return s.sortHost(err)
	}
	return s.sortRead(err) // what STS says is sorted as what any service says
}

// sortHost sorts why what gives this host its credentials gave none.
func (s *Session) sortHost(err error) error {
	switch status := httpStatus(err); {
	case status >= http.StatusInternalServerError, status == http.StatusTooManyRequests:
		return &dr.Error{Code: dr.Temporary, Err: err,
			What: dr.T("aws.host.fault", "region", s.region, "status", status), Next: dr.T("aws.host.fault.next")}
	case status == 0 && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)):
		return &dr.Error{Code: dr.Temporary, Err: err,
			What: dr.T("aws.host.late", "region", s.region, "limit", s.timeout), Next: dr.T("aws.host.late.next")}
	case status == 0 && underWay(err):
		return &dr.Error{Code: dr.Temporary, Err: err,
			What: dr.T("aws.host.unreachable", "region", s.region, "host", dr.Foreign(hostAsked(err))), Next: dr.T("aws.host.unreachable.next")}
	default:
		return &dr.Error{Code: dr.Denied, Err: err,
			What: dr.T("aws.unread-credentials", "region", s.region), Next: dr.T("aws.unread-credentials.next")}
	}
}

// signInOver tells that a person has to sign in again.
func signInOver(err error, op operation) bool {
	var token *ssocreds.InvalidTokenError
	status := httpStatus(err)
	switch {
	case status >= http.StatusInternalServerError, status == http.StatusTooManyRequests, status == 0 && underWay(err):
		return false
	case errors.As(err, &token):
		return true
	}
	var api smithy.APIError
	return (op.service == "SSO" || op.service == "SSO OIDC" || op.service == "Signin") && errors.As(err, &api) && !throttled(api.ErrorCode())
}

// unsigned tells that AWS refused a request as nobody's. What it asks for was not done.
func unsigned(err error) bool {
	var api smithy.APIError
	return proxiedBy(err) == nil && errors.As(err, &api) && untaken(api.ErrorCode()) != "" && httpStatus(err) < http.StatusInternalServerError
}

// untaken says what is wrong with who asked, and both times where it is the clock.
func (s *Session) untaken(err error, code string) (what, next dr.Text) {
	ours, theirs := s.now(), dateOf(err)
	what = dr.T("aws.denied.credentials", "region", s.region, "code", dr.Foreign(code))
	of := untaken(code)
	switch {
	case of != "" && !theirs.IsZero() && ours.Sub(theirs).Abs() >= skewed:
		return dr.T("aws.denied.clocks", "region", s.region, "code", dr.Foreign(code), "ours", dated(ours), "theirs", dated(theirs)), dr.T("aws.denied.clocks.next")
	case of == faultClock:
		return what, dr.T("aws.denied.clock.next")
	case of == faultExpired:
		return what, dr.T("aws.denied.expired.next")
	case of == faultKey:
		return what, dr.T("aws.denied.key.next")
	case of == faultSignature:
		return what, dr.T("aws.denied.signature.next")
	}
	return what, dr.T("aws.denied.credentials.next")
}

// dated is a time with its day, by which clocks may differ too.
func dated(at time.Time) dr.Arg {
	return dr.ArgOf(dr.Foreign(at.UTC().Format("2006-01-02 15:04:05 UTC")))
}

// dateOf is the time at which AWS answered, by its own clock.
func dateOf(err error) time.Time {
	var answered *smithyhttp.ResponseError
	if !errors.As(err, &answered) || answered.Response == nil {
		return time.Time{}
	}
	at, err := http.ParseTime(answered.Response.Header.Get("Date"))
	if err != nil {
		return time.Time{}
	}
	return at
}
