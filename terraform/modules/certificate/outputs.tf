output "arn" {
  description = "The certificate, once it is issued."
  value       = local.make ? aws_acm_certificate_validation.main[0].certificate_arn : var.certificate_arn
}
