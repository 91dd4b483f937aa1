package config

import (
	"os"
	"strings"
	"testing"
)

// TestWeakKeys refuses hash keys that can be guessed, and repeats none.
func TestWeakKeys(t *testing.T) {
	for key, refused := range map[string]bool{
		"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08": false,
		"a key of tests, 16 bytes or more":                                 false,
		"Zm9vYmFyYmF6cXV4IQ==":                                             false,
		strings.Repeat("a", 40):                                            true,
		"passwordpassword":                                                 true,
		"changemechangemechan":                                             true,
		"0123456789abcdef":                                                 true,
		"0123456789abcdef0123456789abcdef":                                 true,
		"abcdefghijklmnopqrstuvwxyz":                                       true,
		"1111222233334444":                                                 true,
		"my-secret-hash-key":                                               true,
		"drbot-hash-key-1":                                                 true,
		"passwordpassword1":                                                true,
		"changeme-changeme2":                                               true,
		"1234567890abcdef-":                                                true,
	} {
		if weak(key) != refused {
			t.Errorf("%s is weak: %v", key, !refused)
		}
	}
	data, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	o := options(true)
	o.Getenv = func(name string) string {
		if name == "DRBOT_HASH_KEY" {
			return "changemechangeme"
		}
		return secrets(name)
	}
	_, err = Parse(data, o)
	if says := said(t, err); !strings.Contains(says, "terraform.hash_key: can be guessed") || strings.Contains(says, "changeme") {
		t.Errorf("it says %s", says)
	}
}

// TestInClear refuses addresses that are asked in clear over a network, and secrets in what
// Terraform's process gets.
func TestInClear(t *testing.T) {
	data, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	with := func(was, now string) string {
		t.Helper()
		if !strings.Contains(string(data), was) {
			t.Fatalf("the example has no %q", was)
		}
		_, err := Parse([]byte(strings.Replace(string(data), was, now, 1)), options(true))
		if err == nil {
			return ""
		}
		return said(t, err)
	}
	for url, fine := range map[string]bool{
		"https://git.example": true, "http://127.0.0.1:8080": true, "http://[::1]:8080": true, "http://localhost:8080": true,
		"http://git.example": false, "http://10.0.0.5": false, "http://localhost.example": false, "http://127.0.0.1.example": false,
	} {
		says := with("git_url: https://github.com", "git_url: \""+url+"\"")
		if (says == "") != fine || !fine && !strings.Contains(says, "github.git_url: \""+url+"\" goes over a network in clear") {
			t.Errorf("%s: %s", url, says)
		}
	}
	if says := with("# endpoint: http://127.0.0.1:4566 ", "endpoint: http://moto:4566 "); !strings.Contains(says, "aws.endpoint") {
		t.Errorf("an endpoint: %s", says)
	}
	says := with("    AWS_SDK_UA_APP_ID: drbot-{region}", "    TOKEN: ghp_0000")
	if !strings.Contains(says, "terraform.environment.TOKEN: a secret does not stand in this file") || strings.Contains(says, "0000") {
		t.Errorf("a secret for Terraform: %s", says)
	}
}
