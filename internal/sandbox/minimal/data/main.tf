# What holds data. A failover plans and applies the other stacks, never this one.

terraform {
  required_version = ">= 1.4.0"
  backend "local" {}
}

variable "active_region" {
  type        = string
  description = "The Region that serves. Linked into every stack, so that none plans with a guess."
}

resource "terraform_data" "global_cluster" {
  input = {
    id      = "portal"
    members = ["ap-northeast-2", "ap-northeast-1"]
  }
}

resource "terraform_data" "bucket" {
  for_each = toset(["ap-northeast-2", "ap-northeast-1"])
  input    = "portal-files-${each.key}"
}
