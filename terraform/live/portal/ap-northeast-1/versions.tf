terraform {
  required_version = ">= 1.1.2"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }

  # ../dynamodb.tfbackend or ../lockfile.tfbackend, and the key portal/ap-northeast-1.tfstate: the state is in the control Region.
  backend "s3" {}
}

# This Region and no other: a plan must not wait for one that is gone. Route 53 and IAM are global.
provider "aws" {
  region = local.region

  default_tags {
    tags = var.tags
  }
}
