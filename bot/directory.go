package bot

import (
	"context"
	"errors"

	"github.com/slack-go/slack"

	"github.com/drbot/drbot/dr"
)

// Standing asks Slack whether an account may speak for a person: it must be a
// full member of this workspace. Guests and bots never start a failover.
func (p *Poster) Standing(ctx context.Context, slackID string) error {
	u, err := p.api.GetUserInfoContext(ctx, slackID)
	var refused slack.SlackErrorResponse
	switch {
	case errors.As(err, &refused) && refused.Err == "user_not_found":
		return &dr.Error{Code: dr.Denied, Msg: "Slack does not know the account " + slackID + ".", Hint: "mend `people` in drbot.yaml"}
	case err != nil:
		return &dr.Error{Code: dr.Temporary, Msg: "Slack does not say whether you are a full member.", Hint: "use the command line on the bot's host: drbot failover", Err: err}
	case u.Deleted:
		return &dr.Error{Code: dr.Denied, Msg: "that Slack account is deactivated.", Hint: "mend `people` in drbot.yaml"}
	case u.IsBot, u.IsRestricted, u.IsUltraRestricted:
		return &dr.Error{Code: dr.Denied, Msg: "guests and bots may not request a failover.", Hint: "ask a full member of the workspace"}
	}
	return nil
}
