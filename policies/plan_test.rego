package drbot.plan_test

import data.drbot.plan

stacks := [
	{"name": "data", "role": "data"},
	{"name": "tokyo", "role": "region", "region": "ap-northeast-1"},
	{"name": "traffic", "role": "traffic"},
]

of(stack, changes) := {"service": "portal", "source": "ap-northeast-2", "stacks": stacks, "plans": [{"stack": stack, "changes": changes}]}

one(type, actions) := of("tokyo", [{"address": sprintf("module.x.%s.this", [type]), "type": type, "actions": actions}])

denied(facts) := {words(r) | some r in reasons} if reasons := plan.deny with input as facts

# What people read of a message.
english := {
	"policy.no-plan": "there is no plan to look at",
	"policy.replaced": "{address} holds data and would be replaced",
	"policy.deleted": "{address} holds data and would be deleted",
	"policy.forgotten": "{address} holds data and Terraform would no longer look after it",
	"policy.untied": "{address} would lose its {tie}, which ends the replication of the database",
	"policy.tied-elsewhere": "{address} would get another {tie}, which ends the replication of the database",
	"policy.copies": "{address} would change its {block}, which says what is copied to the other Region",
	"policy.uncopied": "{address} says what is copied to the other Region, and would be gone",
	"policy.type-untold": "{address}: the plan does not say what it is",
	"policy.missed": "{address} would be gone with what is in it",
	"policy.opaque": "{address} would be gone with what is in it, and its type does not tell what that is",
	"policy.action-unknown": "{address}: the action {action} is not known",
	"policy.action-untold": "{address}: the plan does not say what would be done",
	"policy.data-stack": "{address} is in the stack {stack}, which holds data and is never applied by a run",
}

words(t) := strings.replace_n({sprintf("{%s}", [k]): shown(v) | some k, v in t.args}, english[t.id])

shown(arg) := arg.f if arg.f

shown(arg) := arg.w if arg.w

test_ordinary_changes_go if {
	every actions in [["create"], ["update"], ["delete"], ["delete", "create"], ["no-op"], ["read"]] {
		denied(one("aws_ecs_service", actions)) == set()
		denied(one("aws_lb", actions)) == set()
	}
	denied(of("tokyo", [])) == set()
	denied(of("tokyo", null)) == set()
}

test_making_and_changing_what_holds_data_goes if {
	every actions in [["create"], ["update"], ["no-op"]] {
		denied(one("aws_s3_bucket", actions)) == set()
	}
}

test_what_holds_data_is_not_lost if {
	every type in {
		"aws_rds_global_cluster", "aws_rds_cluster", "aws_rds_cluster_instance", "aws_s3_bucket", "aws_dynamodb_table",
		"aws_efs_file_system", "aws_kms_key", "aws_secretsmanager_secret", "aws_ecr_repository", "aws_db_instance",
	} {
		denied(one(type, ["delete"])) == {sprintf("module.x.%s.this holds data and would be deleted", [type])}
		denied(one(type, ["delete", "create"])) == {sprintf("module.x.%s.this holds data and would be replaced", [type])}
		denied(one(type, ["create", "delete"])) == {sprintf("module.x.%s.this holds data and would be replaced", [type])}
		denied(one(type, ["forget"])) == {sprintf("module.x.%s.this holds data and Terraform would no longer look after it", [type])}
	}
}

test_types_beside_those_are_free if {
	denied(one("aws_s3_bucket_policy", ["delete"])) == set()
	denied(one("aws_s3_object", ["delete"])) == set()
	denied(one("terraform_data", ["delete", "create"])) == set()
}

test_a_change_without_a_type_is_not_understood if {
	every change in [{"actions": ["delete"]}, {"type": "", "actions": ["update"]}, {"type": null, "actions": ["create"]}] {
		facts := of("tokyo", [object.union(change, {"address": "aws_lb.this"})])
		denied(facts) == {"aws_lb.this: the plan does not say what it is"}
	}
}

