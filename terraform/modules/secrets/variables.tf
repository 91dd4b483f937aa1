variable "name" {
  description = "Name of the service; the key's alias is alias/<name>, the secrets are <name>/<secret>."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,19}$", var.name))
    error_message = "The name must be 2 to 20 lower-case letters, digits and hyphens, and begin with a letter."
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

variable "home_region" {
  description = "Region of the provider aws.home: the key's primary and the secrets."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.home_region))
    error_message = "The home_region must be a Region's code such as ap-northeast-2."
  }
}

variable "standby_region" {
  description = "Region of the provider aws.standby: the replicas."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.standby_region))
    error_message = "The standby_region must be a Region's code such as ap-northeast-1."
  }
}

variable "secrets" {
  description = "The secrets, name to description. Their values are put by people (or a pipeline), never by Terraform."
  type        = map(string)
  default = {
    app           = "Settings of the application that nobody may read."
    sftp-host-key = "Private host key of the SFTP servers, the same in both Regions so that clients accept either."
  }
}

variable "recovery_window_days" {
  description = "Days a deleted secret can be had back; 0 deletes it at once."
  type        = number
  default     = 30

  validation {
    condition     = var.recovery_window_days == 0 || (var.recovery_window_days >= 7 && var.recovery_window_days <= 30)
    error_message = "The recovery_window_days must be 0, or 7 to 30."
  }
}

variable "tags" {
  description = "Tags of everything that can have them."
  type        = map(string)
  default     = {}
}
