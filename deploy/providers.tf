# The providers that the image carries, so that no registry is needed on the day.
# Add what the stacks of your services use.
terraform {
  required_version = ">= 1.1.2"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "5.100.0"
    }
  }
}
