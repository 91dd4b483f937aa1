package main

import (
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/aws"
	"github.com/drbot/drbot/internal/aws/systems"
	"github.com/drbot/drbot/text"
)

// TestCaseAWS11TheRegionOfTheBase is told at the start, and by every look at whether a
// service could be moved, the nightly one among them.
func TestCaseAWS11TheRegionOfTheBase(t *testing.T) {
	catalogue, err := standard().catalogue()
	if err != nil {
		t.Fatal(err)
	}
	words := catalogue.In(language, text.Slack)
	services := map[string]dr.Service{
		"portal": {Name: "portal", Regions: []dr.Region{"ap-northeast-2", "ap-northeast-1"}},
		"mail":   {Name: "mail", Regions: []dr.Region{"eu-west-1", "eu-central-1"}},
	}
	for region, want := range map[string]int{"ap-northeast-2": 1, "ap-northeast-3": 0} {
		t.Setenv("AWS_REGION", region)
		cloud, err := aws.New(t.Context(), aws.Options{Endpoint: "http://127.0.0.1:1"})
		if err != nil {
			t.Fatal(err)
		}
		var log strings.Builder
		tellBased(t.Context(), cloud, services, slog.New(slog.NewTextHandler(&log, nil)), words.Say)
		if n := strings.Count(log.String(), "service=portal"); n != want || strings.Contains(log.String(), "service=mail") {
			t.Errorf("%s: %s", region, log.String())
		}
		checks := based{systems.All(cloud), cloud}.Checks(t.Context(), services["portal"], dr.Disaster, "ap-northeast-2", "ap-northeast-1")
		if n := len(slices.DeleteFunc(checks, func(c dr.Check) bool { return c.Level != dr.Warn || c.Name != aws.BaseSpec().ID })); n != want {
			t.Errorf("%s: %+v", region, checks)
		}
	}
}
