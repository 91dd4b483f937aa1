package aws

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"
)

// Ports to listen on. Zero takes a free one.
type Ports struct {
	Moto, Proxy, DNS, App int
}

// Timings say how long the emulated cloud takes. Zero takes the default.
type Timings struct {
	Promotion     time.Duration // a switchover or failover, from the call to its last transition (1.5 s)
	Resync        time.Duration // after a failover, until the old primary is connected again (1.5 s)
	TaskStart     time.Duration // an ECS task, from desired to running and from unwanted to stopped (0.7 s)
	TargetHealthy time.Duration // a target, from registered to healthy (0.7 s)
	LagEvery      time.Duration // between two data points of the replication lag (2 s)
}

func (t Timings) withDefaults() Timings {
	for _, d := range []struct {
		value *time.Duration
		or    time.Duration
	}{
		{&t.Promotion, 1500 * time.Millisecond},
		{&t.Resync, 1500 * time.Millisecond},
		{&t.TaskStart, 700 * time.Millisecond},
		{&t.TargetHealthy, 700 * time.Millisecond},
		{&t.LagEvery, 2 * time.Second},
	} {
		if *d.value == 0 {
			*d.value = d.or
		}
	}
	return t
}

// seconds is the form the extension reads.
func (t Timings) seconds() map[string]float64 {
	return map[string]float64{
		"promotion":      t.Promotion.Seconds(),
		"resync":         t.Resync.Seconds(),
		"task_start":     t.TaskStart.Seconds(),
		"target_healthy": t.TargetHealthy.Seconds(),
	}
}

// Workload is one more ECS service.
type Workload struct {
	Name     string
	Balanced bool // stands behind a load balancer of its own
}

// Options of Start. Only Dir is required.
type Options struct {
	Dir      string // logs, the journal and the extension; made when missing
	CacheDir string // a private Python environment, when no Moto is installed; the user's cache folder by default
	Home     string // the Region that is active first: ap-northeast-2
	Standby  string // ap-northeast-1
	Zone     string // the Route 53 zone: portal.example.test
	Service  string // names the cluster, the load balancer and the ECS service: portal
	Desired  int    // tasks in the home Region: 2
	// Databases are global clusters beside the service's own, Workloads ECS services beside
	// its own, in its ECS cluster.
	Databases   []string
	Workloads   []Workload
	Empty       bool // seed nothing: whoever calls applies an infrastructure of its own
	ZoneOnly    bool // seed the hosted zone and nothing else: the same, with a name to stand under
	Ports       Ports
	LagBySource bool // the lag has the source Region as a second dimension
	Timings     Timings
	Logger      *slog.Logger // progress that a person waits for; discarded by default
}

func (o Options) withDefaults() (Options, error) {
	if o.Dir == "" {
		return o, errors.New("sandbox cloud: Options.Dir is required")
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return o, fmt.Errorf("sandbox cloud: %w", err)
	}
	o.Dir = dir
	for _, d := range []struct {
		value *string
		or    string
	}{{&o.Home, "ap-northeast-2"}, {&o.Standby, "ap-northeast-1"}, {&o.Service, "portal"}} {
		if *d.value == "" {
			*d.value = d.or
		}
	}
	if o.Zone == "" {
		o.Zone = o.Service + ".example.test"
	}
	if o.Desired == 0 {
		o.Desired = 2
	}
	if o.CacheDir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return o, fmt.Errorf("sandbox cloud: find a cache folder: %w", err)
		}
		o.CacheDir = filepath.Join(cache, "drbot")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.Timings = o.Timings.withDefaults()
	return o, os.MkdirAll(o.Dir, 0o755)
}
