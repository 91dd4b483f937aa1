package config

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// asApp is the example with an App in the place of the token.
func asApp(t *testing.T, app string) []byte {
	t.Helper()
	data, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	const token = "  token: {env: DRBOT_GITHUB_TOKEN}"
	if !strings.Contains(string(data), token) {
		t.Fatal("the example has no token for GitHub")
	}
	return []byte(strings.Replace(string(data), token, app, 1))
}

func keyFile(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "app.pem")
	doc := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	if err := os.WriteFile(name, doc, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestApp(t *testing.T) {
	name := keyFile(t)
	c, err := Parse(asApp(t, "  app: {id: 4711, private_key: {file: "+name+"}}"), options(true))
	if err != nil {
		t.Fatal(err)
	}
	if c.GitHub.App == nil || c.GitHub.App.ID != 4711 || !isKey(c.GitHub.App.Key) || c.GitHub.Token != "" {
		t.Error("the App was not read")
	}
	doc, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	o := options(true)
	o.Getenv = func(n string) string {
		if n == "DRBOT_GITHUB_APP_KEY" {
			return string(doc)
		}
		return secrets(n)
	}
	if c, err = Parse(asApp(t, "  app: {id: 4711, private_key: {env: DRBOT_GITHUB_APP_KEY}}"), o); err != nil || !isKey(c.GitHub.App.Key) {
		t.Errorf("by environment: %v", err)
	}
	if _, err := Parse(asApp(t, "  app: {id: 4711, private_key: {file: /nowhere}}"), options(false)); err != nil {
		t.Errorf("without secrets: %v", err)
	}
}

func TestAppFaults(t *testing.T) {
	name := keyFile(t)
	for app, want := range map[string]string{
		"  token: {env: DRBOT_GITHUB_TOKEN}\n  app: {id: 1, private_key: {file: " + name + "}}": "github.token: ",
		"  app: {private_key: {file: " + name + "}}":                                            "github.app.id: ",
		"  app: {id: drbot, private_key: {file: " + name + "}}":                                 "github.app.id: ",
		"  app: {id: 1}": "github.app.private_key: ",
		"  app: {id: 1, private_key: {file: /nowhere}}":                         "github.app.private_key: ",
		"  app: {id: 1, private_key: {env: DRBOT_NO_KEY}}":                      "github.app.private_key: ",
		"  app: {id: 1, key: {file: " + name + "}}":                             "github.app.key: ",
		"  app: {id: 1, private_key: {file: " + name + "}, installations: [1]}": "github.app.installations: ",
		"  # neither": "github.token: ",
	} {
		_, err := Parse(asApp(t, app), options(true))
		words := said(t, err)
		if !strings.Contains(words, want) {
			t.Errorf("%q: %s", app, words)
		}
		if strings.Contains(words, "a secret of") {
			t.Errorf("%q: the secret is said: %s", app, words)
		}
	}
}
