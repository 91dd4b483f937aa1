# Replication carries images only: not the repository's policy, lifecycle or tag mutability ("Private image replication
# in Amazon ECR"). So each Region's repository is made before the first image arrives, from this one text.

resource "aws_ecr_repository" "main" {
  name                 = var.name
  image_tag_mutability = "IMMUTABLE" # what was tested in one Region runs in the other
  tags                 = var.tags

  encryption_configuration {
    encryption_type = "KMS"
    kms_key         = var.kms_key_arn
  }

  image_scanning_configuration {
    scan_on_push = true
  }

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_ecr_lifecycle_policy" "main" {
  repository = aws_ecr_repository.main.name
  policy = jsonencode({ rules = [
    {
      rulePriority = 1
      description  = "Layers that lost their tag"
      selection    = { tagStatus = "untagged", countType = "sinceImagePushed", countUnit = "days", countNumber = 14 }
      action       = { type = "expire" }
    },
    {
      rulePriority = 2
      description  = "All but the newest"
      selection    = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = var.keep_images }
      action       = { type = "expire" }
    },
  ] })
}
