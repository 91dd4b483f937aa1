# The service, as every stack sees it. A team that copies this tree begins here.
name           = "portal"
strategy       = "pilot-light"
home_region    = "ap-northeast-2"
standby_region = "ap-northeast-1"

zone_name     = "acme.example"
zone_id       = "Z0123456789EXAMPLE"
bucket_prefix = "acme-portal"

internal     = true
client_cidrs = ["10.0.0.0/16"] # the office, as it is seen over Direct Connect
cidrs = {
  ap-northeast-2 = "10.20.0.0/16"
  ap-northeast-1 = "10.21.0.0/16"
}
zones = {
  ap-northeast-2 = ["ap-northeast-2a", "ap-northeast-2c"]
  ap-northeast-1 = ["ap-northeast-1a", "ap-northeast-1c"]
}

desired_tasks = 2

tags = {
  Service   = "portal"
  ManagedBy = "terraform"
}
