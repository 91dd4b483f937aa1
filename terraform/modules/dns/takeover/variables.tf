variable "name" {
  description = "Name of the service."
  type        = string
}

variable "tags" {
  description = "Tags of the alarm."
  type        = map(string)
  default     = {}
}
