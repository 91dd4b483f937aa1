package slack

import (
	"html/template"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// mrkdwn turns Slack's markup into HTML. Every character that did not become
// a tag written here is escaped, so what people type cannot become markup of
// the page.
type mrkdwn struct {
	out     strings.Builder
	mention func(kind byte, id string) string // the name behind <@U..> or <#C..>
}

// renderMrkdwn returns the HTML of a mrkdwn text.
func renderMrkdwn(text string, mention func(byte, string) string) template.HTML {
	m := &mrkdwn{mention: mention}
	m.inline(text, true)
	// Only literals of this file and escaped text were written.
	return template.HTML(m.out.String())
}

// renderPlain returns the HTML of a plain_text object: only emoji are drawn.
func renderPlain(text string) template.HTML {
	m := &mrkdwn{}
	plain := 0
	for i := 0; i < len(text); {
		n := 0
		if text[i] == ':' {
			n = m.emoji(text[i:], func() { m.text(text[plain:i]) })
		}
		if n == 0 {
			i++
			continue
		}
		i += n
		plain = i
	}
	m.text(text[plain:])
	return template.HTML(m.out.String())
}

// text writes words: entities decoded once, then escaped, line ends kept.
func (m *mrkdwn) text(s string) {
	for i, line := range strings.Split(decodeEntities(s), "\n") {
		if i > 0 {
			m.out.WriteString("<br>")
		}
		m.out.WriteString(template.HTMLEscapeString(line))
	}
}

// decodeEntities undoes the only three escapes Slack knows.
func decodeEntities(s string) string {
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(s)
}

// inline writes s. lineStart says that s begins a line, where a quote may stand.
func (m *mrkdwn) inline(s string, lineStart bool) {
	prev := rune('\n')
	if !lineStart {
		prev = ' '
	}
	plain := 0 // start of the text not yet written
	for i := 0; i < len(s); {
		n := m.token(s, i, prev, plain)
		if n == 0 {
			r, size := utf8.DecodeRuneInString(s[i:])
			prev = r
			i += size
			continue
		}
		i += n
		plain = i
		prev = lastRune(s[:i])
	}
	m.text(s[plain:])
}

// token writes the markup that starts at i, after the plain text before it,
// and returns its length; 0 when there is none.
func (m *mrkdwn) token(s string, i int, prev rune, plain int) int {
	rest := s[i:]
	flush := func() { m.text(s[plain:i]) }
	switch {
	case prev == '\n' && strings.HasPrefix(rest, "&gt;"):
		line, n := quoteLine(rest)
		flush()
		m.wrap("blockquote", line)
		return n
	case strings.HasPrefix(rest, "```"):
		end := strings.Index(rest[3:], "```")
		if end <= 0 {
			return 0
		}
		flush()
		m.out.WriteString("<pre>" + template.HTMLEscapeString(decodeEntities(strings.Trim(rest[3:3+end], "\n"))) + "</pre>")
		// The block ends the line itself; a second line end would leave a gap.
		return end + 6 + len(rest[end+6:]) - len(strings.TrimPrefix(rest[end+6:], "\n"))
	case rest[0] == '`':
		end := strings.IndexAny(rest[1:], "`\n")
		if end <= 0 || rest[1+end] == '\n' {
			return 0
		}
		flush()
		m.out.WriteString("<code>" + template.HTMLEscapeString(decodeEntities(rest[1:1+end])) + "</code>")
		return end + 2
	case rest[0] == '<':
		end := strings.IndexAny(rest, ">\n")
		if end < 2 || rest[end] == '\n' {
			return 0
		}
		flush()
		m.control(rest[1:end])
		return end + 1
	case rest[0] == ':':
		return m.emoji(rest, flush)
	}
	return m.styled(rest, prev, flush)
}

// quoteLine returns a quoted line without its mark, and how long it was.
func quoteLine(rest string) (line string, n int) {
	line, _, _ = strings.Cut(rest, "\n")
	n = len(line)
	if n < len(rest) {
		n++ // the block ends the line itself
	}
	return strings.TrimPrefix(strings.TrimPrefix(line, "&gt;"), " "), n
}

// styled writes *bold*, _italic_ and ~strike~, which hold only between words.
func (m *mrkdwn) styled(rest string, prev rune, flush func()) int {
	tag := map[byte]string{'*': "strong", '_': "em", '~': "s"}[rest[0]]
	if tag == "" || isWord(prev) || len(rest) < 3 || rest[1] == ' ' || rest[1] == '\n' || rest[1] == rest[0] {
		return 0
	}
	for j := 2; j < len(rest) && rest[j] != '\n'; j++ {
		if rest[j] != rest[0] || rest[j-1] == ' ' {
			continue
		}
		if next, _ := utf8.DecodeRuneInString(rest[j+1:]); j+1 < len(rest) && isWord(next) {
			continue
		}
		flush()
		m.wrap(tag, rest[1:j])
		return j + 1
	}
	return 0
}

func (m *mrkdwn) wrap(tag, inner string) {
	m.out.WriteString("<" + tag + ">")
	m.inline(inner, false)
	m.out.WriteString("</" + tag + ">")
}

// control writes what stands between < and >: a mention or a link.
func (m *mrkdwn) control(s string) {
	target, label, labelled := strings.Cut(s, "|")
	switch {
	case target == "":
		m.text("<" + s + ">")
	case target[0] == '@' || target[0] == '#':
		name := label
		if !labelled {
			name = m.mention(target[0], target[1:])
		}
		m.span("mention", target[:1]+name)
	case target[0] == '!':
		m.special(target[1:], label)
	default:
		if !labelled {
			label = target
		}
		m.link(decodeEntities(target), label)
	}
}

// special writes <!here>, <!subteam^S1|@sre> and <!date^...|fallback>.
func (m *mrkdwn) special(name, label string) {
	switch {
	case strings.HasPrefix(name, "date^"):
		m.text(label)
	case label != "":
		m.span("mention", label)
	default:
		m.span("mention", "@"+name)
	}
}

func (m *mrkdwn) span(class, text string) {
	m.out.WriteString(`<span class="` + class + `">`)
	m.text(text)
	m.out.WriteString("</span>")
}

func (m *mrkdwn) link(to, label string) {
	if !safeURL(to) {
		m.text(label)
		return
	}
	m.out.WriteString(`<a href="` + template.HTMLEscapeString(to) + `" target="_blank" rel="noopener noreferrer">`)
	m.text(label)
	m.out.WriteString("</a>")
}

// safeURL lets only addresses through that a click cannot turn into script.
func safeURL(to string) bool {
	u, err := url.Parse(to)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https" || u.Scheme == "mailto")
}

func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

func lastRune(s string) rune {
	r, _ := utf8.DecodeLastRuneInString(s)
	return r
}
