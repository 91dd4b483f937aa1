package aws

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"github.com/drbot/drbot/dr"
)

// sort turns an SDK error into words for a person and a code for a program. The
// SDK's own text, with its request ids, stays in Err for the log.
func (sv *services) sort(err error) error {
	service, action := operation(err)
	where := service + " in " + string(sv.region)
	var api smithy.APIError
	switch {
	case noCredentials(err):
		return &dr.Error{Code: dr.Denied, Err: err, Msg: "drbot has no AWS credentials.",
			Hint: "Give the process a role, or keys in the environment."}
	case errors.As(err, &api) && status(err) < 500:
		return sv.sortAPI(err, api.ErrorCode(), where, action)
	case errors.As(err, &api) && throttled(api.ErrorCode()):
		return &dr.Error{Code: dr.Temporary, Err: err, Msg: where + " asks to slow down."}
	case status(err) >= 500:
		return &dr.Error{Code: dr.Temporary, Err: err,
			Msg: fmt.Sprintf("%s answers with a fault of its own (%d).", where, status(err))}
	case errors.Is(err, context.DeadlineExceeded):
		return &dr.Error{Code: dr.Temporary, Err: err,
			Msg: fmt.Sprintf("%s did not answer within %s.", where, sv.timeout)}
	case errors.Is(err, context.Canceled):
		return &dr.Error{Code: dr.Temporary, Err: err, Msg: "The question to " + where + " was broken off."}
	default:
		return &dr.Error{Code: dr.Temporary, Err: err, Msg: where + " cannot be reached."}
	}
}

// sortAPI sorts what the service itself said no to.
func (sv *services) sortAPI(err error, code, where, action string) error {
	switch codeOf(code) {
	case dr.Denied:
		return sv.denied(err, code, action)
	case dr.NotFound:
		return &dr.Error{Code: dr.NotFound, Err: err, Msg: fmt.Sprintf("%s does not know %s.", where, thing(code))}
	case dr.Conflict:
		return &dr.Error{Code: dr.Conflict, Err: err,
			Msg:  fmt.Sprintf("%s refuses %s: the state does not allow it now.", where, action),
			Hint: "Look at the state of the database and the service first."}
	case dr.Temporary:
		return &dr.Error{Code: dr.Temporary, Err: err, Msg: where + " asks to slow down."}
	default:
		return &dr.Error{Code: dr.Invalid, Err: err, Msg: fmt.Sprintf("%s refuses %s (%s).", where, action, code),
			Hint: "Look at the service's identifiers in the configuration."}
	}
}

func (sv *services) denied(err error, code, action string) error {
	role := "the role drbot runs with"
	if sv.role != "" {
		role = sv.role
	}
	e := &dr.Error{Code: dr.Denied, Err: err}
	switch {
	case !notAllowed(code):
		e.Msg = fmt.Sprintf("AWS in %s does not accept drbot's credentials (%s).", sv.region, code)
		e.Hint = "Renew them, and look at the host's clock."
	case action == "sts:AssumeRole":
		e.Msg = fmt.Sprintf("drbot may not take the role %s in %s.", role, sv.region)
		e.Hint = "Allow sts:AssumeRole on it, and let its trust policy name the role drbot runs with."
	default:
		e.Msg = fmt.Sprintf("drbot may not call %s in %s.", action, sv.region)
		e.Hint = fmt.Sprintf("Allow %s to %s.", action, role)
	}
	return e
}

// sortAct sorts the error of an act. Only what is known to have had no effect
// is called anything but Uncertain: a refusal by the service, or a connection
// that never came about. A timeout, a broken connection, a fault of the
// service's own or an answer that cannot be read may all hide an accepted call.
func (sv *services) sortAct(err error) error {
	var api smithy.APIError
	refused := errors.As(err, &api) && (throttled(api.ErrorCode()) ||
		status(err) < 500 && !strings.HasPrefix(api.ErrorCode(), "RequestTimeout"))
	if refused || neverSent(err) {
		return sv.sort(err)
	}
	service, action := operation(err)
	return &dr.Error{Code: dr.Uncertain, Err: err,
		Msg:  fmt.Sprintf("It is not known whether %s in %s accepted %s.", service, sv.region, action),
		Hint: "Look at the state before asking again."}
}

// neverSent tells that no connection came about: the request cannot have
// arrived. The transport sends a POST once only.
func neverSent(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

func throttled(code string) bool {
	_, ok := retry.DefaultThrottleErrorCodes[code]
	return ok
}

func status(err error) int {
	var re *awshttp.ResponseError
	if errors.As(err, &re) {
		return re.HTTPStatusCode()
	}
	return 0
}

// notAllowed tells the codes that mean known credentials without a permission
// from those that mean credentials AWS does not take.
func notAllowed(code string) bool {
	switch code {
	case "AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "NotAuthorized", "UnauthorizedException":
		return true
	}
	return false
}

// codeOf sorts the error codes of RDS, ECS, Elastic Load Balancing, CloudWatch
// and STS, by the services' API references.
func codeOf(code string) dr.Code {
	if notAllowed(code) {
		return dr.Denied
	}
	switch code {
	case "InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "MissingAuthenticationToken",
		"ExpiredToken", "ExpiredTokenException", "InvalidSignatureException", "IncompleteSignature",
		"RequestExpired", "OptInRequired", "AuthFailure":
		return dr.Denied
	case "GlobalClusterNotFoundFault", "DBClusterNotFoundFault", "DBClusterNotFound", "DBInstanceNotFound",
		"ClusterNotFoundException", "ServiceNotFoundException", "TargetGroupNotFound", "TargetGroupNotFoundException":
		return dr.NotFound
	case "InvalidGlobalClusterStateFault", "InvalidDBClusterStateFault", "InvalidDBInstanceState",
		"InvalidDBInstanceStateFault", "ServiceNotActiveException", "UpdateInProgressException":
		return dr.Conflict
	}
	if throttled(code) {
		return dr.Temporary
	}
	return dr.Invalid
}

// thing names what a not-found code is about.
func thing(code string) string {
	switch {
	case strings.HasPrefix(code, "GlobalCluster"):
		return "the global cluster"
	case strings.HasPrefix(code, "DBCluster"):
		return "the database cluster"
	case strings.HasPrefix(code, "DBInstance"):
		return "the database instance"
	case strings.HasPrefix(code, "TargetGroup"):
		return "the target group"
	case strings.HasPrefix(code, "Service"):
		return "the service"
	default:
		return "the cluster"
	}
}

// operation finds the innermost operation that failed: when the credentials for
// a call to RDS cannot be had, the failing operation is that of STS. The action
// is the IAM name of it.
func operation(err error) (service, action string) {
	var op *smithy.OperationError
	for errors.As(err, &op) {
		service, action = op.ServiceID, op.OperationName
		err = op.Err
	}
	switch service {
	case "":
		return "AWS", "the call"
	case "Elastic Load Balancing v2":
		return "Elastic Load Balancing", "elasticloadbalancing:" + action
	default:
		return service, strings.ToLower(service) + ":" + action
	}
}

// noCredentials tells that the chain of credential sources ended at the
// instance metadata service, its last member, with nothing.
func noCredentials(err error) bool {
	service, _ := operation(err)
	return service == "ec2imds"
}
