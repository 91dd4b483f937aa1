output "key_arns" {
  description = "The service's key by Region."
  value = {
    (var.home_region)    = aws_kms_key.main.arn
    (var.standby_region) = aws_kms_replica_key.main.arn
  }
}

output "secret_names" {
  description = "Names of the secrets, the same in both Regions."
  value       = [for secret in aws_secretsmanager_secret.main : secret.name]
}

output "secret_arns" {
  description = "ARNs in the home Region, by secret. A replica's is the same but for the Region."
  value       = { for key, secret in aws_secretsmanager_secret.main : key => secret.arn }
}
