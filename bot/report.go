package bot

import (
	"github.com/slack-go/slack"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/text"
	"github.com/drbot/drbot/view"
)

// NoteMessage is a reply in a run's thread or a scheduled report.
func NoteMessage(words text.Words, n dr.Note, mention func(person string) string) (string, []slack.Block) {
	w, r := marked(words), view.Note(n)
	head := levelEmoji(r.Level) + " *" + cut(w.Say(r.Headline), 200) + "*"
	if r.Link != "" {
		head += " · <" + r.Link + "|" + w.Say(r.Open) + ">"
	}
	for _, p := range r.Mention {
		head += " " + mention(p)
	}
	blocks := []slack.Block{slack.NewSectionBlock(mrkdwn(head), nil, nil)}
	lines := make([]string, len(r.Lines))
	for i, l := range r.Lines {
		lines[i] = w.Say(l)
	}
	for _, chunk := range chunks(lines, maxSection-100) {
		if len(blocks) == 4 { // three sections of lines stay under Slack's undocumented total
			blocks = append(blocks, slack.NewContextBlock("", mrkdwn(w.Say(dr.T("note.cut")))))
			break
		}
		blocks = append(blocks, slack.NewSectionBlock(mrkdwn(chunk), nil, nil))
	}
	if !r.Foot.Empty() {
		blocks = append(blocks, slack.NewContextBlock("", mrkdwn(cut(w.Say(r.Foot), 500))))
	}
	return fit(words.Plain().Say(r.Headline), 300), blocks
}

func levelEmoji(l dr.Level) string {
	switch l {
	case dr.OK:
		return "🟢"
	case dr.Warn:
		return "🟡"
	case dr.Fail:
		return "🔴"
	default:
		return "⚫"
	}
}

// chunks joins lines, escaped already, into texts of at most n runes.
func chunks(lines []string, n int) []string {
	var out []string
	cur, size := "", 0
	for _, l := range lines {
		l = cut(l, 900)
		add := len([]rune(l)) + 1
		if size+add > n && cur != "" {
			out, cur, size = append(out, cur), "", 0
		}
		if cur != "" {
			cur += "\n"
		}
		cur, size = cur+l, size+add
	}
	if cur != "" {
		out = append(out, cur)
	}
	return out
}
