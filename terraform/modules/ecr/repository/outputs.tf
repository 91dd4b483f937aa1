output "url" {
  description = "Where images are pushed to and pulled from."
  value       = aws_ecr_repository.main.repository_url
}

output "arn" {
  description = "The repository."
  value       = aws_ecr_repository.main.arn
}

output "name" {
  description = "Its name."
  value       = aws_ecr_repository.main.name
}

output "settings" {
  description = "What must be equal in both Regions."
  value = {
    tags_are   = aws_ecr_repository.main.image_tag_mutability
    scanned    = aws_ecr_repository.main.image_scanning_configuration[0].scan_on_push
    encryption = aws_ecr_repository.main.encryption_configuration[0].encryption_type
    lifecycle  = aws_ecr_lifecycle_policy.main.policy
  }
}
