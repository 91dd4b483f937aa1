package tf

import (
	"testing"

	"github.com/drbot/drbot/dr"
)

// ledTo is the plan of what leads the users.
func ledTo(t *testing.T, change string) planned {
	t.Helper()
	raw := parsePlan(t, `{"format_version": "1.2", "terraform_version": "1.11.4", "resource_changes": [
	  {"address": "aws_route53_record.public", "mode": "managed", "type": "aws_route53_record", "change": `+change+`}]}`)
	p, err := allowed(raw, []byte("key"), "traffic", false)
	if err != nil {
		t.Fatal(err)
	}
	p.Leads = true
	return planned{Plan: p, raw: raw}
}

// TestTrafficLosesAPath sees that what was approved to lead to the target does so when a
// plan that changes less is applied: an attribute beside it is none of it.
func TestTrafficLosesAPath(t *testing.T) {
	update := func(before, after, unknown string) planned {
		return ledTo(t, `{"actions": ["update"], "before": `+before+`, "after": `+after+`, "after_unknown": `+unknown+`}`)
	}
	const seoul, tokyo = `{"id": "Z_x", "records": ["seoul.x"], "ttl": 60}`, `{"id": "Z_x", "records": ["tokyo.x"], "ttl": 30}`
	approved := update(seoul, tokyo, `{}`).Plan
	late := update(seoul, `{"id": "Z_x", "ttl": 30}`, `{"records": true}`).Plan
	for name, c := range map[string]struct {
		approved dr.Plan
		now      planned
		wider    bool
	}{
		"all of it":                              {approved, update(seoul, tokyo, `{}`), false},
		"the time alone":                         {approved, update(seoul, `{"id": "Z_x", "records": ["seoul.x"], "ttl": 30}`, `{}`), true},
		"the record alone":                       {approved, update(seoul, `{"id": "Z_x", "records": ["tokyo.x"], "ttl": 60}`, `{}`), true},
		"the time alone, the record is there":    {approved, update(`{"id": "Z_x", "records": ["tokyo.x"], "ttl": 60}`, tokyo, `{}`), false},
		"where to is known now":                  {late, update(seoul, tokyo, `{}`), false},
		"where to was to be known, and stays":    {late, update(seoul, `{"id": "Z_x", "records": ["seoul.x"], "ttl": 30}`, `{}`), true},
		"where to was to be known, and is there": {late, update(`{"id": "Z_x", "records": ["tokyo.x"], "ttl": 60}`, tokyo, `{}`), false},
	} {
		t.Run(name, func(t *testing.T) {
			k := dr.Known{}
			for _, change := range c.approved.Changes {
				s := supervisor{request: request{Approved: c.approved}}
				s.job.Secrets.HashKey = []byte("key")
				done, err := s.asApproved(change, c.now.raw.ResourceChanges[0])
				if err != nil {
					t.Fatal(err)
				}
				if done {
					k.Done = append(k.Done, change.Address)
				}
			}
			if wider := k.Wider(c.now.Plan, c.approved); (len(wider) > 0) != c.wider {
				t.Errorf("wider: %v", wider)
			}
		})
	}
}

// TestUnknownIsNotDone sees that what nobody knew when it was approved is not taken for done
// where it is what it was (plans.md 16).
func TestUnknownIsNotDone(t *testing.T) {
	s := supervisor{}
	s.job.Secrets.HashKey = []byte("key")
	stays := func(records string) string {
		return `{"actions": ["no-op"], "before": {"records": ` + records + `, "fqdn": null}, "after": {"records": ` + records + `, "fqdn": null}, "after_unknown": {}}`
	}
	const seoul = `{"records": ["seoul.x"], "fqdn": null}`
	update := ledTo(t, `{"actions": ["update"], "before": `+seoul+`, "after": {"fqdn": null, "records": [null]}, "after_unknown": {"records": [true]}}`).Changes[0]
	all := ledTo(t, `{"actions": ["update"], "before": `+seoul+`, "after": {"fqdn": null}, "after_unknown": {"records": true}}`).Changes[0]
	anew := ledTo(t, `{"actions": ["delete", "create"], "before": `+seoul+`, "after": {}, "after_unknown": {"records": true}}`).Changes[0]
	made := ledTo(t, `{"actions": ["create"], "before": null, "after": {}, "after_unknown": {"records": true, "fqdn": true}}`).Changes[0]
	longer := ledTo(t, `{"actions": ["update"], "before": `+seoul+`, "after": {"fqdn": null, "records": ["seoul.x", null]}, "after_unknown": {"records": [false, true]}}`).Changes[0]
	before := update // as an earlier edition stored it
	before.Paths = []dr.PathChange{{Path: "records[0]"}}
	for name, c := range map[string]struct {
		approved dr.ResourceChange
		records  string
		done     bool
	}{
		"an element, as it was":                 {update, `["seoul.x"]`, false},
		"an element, another":                   {update, `["tokyo.x"]`, true},
		"all of them, as they were":             {all, `["seoul.x"]`, false},
		"all of them, others":                   {all, `["tokyo.x"]`, true},
		"what is replaced, as it was":           {anew, `["seoul.x"]`, false},
		"what is replaced, another":             {anew, `["tokyo.x"]`, true},
		"one more, which is not there":          {longer, `["seoul.x"]`, false},
		"one more, which is":                    {longer, `["seoul.x", "tokyo.x"]`, true},
		"what is made, which is there":          {made, `["seoul.x"]`, true},
		"a change that does not tell the value": {before, `["tokyo.x"]`, false},
	} {
		done, err := s.asApproved(c.approved, parsePlan(t, `{"format_version": "1.2", "resource_changes": [{"address": "aws_route53_record.public", "mode": "managed", "type": "aws_route53_record", "change": `+stays(c.records)+`}]}`).ResourceChanges[0])
		if err != nil || done != c.done {
			t.Errorf("%s: done %t, %v", name, done, err)
		}
	}
}
