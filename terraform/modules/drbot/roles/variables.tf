variable "prefix" {
  description = "Beginning of the roles' names: <prefix>-read-<region>. One service: drbot. More: drbot-<service>, and drbot.yaml then names drbot-{service}-read-{region}."
  type        = string
  default     = "drbot"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,29}$", var.prefix))
    error_message = "The prefix must be 2 to 30 lower-case letters, digits and hyphens, and begin with a letter."
  }
}

variable "bot_role_arn" {
  description = "Role that drbot itself runs under, the only one that may assume these."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/", var.bot_role_arn))
    error_message = "The bot_role_arn must be the ARN of a role."
  }
}

variable "account_id" {
  description = "Account of the service."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "The account_id must be 12 digits."
  }
}

variable "service" {
  description = "Name of the service: the `name` of its stacks, and the value of the tag Service on what they make."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,19}$", var.service))
    error_message = "The service must be 2 to 20 lower-case letters, digits and hyphens, and begin with a letter."
  }
}

variable "home_region" {
  description = "Home Region of the service."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.home_region))
    error_message = "The home_region must be a Region's code such as ap-northeast-2."
  }
}

variable "standby_region" {
  description = "Standby Region of the service."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.standby_region))
    error_message = "The standby_region must be a Region's code such as ap-northeast-1."
  }
}

variable "zone_name" {
  description = "Name of the hosted zone, without the trailing dot."
  type        = string
}

variable "zone_id" {
  description = "Id of the hosted zone."
  type        = string

  validation {
    condition     = can(regex("^[A-Z0-9]{1,32}$", var.zone_id))
    error_message = "The zone_id must be capital letters and digits such as Z0123456789ABC, without /hostedzone/."
  }
}

variable "bucket_prefix" {
  description = "Beginning of the service's bucket names."
  type        = string
}

variable "state" {
  description = "Terraform's state: bucket, Region of the bucket, folder of the service's keys (portal for portal/traffic.tfstate), key that encrypts it, and the lock table (null where the lock is an object in the bucket)."
  type = object({
    bucket      = string
    region      = string
    folder      = string
    kms_key_arn = string
    lock_table  = string
  })
}

variable "one_terraform_role" {
  description = "Whether there is also one role for everything Terraform does in either Region. For a team that wants one profile for all; it joins what the others keep apart."
  type        = bool
  default     = false
}

variable "tags" {
  description = "Tags of everything."
  type        = map(string)
  default     = {}
}
