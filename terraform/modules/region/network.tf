# The network belongs to the data stack, which keeps both Regions' long before a failover; it is found here by its tags.

locals {
  cidr         = var.cidrs[var.region]
  find_network = local.endpoints || local.alb || local.sftp

  # When nothing that needs them stands: empty.
  network = {
    vpc_id             = one(data.aws_vpc.main[*].id)
    private_subnet_ids = flatten(data.aws_subnets.private[*].ids)
    public_subnet_ids  = flatten(data.aws_subnets.public[*].ids)
  }
}

data "aws_vpc" "main" {
  count = local.find_network ? 1 : 0

  tags = { Name = var.name, Service = var.name }
}

data "aws_subnets" "private" {
  count = local.find_network ? 1 : 0

  filter {
    name   = "vpc-id"
    values = [data.aws_vpc.main[0].id]
  }
  tags = { Service = var.name, Tier = "private" }
}

data "aws_subnets" "public" {
  count = local.find_network && !var.internal ? 1 : 0

  filter {
    name   = "vpc-id"
    values = [data.aws_vpc.main[0].id]
  }
  tags = { Service = var.name, Tier = "public" }
}
