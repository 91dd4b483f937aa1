package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/flood"
)

// What the command line's socket takes.
const (
	mostConnections = 64 // at once
	mostOfOnePeer   = 16 // of them
	// How often one who is known, and all of them, may call: so many at once, and one more each while.
	callBurst, callEvery       = 30, 200 * time.Millisecond
	allCallsBurst, allCallsOne = 100, 50 * time.Millisecond
	turnedAway                 = 100 * time.Millisecond // for the words to one who is turned away
)

// door is the socket of the command line. The kernel tells who comes: who is nobody of the
// configuration, or has too many connections, is turned away before a byte of theirs is read.
type door struct {
	net.Listener
	known  func(localUser string) bool
	away   func(localUser string, why dr.Text) // told of each who is turned away
	calls  *flood.Meter
	names  names
	mu     sync.Mutex
	inside map[string]int
	all    int
}

// listenSocket makes the socket of the command line, for a group of this host's users: the
// folder's and the socket's owner is this process, and group, where it is not -1, is whose
// members may come. Who of them may do what is decided by who connects.
func listenSocket(path string, group int) (*net.UnixListener, error) {
	if err := passage(filepath.Dir(path), group); err != nil {
		return nil, noSocket(path, err)
	}
	// The executor's lock is held, so a socket that is there belongs to nobody.
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return nil, noSocket(path, err)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"}) // nobody else's, by the umask
	if err != nil {
		return nil, noSocket(path, err)
	}
	if err := errors.Join(os.Chown(path, -1, group), os.Chmod(path, 0o660)); err != nil {
		return nil, noSocket(path, errors.Join(err, l.Close()))
	}
	return l, nil
}

// passage makes the socket's folder if it is not there, for the same group to go through.
func passage(dir string, group int) error {
	if _, err := os.Stat(dir); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return errors.Join(os.Chown(dir, -1, group), os.Chmod(dir, 0o750))
}

func noSocket(path string, err error) error {
	return &dr.Error{Code: dr.Conflict, What: dr.T("cli.no-socket", "socket", path), Next: dr.T("cli.no-socket.next"), Err: err}
}

// groupNamed is the number of a group of this host; -1, which changes nothing, for none.
func groupNamed(name string) (int, error) {
	if name == "" {
		return -1, nil
	}
	if n, err := strconv.Atoi(name); err == nil && n >= 0 {
		return n, nil
	}
	g, err := user.LookupGroup(name)
	if err != nil {
		return 0, &dr.Error{Code: dr.Invalid, What: dr.T("cli.no-group", "group", name), Next: dr.T("cli.no-group.next"), Err: err}
	}
	return strconv.Atoi(g.Gid)
}

func newDoor(l net.Listener, known func(string) bool, away func(string, dr.Text)) *door {
	return &door{
		Listener: l, known: known, away: away, inside: map[string]int{},
		calls: flood.NewMeter(flood.Limit{Burst: callBurst, Every: callEvery}, flood.Limit{Burst: allCallsBurst, Every: allCallsOne}, nil),
	}
}

// Accept gives the next connection of somebody who may come in.
func (d *door) Accept() (net.Conn, error) {
	for {
		c, err := d.Listener.Accept()
		if err != nil {
			return nil, err
		}
		who := d.names.of(c)
		no := d.enter(who)
		if no == nil && fenced(c) {
			d.left(who)
			no = &dr.Error{Code: dr.Denied, What: dr.T("cli.walled")}
		}
		if no == nil {
			return &guest{Conn: c, who: who, door: d}, nil
		}
		d.away(who, no.What)
		turnAway(c, no)
	}
}

// enter takes a place for a user, or says why there is none.
func (d *door) enter(who string) *dr.Error {
	if who == "" || !d.known(who) {
		return &dr.Error{Code: dr.Denied, What: dr.T("cli.stranger"), Next: dr.T("cli.stranger.next", "user", dr.Foreign(who))}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.all >= mostConnections || d.inside[who] >= mostOfOnePeer {
		return &dr.Error{Code: dr.Conflict, What: dr.T("cli.crowded", "n", d.inside[who]), Next: dr.T("cli.crowded.next")}
	}
	d.all++
	d.inside[who]++
	return nil
}

func (d *door) left(who string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.all--
	if d.inside[who]--; d.inside[who] == 0 {
		delete(d.inside, who)
	}
}

// turnAway says why, which fits into the socket whether anybody reads it or not.
func turnAway(c net.Conn, no *dr.Error) {
	defer func() { _ = c.Close() }() // nobody is left to tell
	doc, err := json.Marshal(problem{Code: no.Code, What: no.What, Next: no.Next})
	if err != nil || c.SetWriteDeadline(time.Now().Add(turnedAway)) != nil {
		return
	}
	_, _ = fmt.Fprintf(c, "HTTP/1.1 403 %s\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", http.StatusText(http.StatusForbidden), len(doc), doc)
}

// guest is a connection of somebody who was let in.
type guest struct {
	net.Conn
	who  string
	door *door
	once sync.Once
}

// Close gives the place back.
func (g *guest) Close() error {
	g.once.Do(func() { g.door.left(g.who) })
	return g.Conn.Close()
}

// names are those of users, asked for once in a while: a directory may be slow to tell, and
// everybody waits for it at the door. They are of the one who accepts.
type names struct {
	known map[string]string
	since time.Time
}

// namesFor is how long a name is taken for what it was.
const namesFor = time.Minute

// of is who is at the other end of a connection; nobody where the kernel does not say.
func (n *names) of(c net.Conn) string {
	uid := peer(c)
	if uid == "" {
		return ""
	}
	if now := time.Now(); n.known == nil || now.Sub(n.since) > namesFor {
		n.known, n.since = map[string]string{}, now
	}
	if n.known[uid] == "" {
		n.known[uid] = "uid " + uid
		if u, err := user.LookupId(uid); err == nil {
			n.known[uid] = u.Username
		}
	}
	return n.known[uid]
}

// peer asks the kernel for the id of the user at the other end of a connection.
func peer(c net.Conn) (uid string) {
	uc, ok := c.(*net.UnixConn)
	if !ok {
		return ""
	}
	raw, err := uc.SyscallConn()
	if err != nil {
		return ""
	}
	_ = raw.Control(func(fd uintptr) {
		if cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			uid = strconv.FormatUint(uint64(cred.Uid), 10)
		}
	})
	return uid
}
