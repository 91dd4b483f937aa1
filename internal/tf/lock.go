package tf

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/hashicorp/terraform-exec/tfexec"

	"github.com/drbot/drbot/dr"
)

// asideStop is how long a cancelled look at the backend may take to end.
const asideStop = time.Second

// stateLock is a state's lock as Terraform describes it. The id is drawn anew
// for every attempt to take the lock, so two holders never share one.
type stateLock struct {
	ID        string    `json:"id"`
	Operation string    `json:"operation"`
	Who       string    `json:"who"`
	Created   time.Time `json:"created"` // when its holder began to try for it
}

// parseLock reads Terraform's description of a held lock. Some backends leave
// parts of it empty.
func parseLock(text string, scrub scrubber) stateLock {
	var l stateLock
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		value = cut(scrub.line(value), 80)
		switch name {
		case "ID":
			l.ID = value
		case "Operation":
			l.Operation = value
		case "Who":
			l.Who = value
		case "Created":
			if at, err := time.Parse("2006-01-02 15:04:05.999999999 -0700 MST", value); err == nil {
				l.Created = at.UTC()
			}
		}
	}
	return l
}

// same tells whether two descriptions are of one lock.
func (l stateLock) same(o stateLock) bool {
	return l.ID != "" && l.ID == o.ID && l.Operation == o.Operation && l.Who == o.Who && l.Created.Equal(o.Created)
}

// holder names who holds it, in Terraform's words as far as it has some.
func (l stateLock) holder() dr.Arg {
	who := dr.ArgOf(dr.Foreign(l.Who))
	if l.Who == "" {
		who = dr.ArgOf(dr.T("tf.lock.somebody"))
	}
	if !l.Created.IsZero() {
		who = dr.ArgOf(dr.T("tf.lock.since", "who", who, "since", dr.Foreign(l.Created.Format(time.RFC3339))))
	}
	if l.ID != "" {
		who = dr.ArgOf(dr.T("tf.lock.id", "who", who, "id", dr.Foreign(l.ID)))
	}
	return who
}

// aside is Terraform in the same folder for a command beside the one in hand.
func (m *module) aside() (*tfexec.Terraform, error) {
	return m.terraform(working, asideStop)
}

// lockOutlives tells whether the stack's backend is one whose lock stays when
// its holder is killed, and that says whose it is: S3, with a lock file or
// DynamoDB. It reads what init noted.
func (m *module) lockOutlives() (bool, error) {
	data, err := fileOf(m, dataDir+"/terraform.tfstate", mostNoted)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	var noted struct {
		Backend struct {
			Type string `json:"type"`
		} `json:"backend"`
	}
	if err != nil {
		return false, fmt.Errorf("read the backend's settings: %w", err)
	}
	if err := json.Unmarshal(data, &noted); err != nil {
		return false, &dr.Error{Code: dr.Temporary, What: dr.T("tf.backend.unread"), Err: err}
	}
	return noted.Backend.Type == "s3", nil
}

// lockNow reads who holds the state's lock without taking or freeing it; nil
// when nobody does or it cannot be read. Terraform has no command for this, but
// refuses to free a lock under an id that is not its own and says what the lock
// is. No lock ever had the id asked for here.
func (m *module) lockNow(ctx context.Context) (*stateLock, error) {
	err := m.forceUnlock(ctx, "drbot-looks-"+rand.Text())
	if err == nil || ctx.Err() != nil {
		return nil, ctx.Err()
	}
	l := parseLock(err.Error(), m.scrub)
	if l.ID == "" {
		return nil, nil
	}
	return &l, nil
}

// forceUnlock frees the lock with this id. Terraform compares the ids itself.
func (m *module) forceUnlock(ctx context.Context, id string) error {
	tf, err := m.aside()
	if err != nil {
		return err
	}
	return run(ctx, io.Discard, func(ctx context.Context, _ io.Writer) error {
		return tf.ForceUnlock(ctx, id)
	})
}

// stateAddresses lists the resources in the state. The state itself, which holds
// secrets, stays in memory.
func (m *module) stateAddresses(ctx context.Context) ([]string, error) {
	large := moreThanRead(m.name, dr.T("tf.large.state", "most", largestPulled>>20))
	doc, err := printed(ctx, m, dr.T("tf.doing.state"), large, largestPulled, "state", "pull")
	if err != nil {
		return nil, err
	}
	return addressesIn(string(doc))
}

// addressesIn spells the addresses of a state as Terraform's progress does.
func addressesIn(text string) ([]string, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	var state struct {
		Resources []struct {
			Module, Mode, Type, Name string
			Instances                []struct {
				Key     any    `json:"index_key"`
				Deposed string `json:"deposed"`
			}
		}
	}
	if json.Unmarshal([]byte(text), &state) != nil { // the cause could quote the state
		return nil, &dr.Error{Code: dr.Conflict, What: dr.T("tf.state.unread"), Next: dr.T("tf.state.unread.next")}
	}
	var out []string
	for _, r := range state.Resources {
		if r.Mode != "managed" {
			continue
		}
		address := r.Type + "." + r.Name
		if r.Module != "" {
			address = r.Module + "." + address
		}
		for _, i := range r.Instances {
			if i.Deposed != "" {
				continue // an old object under way to be deleted
			}
			switch key := i.Key.(type) {
			case nil:
				out = append(out, address)
			case string:
				out = append(out, address+`["`+hclQuoted.Replace(key)+`"]`)
			case float64:
				out = append(out, fmt.Sprintf("%s[%.0f]", address, key))
			}
		}
	}
	return out, nil
}

var hclQuoted = strings.NewReplacer("\\", `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`, "${", "$${", "%{", "%%{")
