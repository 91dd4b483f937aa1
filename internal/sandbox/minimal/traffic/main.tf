# Where users go. The record points at a name, not at a load balancer: the plan is
# fully known before anything of the target exists.

terraform {
  required_version = ">= 1.4.0"
  backend "local" {}
}

variable "active_region" {
  type        = string
  description = "The Region that serves. Linked into every stack, so that none plans with a guess."
}

resource "terraform_data" "record" {
  input            = { name = "service-be", points_at = var.active_region, ttl = 60 }
  triggers_replace = [var.active_region]

  provisioner "local-exec" {
    command = "\"$DRBOT_SANDBOX_TOOL\" tool point ${var.active_region}"
  }
}
