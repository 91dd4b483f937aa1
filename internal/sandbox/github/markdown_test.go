package github

import (
	"regexp"
	"strings"
	"testing"
)

func TestMarkdown(t *testing.T) {
	for src, want := range map[string]string{
		"# A\n## B":                         "<h1>A</h1>\n<h2>B</h2>\n",
		"a *b* **c** ~~d~~\ne":              "<p>a <em>b</em> <strong>c</strong> <del>d</del><br/>\ne</p>\n",
		"snake_case_name and a_b_c":         "<p>snake_case_name and a_b_c</p>\n",
		"`<b>` & <b>":                       "<p><code>&lt;b&gt;</code> &amp; </p>\n",
		"- a\n- b\n  - c\n- d":              "<ul>\n<li>a</li>\n<li>b\n<ul>\n<li>c</li>\n</ul>\n</li>\n<li>d</li>\n</ul>\n",
		"3. a\n4. b":                        "<ol start=\"3\">\n<li>a</li>\n<li>b</li>\n</ol>\n",
		"- [x] done\n- [ ] open":            "<ul>\n<li><input checked=\"\" type=\"checkbox\" disabled=\"\"/> done</li>\n<li><input type=\"checkbox\" disabled=\"\"/> open</li>\n</ul>\n",
		"> said\n> more":                    "<blockquote>\n<p>said<br/>\nmore</p>\n</blockquote>\n",
		"before <!-- drbot:plan --> after":  "<p>before  after</p>\n",
		"<!-- drbot:plan -->\n\nafter":      "\n<p>after</p>\n",
		"```\n<!-- kept -->\n# x\n```":      "<pre><code>&lt;!-- kept --&gt;\n# x\n</code></pre>\n",
		"---":                               "<hr/>\n",
		"<details>\n<summary>S</summary>\n": "<details>\n<summary>S</summary>\n</details>",
		"<details open><summary>s: 2</summary>\n\n```\n+ <b>\n```\n\n</details>\n\nx": "<details open=\"\"><summary>s: 2</summary>\n<pre><code>+ &lt;b&gt;\n</code></pre>\n</details>\n<p>x</p>\n",
		"</details></summary>x":            "x",
		"[a](http://x/?a=1&b=2)":           `<p><a href="http://x/?a=1&amp;b=2" rel="nofollow noopener noreferrer" target="_blank">a</a></p>` + "\n",
		"see https://x.io/y.":              `<p>see <a href="https://x.io/y" rel="nofollow noopener noreferrer" target="_blank">https://x.io/y</a>.</p>` + "\n",
		"[a](javascript:alert)":            "<p><a>a</a></p>\n",
		"<a href=' javascript:x'>a</a>":    "<p><a>a</a></p>\n",
		"![a](http://x/a.png)":             "<p></p>\n",
		"| a | b |\n|:--|--:|\n| 1\\|2 |":  "<table>\n<thead>\n<tr>\n<th align=\"left\">a</th>\n<th align=\"right\">b</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n<td align=\"left\">1|2</td>\n<td></td>\n</tr>\n</tbody>\n</table>\n",
		"<details onclick=x>":              "<details></details>",
		"<script>a</script>b":              "b",
		"<svg><style><img onerror=x>":      "<p></p>\n",
		"<div><form>a<input name=x></div>": "a<input type=\"checkbox\" disabled=\"\"/>",
		strings.Repeat("<b>", 600):         "<pre>" + strings.Repeat("&lt;b&gt;", 600) + "</pre>",
	} {
		if got := string(renderMarkdown(src)); got != want {
			t.Errorf("%q\n got %q\nwant %q", src, got, want)
		}
	}
}

// harmless is every set of attributes that may come out.
var harmless = regexp.MustCompile(`^(open=""|align="(left|center|right)"|start="[^"]*"|(checked="" )*type="checkbox" disabled=""|href="https?://[^"]*" rel="nofollow noopener noreferrer" target="_blank")$`)

// Whatever goes in, only known tags without handlers come out, and folds are balanced.
func FuzzMarkdown(f *testing.F) {
	for _, s := range []string{"<script>", "[x](http://\"onmouseover=a)", "`a`<b>`c", "<details><summary>**a\n```\n</details>", "| a |\n|-|\n|<i>|", "**<b>** _`_`_", "<svg><p><style><img src=x onerror=y>", "<math><mtext><table><mglyph><style><!--</style>", "> <details>\n\n</details>", "<a href=\"java\tscript:x\">", "<noscript><p title=\"</noscript><img src=x onerror=y>\">"} {
		f.Add(s)
	}
	known := map[string]bool{}
	for tag := range strings.FieldsSeq("h1 h2 h3 h4 h5 h6 p br em strong del code pre a ul ol li blockquote hr details summary table thead tbody tr th td input") {
		known[tag] = true
	}
	f.Fuzz(func(t *testing.T, src string) {
		out := string(renderMarkdown(src))
		for rest := out; ; {
			_, after, ok := strings.Cut(rest, "<")
			if !ok {
				break
			}
			tag, tail, ok := strings.Cut(after, ">")
			if !ok {
				t.Fatalf("%q: an open tag in %q", src, out)
			}
			name, attrs, _ := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(tag, "/"), "/"), " ")
			if !known[name] {
				t.Fatalf("%q: tag <%s> in %q", src, tag, out)
			}
			if attrs != "" && !harmless.MatchString(attrs) {
				t.Fatalf("%q: attributes %q in %q", src, attrs, out)
			}
			rest = tail
		}
		if strings.Count(out, "<details") != strings.Count(out, "</details") || strings.Count(out, "<summary") != strings.Count(out, "</summary") {
			t.Fatalf("%q: folds are not balanced in %q", src, out)
		}
	})
}