accepted(facts) := {words(r) | some r in reasons} if reasons := plan.accept with input as facts

changed(paths, nulled) := of("tokyo", [{"address": "aws_rds_cluster.main", "type": "aws_rds_cluster", "actions": ["update"], "paths": paths, "nulled": nulled}])

# Case 1: a tie keeps its value and gets no other.
test_case_1_a_tie_keeps_its_value if {
	lost := {"aws_rds_cluster.main would lose its global_cluster_identifier, which ends the replication of the database"}
	other := {"aws_rds_cluster.main would get another global_cluster_identifier, which ends the replication of the database"}
	denied(changed([{"path": "global_cluster_identifier", "value": "h"}], ["global_cluster_identifier"])) == lost # null, and ""
	denied(changed([{"path": "global_cluster_identifier", "value": "h"}], null)) == other
	denied(changed([{"path": "global_cluster_identifier"}], null)) == other # not known
	denied(changed([{"path": "engine_version", "value": "h"}, {"path": "tags.global_cluster_identifier", "value": "h"}], null)) == set()
	made := of("tokyo", [{"address": "aws_rds_cluster.main", "type": "aws_rds_cluster", "actions": ["create"], "paths": [{"path": "global_cluster_identifier"}]}])
	denied(made) == set()
}

# Case 7: a move changes the state alone.
test_case_7_a_move_goes if {
	denied(one("aws_s3_bucket", ["move"])) == set()
	denied(one("aws_lb", ["update", "move"])) == set()
}

# Case 8: what says what is copied where stays as it is.
test_case_8_replication_stays if {
	every c in [
		["aws_dynamodb_table", "replica[1].region_name", "replica"],
		["aws_secretsmanager_secret", "replica", "replica"],
		["aws_s3_bucket", "replication_configuration[0].rules[0].status", "replication_configuration"],
		["aws_s3_bucket_replication_configuration", "rule[0].status", "rule"],
		["aws_ecr_replication_configuration", "replication_configuration[0].rule[0].destination[1].region", "replication_configuration"],
	] {
		update := of("tokyo", [{"address": "x.this", "type": c[0], "actions": ["update"], "paths": [{"path": c[1]}]}])
		denied(update) == {sprintf("x.this would change its %s, which says what is copied to the other Region", [c[2]])}
		out := of("tokyo", [{"address": "x.this", "type": c[0], "actions": ["update"], "left_out": [{"path": c[1]}]}])
		denied(out) == denied(update) # whatever the team calls unstable
		made := of("tokyo", [{"address": "x.this", "type": c[0], "actions": ["create"], "paths": [{"path": c[1]}]}])
		denied(made) == set()
	}
	beside := of("tokyo", [{"address": "x.this", "type": "aws_dynamodb_table", "actions": ["update"], "paths": [{"path": "tags.replica"}, {"path": "replicas"}]}])
	denied(beside) == set()
	every type in {"aws_s3_bucket_replication_configuration", "aws_ecr_replication_configuration"} {
		every actions in [["delete"], ["forget"], ["delete", "create"]] {
			denied(one(type, actions)) == {sprintf("module.x.%s.this says what is copied to the other Region, and would be gone", [type])}
		}
	}
	count(denied(one("aws_dynamodb_table_replica", ["delete"]))) == 1
}

