package slack

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestMrkdwn(t *testing.T) {
	name := func(kind byte, id string) string { return map[string]string{"U1": "Mina", "C1": "ops"}[id] }
	for in, want := range map[string]string{
		"*bold* _it_ ~gone~ `a*b*`":       "<strong>bold</strong> <em>it</em> <s>gone</s> <code>a*b*</code>",
		"*bold _both_*":                   "<strong>bold <em>both</em></strong>",
		"2*3*4 snake_case_name a ~ b":     "2*3*4 snake_case_name a ~ b",
		"* not bold * **":                 "* not bold * **",
		"a\nb":                            "a<br>b",
		"```x < y\n*z*```\nafter":         "<pre>x &lt; y\n*z*</pre>after",
		"&lt;b&gt; &amp;amp; <b>":         "&lt;b&gt; &amp;amp; b",
		"hi <@U1>, <#C1> <!here>":         `hi <span class="mention">@Mina</span>, <span class="mention">#ops</span> <span class="mention">@here</span>`,
		"<!subteam^S1|@sre>":              `<span class="mention">@sre</span>`,
		"<https://e.x/?a=1&amp;b=2|see>":  `<a href="https://e.x/?a=1&amp;b=2" target="_blank" rel="noopener noreferrer">see</a>`,
		"<javascript:alert(1)|see>":       "see",
		"<!date^1700000000^{date}|then>":  "then",
		"&gt; quoted *it*\nnot":           "<blockquote>quoted <strong>it</strong></blockquote>not",
		":white_check_mark: :nope: 10:30": `<span class="emoji" title=":white_check_mark:">✅</span> :nope: 10:30`,
		"`unclosed *and* <open":           "`unclosed <strong>and</strong> &lt;open",
	} {
		if got := string(renderMrkdwn(in, name)); got != want {
			t.Errorf("%q\n got %s\nwant %s", in, got, want)
		}
	}
}

func FuzzMrkdwn(f *testing.F) {
	for _, seed := range []string{"*a _b* c_", "<a|b> `x` ```y```", "&gt; <@U> :x:", "<https://e.x/\"onclick=x|y>", "*<*>*"} {
		f.Add(seed)
	}
	allowed := map[string]bool{
		"strong": true, "em": true, "s": true, "code": true, "pre": true, "br": true, "a": true, "span": true, "blockquote": true,
	}
	f.Fuzz(func(t *testing.T, in string) {
		html := strings.ReplaceAll(string(renderMrkdwn(strings.ToValidUTF8(in, ""), func(_ byte, id string) string { return id })), "<br>", "<br/>")
		d := xml.NewDecoder(strings.NewReader("<div>" + html + "</div>"))
		d.Entity = xml.HTMLEntity
		for {
			tok, err := d.Token()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				if strings.Contains(err.Error(), "illegal character code") {
					return // control characters are no XML, but harmless
				}
				t.Fatalf("%q became %s: %v", in, html, err)
			}
			if e, ok := tok.(xml.StartElement); ok && e.Name.Local != "div" {
				if !allowed[e.Name.Local] {
					t.Fatalf("%q became a <%s>", in, e.Name.Local)
				}
				for _, a := range e.Attr {
					if strings.HasPrefix(a.Name.Local, "on") || strings.HasPrefix(a.Value, "javascript:") {
						t.Fatalf("%q gave an attribute %s=%s", in, a.Name.Local, a.Value)
					}
				}
			}
		}
	})
}
