output "repository_urls" {
  description = "Repository URL by Region. A task pulls from its own."
  value = {
    (var.home_region)    = module.home.url
    (var.standby_region) = module.standby.url
  }
}

output "repository_arns" {
  description = "Repository ARN by Region."
  value = {
    (var.home_region)    = module.home.arn
    (var.standby_region) = module.standby.arn
  }
}

output "settings" {
  description = "What replication does not carry, by Region. The two are equal."
  value = {
    (var.home_region)    = module.home.settings
    (var.standby_region) = module.standby.settings
  }
}
