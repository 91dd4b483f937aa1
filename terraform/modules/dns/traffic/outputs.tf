output "name" {
  description = "The public name."
  value       = var.name
}

output "target" {
  description = "The regional name of the active Region."
  value       = local.regional[var.active_region]
}

output "weights" {
  description = "Weight by Region; empty unless both serve."
  value       = local.shape == "weighted" ? local.weights : {}
}
