# The public name of the service. A flip's plan is known to the last value before anything of the target stands: the name points at
# the active Region's own name, which that Region's stack makes.

module "strategy" {
  source = "../../../modules/strategy"

  strategy = var.strategy
}

module "traffic" {
  source = "../../../modules/dns/traffic"

  service        = var.name
  zone_id        = var.zone_id
  name           = "service-be.${var.zone_name}"
  active_region  = var.active_region
  home_region    = var.home_region
  standby_region = var.standby_region

  weighted           = module.strategy.passive.traffic
  health_checks      = var.record_health_checks
  health_check_path  = var.health_check_path
  standby_takes_over = var.standby_takes_over
}
