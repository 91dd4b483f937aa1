package aurora

import (
	"slices"
	"strings"
)

// blocking are the statuses of a cluster or an instance that keep it from being promoted now:
// it is not there yet or soon no more, cannot read its storage, or moves already. Every other
// passes or leaves it usable (backing-up, modifying, maintenance, storage-optimization,
// configuring-..., upgrading), and one that nobody has heard of is no reason to lose a Region.
// https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/accessing-monitoring.html
func blocking() []string {
	return []string{
		"cloning-failed", "creating", "delete-precheck", "deleting", "failed", "failing-over",
		"inaccessible-encryption-credentials", "inaccessible-encryption-credentials-recoverable",
		"insufficient-capacity", "migrating", "migration-failed", "preparing-data-migration", "promoting",
		"renaming", "restore-error", "starting", "stopped", "stopping", "storage-full",
	}
}

// blocks tells whether a status is one of these. None at all is not known, and is.
func blocks(status string) bool {
	status = strings.ToLower(status)
	return status == "" || slices.Contains(blocking(), status) || strings.HasPrefix(status, "incompatible-")
}

// busy tells whether a writer is not available for a while, and is one all the same.
func (m member) busy() bool {
	return !m.canWrite() && !blocks(m.status) && slices.ContainsFunc(m.instances, func(i instance) bool { return i.writer && !blocks(i.status) })
}

// promotable tells whether a member can be promoted as it is: neither its cluster nor every one
// of its instances is in a status that blocks it.
func (m member) promotable() bool {
	return !blocks(m.status) && slices.ContainsFunc(m.instances, func(i instance) bool { return !blocks(i.status) })
}
