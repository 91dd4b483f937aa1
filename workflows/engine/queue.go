package engine

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/dbos-inc/dbos-transact-golang/dbos"
)

// Job is a run to start.
type Job struct {
	Runbook string
	Queue   string
	ID      string // for ever: the same id is the same run
	Input   any
	// Alone, when set, is what only one run at a time may hold.
	Alone string
}

// ErrHeld says that what a job wants alone is held by another run.
var ErrHeld = errors.New("held by another run")

// Enqueue starts a run, in a transaction of the caller's when there is one: both or
// neither. ErrHeld leaves the transaction of no use.
func (e *Engine) Enqueue(tx *sql.Tx, j Job) error {
	opts := []dbos.EnqueueOption{
		dbos.WithEnqueueWorkflowID(j.ID), dbos.WithEnqueueApplicationVersion(e.opts.Generation),
		dbos.WithEnqueueClassName("runbook"), dbos.WithEnqueueConfigName(j.Runbook),
	}
	if j.Alone != "" {
		opts = append(opts, dbos.WithEnqueueDeduplicationID(j.Alone))
	}
	if tx != nil {
		opts = append(opts, dbos.WithEnqueueTransaction(tx))
	}
	in, err := sealer(e.opts.Key).input(j.ID, j.Input)
	if err != nil {
		return err
	}
	_, err = dbos.Enqueue[string](e.ctx, j.Queue, j.Runbook, in, opts...)
	if errors.Is(err, dbos.ErrQueueDeduplicated) {
		return ErrHeld
	}
	if err != nil {
		return fmt.Errorf("enqueue %s: %w", j.ID, err)
	}
	return nil
}

// Holder gives the run that holds what only one may hold; empty when none does.
func (e *Engine) Holder(alone string) (string, error) {
	found, err := dbos.ListWorkflows(e.ctx, dbos.WithFilterDeduplicationID(alone), dbos.WithFilterLimit(1),
		dbos.WithFilterStatus(open()...), dbos.WithFilterLoadInput(false), dbos.WithFilterLoadOutput(false))
	if err != nil || len(found) == 0 {
		return "", err
	}
	return found[0].ID, nil
}

func open() []dbos.WorkflowStatusType {
	return []dbos.WorkflowStatusType{dbos.WorkflowStatusPending, dbos.WorkflowStatusEnqueued, dbos.WorkflowStatusDelayed}
}

// State is what the engine knows of a run.
type State string

// The states of a run in the engine.
const (
	Unheard State = "unheard" // it was never started
	Open    State = "open"
	Ended   State = "ended" // by its runbook's own end
	Dead    State = "dead"  // given up, or cancelled, by the engine
)

// State tells what the engine knows of a run, and its own word for that; for one that has
// ended, the word of its runbook for how.
func (e *Engine) State(run string) (State, string, error) {
	h, err := dbos.RetrieveWorkflow[string](e.ctx, run)
	if errors.Is(err, dbos.ErrNonExistentWorkflow) {
		return Unheard, "", nil
	}
	if err != nil {
		return "", "", err
	}
	st, err := h.GetStatus()
	if err != nil {
		return "", "", err
	}
	switch st.Status {
	case dbos.WorkflowStatusPending, dbos.WorkflowStatusEnqueued, dbos.WorkflowStatusDelayed:
		return Open, string(st.Status), nil
	case dbos.WorkflowStatusSuccess:
		word, err := h.GetResult()
		return Ended, word, err
	default:
		return Dead, string(st.Status), nil
	}
}

// Former is a run of another generation that has not ended.
type Former struct {
	ID         string
	Runbook    string
	Generation string
	Steps      []string // that were recorded, in order
}

// FormerRuns lists the open runs of other generations. It may be asked before Launch,
// which would leave them waiting for ever without a word.
func (e *Engine) FormerRuns() ([]Former, error) {
	found, err := dbos.ListWorkflows(e.ctx, dbos.WithFilterStatus(open()...), dbos.WithFilterLoadInput(false), dbos.WithFilterLoadOutput(false))
	if err != nil {
		return nil, fmt.Errorf("list the open runs: %w", err)
	}
	var out []Former
	for _, w := range found {
		if w.ApplicationVersion == e.opts.Generation {
			continue
		}
		steps, err := e.Steps(w.ID)
		if err != nil {
			return nil, err
		}
		out = append(out, Former{ID: w.ID, Runbook: w.Name, Generation: w.ApplicationVersion, Steps: steps})
	}
	return out, nil
}

// Unsealed lists the open runs of a runbook that were begun without a seal. It may be asked
// before Launch.
func Unsealed(e *Engine, runbook string) ([]string, error) {
	found, err := dbos.ListWorkflows(e.ctx, dbos.WithFilterStatus(open()...), dbos.WithFilterName(runbook), dbos.WithFilterLoadInput(true), dbos.WithFilterLoadOutput(false))
	if err != nil {
		return nil, fmt.Errorf("list the open runs: %w", err)
	}
	var out []string
	for _, w := range found {
		doc, text := w.Input.(string)
		if !text {
			plain, err := json.Marshal(w.Input)
			if err != nil {
				return nil, fmt.Errorf("read the input of %s: %w", w.ID, err)
			}
			doc = string(plain)
		}
		if has, _ := sealer(e.opts.Key).began(w.ID, json.RawMessage(doc)); !has {
			out = append(out, w.ID)
		}
	}
	return out, nil
}

// BegunBefore tells the engine, before Launch, which runs were begun before there were seals:
// they alone take what is said without one.
func BegunBefore(e *Engine, runs []string) { e.former = runs }

// Steps lists the names of the recorded steps of a run, in order.
func (e *Engine) Steps(run string) ([]string, error) {
	steps, err := dbos.GetWorkflowSteps(e.ctx, run)
	if err != nil {
		return nil, fmt.Errorf("read the steps of %s: %w", run, err)
	}
	names := make([]string, len(steps))
	for i, s := range steps {
		names[i] = s.StepName
	}
	return names, nil
}

// Forsake ends a run of another generation in the engine, without a word to anybody.
func (e *Engine) Forsake(run string) error {
	if err := dbos.CancelWorkflow(e.ctx, run); err != nil {
		return fmt.Errorf("end the former run %s: %w", run, err)
	}
	return nil
}

// prunedAtOnce bounds the runs whose history is removed in one go.
const prunedAtOnce = 200

// Prune removes the stored steps of runs that ended before a time, and gives how many
// runs that were. Their ids stay with whoever keeps the records: an id of which nothing
// is left would run again.
func (e *Engine) Prune(before time.Time) (int, error) {
	found, err := dbos.ListWorkflows(e.ctx, dbos.WithFilterCompletedBefore(before), dbos.WithFilterLimit(prunedAtOnce),
		dbos.WithFilterLoadInput(false), dbos.WithFilterLoadOutput(false))
	if err != nil || len(found) == 0 {
		return 0, err
	}
	ids := make([]string, len(found))
	for i, w := range found {
		ids[i] = w.ID
	}
	if err := dbos.DeleteWorkflows(e.ctx, ids); err != nil {
		return 0, fmt.Errorf("remove the history of ended runs: %w", err)
	}
	return len(ids), nil
}
