package aws

import (
	"context"
	"slices"
	"strings"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/drbot/drbot/dr"
)

const (
	// eventsKept is how far back RDS answers for events.
	// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeEvents.html
	eventsKept = 14 * 24 * time.Hour
	// eventPages bounds the pages of one source: 2000 events.
	eventPages = 20
)

// DatabaseEvents lists what RDS reported in a Region since a time about the
// service's cluster and its instances, oldest first. Events that tell whether
// the old writer was fenced off are marked in the text.
// API: DescribeDBClusters, DescribeEvents.
func (c *Client) DatabaseEvents(ctx context.Context, s dr.Service, in dr.Region, since time.Time) ([]dr.Event, error) {
	id := s.Database.ClusterID(in)
	cluster, err := c.cluster(ctx, s, in, id)
	if err != nil {
		return nil, err
	}
	if oldest := c.now().Add(-eventsKept + time.Minute); since.Before(oldest) {
		since = oldest
	}
	events, err := c.events(ctx, s, in, types.SourceTypeDbCluster, id, since)
	if err != nil {
		return nil, err
	}
	// Fencing is reported against instances, not clusters.
	for _, m := range cluster.DBClusterMembers {
		more, err := c.events(ctx, s, in, types.SourceTypeDbInstance, awssdk.ToString(m.DBInstanceIdentifier), since)
		if err != nil {
			return nil, err
		}
		events = append(events, more...)
	}
	slices.SortStableFunc(events, func(a, b dr.Event) int { return a.At.Compare(b.At) })
	return events, nil
}

func (c *Client) events(ctx context.Context, s dr.Service, in dr.Region, kind types.SourceType, id string, since time.Time) ([]dr.Event, error) {
	sv, err := c.in(s, in, PurposeRead)
	if err != nil {
		return nil, err
	}
	var events []dr.Event
	var marker *string
	for range eventPages {
		out, err := read(ctx, sv, sv.rds.DescribeEvents, &rds.DescribeEventsInput{
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
			events = append(events, dr.Event{At: at, Source: string(kind) + " " + awssdk.ToString(e.SourceIdentifier), Text: fencing(text) + text})
		}
		if marker = out.Marker; awssdk.ToString(marker) == "" {
			break
		}
	}
	return events, nil
}

// fencing marks the two events that say whether Aurora kept the old writer from
// writing on. DescribeEvents gives no event id, so they are told by their text:
// "Attempt to block writes for DB cluster X in Region Y succeeded" (or "timed
// out"), RDS-EVENT-0390 and RDS-EVENT-0391 of
// https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/USER_Events.Messages.html
func fencing(text string) string {
	lower := strings.ToLower(text)
	switch {
	case strings.Contains(text, "RDS-EVENT-0391"),
		strings.Contains(lower, "block writes") && strings.Contains(lower, "timed out"):
		return "[fencing timed out: the old writer may still take writes] "
	case strings.Contains(text, "RDS-EVENT-0390"),
		strings.Contains(lower, "block writes") && strings.Contains(lower, "succeeded"):
		return "[fencing: the old writer is blocked] "
	case strings.Contains(lower, "block writes"):
		return "[fencing] "
	}
	return ""
}
