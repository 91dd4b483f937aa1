# What no plan of a run may do, whoever approved it: lose something that holds
# data, cut the replication of a database, or touch a stack of data at all.
package drbot.plan

decision := {"deny": deny, "accept": accept}

# Types that hold data or the keys to it, or that cannot be had again as they were.
holds_data := {
	"aws_backup_vault",
	"aws_cognito_user_pool",
	"aws_db_cluster_snapshot",
	"aws_db_instance",
	"aws_db_snapshot",
	"aws_db_snapshot_copy",
	"aws_dynamodb_global_table",
	"aws_dynamodb_table",
	"aws_dynamodb_table_replica",
	"aws_ebs_snapshot",
	"aws_ebs_snapshot_copy",
	"aws_ebs_snapshot_import",
	"aws_ebs_volume",
	"aws_ecr_repository",
	"aws_keyspaces_keyspace",
	"aws_keyspaces_table",
	"aws_kinesis_stream",
	"aws_kinesis_video_stream",
	"aws_kms_external_key",
	"aws_kms_key",
	"aws_kms_replica_external_key",
	"aws_kms_replica_key",
	"aws_msk_cluster",
	"aws_msk_serverless_cluster",
	"aws_redshift_cluster",
	"aws_redshift_cluster_snapshot",
	"aws_redshiftserverless_namespace",
	"aws_redshiftserverless_snapshot",
	"aws_route53_zone",
	"aws_s3_bucket",
	"aws_s3_directory_bucket",
	"aws_secretsmanager_secret",
}

holds_data_prefixes := {"aws_docdb", "aws_efs_", "aws_fsx_", "aws_memorydb_", "aws_neptune", "aws_rds_", "aws_timestream"}

# What belongs to those and holds nothing itself.
holds_nothing := {
	"aws_docdb_cluster_parameter_group",
	"aws_docdb_event_subscription",
	"aws_docdb_subnet_group",
	"aws_memorydb_acl",
	"aws_memorydb_parameter_group",
	"aws_memorydb_subnet_group",
	"aws_memorydb_user",
	"aws_neptune_cluster_endpoint",
	"aws_neptune_cluster_parameter_group",
	"aws_neptune_event_subscription",
	"aws_neptune_parameter_group",
	"aws_neptune_subnet_group",
	"aws_timestreamquery_scheduled_query",
}

# What is made anew empty: ordinary in a pilot light, and people accept it by its name.
missed := {"aws_cloudwatch_log_group", "aws_opensearch_domain", "aws_elasticsearch_domain"}

missed_prefixes := {"aws_elasticache_", "aws_opensearchserverless_collection"}

missed_not := {
	"aws_elasticache_parameter_group",
	"aws_elasticache_subnet_group",
	"aws_elasticache_user",
	"aws_elasticache_user_group",
	"aws_elasticache_user_group_association",
}

# Attributes by which something is tied to its other half: changing one, or setting it to
# nothing, takes a cluster out of its global database or makes a replica stand alone.
ties := {"global_cluster_identifier", "global_replication_group_id", "replicate_source_db", "replication_source_identifier"}

# Blocks, by their types, that say what is copied where.
copies := {
	"aws_dynamodb_table": {"replica"},
	"aws_ecr_replication_configuration": {"replication_configuration"},
	"aws_s3_bucket": {"replication_configuration"},
	"aws_s3_bucket_replication_configuration": {"rule"},
	"aws_secretsmanager_secret": {"replica"},
}

# Types that are nothing but what is copied where.
replications := {"aws_ecr_replication_configuration", "aws_efs_replication_configuration", "aws_s3_bucket_replication_configuration"}

known_actions := {"no-op", "read", "create", "update", "delete", "forget", "move"}

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
	some tie in tied(path)
	reason := text("policy.untied", {"address": foreign(change.address), "tie": foreign(tie)})
}

# Whatever the other value is: a known one, one that is not known yet.
deny contains reason if {
	some change in changes
	stays(change)
	some path in names(change)
	not path in list(change, "nulled")
	some tie in tied(path)
	reason := text("policy.tied-elsewhere", {"address": foreign(change.address), "tie": foreign(tie)})
}

deny contains reason if {
	some change in changes
	stays(change)
	some path in names(change)
	block := segments(path)[0]
	block in copies[kind(change)]
	reason := text("policy.copies", {"address": foreign(change.address), "block": foreign(block)})
}

deny contains reason if {
	some change in changes
	kind(change) in replications
	some action in change.actions
	action in {"delete", "forget"}
	reason := text("policy.uncopied", {"address": foreign(change.address)})
}

# The type alone tells what a change is about. One without a type may be about anything.
deny contains reason if {
	some change in changes
	acts(change)
	kind(change) == ""
	reason := text("policy.type-untold", {"address": foreign(change.address)})
}

accept contains reason if {
	some change in changes
	is_missed(kind(change))
	some action in change.actions
	action in {"delete", "forget"}
	reason := text("policy.missed", {"address": foreign(change.address)})
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

kind(change) := change.type if is_string(change.type)

kind(change) := "" if not is_string(object.get(change, "type", null))

guarded(change) if kind(change) in holds_data

guarded(change) if {
	some prefix in holds_data_prefixes
	startswith(kind(change), prefix)
	not kind(change) in holds_nothing
}

is_missed(type) if type in missed

is_missed(type) if {
	some prefix in missed_prefixes
	startswith(type, prefix)
	not type in missed_not
}

# stays tells a change of something that is there from the making of something new, which
# may be tied to whatever it is made for.
stays(change) if not change.actions == ["create"]

# What is left out of the comparison changes all the same.
names(change) := [path | some key in ["paths", "left_out"]; some c in list(change, key); path := c.path]

# segments are the names in a path: "a.b[0].c" has a, b and c.
segments(path) := [name | some part in regex.split(`[.\[]`, path); name := trim_right(part, "]")]

# tied are the ties that a path is about. What teams write into tags ties nothing.
tied(path) := {tie | some tie in ties; tie in segments(path); not segments(path)[0] in {"tags", "tags_all"}}

plans := list(input, "plans")

changes := [change |
	some plan in plans
	some change in list(plan, "changes")
]

# A list that Go did not fill arrives as null.
list(object_, key) := object_[key] if is_array(object_[key])

list(object_, key) := [] if not is_array(object.get(object_, key, null))
