package reference

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"net/http"
	"strings"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"golang.org/x/crypto/ssh"

	"github.com/drbot/drbot/internal/sandbox/aws"
	"golang.org/x/sync/errgroup"
)

// First makes everything for the first time, in the order that terraform/README.md
// tells a team, but without waiting for what nothing waits for: the secrets get their
// values as soon as they stand, and the regional stacks begin when what they look up is
// there. The database, which nothing looks up, takes longest.
func (s *Stacks) First(ctx context.Context) error {
	if err := s.InitAll(ctx); err != nil {
		return err
	}
	work, ctx := errgroup.WithContext(ctx)
	work.Go(func() error { return s.Apply(ctx, Data) })
	work.Go(func() error { return s.Apply(ctx, Traffic) })
	work.Go(func() error {
		if err := s.awaitLookups(ctx); err != nil {
			return err
		}
		if err := s.putSecrets(ctx); err != nil {
			return err
		}
		regional, ctx := errgroup.WithContext(ctx)
		for region := range s.Cloud.Layout.Regions {
			regional.Go(func() error { return s.Apply(ctx, region) })
		}
		return regional.Wait()
	})
	return work.Wait()
}

// awaitLookups waits until the data stack has made what the regional stacks look up:
// the secrets and the key in both Regions, and the networks, whose last part is the
// database's subnet group.
func (s *Stacks) awaitLookups(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	for {
		err := s.lookups(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the data stack does not come to have what the regional stacks need: %w", err)
		case <-time.After(500 * time.Millisecond):
		}
	}
}

func (s *Stacks) lookups(ctx context.Context) error {
	for region := range s.Cloud.Layout.Regions {
		cfg := s.config(region)
		for _, name := range secretNames {
			if _, err := secretsmanager.NewFromConfig(cfg).DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: &name}); err != nil {
				return err
			}
		}
		if _, err := kms.NewFromConfig(cfg).DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: awssdk.String("alias/portal")}); err != nil {
			return err
		}
		if _, err := rds.NewFromConfig(cfg).DescribeDBSubnetGroups(ctx, &rds.DescribeDBSubnetGroupsInput{DBSubnetGroupName: awssdk.String("portal")}); err != nil {
			return err
		}
	}
	return nil
}

const (
	appName     = "portal/app"
	hostKeyName = "portal/sftp-host-key"
)

var secretNames = []string{appName, hostKeyName}

// appSecret stands for the application's own secrets.
const appSecret = "sandbox-application-token"

// putSecrets gives the secrets their values, which Terraform never sees.
func (s *Stacks) putSecrets(ctx context.Context) error {
	key, err := hostKey()
	if err != nil {
		return err
	}
	client := secretsmanager.NewFromConfig(s.config(s.Cloud.Layout.Home))
	for name, value := range map[string]string{appName: `{"token": "` + appSecret + `"}`, hostKeyName: key} {
		if _, err := client.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{SecretId: &name, SecretString: &value}); err != nil {
			return fmt.Errorf("put the value of the secret %s: %w", name, err)
		}
	}
	return nil
}

func (s *Stacks) config(region string) awssdk.Config {
	return aws.SDKConfig(s.Cloud.Layout.MotoEndpoint, region, "SANDBOX")
}

// hostKey makes a key pair as ssh-keygen -t ed25519 does.
func hostKey() (string, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return "", err
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		return "", err
	}
	return string(pem.EncodeToMemory(block)), nil
}

// publicKey is that of a user of the SFTP server.
func publicKey() (string, error) {
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return "", err
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key))), nil
}

// makeBucket makes the bucket of the states, which stands before any Terraform.
func makeBucket(ctx context.Context, endpoint string) error {
	body := `<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><LocationConstraint>` + Control + `</LocationConstraint></CreateBucketConfiguration>`
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, endpoint+"/"+stateBucket, strings.NewReader(body))
	if err != nil {
		return err
	}
	// Moto reads the service and the Region in the signature and does not check it.
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=SANDBOX/20260101/"+Control+"/s3/aws4_request, SignedHeaders=host, Signature=none")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("make the bucket of the states: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("make the bucket of the states: %s", res.Status)
	}
	return nil
}
