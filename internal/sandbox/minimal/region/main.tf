# What runs in one Region: nothing that holds data. While the Region is passive
# only the cluster and an empty service stand there (pilot light).
#
# terraform_data stands in for the resources of the AWS provider. Where a resource
# must have an effect outside, its provisioner calls the emulated AWS.

terraform {
  required_version = ">= 1.4.0"
  backend "local" {}
}

variable "active_region" {
  type        = string
  description = "The Region that serves. Linked into every stack, so that none plans with a guess."

  validation {
    condition     = contains(["ap-northeast-2", "ap-northeast-1"], var.active_region)
    error_message = "The active_region must be ap-northeast-2 or ap-northeast-1."
  }
}

locals {
  region  = "REGION"
  active  = var.active_region == local.region
  desired = local.active ? 2 : 0
}

resource "terraform_data" "cluster" {
  input = "portal"
}

resource "terraform_data" "load_balancer" {
  count = local.active ? 1 : 0
  input = "portal-${local.region}"
}

resource "terraform_data" "sftp" {
  count = local.active ? 1 : 0
  input = "sftp-${local.region}"
}

resource "terraform_data" "service" {
  input            = { cluster = terraform_data.cluster.output, desired = local.desired }
  triggers_replace = [local.desired]

  provisioner "local-exec" {
    command = "\"$DRBOT_SANDBOX_TOOL\" tool scale ${local.region} ${local.desired}"
  }
}
