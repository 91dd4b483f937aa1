package aws

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

//go:embed extension/*.py
var extension embed.FS

const (
	motoStarts = 3 * time.Minute // the most that a cold Python on a busy machine is given
	motoTries  = 3               // another process may take the port between the choice and its use
)

// moto is the running server.
type moto struct {
	url    string
	cmd    *exec.Cmd
	parent io.WriteCloser // Moto ends when this closes, also when this process is killed
	log    *os.File
	exited chan struct{}
	stop   sync.Once
}

// startMoto returns when the server answers.
func startMoto(ctx context.Context, opt Options) (*moto, error) {
	interpreter, err := python(ctx, opt.CacheDir, opt.Logger)
	if err != nil {
		return nil, err
	}
	script, err := writeExtension(filepath.Join(opt.Dir, "moto"))
	if err != nil {
		return nil, err
	}
	for try := 1; ; try++ {
		m, err := launchMoto(opt, interpreter, script)
		if err != nil {
			return nil, err
		}
		if err = m.await(ctx); err == nil {
			return m, nil
		}
		m.close()
		if try == motoTries || opt.Ports.Moto != 0 || ctx.Err() != nil {
			return nil, err
		}
	}
}

func writeExtension(dir string) (string, error) {
	files, err := fs.Sub(extension, "extension")
	if err != nil {
		return "", fmt.Errorf("read the Moto extension: %w", err)
	}
	if err := os.RemoveAll(dir); err != nil {
		return "", fmt.Errorf("write the Moto extension: %w", err)
	}
	if err := os.CopyFS(dir, files); err != nil {
		return "", fmt.Errorf("write the Moto extension: %w", err)
	}
	return filepath.Join(dir, "extension.py"), nil
}

func launchMoto(opt Options, interpreter, script string) (*moto, error) {
	port, err := portOr(opt.Ports.Moto)
	if err != nil {
		return nil, err
	}
	timings, err := json.Marshal(opt.Timings.seconds())
	if err != nil {
		return nil, fmt.Errorf("encode timings: %w", err)
	}
	log, err := os.Create(filepath.Join(opt.Dir, "moto.log"))
	if err != nil {
		return nil, fmt.Errorf("start moto: %w", err)
	}
	m := &moto{url: "http://127.0.0.1:" + strconv.Itoa(port), log: log, exited: make(chan struct{})}
	m.cmd = exec.Command(interpreter, script, "-H", "127.0.0.1", "-p", strconv.Itoa(port))
	m.cmd.Env = append(cleanEnv(os.Environ()),
		"DRBOT_EXIT_WITH_PARENT=1",
		"DRBOT_TIMINGS="+string(timings),
		"DRBOT_REGIONS="+opt.Home+","+opt.Standby,
		"PYTHONDONTWRITEBYTECODE=1",
	)
	m.cmd.Stdout, m.cmd.Stderr = log, log
	m.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if m.parent, err = m.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("start moto: %w", err)
	}
	if err := m.cmd.Start(); err != nil {
		log.Close()
		return nil, fmt.Errorf("start moto: %w", err)
	}
	go func() {
		_ = m.cmd.Wait() // the exit status says less than the log
		close(m.exited)
	}()
	return m, nil
}

// cleanEnv drops what would lead Moto to a real account or a proxy, or change its behaviour.
func cleanEnv(env []string) []string {
	var kept []string
	for _, entry := range env {
		name, _, _ := strings.Cut(entry, "=")
		upper := strings.ToUpper(name)
		if strings.HasPrefix(upper, "AWS_") || strings.HasPrefix(upper, "MOTO_") ||
			strings.HasPrefix(upper, "DRBOT_") || strings.HasSuffix(upper, "_PROXY") {
			continue
		}
		kept = append(kept, entry)
	}
	return kept
}

// await returns once the server answers, or says why it never will.
func (m *moto) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, motoStarts)
	defer cancel()
	control := newControl(m.url)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if err := control.get(ctx, "/drbot/ready", nil); err == nil {
			return nil
		}
		select {
		case <-m.exited:
			return fmt.Errorf("moto ended while starting; its log %s ends with:\n%s", m.log.Name(), m.tail())
		case <-ctx.Done():
			return fmt.Errorf("moto does not answer at %s: %w; see %s", m.url, ctx.Err(), m.log.Name())
		case <-tick.C:
		}
	}
}

func (m *moto) tail() string {
	content, err := os.ReadFile(m.log.Name())
	if err != nil {
		return err.Error()
	}
	return lastLines(string(content), 8)
}

// close kills the server with everything it started. It keeps nothing, so there is nothing to wait for.
func (m *moto) close() {
	m.stop.Do(func() {
		_ = syscall.Kill(-m.cmd.Process.Pid, syscall.SIGKILL) // fails only when it has ended already
		<-m.exited
		m.parent.Close()
		m.log.Close()
	})
}

// portOr returns the wanted port, or a free one.
func portOr(wanted int) (int, error) {
	if wanted != 0 {
		return wanted, nil
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}
