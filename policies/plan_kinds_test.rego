package drbot.plan_test

import data.drbot.plan

gone := [["delete"], ["delete", "create"], ["forget"]]

# Cases 8 and 9 of every kind: what holds data, or may, is not lost.
test_stores_of_every_kind if {
	every type in {
		"aws_dsql_cluster", "aws_lightsail_database", "aws_lightsail_disk", "aws_lightsail_bucket", "aws_s3tables_table_bucket", "aws_s3tables_table",
		"aws_s3vectors_vector_bucket", "aws_s3control_bucket", "aws_qldb_ledger", "aws_paymentcryptography_key", "aws_cloudhsm_v2_cluster",
		"aws_backup_logically_air_gapped_vault", "aws_mq_broker", "aws_glacier_vault", "aws_acmpca_certificate_authority", "aws_route53domains_domain",
		"google_sql_database_instance", "kubernetes_persistent_volume_claim", "postgresql_database",
	} {
		every actions in gone {
			count(denied(one(type, actions))) == 1
		}
		denied(one(type, ["update"])) == set()
		denied(one(type, ["create"])) == set()
	}
	every type in {"aws_s3tables_table_policy", "aws_s3vectors_vector_bucket_policy", "terraform_data", "kubernetes_deployment", "cloudflare_record"} {
		every actions in gone {
			denied(one(type, actions)) == set()
		}
	}
}

# What has others in it, and what another provider names in its own way.
test_what_nobody_can_tell if {
	every type in {
		"awscc_rds_db_cluster", "awscc_rds_global_cluster", "awscc_s3_bucket", "awscc_dynamodb_table", "awscc_efs_file_system", "awscc_kms_key",
		"awscc_something_new", "aws_cloudformation_stack", "aws_cloudcontrolapi_resource",
	} {
		every actions in gone {
			denied(one(type, actions)) == {sprintf("module.x.%s.this would be gone with what is in it, and its type does not tell what that is", [type])}
		}
		denied(one(type, ["update"])) == set()
	}
	every type in {"awscc_ecs_service", "awscc_elasticloadbalancingv2_load_balancer", "awscc_route53_record_set", "awscc_elasticache_cluster"} {
		every actions in gone {
			denied(one(type, actions)) == set()
		}
	}
	accepted(one("awscc_logs_log_group", ["delete"])) == {"module.x.awscc_logs_log_group.this would be gone with what is in it"}
}

# What says what is copied where, and what ties something to its other half, stays.
test_copies_and_ties_of_every_kind if {
	every c in [
		["aws_dynamodb_global_table", "replica[1].region_name"],
		["aws_keyspaces_keyspace", "replication_specification[0].region_list[1]"],
		["aws_memorydb_cluster", "multi_region_cluster_name"],
		["aws_rds_global_cluster", "source_db_cluster_identifier"],
		["aws_dsql_cluster", "multi_region_properties[0].clusters[0]"],
		["awscc_dynamodb_global_table", "replicas[1].region"],
		["awscc_secretsmanager_secret", "replica_regions[0].region"],
		["aws_s3_bucket_versioning", "versioning_configuration[0].status"],
		["aws_s3_bucket", "versioning[0].enabled"],
		["aws_dlm_lifecycle_policy", "policy_details[0].schedule[0].cross_region_copy_rule[0].target"],
		["aws_msk_replicator", "replication_info_list[0].topic_replication[0].topics_to_replicate"],
	] {
		update := of("tokyo", [{"address": "x.this", "type": c[0], "actions": ["update"], "paths": [{"path": c[1]}]}])
		count(denied(update)) == 1
		made := of("tokyo", [{"address": "x.this", "type": c[0], "actions": ["create"], "paths": [{"path": c[1]}]}])
		denied(made) == set()
	}
	every c in [["aws_keyspaces_keyspace", "tags.replication_specification"], ["awscc_dynamodb_global_table", "tags[0].replicas"], ["aws_lb", "replicas"]] {
		denied(of("tokyo", [{"address": "x.this", "type": c[0], "actions": ["update"], "paths": [{"path": c[1]}]}])) == set()
	}
	every type in {"aws_s3_bucket_versioning", "aws_dsql_cluster_peering", "aws_msk_replicator"} {
		every actions in gone {
			denied(one(type, actions)) == {sprintf("module.x.%s.this says what is copied to the other Region, and would be gone", [type])}
		}
	}
}

test_held if {
	plan.held == {"aws_rds_cluster", "awscc_rds_db_cluster"} with input as {"types": ["aws_rds_cluster", "awscc_rds_db_cluster", "aws_lb", "aws_rds_cluster"]}
	plan.held == set() with input as {}
}
