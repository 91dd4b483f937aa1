package config

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"

	"github.com/drbot/drbot/dr"
)

// forge reads as whom drbot comes to GitHub: with a token, or as an App.
func (f *checker) forge(in github, c *Config, getenv func(string) string, secrets bool) {
	if in.ModuleToken != (Secret{}) {
		c.GitHub.ModuleToken = f.secret("github.module_token", in.ModuleToken, getenv, secrets)
		switch {
		case in.App != nil:
			f.faults.add("github.module_token", dr.T("config.module-token.app"))
		case in.ModuleToken == in.Token:
			f.faults.add("github.module_token", dr.T("config.module-token.same"))
		}
	}
	if in.App == nil {
		c.GitHub.Token = f.secret("github.token", in.Token, getenv, secrets)
		return
	}
	if in.Token != (Secret{}) {
		f.faults.add("github.token", dr.T("config.app.and-token"))
	}
	if in.App.ID <= 0 {
		f.faults.add("github.app.id", dr.T("config.app.no-id"))
	}
	before := len(f.faults.list)
	key := []byte(f.secret("github.app.private_key", in.App.PrivateKey, getenv, secrets))
	c.GitHub.App = &App{ID: int64(in.App.ID)}
	if !secrets || len(f.faults.list) > before {
		return
	}
	if !isKey(key) {
		f.faults.add("github.app.private_key", dr.T("config.app.no-key")) // never what it is instead
	}
	c.GitHub.App.Key = key
}

// isKey tells whether a text is an RSA private key as GitHub gives it.
func isKey(text []byte) bool {
	block, _ := pem.Decode(text)
	if block == nil {
		return false
	}
	if _, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return true
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	_, ok := key.(*rsa.PrivateKey)
	return err == nil && ok
}
