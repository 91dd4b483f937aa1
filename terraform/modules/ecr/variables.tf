variable "name" {
  description = "Name of the repository, and the prefix that is replicated."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,19}$", var.name))
    error_message = "The name must be 2 to 20 lower-case letters, digits and hyphens, and begin with a letter."
  }
}

variable "account_id" {
  description = "The account that owns both registries."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "The account_id must be 12 digits."
  }
}

variable "home_region" {
  description = "Region of the provider aws.home."
  type        = string
}

variable "standby_region" {
  description = "Region of the provider aws.standby."
  type        = string
}

variable "kms_key_arns" {
  description = "Key of the images by Region."
  type        = map(string)
}

variable "manage_registry" {
  description = "Whether this module sets the replication of both registries. A registry has one setting for all its repositories."
  type        = bool
  default     = true
}

variable "keep_images" {
  description = "Images that each Region keeps. Enough to roll back in either: a running image must never expire."
  type        = number
  default     = 200

  validation {
    condition     = var.keep_images >= 10
    error_message = "The keep_images must be at least 10."
  }
}

variable "tags" {
  description = "Tags of everything that can have them."
  type        = map(string)
  default     = {}
}
