package bot

import (
	"fmt"

	"github.com/slack-go/slack"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/text"
	"github.com/drbot/drbot/view"
)

// Action ids of the buttons.
const (
	actionCancel = "drbot_cancel"
	actionAnswer = "drbot_answer_" // followed by the answer
	actionOpen   = "drbot_open"
)

// buttons are what can be done with a run now. Each says what it leads to before it
// acts, and is authorised when it is pressed.
func buttons(plain text.Words, v view.View) *slack.ActionBlock {
	button := func(id, value string, name dr.Text) *slack.ButtonBlockElement {
		return slack.NewButtonBlockElement(id, short(value, maxButton), plainText(plain.Say(name), 75))
	}
	var els []slack.BlockElement
	if v.Change.URL != "" && v.Change.Review {
		els = append(els, button(actionOpen, v.Run, dr.T("bot.review")).WithURL(v.Change.URL))
	}
	if q := v.Question; q != nil {
		for _, a := range q.Answers {
			value := fmt.Sprintf("%s|%d", v.Run, q.Number)
			if digest := a.Command.Args["digest"]; digest != "" {
				value += "|" + digest // for who has no button to press
			}
			b := button(actionAnswer+a.Verb, value, a.Name).WithConfirm(confirm(plain, a.Name, a.Leads))
			if a.Verb == "retry" {
				b = b.WithStyle(slack.StylePrimary)
			}
			els = append(els, b)
		}
	} else if v.State == dr.RunWaiting {
		name := dr.T("bot.cancel")
		els = append(els, button(actionCancel, v.Run, name).WithStyle(slack.StyleDanger).WithConfirm(confirm(plain, name, dr.T("run.leads.cancel"))))
	}
	if len(els) == 0 {
		return nil
	}
	return slack.NewActionBlock("drbot_actions", els...)
}

func confirm(plain text.Words, answer, leads dr.Text) *slack.ConfirmationBlockObject {
	return slack.NewConfirmationBlockObject(plainText(plain.Say(dr.T("bot.sure", "answer", answer)), 100), plainText(plain.Say(leads), 300),
		plainText(plain.Say(dr.T("bot.yes")), 30), plainText(plain.Say(dr.T("bot.no")), 30))
}
