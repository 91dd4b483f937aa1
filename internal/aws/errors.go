package aws

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/drbot/drbot/dr"
)

// sortRead turns an SDK error into words for a person and a code for a program. The
// SDK's own text, with its request ids, stays in Err for the log.
func (s *Session) sortRead(err error) error {
	s, op := s.truly(err, operationOf(err))
	if p := proxiedBy(err); p != nil {
		return s.sortProxied(p, err, op)
	}
	var known *dr.Error
	if errors.As(err, &known) { // of the credentials, which the call fetched itself
		return known
	}
	var api smithy.APIError
	refused := errors.As(err, &api)
	switch status := httpStatus(err); {
	case refused && slowDown(api.ErrorCode(), status):
		return &dr.Error{Code: dr.Temporary, Err: errors.Join(dr.ErrSlowDown, err), What: dr.T("aws.slow-down", "service", op.service, "region", s.region)}
	case refused && status < 500:
		return s.sortRefusal(err, api.ErrorCode(), status, op)
	case status >= 500:
		return &dr.Error{Code: dr.Temporary, Err: err,
			What: dr.T("aws.fault", "service", op.service, "region", s.region, "status", status)}
	case errors.Is(err, errHollow):
		return &dr.Error{Code: dr.Temporary, Err: err, What: dr.T("aws.hollow", "service", op.service, "region", s.region, "status", status)}
	case errors.Is(err, context.DeadlineExceeded):
		return &dr.Error{Code: dr.Temporary, Err: err,
			What: dr.T("aws.late", "service", op.service, "region", s.region, "limit", s.timeout)}
	case errors.Is(err, context.Canceled):
		return &dr.Error{Code: dr.Temporary, Err: err, What: dr.T("aws.broken-off", "service", op.service, "region", s.region)}
	case status > 0 || underWay(err):
		return &dr.Error{Code: dr.Temporary, Err: err, What: dr.T("aws.unreachable", "service", op.service, "region", s.region)}
	default:
		return &dr.Error{Code: dr.Invalid, Err: err,
			What: dr.T("aws.unsent", "service", op.service, "region", s.region), Next: dr.T("aws.unsent.next")}
	}
}

// sortRefusal sorts what the service itself said no to.
func (s *Session) sortRefusal(err error, code string, status int, op operation) error {
	switch codeOfAWS(code, status) {
	case dr.Denied:
		return s.denied(err, code, op)
	case dr.NotFound:
		return &dr.Error{Code: dr.NotFound, Err: err,
			What: dr.T("aws.not-found", "service", op.service, "region", s.region, "subject", subjectOf(code))}
	case dr.Conflict:
		return &dr.Error{Code: dr.Conflict, Err: err,
			What: dr.T("aws.conflict", "service", op.service, "region", s.region, "action", op.named()),
			Next: dr.T("aws.conflict.next")}
	case dr.Temporary:
		return &dr.Error{Code: dr.Temporary, Err: err,
			What: dr.T("aws.not-now", "service", op.service, "region", s.region, "code", dr.Foreign(code))}
	default:
		return &dr.Error{Code: dr.Invalid, Err: err,
			What: dr.T("aws.refused", "service", op.service, "region", s.region, "action", op.named(), "code", dr.Foreign(code)),
			Next: dr.T("aws.refused.next")}
	}
}

func (s *Session) denied(err error, code string, op operation) error {
	e := &dr.Error{Code: dr.Denied, Err: err}
	switch {
	case !notAllowed(code):
		e.What, e.Next = s.untaken(err, code)
	case op.action == "sts:AssumeRole" && s.role != "":
		e.What = dr.T("aws.denied.role", "role", s.role, "region", s.region)
		e.Next = dr.T("aws.denied.role.next")
	case s.role != "":
		e.What = dr.T("aws.denied.action", "action", op.named(), "region", s.region)
		e.Next = dr.T("aws.denied.action.next", "action", op.named(), "role", s.role)
	default:
		e.What = dr.T("aws.denied.action", "action", op.named(), "region", s.region)
		e.Next = dr.T("aws.denied.own-action.next", "action", op.named())
	}
	return e
}

// sortAct sorts the error of an act. Only what is known to have had no effect
// is called anything but Uncertain: a refusal by the service, or a connection
// that never came about. A timeout, a broken connection, a fault of the
// service's own or an answer that cannot be read may all hide an accepted call.
func (s *Session) sortAct(err error) error {
	var api smithy.APIError
	refused := errors.As(err, &api) && (throttled(api.ErrorCode()) ||
		httpStatus(err) < 500 && !timedOut(api.ErrorCode(), httpStatus(err)))
	p := proxiedBy(err)
	if refused || neverSent(err) || p != nil && !p.forwarded() {
		return s.sortRead(err)
	}
	op := operationOf(err)
	what := dr.T("aws.uncertain", "service", op.service, "region", s.region, "action", op.named())
	if p != nil {
		what = dr.T("aws.uncertain.proxied", "service", op.service, "region", s.region, "action", op.named(), "status", p.status)
	}
	return &dr.Error{Code: dr.Uncertain, Err: err, What: what, Next: dr.T("aws.uncertain.next")}
}

// underWay tells what failed between here and the service, in either direction. What
// is neither this nor an answer was never on its way: the SDK itself did not take it.
func underWay(err error) bool {
	var send *smithyhttp.RequestSendError
	var read *smithy.DeserializationError
	var late *awshttp.ResponseTimeoutError
	return errors.As(err, &send) || errors.As(err, &read) || errors.As(err, &late)
}

func throttled(code string) bool {
	_, ok := retry.DefaultThrottleErrorCodes[code]
	return ok || code == "TooManyRequests"
}

// slowDown tells a call that came too often, by its code or, for a code nobody has
// heard of, by its status.
func slowDown(code string, status int) bool {
	return throttled(code) || status == http.StatusTooManyRequests
}

// timedOut tells that the service gave up on the request before it was all there, or
// did not say in time what became of it.
func timedOut(code string, status int) bool {
	return strings.HasPrefix(code, "RequestTimeout") || status == http.StatusRequestTimeout
}

func httpStatus(err error) int {
	var re interface{ HTTPStatusCode() int } // of a service, or of what gives a host its credentials
	if errors.As(err, &re) {
		return re.HTTPStatusCode()
	}
	return 0
}

// nobody stands for the service where none was asked.
const nobody = "AWS"

// operation is what was asked of AWS.
type operation struct {
	service string
	action  string // its IAM name; empty when it is not known
}

// named is the action as it is told.
func (o operation) named() dr.Arg {
	if o.action == "" {
		return dr.ArgOf(dr.T("aws.call"))
	}
	return dr.ArgOf(o.action)
}

// operationOf finds the innermost operation that failed: when the credentials for
// a call to RDS cannot be had, the failing operation is that of STS.
func operationOf(err error) operation {
	var service, action string
	var op *smithy.OperationError
	for errors.As(err, &op) {
		service, action = op.ServiceID, op.OperationName
		err = op.Err
	}
	switch service {
	case "":
		return operation{service: nobody}
	case "Elastic Load Balancing v2":
		return operation{"Elastic Load Balancing", "elasticloadbalancing:" + action}
	default:
		return operation{service, strings.ToLower(service) + ":" + action}
	}
}
