package github

import (
	"html"
	"html/template"
	"regexp"
	"strings"
)

// renderMarkdown turns the subset of Markdown that pull requests use into HTML: headings, lists, tables, code
// fences, quotes, bold, italic, code, links and <details>. Whatever else it meets, it escapes: only the tags written
// in this file can come out.
func renderMarkdown(src string) template.HTML {
	m := &markdown{lines: strings.Split(strings.ReplaceAll(hideComments(src), "\r\n", "\n"), "\n")}
	m.render()
	return template.HTML(m.out.String())
}

var (
	commentRule = regexp.MustCompile(`(?s)<!--.*?-->`)
	foldRule    = regexp.MustCompile(`(?i)</?(?:details|summary)(?:\s+open(?:="")?)?\s*>`)
	headRule    = regexp.MustCompile(`^(#{1,6})\s+(.*?)\s*#*$`)
	itemRule    = regexp.MustCompile(`^(\s*)([-*+]|\d{1,9}[.)])\s+(.*)$`)
	fenceRule   = regexp.MustCompile("^\\s{0,3}(`{3,}|~{3,})\\s*([A-Za-z0-9_+-]*)[^`]*$")
	rowRule     = regexp.MustCompile(`^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$`)
	ruleRule    = regexp.MustCompile(`^\s{0,3}(?:-\s*){3,}$|^\s{0,3}(?:\*\s*){3,}$|^\s{0,3}(?:_\s*){3,}$`)
	taskRule    = regexp.MustCompile(`^\[([ xX])\]\s+`)
)

// hideComments drops HTML comments outside code fences, where bots keep their markers.
func hideComments(src string) string {
	parts := strings.Split(src, "```")
	for i := 0; i < len(parts); i += 2 {
		parts[i] = commentRule.ReplaceAllString(parts[i], "")
	}
	return strings.Join(parts, "```")
}

type markdown struct {
	lines []string
	out   strings.Builder
	para  []string
	open  []string // fold tags to close, innermost last
}

func (m *markdown) render() {
	for len(m.lines) > 0 {
		line := m.lines[0]
		switch {
		case fenceRule.MatchString(line):
			m.fence()
		case foldRule.MatchString(line):
			m.fold()
		case strings.TrimSpace(line) == "":
			m.flush()
			m.lines = m.lines[1:]
		case headRule.MatchString(line):
			m.flush()
			h := headRule.FindStringSubmatch(line)
			tag := "h" + string(rune('0'+len(h[1])))
			m.out.WriteString("<" + tag + ">" + inline(h[2]) + "</" + tag + ">\n")
			m.lines = m.lines[1:]
		case len(m.para) == 0 && ruleRule.MatchString(line):
			m.out.WriteString("<hr>\n")
			m.lines = m.lines[1:]
		case itemRule.MatchString(line):
			m.flush()
			m.list()
		case strings.HasPrefix(strings.TrimSpace(line), ">"):
			m.flush()
			m.quote()
		case m.isTable():
			m.flush()
			m.table()
		default:
			m.para = append(m.para, line)
			m.lines = m.lines[1:]
		}
	}
	m.flush()
	for len(m.open) > 0 {
		m.close()
	}
}

// flush ends the paragraph that has gathered.
func (m *markdown) flush() {
	if len(m.para) == 0 {
		return
	}
	text := inline(strings.Join(m.para, "\n"))
	m.para = nil
	if m.inSummary() {
		m.out.WriteString(text)
		return
	}
	m.out.WriteString("<p>" + text + "</p>\n")
}

func (m *markdown) inSummary() bool { return len(m.open) > 0 && m.open[len(m.open)-1] == "summary" }

func (m *markdown) close() {
	last := len(m.open) - 1
	m.out.WriteString("</" + m.open[last] + ">\n")
	m.open = m.open[:last]
}

func (m *markdown) fence() {
	m.flush()
	f := fenceRule.FindStringSubmatch(m.lines[0])
	m.lines = m.lines[1:]
	class := ""
	if f[2] != "" {
		class = ` class="language-` + html.EscapeString(f[2]) + `"`
	}
	var body strings.Builder
	for len(m.lines) > 0 {
		line := m.lines[0]
		m.lines = m.lines[1:]
		if t := strings.TrimSpace(line); strings.HasPrefix(t, f[1]) && strings.Trim(t, f[1][:1]) == "" {
			break
		}
		body.WriteString(codeLine(line, f[2]))
	}
	m.out.WriteString("<pre><code" + class + ">" + body.String() + "</code></pre>\n")
}

// codeLine colours the lines of a diff.
func codeLine(line, language string) string {
	text := html.EscapeString(line) + "\n"
	if language != "diff" || line == "" {
		return text
	}
	switch line[0] {
	case '+':
		return `<span class="add">` + text + `</span>`
	case '-':
		return `<span class="del">` + text + `</span>`
	case '@':
		return `<span class="hunk">` + text + `</span>`
	}
	return text
}

