# One role for all users, narrowed for each session to the user's home. It stands in both Regions always:
# a failover makes no roles, since IAM's control plane is in us-east-1.

locals {
  users  = var.enabled ? var.users : {}
  bucket = element(split(":", var.bucket_arn), 5)

  key_statements = length(var.bucket_key_arns) == 0 ? [] : [{
    Sid      = "FilesKey"
    Effect   = "Allow"
    Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
    Resource = var.bucket_key_arns
  }]

  object_actions = [
    "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:GetObject", "s3:GetObjectVersion", "s3:PutObject",
  ]

  session_policies = {
    for name, user in local.users : name => jsonencode({
      Version = "2012-10-17"
      Statement = concat([
        {
          Sid       = "ListHome"
          Effect    = "Allow"
          Action    = "s3:ListBucket"
          Resource  = var.bucket_arn
          Condition = { StringLike = { "s3:prefix" = [user.home, "${user.home}/*"] } }
        },
        {
          Sid      = "Home"
          Effect   = "Allow"
          Action   = local.object_actions
          Resource = "${var.bucket_arn}/${user.home}/*"
        },
      ], local.key_statements)
    })
  }
}

resource "aws_iam_role" "user" {
  name = "${var.name}-${var.region}-sftp"
  tags = var.tags

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "transfer.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
    }]
  })
}

resource "aws_iam_role_policy" "user" {
  name = "files"
  role = aws_iam_role.user.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([
      {
        Sid      = "ListFiles"
        Effect   = "Allow"
        Action   = ["s3:GetBucketLocation", "s3:ListBucket"]
        Resource = var.bucket_arn
      },
      {
        Sid      = "Files"
        Effect   = "Allow"
        Action   = local.object_actions
        Resource = "${var.bucket_arn}/*"
      },
    ], local.key_statements)
  })
}
