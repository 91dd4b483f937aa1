package policies

import (
	"slices"
	"testing"
)

// TestHeld sees that who applies a plan learns what holds data, of whatever is made.
func TestHeld(t *testing.T) {
	p, err := New(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	held, err := p.Held(t.Context(), []string{"aws_lb", "aws_rds_cluster", "aws_cloudformation_stack", "aws_ecs_service"})
	if want := []string{"aws_cloudformation_stack", "aws_rds_cluster"}; err != nil || !slices.Equal(held, want) {
		t.Errorf("held %q (%v), not %q", held, err, want)
	}
	if held, err := p.Held(t.Context(), nil); err != nil || len(held) != 0 {
		t.Errorf("of nothing %q is held (%v)", held, err)
	}
}
