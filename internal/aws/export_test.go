package aws

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/drbot/drbot/dr"
)

// Through makes a client as in production, behind a proxy. The environment's proxy is read
// once a process, so that a test cannot set it there.
func Through(t *testing.T, proxy string) *Client {
	t.Helper()
	t.Setenv("AWS_ACCESS_KEY_ID", "key")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	at, err := url.Parse(proxy)
	if err != nil {
		t.Fatal(err)
	}
	behind := newTransport().WithTransportOptions(func(tr *http.Transport) { tr.Proxy = http.ProxyURL(at) })
	c, err := New(t.Context(), Options{HTTPClient: &http.Client{Transport: behind.GetTransport()}, CallTimeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// WebIdentity has a client come to its own credentials as a pod does, by the STS of a Region.
func (c *Client) WebIdentity(t *testing.T, region dr.Region, way http.RoundTripper) {
	t.Helper()
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("token"), 0o600); err != nil {
		t.Fatal(err)
	}
	at := sts.NewFromConfig(awssdk.Config{Region: string(region), HTTPClient: &http.Client{Transport: way}, APIOptions: answersOfAWS(), Retryer: c.readRetryer})
	c.keys.take = stscreds.NewWebIdentityRoleProvider(at, "arn:aws:iam::123456789012:role/pod", stscreds.IdentityTokenFile(token)).Retrieve
	c.keys.anew = nil
}
