package sandbox

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/drbot/drbot/internal/sandbox/slack"
	_ "github.com/drbot/drbot/internal/store" // brings the driver of the bot's database
)

// canary is a secret that must not be found in anything the bot wrote.
type canary struct {
	what, value string
	// inRepository: the team committed it, so it is in every clone of the repository.
	inRepository bool
}

// forms are the ways a secret may be written: as it is, in hex, and in base64 at each
// of the three places it can stand in what was encoded, once and twice.
func (c canary) forms() []string {
	once := inBase64(c.value)
	out := append([]string{c.value, hex.EncodeToString([]byte(c.value))}, once...)
	for _, f := range once {
		out = append(out, inBase64(f)...)
	}
	return out
}

// inBase64 gives the characters that stand for a text alone, whatever is around it.
func inBase64(text string) []string {
	var out []string
	for before := range 3 {
		enc := base64.StdEncoding.EncodeToString(append(make([]byte, before), text...))
		first := (before*8 + 5) / 6
		last := len(enc) - []int{0, 3, 2}[(before+len(text))%3]
		out = append(out, enc[first:last])
	}
	return out
}

// wrote is everything the bot wrote to one place.
type wrote struct {
	where string
	data  []byte
}

// found lists the canaries in a place.
func (w wrote) found(cs []canary) []string {
	var out []string
	for _, c := range cs {
		for i, f := range c.forms() {
			if at := bytes.Index(w.data, []byte(f)); at >= 0 {
				out = append(out, fmt.Sprintf("%s holds %s (form %d): …%q…", w.where, c.what, i, w.data[max(0, at-80):min(len(w.data), at+len(f)+20)]))
				break
			}
		}
	}
	return out
}

func TestTheSearchFinds(t *testing.T) {
	c := canary{what: "it", value: "canary-" + random()}
	for before := range 4 {
		text := strings.Repeat("x", before) + c.value + "yz"
		once := base64.StdEncoding.EncodeToString([]byte(text))
		for _, data := range []string{text, once, hex.EncodeToString([]byte(text)), base64.StdEncoding.EncodeToString([]byte(`{"v":"` + once + `"}`))} {
			if len(wrote{"a text", []byte("1" + data)}.found([]canary{c})) != 1 {
				t.Errorf("not found in %s", data)
			}
		}
	}
	if got := (wrote{"a text", []byte("canary-")}).found([]canary{c}); got != nil {
		t.Error(got)
	}
}

// secretStack is what a careless team adds to its stack: secrets with Terraform's
// mark and without, in attributes that stay and in attributes that a failover
// changes, and a step that prints them all and fails until it is mended.
const secretStack = `
variable "db_password" {
  type      = string
  sensitive = true
  default   = %[1]q
}

resource "terraform_data" "account" {
  input = { name = "app", password = var.db_password }
}

resource "terraform_data" "forgotten" {
  input = { name = "app", password = %[2]q }
}

resource "terraform_data" "dsn" {
  input = { url = "mysql://app:%[3]s@${var.active_region}", active = var.active_region }
}

resource "terraform_data" "token" {
  input = sensitive("%[4]s for ${var.active_region}")
}

output "dsn" {
  value = terraform_data.dsn.output
}

resource "terraform_data" "migration" {
  triggers_replace = [var.active_region]

  provisioner "local-exec" {
    command = "echo \"cannot log in: $DB_PASSWORD $AWS_SECRET_ACCESS_KEY %[1]s %[2]s %[3]s %[4]s\" | tee -a %[5]s >&2; test -e %[6]s"
  }
}
`

