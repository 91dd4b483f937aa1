package aws

import (
	"context"
	"errors"
	"net/url"
	"regexp"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/drbot/drbot/dr"
)

const credentialsRegion = "credentials.region"

// BaseSpec is the check of the Region by whose STS drbot comes to its own credentials. It is
// made of a service that is moved to or from that Region.
func BaseSpec() dr.Spec {
	return dr.Spec{ID: credentialsRegion, Need: map[dr.Mode]dr.Need{dr.Planned: dr.NeedFact, dr.Disaster: dr.NeedFact}}
}

// Based tells whether drbot's own credentials hang on one of these Regions: when it is lost,
// there are none for any Region. Nothing is asked for it.
func (c *Client) Based(ctx context.Context, service string, among ...dr.Region) []dr.Check {
	own := dr.Region(c.base.Region)
	for _, region := range among {
		if region == own && own != "" {
			return []dr.Check{{Name: credentialsRegion, Region: own, Level: dr.Warn, Need: dr.NeedFact, At: c.Now(),
				Detail: dr.T("aws.based", "service", service, "region", own, "host", dr.Foreign(c.baseHost(ctx)))}}
		}
	}
	return nil
}

// baseHost is the STS that web identities, profiles and sign-ins of drbot's own chain ask.
func (c *Client) baseHost(ctx context.Context) string {
	at := awssdk.ToString(c.base.BaseEndpoint)
	if at == "" {
		found, err := sts.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, sts.EndpointParameters{Region: awssdk.String(c.base.Region)})
		if err != nil {
			return c.base.Region
		}
		return found.URI.Host
	}
	u, err := url.Parse(at)
	if err != nil {
		return at
	}
	return u.Host
}

// wayTo is an error on the way to a host.
type wayTo struct {
	host string
	err  error
}

func (w *wayTo) Error() string { return w.host + ": " + w.err.Error() }

// Unwrap gives what happened on the way.
func (w *wayTo) Unwrap() error { return w.err }

// hostAsked is the host that an error is of; empty when it is not known.
func hostAsked(err error) string {
	var way *wayTo
	if errors.As(err, &way) {
		return way.host
	}
	var answered *smithyhttp.ResponseError
	if errors.As(err, &answered) && answered.Response != nil && answered.Response.Response != nil {
		if asked := answered.Response.Request; asked != nil && asked.URL != nil {
			return asked.URL.Host
		}
	}
	var sent *url.Error
	if errors.As(err, &sent) {
		if at, err := url.Parse(sent.URL); err == nil {
			return at.Host
		}
	}
	return ""
}

var hostOfRegion = regexp.MustCompile(`\.([a-z]{2}(?:-[a-z]+)+-[0-9])\.(?:api\.)?(?:amazonaws|aws)\.`)

// truly is the session and the operation as the host has them that was asked. drbot's own
// credentials come from a Region of their own, whatever they are for.
func (s *Session) truly(err error, op operation) (*Session, operation) {
	host := hostAsked(err)
	found := hostOfRegion.FindStringSubmatch(host)
	if found == nil || dr.Region(found[1]) == s.region {
		return s, op
	}
	op.service += " (" + host + ")"
	there := &Session{sessionKey: s.sessionKey, timeout: s.timeout, now: s.now}
	there.region = dr.Region(found[1])
	return there, op
}
