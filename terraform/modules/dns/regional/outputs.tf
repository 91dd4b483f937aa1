output "name" {
  description = "The Region's own name, once it resolves."
  value       = aws_route53_record.regional.fqdn
}