// TestSecrets plays the disaster to its end with canaries in every secret there is,
// through two kinds of provider error, and searches every byte the bot wrote.
func TestSecrets(t *testing.T) {
	t.Parallel()
	fresh := func(what string, inRepository bool) canary {
		return canary{what: what, value: "canary-" + random(), inRepository: inRepository}
	}
	awsKey, awsSession, dbPassword := fresh("the AWS secret key", false), fresh("the AWS session token", false), fresh("DB_PASSWORD", false)
	marked, unmarked := fresh("a value marked sensitive", true), fresh("a value nobody marked", true)
	changed, changedMarked := fresh("a value that the failover changes", true), fresh("a marked value that the failover changes", true)
	var printed, mended, refuse string
	w, ctx := newWorld(t, func(o *Options) {
		printed, mended, refuse = filepath.Join(hostFolder(o.Dir), "printed"), filepath.Join(hostFolder(o.Dir), "mended"), filepath.Join(hostFolder(o.Dir), "refuse")
		must(t, os.MkdirAll(hostFolder(o.Dir), 0o700))
		tmp := filepath.Join(o.Dir, "bot", "tmp") // where it is searched too
		must(t, os.MkdirAll(tmp, 0o700))
		o.BotEnv = []string{"AWS_SECRET_ACCESS_KEY=" + awsKey.value, "AWS_SESSION_TOKEN=" + awsSession.value, "DB_PASSWORD=" + dbPassword.value, "TMPDIR=" + tmp}
		o.PassEnv = []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "DB_PASSWORD"}
		// A provider puts what the service answered into the summary of its error.
		must(t, wrapTerraform("apply", fmt.Sprintf(`if [ -e %q ]; then
  printf '{"@level":"error","@message":"Error: %%s","type":"diagnostic","diagnostic":{"severity":"error","summary":"creating user: password %%s or %%s is refused","detail":"%%s"}}\n' "$DB_PASSWORD" "$DB_PASSWORD" %s %s
  echo "Error: $DB_PASSWORD $AWS_SECRET_ACCESS_KEY" >&2
  exit 1
fi
exec "$REAL" "$@"`, refuse, marked.value, unmarked.value))(o))
	})
	canaries := []canary{
		awsKey, awsSession, dbPassword, marked, unmarked, changed, changedMarked,
		{what: "the Slack token", value: w.secrets.slackToken}, {what: "the Slack signing secret", value: w.secrets.signing},
		{what: "the GitHub token", value: w.secrets.githubToken}, {what: "the webhook secret", value: w.secrets.webhook},
		{what: "the hash key", value: w.secrets.hashKey},
	}
	touch := func(name string) { must(t, os.WriteFile(name, nil, 0o600)) }

	// The stack is as it has been for long: applied, with its secrets in the state.
	file := stackFolder + "/" + standby + "/secrets.tf"
	src := fmt.Sprintf(secretStack, marked.value, unmarked.value, changed.value, changedMarked.value, printed, mended)
	dir := filepath.Join(w.opts.Dir, "seed", filepath.FromSlash(stackFolder), standby)
	must(t, os.WriteFile(filepath.Join(dir, "secrets.tf"), []byte(src), 0o600))
	touch(mended)
	must(t, w.terraform(ctx, dir, "apply", "-input=false", "-no-color", "-auto-approve"))
	must(t, os.Remove(mended))
	must(t, os.Remove(printed))
	if _, err := w.Hub.MoveBase(ctx, loginOf("dave"), file, src, "keep the password where it is handy"); err != nil {
		t.Fatal(err)
	}
	must(t, w.StartBot(ctx))
	theyAreGone(t, w.Bot, canaries)
	theyAreThere(t, w.statePath(standby), canaries, func(c canary) bool { return c.inRepository })

	// It pauses twice: refused in the summary of an error, then in its detail.
	touch(refuse)
	m := asked(t, ctx, w)
	approveBoth(t, ctx, w, m)
	must(t, w.waitText(ctx, m.run, "creating user: password"))
	awaitPaused(t, ctx, w, m.run, "apply/"+standby)
	must(t, os.Remove(refuse))
	answerRetry(t, ctx, w, m)
	must(t, w.waitText(ctx, m.run, "local-exec provisioner error"))
	awaitPaused(t, ctx, w, m.run, "apply/"+standby) // the words stand there a moment before the question does
	touch(mended)
	answerRetry(t, ctx, w, m)
	must(t, w.waitText(ctx, m.run, "*succeeded*"))
	must(t, w.readBack(ctx, m))
	theyAreThere(t, printed, canaries, func(c canary) bool { return c.inRepository || c == dbPassword || c == awsKey })

	places := slices.Concat(w.toldBySocket(t, ctx), w.atSlack(t), w.atGitHub(t, ctx), w.toDatabase(t, ctx))
	w.Bot.Stop() // so that the files are whole
	for _, p := range places {
		for _, leak := range p.found(canaries) {
			t.Error(leak)
		}
	}
	w.searchFiles(t, canaries)
}

