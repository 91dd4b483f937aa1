package bot

import (
	"context"

	"github.com/drbot/drbot/dr"
)

// Standing asks Slack whether an account may speak for a person: it must be a
// full member of this workspace. Guests and bots never start a failover.
func (p *Poster) Standing(ctx context.Context, slackID string) error {
	u, err := p.api.GetUserInfoContext(ctx, slackID)
	if err != nil {
		return unknownStanding(slackID, err)
	}
	switch {
	case u.Deleted:
		return &dr.Error{Code: dr.Denied, What: dr.T("bot.deactivated"), Next: dr.T("bot.people.next")}
	case u.IsBot, u.IsRestricted, u.IsUltraRestricted:
		return &dr.Error{Code: dr.Denied, What: dr.T("bot.guest"), Next: dr.T("bot.guest.next")}
	}
	return nil
}

// unknownStanding says why Slack did not tell, and how else to ask.
func unknownStanding(slackID string, err error) error {
	if name := slackSays(err); name == "user_not_found" || name == "user_not_visible" {
		return &dr.Error{Code: dr.Denied, What: dr.T("bot.stranger", "account", slackID), Next: dr.T("bot.people.next"), Err: err}
	}
	classified := outside(dr.T("slack.standing"), err)
	what, next := dr.Told(classified)
	if dr.CodeOf(classified) == dr.Temporary {
		return &dr.Error{Code: dr.Temporary, What: dr.T("bot.standing"), Next: dr.T("bot.standing.next"), Err: err}
	}
	return &dr.Error{Code: dr.CodeOf(classified), What: what, Next: dr.T("bot.standing.or", "next", next), Err: err}
}
