terraform {
  required_version = ">= 1.1.2"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }

  # ../dynamodb.tfbackend or ../lockfile.tfbackend, and the key portal/traffic.tfstate: the state is in the control Region.
  backend "s3" {}
}

# Route 53 is global and signed for us-east-1. The Region only says whose STS is asked who we are, so it is the one that is
# to serve: in a failover the other may be gone.
provider "aws" {
  region = var.active_region

  default_tags {
    tags = var.tags
  }
}
