package aws

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Faults are the ways in which the emulated cloud itself can lie or fail. The
// zero value is none. Lists name Regions; "*" is every Region.
type Faults struct {
	PromotionNoop       bool     `json:"promotion_noop"`       // accepted, goes through its states, ends; the writer has not moved
	PromotionStuck      bool     `json:"promotion_stuck"`      // never leaves switching-over or failing-over
	PromotionStatus     string   `json:"promotion_status"`     // reported as FailoverState.Status while a promotion runs
	GlobalStatus        string   `json:"global_status"`        // reported as the global cluster's Status, always
	InstanceUnavailable []string `json:"instance_unavailable"` // database instances are `failed`
	TargetsEmpty        []string `json:"targets_empty"`        // running tasks are in no target group
	TargetsUnhealthy    []string `json:"targets_unhealthy"`    // registered targets fail their health checks
	RunningNever        []string `json:"running_never"`        // wanted tasks stay pending
	BreakerTrips        []string `json:"breaker_trips"`        // new deployments of services with a circuit breaker fail
	LagMissing          bool     `json:"lag_missing"`          // no data points of the replication lag
	DirectConnectDown   []string `json:"direct_connect_down"`  // virtual interfaces and their BGP sessions are down
}

// Promotion is one SwitchoverGlobalCluster or FailoverGlobalCluster that reached
// Moto, whether it was accepted or refused.
type Promotion struct {
	Time          time.Time `json:"time"`
	Operation     string    `json:"operation"`
	Region        string    `json:"region"` // that the request was signed for
	GlobalCluster string    `json:"global_cluster"`
	Target        string    `json:"target"` // ARN of the cluster to promote
	AllowDataLoss bool      `json:"allow_data_loss"`
	Accepted      bool      `json:"accepted"`
	Error         string    `json:"error"` // code and message of a refusal
}

// control speaks to the extension's own door.
type control struct {
	url  string
	http *http.Client
}

func newControl(url string) control {
	// No connection is kept: Moto closes each of them, and one that is being closed must not be used again.
	return control{url: url, http: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
}

func (c control) get(ctx context.Context, path string, into any) error {
	return c.do(ctx, http.MethodGet, path, nil, into)
}

func (c control) post(ctx context.Context, path string, body, into any) error {
	return c.do(ctx, http.MethodPost, path, body, into)
}

func (c control) do(ctx context.Context, method, path string, body, into any) error {
	content, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode %s: %w", path, err)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.url+path, bytes.NewReader(content))
	if err != nil {
		return fmt.Errorf("ask moto for %s: %w", path, err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("ask moto for %s: %w", path, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("read %s from moto: %w", path, err)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("moto answers %s with %s: %s", path, resp.Status, answer)
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return fmt.Errorf("decode %s: %w", path, err)
	}
	return nil
}

// Faults returns the present faults.
func (c *Cloud) Faults(ctx context.Context) (Faults, error) {
	var f Faults
	err := c.control.get(ctx, "/drbot/faults", &f)
	return f, err
}

// SetFaults replaces all faults.
func (c *Cloud) SetFaults(ctx context.Context, f Faults) error {
	return c.control.post(ctx, "/drbot/faults", f, nil)
}

// SetTimings changes how long the emulated cloud takes from now on; LagEvery
// stays what it was at the start. Zero takes the default.
func (c *Cloud) SetTimings(ctx context.Context, t Timings) error {
	return c.control.post(ctx, "/drbot/timings", t.withDefaults().seconds(), nil)
}

// health is every Route 53 health check's, by id, as the DNS server goes by it.
func (c control) health(ctx context.Context) (map[string]bool, error) {
	var all map[string]bool
	err := c.get(ctx, "/drbot/health", &all)
	return all, err
}

// Promotions returns every promotion that was asked for, oldest first.
func (c *Cloud) Promotions(ctx context.Context) ([]Promotion, error) {
	var all []Promotion
	err := c.control.get(ctx, "/drbot/promotions", &all)
	return all, err
}