# Case 9: stores of every kind.
test_case_9_stores_are_not_lost if {
	every type in {
		"aws_docdb_cluster", "aws_docdbelastic_cluster", "aws_neptune_cluster", "aws_memorydb_cluster", "aws_redshift_cluster",
		"aws_redshiftserverless_namespace", "aws_ebs_volume", "aws_ebs_snapshot", "aws_fsx_lustre_file_system", "aws_efs_file_system",
		"aws_cognito_user_pool", "aws_kinesis_stream", "aws_msk_cluster", "aws_timestreamwrite_database", "aws_timestreaminfluxdb_db_instance",
		"aws_db_snapshot", "aws_db_cluster_snapshot", "aws_route53_zone",
	} {
		denied(one(type, ["delete"])) == {sprintf("module.x.%s.this holds data and would be deleted", [type])}
		denied(one(type, ["delete", "create"])) == {sprintf("module.x.%s.this holds data and would be replaced", [type])}
		accepted(one(type, ["delete"])) == set()
	}
	every type in {"aws_docdb_subnet_group", "aws_neptune_parameter_group", "aws_memorydb_acl", "aws_cognito_user_pool_client", "aws_route53_record", "aws_kinesis_firehose_delivery_stream"} {
		denied(one(type, ["delete"])) == set()
	}
}

# Case 9b: what is made anew empty goes, by its name.
test_case_9b_caches_go_by_name if {
	every type in {"aws_elasticache_replication_group", "aws_elasticache_cluster", "aws_elasticache_serverless_cache", "aws_opensearch_domain", "aws_cloudwatch_log_group"} {
		every actions in [["delete"], ["create", "delete"], ["forget"]] {
			denied(one(type, actions)) == set()
			accepted(one(type, actions)) == {sprintf("module.x.%s.this would be gone with what is in it", [type])}
		}
		accepted(one(type, ["update"])) == set()
	}
	accepted(one("aws_elasticache_subnet_group", ["delete"])) == set()
	accepted(one("aws_lb", ["delete"])) == set()
}

# Case 10: no word in an address says what a resource is.
test_case_10_the_type_decides if {
	alarm := {"address": "module.aws_rds_alarms.aws_cloudwatch_metric_alarm.a", "type": "aws_cloudwatch_metric_alarm", "actions": ["delete"]}
	record := {"address": "aws_route53_record.r[\"x.aws_kms_key.y\"]", "type": "aws_route53_record", "actions": ["delete", "create"]}
	denied(of("tokyo", [alarm, record])) == set()
}

test_replication_is_not_cut if {
	every tie in {"global_cluster_identifier", "replication_source_identifier"} {
		facts := of("tokyo", [{"address": "aws_rds_cluster.main", "type": "aws_rds_cluster", "actions": ["update"], "nulled": ["tags", tie]}])
		denied(facts) == {sprintf("aws_rds_cluster.main would lose its %s, which ends the replication of the database", [tie])}
	}
	nested := of("tokyo", [{"address": "custom.x", "type": "custom", "actions": ["update"], "nulled": ["db.global_cluster_identifier"]}])
	count(denied(nested)) == 1
	other := of("tokyo", [{"address": "aws_rds_cluster.main", "type": "aws_rds_cluster", "actions": ["update"], "nulled": ["tags"], "paths": [{"path": "tags"}]}])
	denied(other) == set()
}

test_a_stack_of_data_is_left_alone if {
	facts := of("data", [{"address": "aws_ssm_parameter.x", "type": "aws_ssm_parameter", "actions": ["update"]}])
	denied(facts) == {"aws_ssm_parameter.x is in the stack data, which holds data and is never applied by a run"}
	denied(of("data", [{"address": "aws_ssm_parameter.x", "type": "aws_ssm_parameter", "actions": ["no-op"]}])) == set()
}

test_what_is_not_understood_is_denied if {
	denied(one("aws_lb", ["obliterate"])) == {"module.x.aws_lb.this: the action obliterate is not known"}
	denied(one("aws_lb", [])) == {"module.x.aws_lb.this: the plan does not say what would be done"}
	denied(one("aws_lb", null)) == {"module.x.aws_lb.this: the plan does not say what would be done"}
	denied({"plans": []}) == {"there is no plan to look at"}
	denied({"plans": null}) == {"there is no plan to look at"}
	denied({}) == {"there is no plan to look at"}
}
