# What no plan of a run may do, whoever approved it: lose something that holds
# data, cut the replication of a database, or touch a stack of data at all.
package drbot.plan

decision := {"deny": deny}

# Types that hold data or the keys to it.
holds_data := {
	"aws_backup_vault",
	"aws_db_instance",
	"aws_dynamodb_table",
	"aws_ecr_repository",
	"aws_kms_key",
	"aws_kms_replica_key",
	"aws_s3_bucket",
	"aws_secretsmanager_secret",
}

holds_data_prefixes := {"aws_rds_", "aws_efs_"}

# Setting one of these to nothing takes a cluster out of its global database.
ties := {"global_cluster_identifier", "replication_source_identifier"}

known_actions := {"no-op", "read", "create", "update", "delete", "forget"}

deny contains text("policy.no-plan", {}) if count(plans) == 0

deny contains reason if {
	some change in changes
	guarded(change)
	"delete" in change.actions
	reason := text(fate(change), {"address": foreign(change.address)})
}

deny contains reason if {
	some change in changes
	guarded(change)
	"forget" in change.actions
	reason := text("policy.forgotten", {"address": foreign(change.address)})
}

deny contains reason if {
	some change in changes
	some path in list(change, "nulled")
	some tie in ties
	last(path) == tie
	reason := text("policy.untied", {"address": foreign(change.address), "tie": foreign(tie)})
}

deny contains reason if {
	some change in changes
	some action in change.actions
	not action in known_actions
	reason := text("policy.action-unknown", {"address": foreign(change.address), "action": foreign(sprintf("%v", [action]))})
}

deny contains reason if {
	some change in changes
	count(list(change, "actions")) == 0
	reason := text("policy.action-untold", {"address": foreign(change.address)})
}

deny contains reason if {
	some plan in plans
	some stack in list(input, "stacks")
	stack.name == plan.stack
	stack.role == "data"
	some change in list(plan, "changes")
	acts(change)
	reason := text("policy.data-stack", {"address": foreign(change.address), "stack": {"w": plan.stack}})
}

acts(change) if {
	some action in change.actions
	not action in {"no-op", "read"}
}

fate(change) := "policy.replaced" if "create" in change.actions

fate(change) := "policy.deleted" if not "create" in change.actions

# What is said, as messages of the catalogue; an address is Terraform's word.
text(id, args) := {"id": id, "args": args}

foreign(w) := {"f": w}

# The type is asked for in the address too, so that a change that came without
# one is not let through.
guarded(change) if {
	some kind in kinds(change)
	kind in holds_data
}

guarded(change) if {
	some kind in kinds(change)
	some prefix in holds_data_prefixes
	startswith(kind, prefix)
}

kinds(change) := {object.get(change, "type", "")} | {part | some part in split(change.address, ".")}

last(path) := parts[count(parts) - 1] if parts := split(path, ".")

plans := list(input, "plans")

changes := [change |
	some plan in plans
	some change in list(plan, "changes")
]

# A list that Go did not fill arrives as null.
list(object_, key) := object_[key] if is_array(object_[key])

list(object_, key) := [] if not is_array(object.get(object_, key, null))
