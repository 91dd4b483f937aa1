// Package tf plans and applies Terraform stacks for the runbooks and edits the
// one value a failover changes.
//
// A plan is made in a clean checkout of an exact commit and leaves this package
// as a dr.Plan only: addresses, actions, attribute names and keyed hashes. An
// apply runs under a supervising process of the same binary in a session of its
// own, so that it outlives the bot; a restarted bot finds it by its key, follows
// it, and never starts it twice. When all of an apply dies, the next one of that
// state releases the lock it left only if the lock is proved to be its and all of
// it to be dead, and refuses while the state lacks what it made. What Terraform
// and providers print is untrusted and reaches people as scrubbed summary lines.
package tf
