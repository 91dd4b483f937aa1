run "backup_restore_keeps_copies_and_backups_only" {
  command = plan

  variables {
    strategy = "backup-restore"
  }

  assert {
    condition = output.passive == {
      copies = true, backups = true, database = false, endpoints = false,
      alb    = false, tasks = "none", sftp = false, traffic = false
    }
    error_message = "backup-restore must keep copies and backups, nothing else."
  }
}

run "pilot_light_keeps_data" {
  command = plan

  variables {
    strategy = "pilot-light"
  }

  assert {
    condition = output.passive == {
      copies = true, backups = false, database = true, endpoints = false,
      alb    = false, tasks = "none", sftp = false, traffic = false
    }
    error_message = "pilot-light must keep the data, and nothing that serves."
  }
}

run "warm_standby_serves_with_the_least" {
  command = plan

  variables {
    strategy = "warm-standby"
  }

  assert {
    condition = output.passive == {
      copies = true, backups = false, database = true, endpoints = true,
      alb    = true, tasks = "least", sftp = true, traffic = false
    }
    error_message = "warm-standby must stand with the least number of tasks and no traffic."
  }
}

run "active_active_shares_traffic" {
  command = plan

  variables {
    strategy = "active-active"
  }

  assert {
    condition = output.passive == {
      copies = true, backups = false, database = true, endpoints = true,
      alb    = true, tasks = "full", sftp = true, traffic = true
    }
    error_message = "active-active must stand full and share the traffic."
  }
}

run "an_unknown_strategy_is_refused" {
  command = plan

  variables {
    strategy = "hot-potato"
  }

  expect_failures = [var.strategy]
}
