variable "bucket" {
  description = "Bucket of Terraform's state, unique in all of AWS. Its copy is <bucket>-copy."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,56}[a-z0-9]$", var.bucket))
    error_message = "The bucket must be 3 to 58 lower-case letters, digits and hyphens."
  }
}

variable "lock_table" {
  description = "DynamoDB table of the locks, for Terraform 1.1 to 1.9; null: none, where every Terraform is 1.10 or later and locks in the bucket."
  type        = string
  default     = null

  validation {
    condition     = var.lock_table == null ? true : can(regex("^[A-Za-z0-9_.-]{3,255}$", var.lock_table))
    error_message = "The lock_table must be 3 to 255 letters, digits, underscores, dots and hyphens."
  }
}

variable "control_region" {
  description = "Region of the provider aws.control: neither of the two a failover goes between, where there is one."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.control_region))
    error_message = "The control_region must be a Region's code such as ap-northeast-3."
  }
}

variable "copy_region" {
  description = "Region of the provider aws.copy, for the copy of the bucket."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.copy_region))
    error_message = "The copy_region must be a Region's code such as ap-northeast-1."
  }
}

variable "account_id" {
  description = "The account, for the key policies."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "The account_id must be 12 digits."
  }
}

variable "noncurrent_days" {
  description = "Days an older state can be had back."
  type        = number
  default     = 365

  validation {
    condition     = var.noncurrent_days >= 30
    error_message = "The noncurrent_days must be at least 30."
  }
}

variable "tags" {
  description = "Tags of everything that can have them."
  type        = map(string)
  default     = {}
}
