# A VPC of two zones without a way to the Internet: tasks and SFTP in private subnets, the database in its own.
# What people and other stacks look it up by are its tags: Name, Service and, on subnets, Tier.

locals {
  zones = { for i, zone in var.zones : zone => i }

  # With 10.20.0.0/16: private 10.20.0.0/20 and 10.20.16.0/20, database 10.20.64.0/24 and 10.20.65.0/24,
  # public 10.20.80.0/24 and 10.20.81.0/24.
  private_cidrs  = { for zone, i in local.zones : zone => cidrsubnet(var.cidr, 4, i) }
  database_cidrs = { for zone, i in local.zones : zone => cidrsubnet(var.cidr, 8, 64 + i) }
  public_cidrs   = { for zone, i in local.zones : zone => cidrsubnet(var.cidr, 8, 80 + i) if var.public }
}

resource "aws_vpc" "main" {
  cidr_block           = var.cidr
  enable_dns_support   = true
  enable_dns_hostnames = true # private names of interface endpoints need both

  tags = merge(var.tags, { Name = var.name, Service = var.name })
}

# Closed: whoever forgets to name a security group gets one that lets nothing through.
resource "aws_default_security_group" "closed" {
  vpc_id = aws_vpc.main.id
  tags   = merge(var.tags, { Name = "${var.name}-default-closed" })
}

resource "aws_subnet" "private" {
  for_each = local.private_cidrs

  vpc_id            = aws_vpc.main.id
  availability_zone = each.key
  cidr_block        = each.value
  tags              = merge(var.tags, { Name = "${var.name}-private-${each.key}", Service = var.name, Tier = "private" })
}

resource "aws_subnet" "database" {
  for_each = local.database_cidrs

  vpc_id            = aws_vpc.main.id
  availability_zone = each.key
  cidr_block        = each.value
  tags              = merge(var.tags, { Name = "${var.name}-database-${each.key}", Service = var.name, Tier = "database" })
}

resource "aws_db_subnet_group" "main" {
  name       = var.name
  subnet_ids = [for subnet in aws_subnet.database : subnet.id]
  tags       = var.tags
}

resource "aws_route_table" "private" {
  vpc_id = aws_vpc.main.id
  tags   = merge(var.tags, { Name = "${var.name}-private", Service = var.name })
}

resource "aws_route_table_association" "private" {
  for_each = aws_subnet.private

  subnet_id      = each.value.id
  route_table_id = aws_route_table.private.id
}

# No route but the VPC's own: the database answers nobody from outside.
resource "aws_route_table" "database" {
  vpc_id = aws_vpc.main.id
  tags   = merge(var.tags, { Name = "${var.name}-database", Service = var.name })
}

resource "aws_route_table_association" "database" {
  for_each = aws_subnet.database

  subnet_id      = each.value.id
  route_table_id = aws_route_table.database.id
}

# Free of charge. Tasks read and write the files bucket by it, and pull image layers, which ECR keeps in S3
# ("Amazon ECR interface VPC endpoints").
resource "aws_vpc_endpoint" "s3" {
  vpc_id            = aws_vpc.main.id
  service_name      = "com.amazonaws.${var.region}.s3"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = [aws_route_table.private.id]
  policy            = local.s3_policy
  tags              = merge(var.tags, { Name = "${var.name}-s3" })
}

locals {
  # Only the service's own buckets, so that a task that was taken over cannot carry data to a foreign one.
  s3_policy = length(var.s3_bucket_arns) == 0 ? null : jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "ImageLayers"
        Effect    = "Allow"
        Principal = "*"
        Action    = "s3:GetObject"
        Resource  = "arn:aws:s3:::prod-${var.region}-starport-layer-bucket/*"
      },
      {
        Sid       = "OwnBuckets"
        Effect    = "Allow"
        Principal = "*"
        Action    = ["s3:GetBucketLocation", "s3:ListBucket"]
        Resource  = var.s3_bucket_arns
      },
      {
        Sid       = "OwnObjects"
        Effect    = "Allow"
        Principal = "*"
        Action    = ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
        Resource  = [for arn in var.s3_bucket_arns : "${arn}/*"]
      },
    ]
  })
}
