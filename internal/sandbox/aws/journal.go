package aws

import (
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"
)

// journal holds every call of the proxy, open ones too, and writes each finished one as a line of JSON to a file.
type journal struct {
	mu    sync.Mutex
	calls []Call
	file  *os.File
}

func newJournal(path string) (*journal, error) {
	file, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("open the journal: %w", err)
	}
	return &journal{file: file}, nil
}

// begin adds a call and returns it with its id.
func (j *journal) begin(c Call) Call {
	j.mu.Lock()
	defer j.mu.Unlock()
	c.ID = int64(len(j.calls)) + 1
	j.calls = append(j.calls, c)
	return c
}

// note changes an open call.
func (j *journal) note(id int64, change func(*Call)) {
	j.mu.Lock()
	defer j.mu.Unlock()
	change(&j.calls[id-1])
}

func (j *journal) end(id int64, status int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	call := &j.calls[id-1]
	call.End, call.Status = time.Now(), status
	if line, err := json.Marshal(call); err == nil && j.file != nil {
		// The copy in memory is what tests read; a full disk must not stop the cloud.
		_, _ = j.file.Write(append(line, '\n'))
	}
}

func (j *journal) all() []Call {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]Call(nil), j.calls...)
}

func (j *journal) close() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.file.Close()
	j.file = nil
}
