module "home" {
  source = "./repository"
  providers = {
    aws = aws.home
  }

  name        = var.name
  kms_key_arn = var.kms_key_arns[var.home_region]
  keep_images = var.keep_images
  tags        = var.tags
}

module "standby" {
  source = "./repository"
  providers = {
    aws = aws.standby
  }

  name        = var.name
  kms_key_arn = var.kms_key_arns[var.standby_region]
  keep_images = var.keep_images
  tags        = var.tags
}

# Both ways: an image pushed to the standby while it serves must be home before the failback. A replicated image is not
# replicated further, so the two rules make no circle. Only images pushed after this are copied.

resource "aws_ecr_replication_configuration" "home" {
  provider = aws.home
  count    = var.manage_registry ? 1 : 0

  replication_configuration {
    rule {
      destination {
        region      = var.standby_region
        registry_id = var.account_id
      }

      repository_filter {
        filter      = module.home.name
        filter_type = "PREFIX_MATCH"
      }
    }
  }
}

resource "aws_ecr_replication_configuration" "standby" {
  provider = aws.standby
  count    = var.manage_registry ? 1 : 0

  replication_configuration {
    rule {
      destination {
        region      = var.home_region
        registry_id = var.account_id
      }

      repository_filter {
        filter      = module.standby.name
        filter_type = "PREFIX_MATCH"
      }
    }
  }
}
