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

test_a_change_without_a_type_is_known_by_its_address if {
	count(denied(of("tokyo", [{"address": "aws_rds_cluster.main", "actions": ["delete"]}]))) == 1
	count(denied(of("tokyo", [{"address": "module.a.module.b.aws_kms_key.k", "type": "", "actions": ["delete"]}]))) == 1
}

test_replication_is_not_cut if {
	every tie in {"global_cluster_identifier", "replication_source_identifier"} {
		facts := of("tokyo", [{"address": "aws_rds_cluster.main", "type": "aws_rds_cluster", "actions": ["update"], "nulled": ["tags", tie]}])
		denied(facts) == {sprintf("aws_rds_cluster.main would lose its %s, which ends the replication of the database", [tie])}
	}
	nested := of("tokyo", [{"address": "custom.x", "type": "custom", "actions": ["update"], "nulled": ["db.global_cluster_identifier"]}])
	count(denied(nested)) == 1
	other := of("tokyo", [{"address": "aws_rds_cluster.main", "type": "aws_rds_cluster", "actions": ["update"], "nulled": ["tags"]}])
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
