variable "name" {
  description = "Name of the repository."
  type        = string
}

variable "kms_key_arn" {
  description = "Key of the images, in the provider's Region."
  type        = string
}

variable "keep_images" {
  description = "Tagged images that are kept."
  type        = number
}

variable "tags" {
  description = "Tags of the repository."
  type        = map(string)
}
