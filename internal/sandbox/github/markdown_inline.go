package github

import (
	"html"
	"regexp"
	"strings"
)

var (
	linkRule   = regexp.MustCompile(`\[([^\[\]]+)\]\((https?://[^\s()<>"]+)\)`)
	bareRule   = regexp.MustCompile(`https?://[^\s<>"'` + "`" + `]*[^\s<>"'` + "`" + `.,;:!?)\]|*_]`)
	boldRule   = regexp.MustCompile(`\*\*([^\s*](?:[^*]*[^\s*])?)\*\*|__([^\s_](?:[^_]*[^\s_])?)__`)
	italicRule = regexp.MustCompile(`(^|[\s(])(?:\*([^\s*](?:[^*\n]*[^\s*])?)\*|_([^\s_](?:[^_\n]*[^\s_])?)_)($|[\s).,;:!?])`)
	strikeRule = regexp.MustCompile(`~~([^~\n]+)~~`)
)

// inline renders the text of one block. Code and links are cut out first and escaped apart, so that nothing in them
// is taken for markup; the rest is escaped before any tag is added.
func inline(text string) string {
	var b strings.Builder
	for text != "" {
		start := strings.IndexByte(text, '`')
		if start < 0 {
			break
		}
		ticks := len(text[start:]) - len(strings.TrimLeft(text[start:], "`"))
		mark := text[start : start+ticks]
		end := strings.Index(text[start+ticks:], mark)
		if end < 0 {
			b.WriteString(links(text[:start+ticks]))
			text = text[start+ticks:]
			continue
		}
		code := text[start+ticks : start+ticks+end]
		b.WriteString(links(text[:start]))
		b.WriteString("<code>" + html.EscapeString(strings.TrimSpace(code)) + "</code>")
		text = text[start+2*ticks+end:]
	}
	b.WriteString(links(text))
	return b.String()
}

// links renders [text](url) and bare addresses, http and https only.
func links(text string) string {
	var b strings.Builder
	for text != "" {
		named, bare := linkRule.FindStringSubmatchIndex(text), bareRule.FindStringIndex(text)
		switch {
		case named != nil && (bare == nil || named[0] <= bare[0]):
			b.WriteString(emphasis(text[:named[0]]))
			b.WriteString(anchor(text[named[4]:named[5]], emphasis(text[named[2]:named[3]])))
			text = text[named[1]:]
		case bare != nil:
			b.WriteString(emphasis(text[:bare[0]]))
			url := text[bare[0]:bare[1]]
			b.WriteString(anchor(url, html.EscapeString(url)))
			text = text[bare[1]:]
		default:
			b.WriteString(emphasis(text))
			text = ""
		}
	}
	return b.String()
}

func anchor(url, label string) string {
	return `<a href="` + html.EscapeString(url) + `" rel="nofollow noopener noreferrer" target="_blank">` + label + `</a>`
}

func emphasis(text string) string {
	text = html.EscapeString(text)
	text = boldRule.ReplaceAllString(text, "<strong>$1$2</strong>")
	text = italicRule.ReplaceAllString(text, "$1<em>$2$3</em>$4")
	text = strikeRule.ReplaceAllString(text, "<del>$1</del>")
	return strings.ReplaceAll(text, "\n", "<br>\n")
}