// fold takes the first <details> or <summary> tag of the line and leaves what follows it on the line. Tags that do
// not fit where they stand are dropped, so that the page always stays well formed.
func (m *markdown) fold() {
	line := m.lines[0]
	at := foldRule.FindStringIndex(line)
	if before := line[:at[0]]; strings.TrimSpace(before) != "" {
		m.para = append(m.para, before)
	}
	m.flush()
	tag := strings.ToLower(line[at[0]:at[1]])
	inside := len(m.open) > 0
	switch {
	case strings.HasPrefix(tag, "<details") && !m.inSummary():
		m.open = append(m.open, "details")
		if strings.Contains(tag, " open") {
			m.out.WriteString("<details open>\n")
		} else {
			m.out.WriteString("<details>\n")
		}
	case strings.HasPrefix(tag, "<summary") && inside && !m.inSummary():
		m.open = append(m.open, "summary")
		m.out.WriteString("<summary>")
	case strings.HasPrefix(tag, "</summary") && m.inSummary():
		m.close()
	case strings.HasPrefix(tag, "</details") && inside:
		if m.inSummary() {
			m.close()
		}
		m.close()
	}
	if m.lines[0] = line[at[1]:]; strings.TrimSpace(m.lines[0]) == "" {
		m.lines = m.lines[1:]
	}
}

// list renders the items that follow, nesting by indentation.
func (m *markdown) list() {
	type level struct {
		indent int
		tag    string
	}
	var levels []level
	shut := func() {
		m.out.WriteString("</li></" + levels[len(levels)-1].tag + ">\n")
		levels = levels[:len(levels)-1]
	}
	for len(m.lines) > 0 {
		line := m.lines[0]
		item := itemRule.FindStringSubmatch(line)
		if item == nil {
			lazy := strings.HasPrefix(line, "  ") && strings.TrimSpace(line) != ""
			if !lazy || foldRule.MatchString(line) || fenceRule.MatchString(line) {
				break
			}
			m.out.WriteString("<br>" + inline(strings.TrimSpace(line)))
			m.lines = m.lines[1:]
			continue
		}
		m.lines = m.lines[1:]
		indent := len(strings.ReplaceAll(item[1], "\t", "    "))
		tag := "ul"
		if len(item[2]) > 1 {
			tag = "ol"
		}
		for len(levels) > 1 && indent < levels[len(levels)-1].indent {
			shut()
		}
		if len(levels) == 0 || indent >= levels[len(levels)-1].indent+2 {
			levels = append(levels, level{indent, tag})
			m.out.WriteString("<" + tag + ">")
		} else {
			m.out.WriteString("</li>")
		}
		m.out.WriteString("<li>" + listItem(item[3]))
	}
	for len(levels) > 0 {
		shut()
	}
}

func listItem(text string) string {
	t := taskRule.FindStringSubmatch(text)
	if t == nil {
		return inline(text)
	}
	box := `<span class="task">&#9744;</span> `
	if t[1] != " " {
		box = `<span class="task">&#9745;</span> `
	}
	return box + inline(text[len(t[0]):])
}

func (m *markdown) quote() {
	var inner []string
	for len(m.lines) > 0 && strings.HasPrefix(strings.TrimSpace(m.lines[0]), ">") {
		inner = append(inner, strings.TrimPrefix(strings.TrimPrefix(strings.TrimSpace(m.lines[0]), ">"), " "))
		m.lines = m.lines[1:]
	}
	sub := &markdown{lines: inner}
	sub.render()
	m.out.WriteString("<blockquote>" + sub.out.String() + "</blockquote>\n")
}

func (m *markdown) isTable() bool {
	return len(m.lines) > 1 && strings.Contains(m.lines[0], "|") && strings.Contains(m.lines[1], "-") &&
		strings.Contains(m.lines[1], "|") && rowRule.MatchString(m.lines[1])
}

func (m *markdown) table() {
	head := cells(m.lines[0])
	m.lines = m.lines[2:]
	m.out.WriteString(`<div class="table"><table>`)
	if strings.Join(head, "") != "" { // a table of facts has no head worth a row
		m.out.WriteString("<thead><tr>")
		for _, c := range head {
			m.out.WriteString("<th>" + inline(c) + "</th>")
		}
		m.out.WriteString("</tr></thead>")
	}
	m.out.WriteString("<tbody>")
	for len(m.lines) > 0 && strings.Contains(m.lines[0], "|") && strings.TrimSpace(m.lines[0]) != "" {
		row := cells(m.lines[0])
		m.lines = m.lines[1:]
		m.out.WriteString("<tr>")
		for i := range head {
			c := ""
			if i < len(row) {
				c = row[i]
			}
			m.out.WriteString("<td>" + inline(c) + "</td>")
		}
		m.out.WriteString("</tr>")
	}
	m.out.WriteString("</tbody></table></div>\n")
}

// cells splits a row at the bars that are neither escaped nor inside code.
func cells(row string) []string {
	row = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(row), "|"), "|")
	var out []string
	var cell strings.Builder
	code := false
	for i := 0; i < len(row); i++ {
		switch c := row[i]; {
		case c == '\\' && i+1 < len(row) && row[i+1] == '|':
			cell.WriteByte('|')
			i++
		case c == '|' && !code:
			out = append(out, strings.TrimSpace(cell.String()))
			cell.Reset()
		default:
			code = code != (c == '`')
			cell.WriteByte(c)
		}
	}
	return append(out, strings.TrimSpace(cell.String()))
}
