output "bucket" {
  description = "Name of the state bucket, for the .tfbackend files."
  value       = module.bucket.name
}

output "copy_bucket" {
  description = "Name of its copy."
  value       = module.copy.name
}

output "lock_table" {
  description = "Name of the lock table; null without one."
  value       = var.lock_table == null ? null : aws_dynamodb_table.lock[0].name
}

output "key_arns" {
  description = "Key of the state by Region: who runs Terraform may use the first, through S3."
  value = {
    (var.control_region) = aws_kms_key.main.arn
    (var.copy_region)    = aws_kms_replica_key.main.arn
  }
}
