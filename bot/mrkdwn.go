package bot

import (
	"fmt"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"github.com/drbot/drbot/text"
)

// Limits of Block Kit, from docs.slack.dev/reference/block-kit: a message that is
// over one is refused whole, so everything is cut to fit.
const (
	maxSection = 3000
	maxHeader  = 150
	maxButton  = 2000
	maxDetail  = 110
	mostListed = 5 // entries of one kind; the record has them all
)

// marked gives words the marks of Slack's mrkdwn: what they say can be put into a
// message as it is.
func marked(w text.Words) text.Words {
	return w.Marked(text.Marks{
		Escape: escape, Bold: "*",
		Code: func(s string) string { return "`" + escape(strings.ReplaceAll(s, "`", "'")) + "`" },
		Time: slackTime,
	})
}

// slackTime has Slack write the times that people plan by in the reader's own zone.
func slackTime(arg string, t time.Time) string {
	switch arg {
	case "requested":
		return fmt.Sprintf("<!date^%d^{date_short_pretty} {time_secs}|%s>", t.Unix(), t.UTC().Format(time.RFC3339))
	case "expires":
		return fmt.Sprintf("<!date^%d^{time}|%s>", t.Unix(), t.UTC().Format("15:04 UTC"))
	default:
		return ""
	}
}

var controls = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// escape makes a text safe for mrkdwn, where three characters control, and bounds it.
func escape(s string) string { return fit(s, maxSection) }

// fit escapes a text and cuts it so that the escaped form, which is what Slack
// counts, has at most n characters.
func fit(s string, n int) string { return cut(controls.Replace(short(s, n)), n) }

// cut shortens words that are escaped already, by runes and without a torn escape.
func cut(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	kept := string(r[:n-1])
	if i := strings.LastIndexByte(kept, '&'); i >= 0 && !strings.Contains(kept[i:], ";") {
		kept = kept[:i]
	}
	return kept + "…"
}

func mrkdwn(s string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.MarkdownType, cut(s, maxSection), false, false)
}

func plainText(s string, n int) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.PlainTextType, short(s, n), true, false)
}
