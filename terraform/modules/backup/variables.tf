variable "name" {
  description = "Name of the service."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,19}$", var.name))
    error_message = "The name must be 2 to 20 lower-case letters, digits and hyphens, and begin with a letter."
  }
}

variable "home_region" {
  description = "Region of the provider aws.home."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.home_region))
    error_message = "The home_region must be a Region's code such as ap-northeast-2."
  }
}

variable "standby_region" {
  description = "Region of the provider aws.standby."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.standby_region))
    error_message = "The standby_region must be a Region's code such as ap-northeast-1."
  }
}

variable "kms_key_arns" {
  description = "Key of the recovery points by Region."
  type        = map(string)
}

variable "cluster_arns" {
  description = "Aurora clusters to back up."
  type        = list(string)

  validation {
    condition     = length(var.cluster_arns) > 0
    error_message = "The cluster_arns must name at least one cluster."
  }
}

variable "bucket_names" {
  description = "Buckets in the home Region to back up. They must be versioned."
  type        = list(string)

  validation {
    condition     = length(var.bucket_names) > 0
    error_message = "The bucket_names must name at least one bucket."
  }
}

variable "restore_bucket_names" {
  description = "Buckets in the standby Region that a restore may write."
  type        = list(string)

  validation {
    condition     = length(var.restore_bucket_names) > 0
    error_message = "The restore_bucket_names must name at least one bucket."
  }
}

variable "schedule" {
  description = "When a backup begins, in UTC. With copies as the only thing over there, the time between two of them is the RPO."
  type        = string
  default     = "cron(0 17 * * ? *)"

  validation {
    condition     = can(regex("^cron\\(.+\\)$", var.schedule))
    error_message = "The schedule must be an AWS cron expression such as cron(0 17 * * ? *)."
  }
}

variable "retention_days" {
  description = "Days a recovery point is kept, in both vaults."
  type        = number
  default     = 35

  validation {
    condition     = var.retention_days >= 1
    error_message = "The retention_days must be at least 1."
  }
}

variable "tags" {
  description = "Tags of everything that can have them."
  type        = map(string)
  default     = {}
}