func answerRetry(t *testing.T, ctx context.Context, w *World, m moved) {
	t.Helper()
	text, err := w.command(ctx, "bob", "/dr answer "+m.run+" retry")
	must(t, err)
	if !strings.Contains(text, "retry") {
		t.Fatalf("bob was told %q", text)
	}
}

// theyAreGone sees that what the bot was given by environment is not where everybody of its
// user finds it.
func theyAreGone(t *testing.T, b *Bot, canaries []canary) {
	t.Helper()
	given := strings.Join(b.cmd.Env, "\n")
	left, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", b.cmd.Process.Pid))
	if !os.IsPermission(err) { // the bot is hidden from all but root
		must(t, err)
	}
	for _, c := range canaries {
		if !c.inRepository && !strings.Contains(given, c.value) {
			t.Errorf("%s was not given to the bot, so nothing is proved", c.what)
		}
		if strings.Contains(string(left), c.value) {
			t.Errorf("%s is in the environment of the bot's process", c.what)
		}
	}
}

// theyAreThere checks that canaries are where they belong: a search that could not
// have found anything proves nothing.
func theyAreThere(t *testing.T, name string, cs []canary, here func(canary) bool) {
	t.Helper()
	data, err := os.ReadFile(name)
	must(t, err)
	for _, c := range cs {
		if here(c) && !bytes.Contains(data, []byte(c.value)) {
			t.Errorf("%s is not in %s: the test lost it", c.what, name)
		}
	}
}

// toldBySocket is what the command line prints.
func (w *World) toldBySocket(t *testing.T, ctx context.Context) []wrote {
	t.Helper()
	var out []wrote
	for _, args := range [][]string{{"status"}, {"status", "--json"}, {"runs"}, {"runs", "--json"}} {
		cmd := exec.CommandContext(ctx, w.opts.Bot, append(args, "--config", filepath.Join(w.opts.Dir, "bot", "drbot.yaml"))...)
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}
		said, err := cmd.CombinedOutput()
		if err != nil || !bytes.Contains(said, []byte("apply/"+standby)) && args[0] == "status" {
			t.Fatalf("drbot %s: %v\n%s", strings.Join(args, " "), err, said)
		}
		out = append(out, wrote{"drbot " + strings.Join(args, " "), said})
	}
	return out
}

// atSlack is what Slack got: every version of every message, every argument of every
// call, and the answers to commands.
func (w *World) atSlack(t *testing.T) []wrote {
	t.Helper()
	var whispered []slack.Message
	for _, s := range cast {
		whispered = append(whispered, w.Slack.Ephemerals(s.slackID)...)
	}
	msgs, calls := w.Slack.Messages(channel), w.Slack.Calls()
	if len(msgs) == 0 || len(calls) == 0 || len(whispered) == 0 {
		t.Fatalf("Slack got %d messages, %d calls, %d whispers", len(msgs), len(calls), len(whispered))
	}
	return []wrote{
		inJSON(t, "a message in Slack", msgs), inJSON(t, "a whisper in Slack", whispered),
		inJSON(t, "a call to Slack", calls), inJSON(t, "an answer to Slack", w.Slack.Deliveries()),
	}
}

func inJSON(t *testing.T, where string, v any) wrote {
	t.Helper()
	data, err := json.Marshal(v)
	must(t, err)
	return wrote{where, data}
}

