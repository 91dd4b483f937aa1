package aurora

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/aws"
	"github.com/drbot/drbot/internal/aws/awstest"
)

func TestEvents(t *testing.T) {
	since := time.Now().Add(-time.Hour)
	at := func(minutes int) string {
		return since.Add(time.Duration(minutes) * time.Minute).UTC().Format(time.RFC3339)
	}
	event := func(source, text string, minutes int) string {
		return "<Event><SourceIdentifier>" + source + "</SourceIdentifier><Message>" + text + "</Message><Date>" + at(minutes) + "</Date></Event>"
	}
	f := awstest.NewFake(t)
	f.On("DescribeDBClusters", awstest.DBCluster("portal-tokyo", "available", "t"))
	f.On("DescribeEvents", func(w http.ResponseWriter, c awstest.Call) {
		switch {
		case c.Form.Get("SourceType") == "db-instance":
			awstest.XML("<Events>%s%s</Events>",
				event("t", "Attempt to block writes for DB cluster portal-seoul in Region ap-northeast-2 timed out.", 5),
				event("t", "Attempt to block writes for DB cluster portal-seoul in Region ap-northeast-2 succeeded.", 4))(w, c)
		case c.Form.Get("Marker") == "":
			awstest.XML("<Events>%s%s</Events><Marker>2</Marker>", event("portal-tokyo", "too old", -5), event("portal-tokyo", "second", 2))(w, c)
		default:
			awstest.XML("<Events>%s</Events>", event("portal-tokyo", "first", 1))(w, c)
		}
	})
	c := New(f.Client(t))
	got, err := c.Events(t.Context(), awstest.Portal(), awstest.Database(), awstest.Tokyo, since)
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, e := range got {
		texts = append(texts, e.Source+": "+awstest.Say(t, e.Text))
	}
	if len(texts) != 4 || texts[0] != "db-cluster portal-tokyo: first" || texts[1] != "db-cluster portal-tokyo: second" ||
		!strings.Contains(texts[2], "[fencing: the old writer is blocked]") || !strings.Contains(texts[3], "[fencing timed out") {
		t.Errorf("%q", texts)
	}
	if _, err := c.Events(t.Context(), awstest.Portal(), awstest.Database(), awstest.Tokyo, time.Time{}); err != nil {
		t.Error(err)
	}
	start, err := time.Parse(time.RFC3339, f.Last("DescribeEvents").Form.Get("StartTime"))
	if err != nil || time.Since(start) > eventsKept {
		t.Errorf("asked since %s, which RDS refuses", start)
	}
	f.On("DescribeDBClusters", f.Hang)
	_, err = New(f.Client(t, func(o *aws.Options) { o.CallTimeout = 100 * time.Millisecond })).Events(t.Context(), awstest.Portal(), awstest.Database(), awstest.Tokyo, since)
	awstest.Refused(t, err, dr.Temporary)
}
