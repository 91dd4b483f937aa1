variable "name" {
  description = "Name of the service and of the global cluster; a member is <name>-<region>."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,19}$", var.name))
    error_message = "The name must be 2 to 20 lower-case letters, digits and hyphens, and begin with a letter."
  }
}

variable "home_region" {
  description = "Region of the provider aws.home: the member that was first, whoever writes now."
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

variable "home" {
  description = "Where the home member lives: VPC, DB subnet group, who may reach it, the key of that Region."
  type = object({
    vpc_id       = string
    subnet_group = string
    client_cidrs = list(string)
    kms_key_arn  = string
  })
}

variable "standby" {
  description = "The same of the standby member; null: there is none (backup-restore)."
  type = object({
    vpc_id       = string
    subnet_group = string
    client_cidrs = list(string)
    kms_key_arn  = string
  })
  default = null
}

variable "engine_version" {
  description = "Aurora MySQL version of the global cluster and so of its members."
  type        = string
  default     = "8.0.mysql_aurora.3.08.0"

  validation {
    condition     = can(regex("^8\\.0\\.mysql_aurora\\.3\\.[0-9]+\\.[0-9]+$", var.engine_version))
    error_message = "The engine_version must be an exact Aurora MySQL 3 version such as 8.0.mysql_aurora.3.08.0."
  }
}

variable "database" {
  description = "Name of the first database."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z][A-Za-z0-9_]{0,63}$", var.database))
    error_message = "The database must be letters, digits and underscores, and begin with a letter."
  }
}

variable "master_username" {
  description = "Name of the administrator."
  type        = string
}

# RDS cannot keep the master password of a global database in Secrets Manager ("Password management with Amazon Aurora
# and AWS Secrets Manager", limitations), and Terraform 1.1 knows no write-only argument. So the first password comes
# from outside and is in the state; it is changed at once (aws rds modify-db-cluster --master-user-password), after
# which the state holds a word that opens nothing. Terraform ignores it from then on.
variable "bootstrap_password" {
  description = "Password the administrator has until somebody changes it right after the first apply. Not needed afterwards."
  type        = string
  default     = null
  sensitive   = true

  validation {
    condition     = var.bootstrap_password == null ? true : can(regex("^[!-~]{16,41}$", var.bootstrap_password)) && !can(regex("[/\"@]", var.bootstrap_password))
    error_message = "The bootstrap_password must be 16 to 41 printable characters without space, slash, double quote and at-sign."
  }
}

variable "instances" {
  description = "Instances of the home member."
  type        = number
  default     = 2

  validation {
    condition     = var.instances >= 1 && var.instances <= 15
    error_message = "The instances must be 1 to 15."
  }
}

variable "standby_instances" {
  description = "Instances of the standby member. One is enough to be promoted."
  type        = number
  default     = 1

  validation {
    condition     = var.standby_instances >= 1 && var.standby_instances <= 15
    error_message = "The standby_instances must be 1 to 15; for none see headless_standby."
  }
}

variable "headless_standby" {
  description = "Whether the standby member has no instance at all. It saves one small instance and costs the failover: AWS refuses to promote a headless member until somebody adds one, and drbot refuses the service."
  type        = bool
  default     = false
}

variable "min_acu" {
  description = "Least capacity of a home instance. Aurora capacity units."
  type        = number
  default     = 2

  validation {
    condition     = var.min_acu >= 0.5 && var.min_acu <= 256
    error_message = "The min_acu must be 0.5 to 256."
  }
}

variable "standby_min_acu" {
  description = "Least capacity of a standby instance, whoever writes. A promoted one grows from here; raise it where the growth is too slow."
  type        = number
  default     = 0.5

  validation {
    condition     = var.standby_min_acu >= 0.5 && var.standby_min_acu <= 256
    error_message = "The standby_min_acu must be 0.5 to 256."
  }
}

variable "max_acu" {
  description = "Most capacity of any instance, equal on both sides."
  type        = number
  default     = 16

  validation {
    condition     = var.max_acu >= 1 && var.max_acu <= 256
    error_message = "The max_acu must be 1 to 256."
  }
}

variable "cluster_parameters" {
  description = "Cluster parameters, the same in both Regions. Dynamic ones: a static one waits for a reboot of each."
  type        = map(string)
  default = {
    require_secure_transport = "ON"
    server_audit_logging     = "1"
    server_audit_events      = "CONNECT,QUERY_DCL,QUERY_DDL"
    time_zone                = "UTC"
  }
}

variable "instance_parameters" {
  description = "Instance parameters, the same in both Regions."
  type        = map(string)
  default = {
    slow_query_log  = "1"
    long_query_time = "1"
  }
}

variable "write_forwarding" {
  description = "Whether a secondary sends writes on to the writer (active-active). RDS keeps the wish on both members and uses it on whichever is secondary."
  type        = bool
  default     = false
}

variable "backup_retention_days" {
  description = "Days of Aurora's own backups on each side. Replication copies a mistake; these do not."
  type        = number
  default     = 35

  validation {
    condition     = var.backup_retention_days >= 1 && var.backup_retention_days <= 35
    error_message = "The backup_retention_days must be 1 to 35."
  }
}

variable "log_retention_days" {
  description = "Days the exported logs are kept."
  type        = number
  default     = 90
}

variable "deletion_protection" {
  description = "Whether RDS refuses to delete the clusters."
  type        = bool
  default     = true
}

variable "skip_final_snapshot" {
  description = "Whether a deleted cluster leaves no snapshot. Only for trials."
  type        = bool
  default     = false
}

variable "tags" {
  description = "Tags of everything that can have them."
  type        = map(string)
  default     = {}
}
