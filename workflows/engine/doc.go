// Package engine runs runbooks durably: it is the one importer of DBOS, and knows no
// step and no service. A runbook is a function over a Run; what it does it does in
// steps, whose outcomes are stored, so that a run that was cut off goes on where it was.
//
// A step may run twice, so it looks before it acts. A runbook branches on outcomes and
// never on an error: after a restart an error has lost its type. Clock, randomness and
// the outside are for steps alone.
package engine
