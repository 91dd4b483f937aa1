package aurora

import (
	"context"
	"slices"
	"strings"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/aws"
)

const (
	// eventsKept is how far back RDS answers for events.
	// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeEvents.html
	eventsKept = 14 * 24 * time.Hour
	// eventPages bounds the pages of one source: 2000 events.
	eventPages = 20
)

// Events lists what RDS reported in a Region since a time about the database's
// cluster and its instances, oldest first. Events that tell whether
// the old writer was fenced off are marked in the text.
// API: DescribeDBClusters, DescribeEvents.
func (d *Databases) Events(ctx context.Context, s dr.Service, db dr.Resource, in dr.Region, since time.Time) ([]dr.Event, error) {
	one := d.database(s, db)
	id := one.clusterID(in)
	cluster, err := one.cluster(ctx, in, id)
	if err != nil {
		return nil, err
	}
	if oldest := d.cloud.Now().Add(-eventsKept + time.Minute); since.Before(oldest) {
		since = oldest
	}
	events, err := one.events(ctx, in, types.SourceTypeDbCluster, id, since)
	if err != nil {
		return nil, err
	}
	// Fencing is reported against instances, not clusters.
	for _, m := range cluster.DBClusterMembers {
		more, err := one.events(ctx, in, types.SourceTypeDbInstance, awssdk.ToString(m.DBInstanceIdentifier), since)
		if err != nil {
			return nil, err
		}
		events = append(events, more...)
	}
	slices.SortStableFunc(events, func(a, b dr.Event) int { return a.At.Compare(b.At) })
	return events, nil
}

func (d database) events(ctx context.Context, in dr.Region, kind types.SourceType, id string, since time.Time) ([]dr.Event, error) {
	session, client, err := d.rds(in, aws.PurposeRead)
	if err != nil {
		return nil, err
	}
	var events []dr.Event
	var marker *string
	for range eventPages {
		out, err := aws.Read(ctx, session, client.DescribeEvents, &rds.DescribeEventsInput{
			SourceType:       kind,
			SourceIdentifier: awssdk.String(id),
			StartTime:        awssdk.Time(since),
			Marker:           marker,
		})
		if err != nil {
			return nil, err
		}
		for _, e := range out.Events {
			at := awssdk.ToTime(e.Date)
			if at.Before(since) {
				continue
			}
			text := awssdk.ToString(e.Message)
			events = append(events, dr.Event{At: at, Source: string(kind) + " " + awssdk.ToString(e.SourceIdentifier), Text: eventText(text)})
		}
		if marker = out.Marker; awssdk.ToString(marker) == "" {
			break
		}
	}
	return events, nil
}

// eventText is what RDS reported, and marks the two events that say whether Aurora kept the old writer from
// writing on. DescribeEvents gives no event id, so they are told by their text:
// "Attempt to block writes for DB cluster X in Region Y succeeded" (or "timed
// out"), RDS-EVENT-0390 and RDS-EVENT-0391 of
// https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/USER_Events.Messages.html
func eventText(text string) dr.Text {
	lower := strings.ToLower(text)
	switch {
	case strings.Contains(text, "RDS-EVENT-0391"),
		strings.Contains(lower, "block writes") && strings.Contains(lower, "timed out"):
		return dr.T("aurora.event.fencing-late", "event", dr.Foreign(text))
	case strings.Contains(text, "RDS-EVENT-0390"),
		strings.Contains(lower, "block writes") && strings.Contains(lower, "succeeded"):
		return dr.T("aurora.event.fenced", "event", dr.Foreign(text))
	case strings.Contains(lower, "block writes"):
		return dr.T("aurora.event.fencing", "event", dr.Foreign(text))
	}
	return aws.Words(text)
}
