output "bucket_names" {
  description = "The files bucket by Region."
  value = {
    (var.home_region)    = module.home.name
    (var.standby_region) = module.standby.name
  }
}

output "bucket_arns" {
  description = "ARN of the files bucket by Region."
  value = {
    (var.home_region)    = module.home.arn
    (var.standby_region) = module.standby.arn
  }
}

output "replication_role_arns" {
  description = "Role that copies away from each Region; empty without replication. Batch Replication needs one of its own."
  value       = { for region, role in aws_iam_role.replication : region => role.arn }
}
