package aws

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/route53"

	"github.com/drbot/drbot/internal/awshttp"
)

// Account is the account that Moto answers for.
const Account = "123456789012"

// readTimeout bounds a call to Moto on this machine: it ends what hangs, however busy the
// machine is.
const readTimeout = 3 * time.Minute

// SDKConfig is the whole configuration of a client: nothing comes from the
// environment or the user's files, which may hold a real account.
func SDKConfig(endpoint, region, accessKey string) awssdk.Config {
	return awssdk.Config{
		Region:       region,
		BaseEndpoint: awssdk.String(endpoint),
		Credentials:  credentials.NewStaticCredentialsProvider(accessKey, "sandbox", ""),
		HTTPClient:   awshttp.Client(&http.Client{Timeout: readTimeout, Transport: &http.Transport{DisableKeepAlives: true}}),
	}
}

// clients of one Region.
type clients struct {
	config awssdk.Config
	rds    *rds.Client
	ecs    *ecs.Client
	elb    *elb.Client
	watch  *cloudwatch.Client
	dns    *route53.Client
}

func newClients(endpoint, region string) *clients {
	config := SDKConfig(endpoint, region, "SANDBOX")
	// Route 53 is signed for us-east-1, which the SDK leaves to its caller when the endpoint is given.
	global := SDKConfig(endpoint, "us-east-1", "SANDBOX")
	return &clients{
		config: config,
		rds:    rds.NewFromConfig(config),
		ecs:    ecs.NewFromConfig(config),
		elb:    elb.NewFromConfig(config),
		watch:  cloudwatch.NewFromConfig(config),
		dns:    route53.NewFromConfig(global),
	}
}

// network is the Region's default VPC, which Moto has ready.
type network struct {
	vpc     string
	subnets []string
}

// defaultNetwork asks EC2 by its query protocol: one call does not warrant the largest of all SDK modules.
func (c *clients) defaultNetwork(ctx context.Context) (network, error) {
	var answer struct {
		Subnets []struct {
			ID  string `xml:"subnetId"`
			VPC string `xml:"vpcId"`
		} `xml:"subnetSet>item"`
	}
	form := url.Values{"Action": {"DescribeSubnets"}, "Version": {"2016-11-15"}}
	if err := c.query(ctx, "ec2", form, &answer); err != nil {
		return network{}, fmt.Errorf("find the default subnets of %s: %w", c.config.Region, err)
	}
	if len(answer.Subnets) < 2 {
		return network{}, fmt.Errorf("find the default subnets of %s: got %d", c.config.Region, len(answer.Subnets))
	}
	found := network{vpc: answer.Subnets[0].VPC}
	for _, subnet := range answer.Subnets {
		found.subnets = append(found.subnets, subnet.ID)
	}
	return found, nil
}

// query sends a signed call of the query protocol and decodes the XML answer.
func (c *clients) query(ctx context.Context, service string, form url.Values, into any) error {
	body := []byte(form.Encode())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, *c.config.BaseEndpoint+"/", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	keys, err := c.config.Credentials.Retrieve(ctx)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(ctx, keys, req, hex.EncodeToString(sum[:]), service, c.config.Region, time.Now()); err != nil {
		return err
	}
	resp, err := c.config.HTTPClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", resp.Status, content)
	}
	return xml.Unmarshal(content, into)
}
