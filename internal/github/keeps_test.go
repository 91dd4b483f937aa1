package github_test

import (
	"context"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	gh "github.com/google/go-github/v60/github"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/github"
	sandbox "github.com/drbot/drbot/internal/sandbox/github"
)

// seeded is a repository whose file has a content and a mode, or is a link to another.
func seeded(t *testing.T, content string, mode os.FileMode, link string) (*github.Client, *gh.Client) {
	t.Helper()
	seed := t.TempDir()
	file := filepath.Join(seed, filepath.FromSlash(path))
	must(t, os.MkdirAll(filepath.Dir(file), 0o755))
	to := file
	if link != "" {
		to = filepath.Join(filepath.Dir(file), link)
		must(t, os.Symlink(link, file))
	}
	must(t, os.WriteFile(to, []byte(content), mode))
	must(t, os.Chmod(to, mode))
	s, err := sandbox.New(t.Context(), sandbox.Options{
		Dir: t.TempDir(), Owner: "acme", Repo: "infra", BotLogin: "drbot", BotToken: "t0ken", SeedDir: seed,
		Personas: []sandbox.Persona{{Login: "alice", Permission: "admin"}},
	})
	must(t, err)
	server := httptest.NewServer(s)
	s.SetBaseURL(server.URL)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		server.Close()
	})
	c, err := github.New(github.Options{Token: func(context.Context) (string, error) { return "t0ken", nil }, BaseURL: server.URL})
	must(t, err)
	api, err := gh.NewClient(nil).WithAuthToken("t0ken").WithEnterpriseURLs(server.URL, server.URL)
	must(t, err)
	return c, api
}

// Every byte beside the value, and the mode of the file, are as they were.
func TestCase5And6BytesAndModeAreKept(t *testing.T) {
	const euc = "# \xc0\xdc\xa5\xeb\r\nactive_region = \"ap-northeast-2\" # \xb1\xc6\n"
	for name, c := range map[string]struct {
		content string
		mode    os.FileMode
		want    string
	}{
		"executable":       {seoul, 0o755, "100755"},
		"ordinary":         {seoul, 0o644, "100644"},
		"EUC-JP":           {euc, 0o644, "100644"},
		"both, and no end": {strings.TrimSuffix(euc, "\n"), 0o755, "100755"},
	} {
		t.Run(name, func(t *testing.T) {
			client, api := seeded(t, c.content, c.mode, "")
			content, base, err := client.File(t.Context(), repo, "main")
			must(t, err)
			if content != c.content {
				t.Fatalf("the file holds %q", content)
			}
			flipped := strings.Replace(c.content, "ap-northeast-2", "ap-northeast-1", 1)
			req := dr.ChangeRequest{Repository: repo, Branch: "drbot/r1", BaseSHA: base, Content: flipped, Message: "m", Title: "t", Body: "b"}
			change, err := client.OpenChange(t.Context(), req)
			must(t, err)
			again, err := client.OpenChange(t.Context(), req)
			if err != nil || again != change {
				t.Errorf("the second time gave %+v, %v", again, err)
			}
			st, err := client.ChangeState(t.Context(), repo, change.Number)
			if err != nil || st.HeadFile != flipped || st.BaseFile != c.content {
				t.Errorf("the change holds %q after %q, %v", st.HeadFile, st.BaseFile, err)
			}
			tree, _, err := api.Git.GetTree(t.Context(), "acme", "infra", change.Head, true)
			must(t, err)
			for _, e := range tree.Entries {
				if e.GetPath() == path && e.GetMode() != c.want {
					t.Errorf("its mode is %s", e.GetMode())
				}
			}
		})
	}
}

func TestCase5ALinkIsRefused(t *testing.T) {
	client, api := seeded(t, seoul, 0o644, "real.auto.tfvars")
	content, base, err := client.File(t.Context(), repo, "main")
	if err != nil || content != seoul {
		t.Fatalf("the file holds %q, %v", content, err)
	}
	_, err = client.OpenChange(t.Context(), dr.ChangeRequest{Repository: repo, Branch: "drbot/r1", BaseSHA: base, Content: tokyo, Message: "m", Title: "t", Body: "b"})
	if dr.CodeOf(err) != dr.Invalid {
		t.Errorf("it gave %v", err)
	}
	if _, _, err := api.Git.GetRef(t.Context(), "acme", "infra", "heads/drbot/r1"); err == nil {
		t.Error("there is a branch")
	}
}
