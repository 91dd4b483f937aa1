package aws

import (
	"testing"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	route53types "github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/miekg/dns"
)

// weighted is a CNAME of a zone with a weight; its set identifier is its check's id.
func weighted(id string, weight int64) route53types.ResourceRecordSet {
	return route53types.ResourceRecordSet{Type: route53types.RRTypeCname, SetIdentifier: &id, Weight: &weight}
}

func failoverSet(id string, role route53types.ResourceRecordSetFailover) route53types.ResourceRecordSet {
	return route53types.ResourceRecordSet{Type: route53types.RRTypeCname, SetIdentifier: &id, Failover: role}
}

// given counts how often each of the sets is given.
func given(sets []route53types.ResourceRecordSet, sick ...string) map[string]int {
	z := zone{sets: map[string][]route53types.ResourceRecordSet{"x.": sets}}
	z.healthy = func(set route53types.ResourceRecordSet) bool {
		for _, id := range sick {
			if id == *set.SetIdentifier {
				return false
			}
		}
		return true
	}
	counts := map[string]int{}
	for range 1000 {
		if set, found := z.set("x.", dns.TypeCNAME); found {
			counts[awssdk.ToString(set.SetIdentifier)]++
		}
	}
	return counts
}

func TestWeights(t *testing.T) {
	for _, test := range []struct {
		what     string
		a, b     int64
		sick     []string
		min, max int // of a, in a thousand
	}{
		{"weight 0 beside another is never given", 0, 100, nil, 0, 0},
		{"equal weights", 100, 100, nil, 350, 650},
		{"a tenth", 10, 90, nil, 30, 250},
		{"without any weight all alike", 0, 0, nil, 350, 650},
		{"a sick one is not given", 100, 100, []string{"a"}, 0, 0},
		{"weight 0 when no other is healthy", 0, 100, []string{"b"}, 1000, 1000},
		{"all sick counts as all healthy", 100, 0, []string{"a", "b"}, 1000, 1000},
	} {
		got := given([]route53types.ResourceRecordSet{weighted("a", test.a), weighted("b", test.b)}, test.sick...)
		if got["a"] < test.min || got["a"] > test.max || got["a"]+got["b"] != 1000 {
			t.Errorf("%s: %v", test.what, got)
		}
	}
}

func TestFailoverRecords(t *testing.T) {
	sets := []route53types.ResourceRecordSet{
		failoverSet("second", route53types.ResourceRecordSetFailoverSecondary),
		failoverSet("first", route53types.ResourceRecordSetFailoverPrimary),
	}
	for _, test := range []struct {
		sick []string
		want string
	}{
		{nil, "first"},
		{[]string{"first"}, "second"},
		{[]string{"second"}, "first"},
		{[]string{"first", "second"}, "first"},
	} {
		if got := given(sets, test.sick...); got[test.want] != 1000 {
			t.Errorf("sick %v: %v, want %s", test.sick, got, test.want)
		}
	}
}
