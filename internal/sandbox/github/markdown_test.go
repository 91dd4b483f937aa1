package github

import (
	"strings"
	"testing"
)

func TestMarkdown(t *testing.T) {
	for src, want := range map[string]string{
		"# A\n## B":                         "<h1>A</h1>\n<h2>B</h2>\n",
		"a *b* **c** ~~d~~":                 "<p>a <em>b</em> <strong>c</strong> <del>d</del></p>\n",
		"snake_case_name and a_b_c":         "<p>snake_case_name and a_b_c</p>\n",
		"`<b>` & <b>":                       "<p><code>&lt;b&gt;</code> &amp; &lt;b&gt;</p>\n",
		"- a\n- b\n  - c\n- d":              "<ul><li>a</li><li>b<ul><li>c</li></ul>\n</li><li>d</li></ul>\n",
		"1. a\n2. b":                        "<ol><li>a</li><li>b</li></ol>\n",
		"- [x] done\n- [ ] open":            "<ul><li><span class=\"task\">&#9745;</span> done</li><li><span class=\"task\">&#9744;</span> open</li></ul>\n",
		"> said\n> more":                    "<blockquote><p>said<br>\nmore</p>\n</blockquote>\n",
		"before <!-- drbot:plan --> after":  "<p>before  after</p>\n",
		"```\n<!-- kept -->\n# x\n```":      "<pre><code>&lt;!-- kept --&gt;\n# x\n</code></pre>\n",
		"---":                               "<hr>\n",
		"<details>\n<summary>S</summary>\n": "<details>\n<summary>S</summary>\n</details>\n",
		"</details></summary>x":             "<p>x</p>\n",
		"[a](http://x/?a=1&b=2)":            `<p><a href="http://x/?a=1&amp;b=2" rel="nofollow noopener noreferrer" target="_blank">a</a></p>` + "\n",
		"[a](javascript:alert)":             "<p>[a](javascript:alert)</p>\n",
		"| a | b |\n|:--|--:|\n| 1\\|2 |":   `<div class="table"><table><thead><tr><th>a</th><th>b</th></tr></thead><tbody><tr><td>1|2</td><td></td></tr></tbody></table></div>` + "\n",
		"<details onclick=x>":               "<p>&lt;details onclick=x&gt;</p>\n",
	} {
		if got := string(renderMarkdown(src)); got != want {
			t.Errorf("%q\n got %q\nwant %q", src, got, want)
		}
	}
}

// Whatever goes in, only known tags without handlers come out, and folds are balanced.
func FuzzMarkdown(f *testing.F) {
	for _, s := range []string{"<script>", "[x](http://\"onmouseover=a)", "`a`<b>`c", "<details><summary>**a\n```\n</details>", "| a |\n|-|\n|<i>|", "**<b>** _`_`_"} {
		f.Add(s)
	}
	known := map[string]bool{}
	for tag := range strings.FieldsSeq("h1 h2 h3 h4 h5 h6 p br em strong del code pre a ul ol li blockquote hr details summary table thead tbody tr th td div span") {
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
			name, attrs, _ := strings.Cut(strings.TrimPrefix(tag, "/"), " ")
			if !known[name] {
				t.Fatalf("%q: tag <%s> in %q", src, tag, out)
			}
			if attrs != "" && attrs != "open" && !strings.HasPrefix(attrs, `class="`) && !strings.HasPrefix(attrs, `href="http`) {
				t.Fatalf("%q: attributes %q in %q", src, attrs, out)
			}
			rest = tail
		}
		if strings.Count(out, "<details") != strings.Count(out, "</details") || strings.Count(out, "<summary") != strings.Count(out, "</summary") {
			t.Fatalf("%q: folds are not balanced in %q", src, out)
		}
	})
}
