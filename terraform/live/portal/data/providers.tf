# This stack asks both Regions, so it can be planned only while both answer. No failover needs it.

terraform {
  required_version = ">= 1.1.2"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }

  backend "s3" {}
}

provider "aws" {
  region = var.home_region

  default_tags {
    tags = var.tags
  }
}

provider "aws" {
  alias  = "standby"
  region = var.standby_region

  default_tags {
    tags = var.tags
  }
}
