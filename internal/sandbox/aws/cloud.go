package aws

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// Cloud is the running sandbox cloud.
type Cloud struct {
	Layout Layout
	Proxy  *Proxy
	Took   time.Duration // that Start needed

	moto    *moto
	control control
	clients map[string]*clients // by Region, straight to Moto
	dns     *dnsServer
	apps    map[string]*app
	lag     *lag
	served  servings

	stop context.CancelFunc
	busy sync.WaitGroup
	once sync.Once
}

// Start brings up Moto, the proxy, the DNS server and the applications, and seeds
// the service, or as little of it as the options say. All of it ends with the context or with Close. When Moto cannot be
// had the error is ErrNoMoto.
func Start(ctx context.Context, options Options) (*Cloud, error) {
	began := time.Now()
	opt, err := options.withDefaults()
	if err != nil {
		return nil, err
	}
	c := &Cloud{Layout: plan(opt)}
	if err := c.start(ctx, opt); err != nil {
		c.Close()
		return nil, fmt.Errorf("start the sandbox's AWS: %w", err)
	}
	context.AfterFunc(ctx, c.Close)
	c.Took = time.Since(began)
	opt.Logger.InfoContext(ctx, "two AWS Regions are up", "endpoint", c.Layout.Endpoint, "took", c.Took.Round(time.Millisecond))
	return c, nil
}

func (c *Cloud) start(ctx context.Context, opt Options) (err error) {
	if c.moto, err = startMoto(ctx, opt); err != nil {
		return err
	}
	c.control = newControl(c.moto.url)
	c.Layout.MotoEndpoint = c.moto.url
	c.clients = map[string]*clients{}
	for name := range c.Layout.Regions {
		c.clients[name] = newClients(c.moto.url, name)
	}
	if c.Proxy, err = startProxy(opt, c.moto.url); err != nil {
		return err
	}
	c.Layout.Endpoint = c.Proxy.URL()
	if c.Layout, err = c.seed(ctx, opt, c.Layout); err != nil {
		return err
	}
	if err := c.startEdges(opt); err != nil {
		return err
	}
	c.lag = &lag{cloud: c, bySource: opt.LagBySource}
	c.SetLag(DefaultLag)
	if err := c.lag.feed(ctx); err != nil {
		return fmt.Errorf("feed the replication lag: %w", err)
	}
	feeding, stop := context.WithCancel(context.WithoutCancel(ctx))
	c.stop = stop
	c.busy.Go(func() { c.lag.run(feeding, opt.Timings.LagEvery) })
	return nil
}

// startEdges starts what users of the service reach: its addresses and its names.
func (c *Cloud) startEdges(opt Options) (err error) {
	if c.apps, err = c.listenApps(opt.Ports.App); err != nil {
		return err
	}
	for name, a := range c.apps {
		region := c.Layout.Regions[name]
		region.AppAddr = a.addr
		c.Layout.Regions[name] = region
		c.Layout.AppPort = a.socket.Addr().(*net.TCPAddr).Port
	}
	for _, a := range c.apps { // after the layout, which they read, is complete
		go a.serve()
	}
	if c.dns, err = c.startDNS(opt.Ports.DNS); err != nil {
		return err
	}
	c.Layout.DNSAddr = c.dns.addr
	return nil
}

// Close ends everything. It may be called more than once.
func (c *Cloud) Close() {
	c.once.Do(func() {
		if c.stop != nil {
			c.stop()
		}
		c.busy.Wait()
		if c.dns != nil {
			c.dns.close()
		}
		for _, a := range c.apps {
			a.close()
		}
		if c.Proxy != nil {
			c.Proxy.close()
		}
		if c.moto != nil {
			c.moto.close()
		}
	})
}

// Outage takes a Region down: its AWS calls hang or are refused, its application
// refuses connections, its secondary or old primary cluster does not follow.
func (c *Cloud) Outage(ctx context.Context, region string, mode Mode) error {
	if _, known := c.Layout.Regions[region]; !known {
		return errors.New("no Region " + region + " here")
	}
	c.Proxy.Outage(region, mode)
	return c.tellRegions(ctx)
}

// Lift brings a Region back.
func (c *Cloud) Lift(ctx context.Context, region string) error {
	c.Proxy.Lift(region)
	return c.tellRegions(ctx)
}

func (c *Cloud) tellRegions(ctx context.Context) error {
	down := []string{}
	for name := range c.Layout.Regions {
		if c.Proxy.Out(name) {
			down = append(down, name)
		}
	}
	return c.control.post(ctx, "/drbot/regions", map[string]any{"down": down}, nil)
}

func (c *Cloud) home() *clients { return c.clients[c.Layout.Home] }
