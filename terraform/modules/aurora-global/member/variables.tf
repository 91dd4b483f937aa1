variable "name" {
  description = "Name of the service."
  type        = string
}

variable "region" {
  description = "The provider's Region."
  type        = string
}

variable "global_cluster_id" {
  description = "The global cluster this one is a member of."
  type        = string
}

variable "engine" {
  description = "Engine of the global cluster."
  type        = string
}

variable "engine_version" {
  description = "Version the cluster is created with."
  type        = string
}

variable "family" {
  description = "Family of the parameter groups."
  type        = string
}

variable "source_region" {
  description = "Region of the member an encrypted one copies from when it joins; null for the first."
  type        = string
  default     = null
}

variable "database" {
  description = "First database; null for a member that joins: it has what the first has."
  type        = string
  default     = null
}

variable "master_username" {
  description = "Administrator; null for a member that joins."
  type        = string
  default     = null
}

variable "master_password" {
  description = "The administrator's first password; null for a member that joins."
  type        = string
  default     = null
  sensitive   = true
}

variable "vpc_id" {
  description = "VPC of the database's subnets."
  type        = string
}

variable "subnet_group" {
  description = "Name of the DB subnet group."
  type        = string
}

variable "client_cidrs" {
  description = "Address ranges that may reach the database."
  type        = list(string)
}

variable "kms_key_arn" {
  description = "Key of storage and logs, in this Region."
  type        = string
}

variable "instances" {
  description = "Number of instances."
  type        = number
}

variable "min_acu" {
  description = "Least capacity of an instance."
  type        = number
}

variable "max_acu" {
  description = "Most capacity of an instance."
  type        = number
}

variable "cluster_parameters" {
  description = "Parameters of the cluster."
  type        = map(string)
}

variable "instance_parameters" {
  description = "Parameters of the instances."
  type        = map(string)
}

variable "write_forwarding" {
  description = "Whether writes that meet this cluster while it is a secondary go to the writer."
  type        = bool
}

variable "backup_retention_days" {
  description = "Days of Aurora's own backups."
  type        = number
}

variable "log_retention_days" {
  description = "Days the exported logs are kept."
  type        = number
}

variable "deletion_protection" {
  description = "Whether RDS refuses to delete the cluster."
  type        = bool
}

variable "skip_final_snapshot" {
  description = "Whether a deleted cluster leaves no snapshot."
  type        = bool
}

variable "tags" {
  description = "Tags of everything that can have them."
  type        = map(string)
}
