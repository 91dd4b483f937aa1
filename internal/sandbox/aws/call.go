package aws

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// bodyLimit is the most of a request that is held in memory to look into it and to send it twice.
const bodyLimit = 32 << 20

// Call is one AWS request that reached the proxy.
type Call struct {
	ID        int64     `json:"id"`
	Start     time.Time `json:"start"`
	End       time.Time `json:"end"`       // zero while it is open
	Service   string    `json:"service"`   // signing name: rds, ecs, elasticloadbalancing, monitoring, route53, ...
	Region    string    `json:"region"`    // that it was signed for; empty when it was not signed
	AccessKey string    `json:"accessKey"` // access key id
	Operation string    `json:"operation"` // DescribeGlobalClusters; "GET /2013-04-01/hostedzone" for REST services
	Write     bool      `json:"write"`     // by its name or method, not one that only reads
	UserAgent string    `json:"userAgent"`
	Status    int       `json:"status"` // 0: not answered
	Fault     string    `json:"fault,omitempty"`
	Forwarded int       `json:"forwarded"` // how often it was sent to Moto
}

// Terraform reports whether Terraform made the call: its provider or its S3 backend, by what they call themselves.
func (c Call) Terraform() bool { return strings.Contains(c.UserAgent, "HashiCorp/") }

// classify says what a request is. It reads the body and leaves another in its place.
func classify(r *http.Request) (Call, error) {
	call := Call{Start: time.Now(), UserAgent: r.UserAgent()}
	call.AccessKey, call.Region, call.Service = credentialScope(r)
	body, err := buffer(r)
	if err != nil {
		return call, fmt.Errorf("read request: %w", err)
	}
	call.Operation, call.Write = operation(r, body)
	return call, nil
}

// credentialScope reads who signed a request, and for which Region and service.
func credentialScope(r *http.Request) (accessKey, region, service string) {
	credential := r.URL.Query().Get("X-Amz-Credential") // presigned
	if _, after, found := strings.Cut(r.Header.Get("Authorization"), "Credential="); found {
		credential, _, _ = strings.Cut(after, ",")
	}
	parts := strings.Split(strings.TrimSpace(credential), "/")
	switch len(parts) {
	case 5: // key/date/region/service/aws4_request
		return parts[0], parts[2], parts[3]
	case 4: // asymmetric signatures name the Regions in a header
		return parts[0], r.Header.Get("X-Amz-Region-Set"), parts[2]
	}
	return "", "", ""
}

// buffer reads the body, up to the limit, and makes the request hold it again.
func buffer(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, bodyLimit))
	if err != nil {
		return nil, err
	}
	rest := r.Body
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(body), rest), rest}
	return body, nil
}

// operation names what is asked for and says whether it changes anything.
func operation(r *http.Request, body []byte) (name string, write bool) {
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		name = target[strings.LastIndex(target, ".")+1:]
		return name, !reads(name)
	}
	if _, after, found := strings.Cut(r.URL.Path, "/operation/"); found && r.Header.Get("Smithy-Protocol") != "" {
		return after, !reads(after)
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		if form, err := url.ParseQuery(string(body)); err == nil && form.Get("Action") != "" {
			return form.Get("Action"), !reads(form.Get("Action"))
		}
	}
	if action := r.URL.Query().Get("Action"); action != "" {
		return action, !reads(action)
	}
	return r.Method + " " + r.URL.Path, r.Method != http.MethodGet && r.Method != http.MethodHead
}

// reads reports whether an operation, by its name, changes nothing. Credentials are no change either.
func reads(name string) bool {
	for _, prefix := range []string{
		"Describe", "Get", "List", "Head", "BatchGet", "Query", "Scan", "Search", "Lookup", "Filter",
		"Simulate", "Test", "Validate", "Decode", "AssumeRole",
	} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// Matcher chooses calls. An empty field matches everything; case does not matter.
type Matcher struct {
	Service   string
	Operation string
	Region    string
	Writes    bool // only calls that write
}

func (m Matcher) matches(c Call) bool {
	is := func(want, have string) bool { return want == "" || strings.EqualFold(want, have) }
	return is(m.Service, c.Service) && is(m.Operation, c.Operation) && is(m.Region, c.Region) && (!m.Writes || c.Write)
}
