package aws

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// appTries is how many ports are tried until one is free on both addresses.
const appTries = 20

// app is the application behind the load balancer of one Region. It answers as
// long as a healthy target stands behind that load balancer, whoever made it, and
// whenever; where there is no load balancer nothing takes a connection.
type app struct {
	region  string
	healthy func(context.Context) (int, error)
	out     func() bool
	served  *servings
	failing atomic.Bool
	server  *http.Server
	addr    string
	socket  net.Listener
}

// listenApps listens at one port on an address per Region: 127.0.0.2 for the first, 127.0.0.3 for the second.
func (c *Cloud) listenApps(port int) (map[string]*app, error) {
	names := []string{c.Layout.Home, c.Layout.Standby}
	listeners, err := listenTogether(port, appHost(0), appHost(1))
	if err != nil {
		return nil, err
	}
	apps := map[string]*app{}
	for i, name := range names {
		a := &app{region: name, addr: listeners[i].Addr().String(), socket: listeners[i], served: &c.served}
		a.healthy = func(ctx context.Context) (int, error) { return c.HealthyTargets(ctx, name) }
		a.out = func() bool { return c.Proxy.Out(name) }
		a.server = &http.Server{Handler: a, ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0)}
		apps[name] = a
	}
	return apps, nil
}

func (a *app) serve() { _ = a.server.Serve(cutting{a.socket, a.out}) } // ends when the server is closed

func (a *app) close() {
	a.server.Close()
	a.socket.Close() // the server knows of it only once it serves
}

func appHost(i int) string { return fmt.Sprintf("127.0.0.%d", i+2) }

// listenTogether listens at the same port on every host; port 0 looks for one that is free on all.
func listenTogether(port int, hosts ...string) ([]net.Listener, error) {
	for try := 1; ; try++ {
		listeners, err := listenAll(port, hosts)
		if err == nil {
			return listeners, nil
		}
		if port != 0 || try == appTries {
			return nil, fmt.Errorf("listen for the application: %w (macOS needs: sudo ifconfig lo0 alias %s)", err, hosts[0])
		}
	}
}

func listenAll(port int, hosts []string) (listeners []net.Listener, err error) {
	for _, host := range hosts {
		listener, err := net.Listen("tcp", net.JoinHostPort(host, fmt.Sprint(port)))
		if err != nil {
			for _, open := range listeners {
				open.Close()
			}
			return nil, err
		}
		listeners = append(listeners, listener)
		port = listener.Addr().(*net.TCPAddr).Port
	}
	return listeners, nil
}

// ServeHTTP answers what the load balancer would: 200, 503 without a healthy target, 500 by a fault, nothing
// in an outage or without a load balancer.
func (a *app) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer a.served.serve("the application")()
	if a.out() {
		drop(w)
		return
	}
	healthy, err := a.healthy(r.Context())
	if errors.Is(err, ErrAbsent) {
		drop(w)
		return
	}
	w.Header().Set("X-Region", a.region)
	w.Header().Set("Content-Type", "application/json")
	answer := map[string]string{"region": a.region}
	switch {
	case a.failing.Load():
		w.WriteHeader(http.StatusInternalServerError)
		answer["error"] = "internal error"
	case err != nil:
		w.WriteHeader(http.StatusServiceUnavailable)
		answer["error"] = err.Error()
	case healthy == 0:
		w.WriteHeader(http.StatusServiceUnavailable)
		answer["error"] = "no healthy target"
	}
	_ = json.NewEncoder(w).Encode(answer) // a client that left needs no answer
}

// FailApp makes the application of a Region answer 500, or stop doing so.
func (c *Cloud) FailApp(region string, failing bool) error {
	a, known := c.apps[region]
	if !known {
		return errors.New("no application in " + region)
	}
	a.failing.Store(failing)
	return nil
}

// cutting resets connections as they come in while the Region is out.
type cutting struct {
	net.Listener
	out func() bool
}

func (l cutting) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil || !l.out() {
			return conn, err
		}
		reset(conn)
	}
}
