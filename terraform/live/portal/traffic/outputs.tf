output "name" {
  description = "The public name."
  value       = module.traffic.name
}

output "target" {
  description = "The name it leads to: the active Region's."
  value       = module.traffic.target
}

output "weights" {
  description = "Weight by Region; empty unless both serve."
  value       = module.traffic.weights
}
