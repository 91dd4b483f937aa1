package aws

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"

	"github.com/drbot/drbot/dr"
)

// Together takes looks at the same time and gives what they found in the order of
// the looks. A panic in one of them goes on in the caller.
func Together[Found any](looks ...func() []Found) []Found {
	results := make([][]Found, len(looks))
	panics := make([]string, len(looks))
	var wg sync.WaitGroup
	for i, look := range looks {
		wg.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					panics[i] = fmt.Sprintf("%v\n%s", p, debug.Stack())
				}
			}()
			results[i] = look()
		})
	}
	wg.Wait()
	var found []Found
	for i := range looks {
		if panics[i] != "" {
			panic(panics[i])
		}
		found = append(found, results[i]...)
	}
	return found
}

// Look makes checks at the same time, each look in the time of one call.
func (c *Client) Look(ctx context.Context, looks ...func(context.Context) []dr.Check) []dr.Check {
	bounded := make([]func() []dr.Check, len(looks))
	for i, look := range looks {
		bounded[i] = func() []dr.Check {
			ctx, cancel := context.WithTimeout(ctx, c.opts.CallTimeout)
			defer cancel()
			return look(ctx)
		}
	}
	return Together(bounded...)
}

// Unread makes a check Unknown because of an error, whose cause goes to the log.
func (c *Client) Unread(ctx context.Context, check dr.Check, err error) dr.Check {
	c.opts.Logger.WarnContext(ctx, "check not read", "check", check.Name, "region", check.Region, "error", err)
	check.Level, check.Value, check.Detail, check.At = dr.Unknown, nil, Told(err), c.Now()
	return check
}

// Told is what happened, as people may see it of an error.
func Told(err error) dr.Text {
	what, _ := dr.Told(err)
	return what
}

// Words are AWS's own, as the whole of what is told; none are nothing to tell.
func Words(words string) dr.Text {
	if words == "" {
		return dr.Text{}
	}
	return dr.T(dr.Words, "words", dr.Foreign(words))
}

// Measured is a value of a check that was read.
func Measured(v float64) *float64 { return &v }

// Status is a status of AWS as it is told, which may be none.
func Status(status string) dr.Arg {
	if status == "" {
		return dr.ArgOf(dr.T("aws.no-status"))
	}
	return dr.ArgOf(dr.Foreign(status))
}
