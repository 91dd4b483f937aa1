output "ids" {
  description = "The endpoints by service, such as ecr.api."
  value       = { for service, endpoint in aws_vpc_endpoint.interface : service => endpoint.id }
}
