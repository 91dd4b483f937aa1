variable "name" {
  description = "Name of the service."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,19}$", var.name))
    error_message = "The name must be 2 to 20 lower-case letters, digits and hyphens, and begin with a letter."
  }
}

variable "bucket_prefix" {
  description = "Beginning of the names: <bucket_prefix>-files-<region>."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{2,35}$", var.bucket_prefix))
    error_message = "The bucket_prefix must be 3 to 36 lower-case letters, digits and hyphens."
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
  description = "Key of the objects by Region."
  type        = map(string)
}

variable "replicate" {
  description = "Whether the two buckets replicate to each other. Without it the standby's stands empty: what a restore from backup is put into."
  type        = bool
  default     = true
}

variable "time_control" {
  description = "Whether S3 promises 99.99 percent of the new objects within 15 minutes, for a charge. Metrics come with or without."
  type        = bool
  default     = true
}

variable "replicate_delete_markers" {
  description = "Whether a deletion in one Region deletes in the other. Off, a mistake or an attacker empties one bucket only; the price is that deleted files are there again after a failover."
  type        = bool
  default     = false
}

variable "noncurrent_days" {
  description = "Days an overwritten or deleted object can be had back."
  type        = number
  default     = 90

  validation {
    condition     = var.noncurrent_days >= 1
    error_message = "The noncurrent_days must be at least 1."
  }
}

variable "tags" {
  description = "Tags of everything that can have them."
  type        = map(string)
  default     = {}
}
