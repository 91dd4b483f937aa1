package aws

import (
	"net/http"
	"strings"

	"github.com/drbot/drbot/dr"
)

// notAllowed tells the codes that mean known credentials without a permission
// from those that mean credentials AWS does not take.
func notAllowed(code string) bool {
	switch code {
	case "AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "NotAuthorized", "UnauthorizedException":
		return true
	}
	return false
}

// fault is what is wrong with who asked, where AWS did not take the request for anybody's.
type fault string

const (
	faultClock     fault = "clock"     // the request is of another time
	faultExpired   fault = "expired"   // the session has ended
	faultKey       fault = "key"       // AWS knows no such key
	faultSignature fault = "signature" // the secret is not the key's, or the request was changed
)

// untaken tells the codes of requests that AWS took for nobody's: it did not look at what
// they ask for.
func untaken(code string) fault {
	switch code {
	case "RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture":
		return faultClock
	case "ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired":
		return faultExpired
	case "InvalidClientTokenId", "InvalidAccessKeyId", "UnrecognizedClientException", "InvalidToken", "AuthFailure",
		"MissingAuthenticationToken", "MissingAuthenticationTokenException":
		return faultKey
	case "SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature":
		return faultSignature
	}
	return ""
}

// codeOfAWS sorts the error codes of RDS, ECS, Elastic Load Balancing, CloudWatch
// and STS, by the services' API references; a code nobody has heard of by its status.
func codeOfAWS(code string, status int) dr.Code {
	if notAllowed(code) {
		return dr.Denied
	}
	if untaken(code) != "" {
		return dr.Denied
	}
	switch code {
	case "InvalidIdentityToken", "IDPRejectedClaim", "RegionDisabledException", "OptInRequired", "BlockedException":
		return dr.Denied
	case "GlobalClusterNotFoundFault", "DBClusterNotFoundFault", "DBClusterNotFound", "DBInstanceNotFound", "DBInstanceNotFoundFault",
		"ClusterNotFoundException", "ServiceNotFoundException", "TargetGroupNotFound", "TargetGroupNotFoundException":
		return dr.NotFound
	case "InvalidGlobalClusterStateFault", "InvalidDBClusterStateFault", "InvalidDBInstanceState",
		"InvalidDBInstanceStateFault", "ServiceNotActiveException", "UpdateInProgressException":
		return dr.Conflict
	case "IDPCommunicationError": // of STS, which asks for another attempt
		return dr.Temporary
	}
	switch {
	case throttled(code), timedOut(code, status):
		return dr.Temporary
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return dr.Denied
	default:
		return dr.Invalid
	}
}

// subjectOf names what a not-found code is about.
func subjectOf(code string) dr.Text {
	switch {
	case strings.HasPrefix(code, "GlobalCluster"):
		return dr.T("aws.subject.global-cluster")
	case strings.HasPrefix(code, "DBCluster"):
		return dr.T("aws.subject.database-cluster")
	case strings.HasPrefix(code, "DBInstance"):
		return dr.T("aws.subject.database-instance")
	case strings.HasPrefix(code, "TargetGroup"):
		return dr.T("aws.subject.target-group")
	case strings.HasPrefix(code, "Service"):
		return dr.T("aws.subject.service")
	default:
		return dr.T("aws.subject.cluster")
	}
}
