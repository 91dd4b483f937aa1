package config

import (
	"slices"
	"testing"
)

func TestSecrets(t *testing.T) {
	c := Config{
		Database: "postgres://drbot:s3cr%40t@db.example.com/drbot?sslmode=verify-full&password=another",
		Slack:    Slack{Token: "xoxb-1", SigningSecret: "signing"}, GitHub: GitHub{WebhookSecret: "hook", App: &App{Key: []byte("-----BEGIN X-----\nline one\nline two\n-----END X-----\n")}},
		Terraform: Terraform{HashKey: []byte("hash key")}, environment: held([]string{"AWS_REGION", "AWS_SECRET_ACCESS_KEY"}, func(name string) string { return "of " + name }),
	}
	want := []string{"xoxb-1", "signing", "hook", "hash key", "line one", "line two", "s3cr%40t", "s3cr@t", "another", "of PGPASSWORD", "of AWS_SECRET_ACCESS_KEY"}
	if got := c.Secrets(); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if got := (&Config{Database: "sqlite:/x:y@z.db"}).Secrets(); len(got) > 0 {
		t.Errorf("%q", got)
	}
}
