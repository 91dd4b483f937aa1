# Of this stack only. Give it by TF_VAR_aurora_bootstrap_password for the first apply, change the password in RDS right
# after (modules/aurora-global/variables.tf says why), and never set it again.
variable "aurora_bootstrap_password" {
  description = "Password the database's administrator has until it is changed right after the first apply. Ignored afterwards."
  type        = string
  default     = null
  sensitive   = true
}
