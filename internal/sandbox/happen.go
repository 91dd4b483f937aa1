package sandbox

import (
	"context"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/drbot/drbot/internal/sandbox/aws"
)

// What may happen while people read is put at the hand of whoever plays: to see that what
// has become worse is asked about again.

// Happening is something that happens to the world.
type Happening struct {
	Name, What string
	do         func(context.Context, *World) error
}

// lagging is how far the replication falls behind by hand: beyond ten times a good
// reading and beyond 10 s, and within the RPO.
const lagging = 45 * time.Second

// Happenings lists what may happen, what makes all well again last.
func Happenings() []Happening {
	return []Happening{
		{"lag", "the replication falls " + lagging.String() + " behind: what was approved with less is asked about again", func(ctx context.Context, w *World) error {
			return w.Cloud.ReportLag(ctx, lagging)
		}},
		{"silence", "nobody tells the lag any more: after some minutes it is unknown", func(ctx context.Context, w *World) error {
			return w.Cloud.SetFaults(ctx, aws.Faults{LagMissing: true})
		}},
		{"stack", "dave merges a resource into the stack of " + standby + ": it is planned again, and asked about; no run applies it by itself, so that it is drift too", func(ctx context.Context, w *World) error {
			return w.moveBase(ctx, stackFolder+"/"+standby+"/main.tf", "resource \"terraform_data\" \"by_hand_%s\" {\n  input = \"nobody approved this\"\n}\n")
		}},
		{"elsewhere", "dave merges something that no stack reads: no plan and no approval changes", func(ctx context.Context, w *World) error {
			return w.moveBase(ctx, "NOTES.md", "Note %s.\n")
		}},
		{"writer", "somebody moves the writer by hand, to the other Region", func(ctx context.Context, w *World) error {
			return w.Cloud.MoveWriter(ctx)
		}},
		{"well", "the replication is well again, and told", func(ctx context.Context, w *World) error {
			if err := w.Cloud.SetFaults(ctx, aws.Faults{}); err != nil {
				return err
			}
			return w.Cloud.ReportLag(ctx, aws.DefaultLag)
		}},
	}
}

// moveBase puts something at the end of a file of the base, another each time.
func (w *World) moveBase(ctx context.Context, path, format string) error {
	was, err := w.Hub.FileAt(ctx, "main", path)
	if err != nil {
		was = nil // it is new
	}
	more := fmt.Sprintf(format, strconv.FormatInt(time.Now().UnixNano(), 36))
	content := strings.TrimLeft(strings.TrimRight(string(was), "\n")+"\n\n"+more, "\n")
	_, err = w.Hub.MoveBase(ctx, loginOf("dave"), path, content, "something by hand")
	return err
}

// happenPage has a button for each, and says what it was that happened.
var happenPage = template.Must(template.New("happen").Parse(`<!doctype html><html lang="en"><head><meta charset="utf-8"><title>The world</title>
<style>body{font:16px/1.5 system-ui;max-width:44em;margin:2em auto;padding:0 1em}button{min-width:8em;margin-right:1em}p{display:flex;align-items:baseline}</style></head>
<body><h1>The world</h1>{{if .Said}}<p role="status"><strong>{{.Said}}</strong></p>{{end}}
{{range .All}}<form method="post" action="/{{.Name}}"><p><button>{{.Name}}</button> {{.What}}</p></form>
{{end}}</body></html>
`))

// happens serves the page, and has happen what is posted to /NAME.
func (w *World) happens(all []Happening) http.Handler {
	show := func(out http.ResponseWriter, status int, said string) {
		out.Header().Set("Content-Type", "text/html; charset=utf-8")
		out.WriteHeader(status)
		_ = happenPage.Execute(out, map[string]any{"Said": said, "All": all}) // whoever has hung up knows
	}
	return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		i := slices.IndexFunc(all, func(h Happening) bool { return "/"+h.Name == r.URL.Path })
		switch {
		case r.Method == http.MethodGet && r.URL.Path == "/":
			show(out, http.StatusOK, "")
		case i < 0:
			show(out, http.StatusNotFound, "there is nothing of that name")
		case r.Method != http.MethodPost:
			show(out, http.StatusMethodNotAllowed, "press the button, or POST: curl -X POST http://"+r.Host+r.URL.Path)
		default:
			if err := all[i].do(r.Context(), w); err != nil {
				show(out, http.StatusInternalServerError, all[i].Name+": "+err.Error())
				return
			}
			w.say("world    %s", all[i].What)
			show(out, http.StatusOK, "it has happened: "+all[i].What)
		}
	})
}

// ServeHappenings puts the page at an address and gives its URL.
func (w *World) ServeHappenings(addr string) (string, error) {
	return w.listen(addr, w.happens(Happenings()))
}
