# What no plan of a run may do, whoever approved it: lose something that holds
# data, cut the replication of a database, or touch a stack of data at all.
package drbot.plan

decision := {"deny": deny, "accept": accept}

# held are those of some types that no apply may delete, whatever it finds half made.
held := {type | some type in list(input, "types"); holds(type)} | {type | some type in list(input, "types"); is_opaque(type)}

# Types that hold data or the keys to it, or that cannot be had again as they were.
holds_data := {
	"aws_acmpca_certificate_authority",
	"aws_ami",
	"aws_ami_copy",
	"aws_ami_from_instance",
	"aws_backup_logically_air_gapped_vault",
	"aws_backup_vault",
	"aws_cloudfront_key_value_store",
	"aws_cloudhsm_v2_cluster",
	"aws_cloudtrail_event_data_store",
	"aws_cloudwatch_event_archive",
	"aws_codeartifact_domain",
	"aws_codeartifact_repository",
	"aws_codecommit_repository",
	"aws_cognito_identity_pool",
	"aws_cognito_user_pool",
	"aws_customerprofiles_domain",
	"aws_datazone_domain",
	"aws_db_cluster_snapshot",
	"aws_db_instance",
	"aws_db_snapshot",
	"aws_db_snapshot_copy",
	"aws_dsql_cluster",
	"aws_dynamodb_global_table",
	"aws_dynamodb_table",
	"aws_dynamodb_table_replica",
	"aws_ebs_snapshot",
	"aws_ebs_snapshot_copy",
	"aws_ebs_snapshot_import",
	"aws_ebs_volume",
	"aws_ecr_repository",
	"aws_ecrpublic_repository",
	"aws_finspace_kx_database",
	"aws_finspace_kx_environment",
	"aws_finspace_kx_volume",
	"aws_glacier_vault",
	"aws_glue_catalog_database",
	"aws_glue_catalog_table",
	"aws_grafana_workspace",
	"aws_kendra_index",
	"aws_keyspaces_keyspace",
	"aws_keyspaces_table",
	"aws_kinesis_stream",
	"aws_kinesis_video_stream",
	"aws_kms_custom_key_store",
	"aws_kms_external_key",
	"aws_kms_key",
	"aws_kms_replica_external_key",
	"aws_kms_replica_key",
	"aws_lightsail_bucket",
	"aws_lightsail_database",
	"aws_lightsail_disk",
	"aws_lightsail_domain",
	"aws_lightsail_instance",
	"aws_media_store_container",
	"aws_mq_broker",
	"aws_msk_cluster",
	"aws_msk_serverless_cluster",
	"aws_msk_topic",
	"aws_paymentcryptography_key",
	"aws_prometheus_workspace",
	"aws_qldb_ledger",
	"aws_redshift_cluster",
	"aws_redshift_cluster_snapshot",
	"aws_redshiftserverless_namespace",
	"aws_redshiftserverless_snapshot",
	"aws_route53_zone",
	"aws_route53domains_domain",
	"aws_route53domains_registered_domain",
	"aws_s3_bucket",
	"aws_s3_directory_bucket",
	"aws_s3control_bucket",
	"aws_sagemaker_domain",
	"aws_sagemaker_feature_group",
	"aws_secretsmanager_secret",
	"aws_securitylake_data_lake",
	"aws_service_discovery_private_dns_namespace",
	"aws_service_discovery_public_dns_namespace",
	"aws_simpledb_domain",
	"aws_storagegateway_cached_iscsi_volume",
	"aws_storagegateway_gateway",
	"aws_storagegateway_stored_iscsi_volume",
	"aws_storagegateway_tape_pool",
	"aws_verifiedpermissions_policy_store",
	"aws_workmail_organization",
	"aws_workspaces_workspace",
}

holds_data_prefixes := {"aws_docdb", "aws_efs_", "aws_fsx_", "aws_memorydb_", "aws_neptune", "aws_rds_", "aws_s3tables_", "aws_s3vectors_", "aws_timestream"}

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
	"aws_s3tables_table_bucket_policy",
	"aws_s3tables_table_bucket_replication",
	"aws_s3tables_table_policy",
	"aws_s3tables_table_replication",
	"aws_s3vectors_vector_bucket_policy",
	"aws_timestreamquery_scheduled_query",
}

# What the types of other providers are named by that hold data.
store_words := {"bucket", "database", "disk", "filesystem", "keyspace", "snapshot", "volume"}

# Types whose resources have others in them, of any kind, that go with them.
opaque := {
	"aws_cloudcontrolapi_resource",
	"aws_cloudformation_stack",
	"aws_cloudformation_stack_instances",
	"aws_cloudformation_stack_set",
	"aws_cloudformation_stack_set_instance",
	"aws_serverlessapplicationrepository_cloudformation_stack",
	"aws_servicecatalog_provisioned_product",
}