// atGitHub is what GitHub got: the calls as they came, and what they made.
func (w *World) atGitHub(t *testing.T, ctx context.Context) []wrote {
	t.Helper()
	out := []wrote{inJSON(t, "a pull request", w.Hub.Pulls())}
	for _, c := range w.Hub.Calls() {
		out = append(out, wrote{"the call " + c.Method + " " + c.Path, []byte(c.Path + "?" + c.Query + "\n" + string(c.Body))})
	}
	for _, p := range w.Hub.Pulls() {
		comments := w.Hub.Comments(p.Number)
		if len(comments) == 0 {
			t.Errorf("#%d has no comment to search", p.Number)
		}
		out = append(out, inJSON(t, "a comment", comments))
		for _, head := range p.Heads {
			log, err := w.Hub.Log(ctx, head)
			must(t, err)
			out = append(out, inJSON(t, "a status", w.Hub.Statuses(head)), inJSON(t, "a commit", log))
		}
	}
	log, err := w.Hub.Log(ctx, "main")
	must(t, err)
	return append(out, inJSON(t, "a commit on main", log))
}

// toDatabase is every row: in the file itself a long one is cut into pages.
func (w *World) toDatabase(t *testing.T, ctx context.Context) []wrote {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(w.opts.Dir, "bot", "drbot.db")+"?mode=ro")
	must(t, err)
	defer func() { _ = db.Close() }()
	var tables []string
	rows, err := db.QueryContext(ctx, "SELECT name FROM sqlite_master WHERE type = 'table'")
	must(t, err)
	for rows.Next() {
		var name string
		must(t, rows.Scan(&name))
		tables = append(tables, name)
	}
	must(t, rows.Err())
	var out []wrote
	filled := 0
	for _, table := range tables {
		data := dump(t, ctx, db, table)
		if len(data) > 0 {
			filled++
		}
		out = append(out, wrote{"the table " + table, data})
	}
	if filled < 5 {
		t.Errorf("of the tables %v only %d have rows", tables, filled)
	}
	return out
}

func dump(t *testing.T, ctx context.Context, db *sql.DB, table string) []byte {
	t.Helper()
	rows, err := db.QueryContext(ctx, `SELECT * FROM "`+table+`"`)
	must(t, err)
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	must(t, err)
	var b bytes.Buffer
	for rows.Next() {
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new(sql.RawBytes)
		}
		must(t, rows.Scan(values...))
		for _, v := range values {
			if raw, ok := v.(*sql.RawBytes); ok {
				b.Write(*raw)
				b.WriteByte('\n')
			}
		}
	}
	must(t, rows.Err())
	return b.Bytes()
}

// searchFiles goes through the bot's whole folder: log, database, configuration,
// temporary files, and the folders of plans and applies. Terraform's own state is
// elsewhere. The mirror of the repository holds what the repository holds.
func (w *World) searchFiles(t *testing.T, cs []canary) {
	t.Helper()
	root := filepath.Join(w.opts.Dir, "bot")
	own := slices.DeleteFunc(slices.Clone(cs), func(c canary) bool { return c.inRepository })
	seen := map[string]bool{}
	must(t, filepath.WalkDir(root, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		must(t, err)
		seen[rel] = true
		if e.IsDir() {
			if parent := filepath.Dir(rel); parent == "work/plans" || filepath.Dir(parent) == "work/applies" {
				t.Errorf("the folder %s of a plan or an apply was left", rel)
			}
			return nil
		}
		if e.Name() == "plan.bin" || strings.HasSuffix(e.Name(), ".tf") || strings.HasSuffix(e.Name(), ".tfstate") {
			t.Errorf("the file %s was left", rel)
		}
		if !e.Type().IsRegular() {
			return nil
		}
		data, err := os.ReadFile(name)
		must(t, err)
		search := cs
		if strings.HasPrefix(rel, "work/git/") {
			search = own
		}
		for _, leak := range (wrote{rel, data}).found(search) {
			t.Error(leak)
		}
		return nil
	}))
	for _, must := range []string{"drbot.log", "drbot.db", "work/applies", "work/plans", "work/git"} {
		if !seen[must] {
			t.Errorf("there is no %s to search", must)
		}
	}
}
