variable "strategy" {
  description = "How much of the service stands in the passive Region: backup-restore, pilot-light, warm-standby or active-active."
  type        = string

  validation {
    condition     = contains(["backup-restore", "pilot-light", "warm-standby", "active-active"], var.strategy)
    error_message = "The strategy must be backup-restore, pilot-light, warm-standby or active-active."
  }
}
