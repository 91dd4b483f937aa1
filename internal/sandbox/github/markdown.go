package github

import (
	"html/template"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	render "github.com/yuin/goldmark/renderer/html"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// markdownRules are those of GitHub's comments: its flavour, and a line's end is one. The
// HTML that people write comes through here and is judged by clean.
var markdownRules = goldmark.New(
	goldmark.WithExtensions(extension.Linkify, extension.Strikethrough, extension.TaskList,
		extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignAttribute))),
	goldmark.WithRendererOptions(render.WithHardWraps(), render.WithUnsafe()),
)

// renderMarkdown turns what people and bots write into HTML as GitHub does: rendered,
// read as a browser would read it, and cleaned. What comes out is well formed and holds
// nothing that is not on the lists below.
func renderMarkdown(src string) template.HTML {
	var raw, out strings.Builder
	if err := markdownRules.Convert([]byte(src), &raw); err != nil {
		return plain(src)
	}
	body := &html.Node{Type: html.ElementNode, Data: "body", DataAtom: atom.Body}
	nodes, err := html.ParseFragment(strings.NewReader(raw.String()), body)
	if err != nil { // nested deeper than anybody writes
		return plain(src)
	}
	for _, n := range nodes {
		body.AppendChild(n)
	}
	clean(body)
	for n := range body.ChildNodes() {
		if err := html.Render(&out, n); err != nil {
			return plain(src)
		}
	}
	return template.HTML(out.String())
}

// plain shows a text as it is.
func plain(src string) template.HTML {
	return template.HTML("<pre>" + html.EscapeString(src) + "</pre>")
}

// elements are those that come through, <details> and <summary> among them, which
// people write as HTML.
var elements = atoms("h1 h2 h3 h4 h5 h6 p br hr em strong del code pre a ul ol li blockquote details summary table thead tbody tr th td input")

// silent are the elements whose text is not for people. The text of every other one
// stays when the element goes.
var silent = atoms("script style iframe object embed template noscript noembed noframes textarea title select svg math xmp plaintext")

func atoms(names string) map[atom.Atom]bool {
	out := map[atom.Atom]bool{}
	for name := range strings.FieldsSeq(names) {
		out[atom.Lookup([]byte(name))] = true
	}
	return out
}

// clean takes everything out of a node that is not on the lists.
func clean(n *html.Node) {
	for c := n.FirstChild; c != nil; {
		next := c.NextSibling
		switch {
		case c.Type == html.TextNode:
		case c.Type != html.ElementNode || c.Namespace != "" || silent[c.DataAtom]:
			n.RemoveChild(c) // a comment is where bots keep their markers
		case !elements[c.DataAtom]:
			clean(c)
			for in := c.FirstChild; in != nil; in = c.FirstChild {
				c.RemoveChild(in)
				n.InsertBefore(in, c)
			}
			n.RemoveChild(c)
		default:
			c.Attr = attributes(c)
			clean(c)
		}
		c = next
	}
}

// attributes are those of an element that come through.
func attributes(n *html.Node) []html.Attribute {
	var out []html.Attribute
	for _, a := range n.Attr {
		switch {
		case a.Namespace != "":
		case n.DataAtom == atom.A && a.Key == "href" && toTheWeb(a.Val):
			out = append(out, a, html.Attribute{Key: "rel", Val: "nofollow noopener noreferrer"}, html.Attribute{Key: "target", Val: "_blank"})
		case n.DataAtom == atom.Details && a.Key == "open", n.DataAtom == atom.Input && a.Key == "checked":
			out = append(out, html.Attribute{Key: a.Key})
		case (n.DataAtom == atom.Th || n.DataAtom == atom.Td) && a.Key == "align" && (a.Val == "left" || a.Val == "center" || a.Val == "right"):
			out = append(out, a)
		case n.DataAtom == atom.Ol && a.Key == "start":
			out = append(out, a)
		}
	}
	if n.DataAtom == atom.Input { // the box of a task; another kind of input is none
		out = append(out, html.Attribute{Key: "type", Val: "checkbox"}, html.Attribute{Key: "disabled"})
	}
	return out
}

// toTheWeb tells whether an address is one that the page links to.
func toTheWeb(address string) bool {
	return strings.HasPrefix(address, "https://") || strings.HasPrefix(address, "http://")
}
