package bot

import (
	"errors"
	"slices"

	"github.com/slack-go/slack"

	"github.com/drbot/drbot/dr"
)

// What Slack's refusals mean, by what can be done about them (docs.slack.dev, errors of
// chat.postMessage, chat.update, conversations.history, conversations.replies, users.info).
var (
	slackBusy  = []string{"fatal_error", "internal_error", "ratelimited", "rate_limited", "request_timeout", "service_unavailable", "team_added_to_org", "message_limit_exceeded"}
	slackToken = []string{"access_denied", "account_inactive", "ekm_access_denied", "enterprise_is_restricted", "invalid_auth", "missing_scope", "no_permission", "not_allowed_token_type",
		"not_authed", "org_login_required", "team_access_not_granted", "token_expired", "token_revoked", "two_factor_setup_required"}
	slackPlace = []string{"channel_not_found", "channel_type_not_supported", "is_archived", "is_inactive", "not_in_channel", "posting_to_channel_denied", "restricted_action", "restricted_action_read_only_channel"}
	// slackGone are those of the place that nobody mends by a right or an invitation, as a rule.
	slackGone = []string{"channel_not_found", "is_archived", "is_inactive"}
	// slackForm are the refusals of a message's form, which no other try mends: it must be
	// said in fewer words, or in plain ones.
	slackForm = []string{"attachment_payload_limit_exceeded", "block_mismatch", "blocks_too_long", "invalid_attachments", "invalid_blocks", "invalid_blocks_format",
		"markdown_text_conflict", "msg_blocks_too_long", "msg_too_long", "no_text", "too_many_attachments"}
)

// slackSays is the name of a refusal of Slack's; empty for every other error.
func slackSays(err error) string {
	var refused slack.SlackErrorResponse
	if errors.As(err, &refused) {
		return refused.Err
	}
	return ""
}

// outside classifies an error of Slack's API by what can be done about it. What names
// no reason is the network's or a server's, and another try may mend it.
func outside(doing dr.Text, err error) error {
	var known *dr.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	name := slackSays(err)
	var status slack.StatusCodeError
	switch {
	case name == "" && errors.As(err, &status) && status.Code >= 400 && status.Code < 500 && status.Code != 408 && status.Code != 429:
		return &dr.Error{Code: dr.Conflict, What: dr.T("slack.refuses", "what", doing, "why", dr.Foreign(status.Status)), Next: dr.T("slack.refuses.config"), Err: err}
	case name == "" || slices.Contains(slackBusy, name):
		return &dr.Error{Code: dr.Temporary, What: dr.T("slack.silent", "what", doing), Next: dr.T("slack.silent.next"), Err: err}
	case slices.Contains(slackToken, name):
		return &dr.Error{Code: dr.Conflict, What: dr.T("slack.token", "what", doing, "why", dr.Foreign(name)), Next: dr.T("slack.token.next"), Err: err}
	case slices.Contains(slackPlace, name):
		return &dr.Error{Code: dr.Conflict, What: dr.T("slack.place", "what", doing, "why", dr.Foreign(name)), Next: dr.T("slack.place.next"), Err: err}
	case slices.Contains(slackForm, name):
		return &dr.Error{Code: dr.Invalid, What: dr.T("slack.form", "what", doing, "why", dr.Foreign(name)), Err: err}
	default:
		return &dr.Error{Code: dr.Conflict, What: dr.T("slack.refuses", "what", doing, "why", dr.Foreign(name)), Next: dr.T("slack.refuses.next"), Err: err}
	}
}
