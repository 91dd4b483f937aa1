package aws

import (
	"net"
	"net/http"
)

// Mode is how a Region that is gone behaves.
type Mode string

const (
	Hang   Mode = "hang"   // connections are held open and nothing comes back
	Refuse Mode = "refuse" // connections are reset
)

// outage of one Region; lifted closes when it is over.
type outage struct {
	mode   Mode
	lifted chan struct{}
}

// Outage makes every call that is signed for the Region hang or be refused,
// until Lift. A call that hangs ends when its client gives up or the outage is
// lifted, and never reaches Moto. Calls signed for another Region, Route 53's
// among them, go on.
func (p *Proxy) Outage(region string, mode Mode) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if present := p.outages[region]; present != nil {
		close(present.lifted)
	}
	p.outages[region] = &outage{mode: mode, lifted: make(chan struct{})}
}

// Lift ends the outage of a Region.
func (p *Proxy) Lift(region string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if present := p.outages[region]; present != nil {
		close(present.lifted)
		delete(p.outages, region)
	}
}

// Out reports whether a Region is in an outage.
func (p *Proxy) Out(region string) bool { return p.outageOf(region) != nil }

func (p *Proxy) outageOf(region string) *outage {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.outages[region]
}

// stoppedByOutage reports whether a call went no further because its Region is gone.
func (p *Proxy) stoppedByOutage(w http.ResponseWriter, r *http.Request, call Call) bool {
	present := p.outageOf(call.Region)
	if present == nil {
		return false
	}
	p.journal.note(call.ID, func(c *Call) { c.Fault = "outage: " + string(present.mode) })
	if present.mode == Hang {
		select {
		case <-r.Context().Done():
		case <-present.lifted:
		case <-p.stopped:
		}
	}
	drop(w)
	return true
}

// drop resets the client's connection without an answer.
func drop(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	reset(conn)
}

// reset closes a connection so that the other side sees a reset, not an end.
func reset(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // without it the connection ends politely, which also is no answer
	}
	conn.Close()
}