# The provider awscc has a type for all that AWS has, by names of its own: these hold nothing,
# and any other may hold something.
awscc_nothing := {
	"awscc_apigateway",
	"awscc_applicationautoscaling_",
	"awscc_autoscaling_",
	"awscc_certificatemanager_",
	"awscc_cloudwatch_",
	"awscc_ec2_internet_gateway",
	"awscc_ec2_launch_template",
	"awscc_ec2_nat_gateway",
	"awscc_ec2_route",
	"awscc_ec2_security_group",
	"awscc_ec2_subnet",
	"awscc_ec2_vpc",
	"awscc_ecs_",
	"awscc_elasticloadbalancing",
	"awscc_events_rule",
	"awscc_iam_",
	"awscc_lambda_",
	"awscc_route53_health_check",
	"awscc_route53_record_set",
	"awscc_scheduler_",
	"awscc_servicediscovery_service",
	"awscc_sns_",
	"awscc_stepfunctions_",
	"awscc_synthetics_",
	"awscc_wafv2_",
}

# What is made anew empty: ordinary in a pilot light, and people accept it by its name.
missed := {"aws_cloudsearch_domain", "aws_cloudwatch_log_group", "aws_dax_cluster", "aws_opensearch_domain", "aws_elasticsearch_domain", "awscc_logs_log_group", "awscc_opensearchservice_domain"}

missed_prefixes := {"aws_elasticache_", "aws_opensearchserverless_collection", "awscc_elasticache_", "awscc_opensearchserverless_collection"}

missed_not := {
	"aws_elasticache_parameter_group",
	"aws_elasticache_subnet_group",
	"aws_elasticache_user",
	"aws_elasticache_user_group",
	"aws_elasticache_user_group_association",
}

# Attributes by which something is tied to its other half: changing one, or setting it to
# nothing, takes a cluster out of its global database or makes a replica stand alone.
ties := {
	"data_replication_primary_broker_arn",
	"global_cluster_identifier",
	"global_replication_group_id",
	"multi_region_cluster_name",
	"primary_replication_group_id",
	"replicate_source_db",
	"replication_source_identifier",
	"source_db_cluster_identifier",
	"source_db_instance_identifier",
}

# Blocks, by their types, that say what is copied where.
copies := {
	"aws_dlm_lifecycle_policy": {"cross_region_copy", "cross_region_copy_rule"},
	"aws_dsql_cluster": {"multi_region_properties"},
	"aws_dynamodb_global_table": {"replica"},
	"aws_dynamodb_table": {"replica"},
	"aws_ecr_replication_configuration": {"replication_configuration"},
	"aws_efs_replication_configuration": {"destination"},
	"aws_keyspaces_keyspace": {"replication_specification"},
	"aws_mq_broker": {"data_replication_mode"},
	"aws_msk_replicator": {"replication_info_list"},
	"aws_redshift_cluster": {"snapshot_copy"},
	"aws_s3_bucket": {"replication_configuration", "versioning"},
	"aws_s3_bucket_replication_configuration": {"rule"},
	"aws_s3_bucket_versioning": {"versioning_configuration"},
	"aws_s3tables_table_bucket_replication": {"rule"},
	"aws_s3tables_table_replication": {"rule"},
	"aws_secretsmanager_secret": {"replica"},
	"aws_securitylake_data_lake": {"replication_configuration"},
	"aws_ssmincidents_replication_set": {"region", "regions"},
}

# The same of the provider awscc, whatever the type.
awscc_copies := {"multi_region_properties", "replica_regions", "replicas", "replication_configuration", "replication_specification", "replication_specifications", "versioning_configuration"}

# Types that are nothing but what is copied where, or what that needs.
replications := {
	"aws_db_instance_automated_backups_replication",
	"aws_dms_replication_config",
	"aws_dms_replication_task",
	"aws_dsql_cluster_peering",
	"aws_ecr_replication_configuration",
	"aws_efs_replication_configuration",
	"aws_msk_replicator",
	"aws_redshift_snapshot_copy",
	"aws_s3_bucket_replication_configuration",
	"aws_s3_bucket_versioning",
	"aws_s3tables_table_bucket_replication",
	"aws_s3tables_table_replication",
	"aws_ssmincidents_replication_set",
}

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
	some block in copied(kind(change), path)
	reason := text("policy.copies", {"address": foreign(change.address), "block": foreign(block)})
}

deny contains reason if {
	some change in changes
	kind(change) in replications
	some action in change.actions
	action in {"delete", "forget"}
	reason := text("policy.uncopied", {"address": foreign(change.address)})
}

deny contains reason if {
	some change in changes
	is_opaque(kind(change))
	some action in change.actions
	action in {"delete", "forget"}
	reason := text("policy.opaque", {"address": foreign(change.address)})
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

guarded(change) if holds(kind(change))

holds(type) if type in holds_data

holds(type) if {
	some prefix in holds_data_prefixes
	startswith(type, prefix)
	not type in holds_nothing
}

holds(type) if {
	not startswith(type, "aws_")
	not startswith(type, "awscc_")
	some word in split(type, "_")
	word in store_words
}

is_opaque(type) if type in opaque

is_opaque(type) if {
	startswith(type, "awscc_")
	not is_missed(type)
	not known_nothing(type)
}

known_nothing(type) if {
	some prefix in awscc_nothing
	startswith(type, prefix)
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

# copied are the blocks of a path that say what is copied. What teams write into tags copies
# nothing.
copied(type, path) := {block |
	some block in segments(path)
	block in object.get(copies, type, set())
	not segments(path)[0] in {"tags", "tags_all"}
} if {
	not startswith(type, "awscc_")
}

copied(type, path) := {block | some block in segments(path); block in awscc_copies; segments(path)[0] != "tags"} if startswith(type, "awscc_")

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
