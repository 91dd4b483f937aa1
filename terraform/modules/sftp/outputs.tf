output "server_id" {
  description = "The server; null when not enabled."
  value       = one(aws_transfer_server.main[*].id)
}

output "host_key_fingerprint" {
  description = "What clients see; it must be the same in both Regions."
  value       = one(aws_transfer_server.main[*].host_key_fingerprint)
  sensitive   = true # harmless at AWS; the provider treats it like the key it comes from
}
