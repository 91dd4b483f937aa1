package sandbox

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
)

// installApp makes the key of the bot's App, where it is one, and has it installed.
func (w *World) installApp() error {
	if w.opts.App == nil {
		return nil
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	doc := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	if err := os.WriteFile(w.appKey(), doc, 0o600); err != nil {
		return err
	}
	app := *w.opts.App
	app.Key = &key.PublicKey
	return w.Hub.InstallApp(app)
}

// appKey is the file of the App's private key, outside the bot's own folder.
func (w *World) appKey() string { return filepath.Join(w.opts.Dir, "github-app.pem") }

// botLogin is the login that the bot has on GitHub.
func (w *World) botLogin() string {
	if w.opts.App != nil {
		return w.opts.App.Slug + "[bot]"
	}
	return botLogin
}
