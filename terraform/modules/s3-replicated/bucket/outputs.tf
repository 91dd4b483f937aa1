output "name" {
  description = "The bucket, once it is versioned: replication needs that on both sides."
  value       = var.name

  depends_on = [aws_s3_bucket_versioning.main]
}

output "arn" {
  description = "ARN of the bucket, under the same condition."
  value       = "arn:aws:s3:::${var.name}"

  depends_on = [aws_s3_bucket_versioning.main]
}
