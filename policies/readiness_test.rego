package drbot.readiness_test

import data.drbot.readiness

planned := {
	"mode": "planned",
	"source": "ap-northeast-2",
	"target": "ap-northeast-1",
	"strategy": "pilot-light",
	"rpo_seconds": 300,
	"checks": checks,
}

disaster := object.union(planned, {"mode": "disaster"})

checks := [
	{"name": "aurora.writer", "region": "ap-northeast-2", "level": "ok"},
	{"name": "aurora.state", "region": "ap-northeast-1", "level": "ok"},
	{"name": "aurora.target-sync", "region": "ap-northeast-1", "level": "ok"},
	{"name": "aurora.target-instance", "region": "ap-northeast-1", "level": "ok"},
	{"name": "aurora.lag", "region": "ap-northeast-1", "level": "ok", "value": 0.42, "unit": "s"},
	{"name": "source.reachable", "region": "ap-northeast-2", "level": "ok"},
	{"name": "target.workload", "region": "ap-northeast-1", "level": "ok"},
	{"name": "terraform.target", "region": "ap-northeast-1", "level": "ok"},
]

without(facts, name) := object.union(facts, {"checks": [c | some c in facts.checks; c.name != name]})

change(facts, name, patch) := object.union(facts, {"checks": array.concat(
	[c | some c in facts.checks; c.name != name],
	[object.union(c, patch) | some c in facts.checks; c.name == name],
)})

level(facts, name, to) := change(facts, name, {"level": to})

denied(facts) := reasons if reasons := readiness.deny with input as facts

accepted(facts) := lines if lines := readiness.accept with input as facts

test_planned_go if {
	denied(planned) == set()
	accepted(planned) == set()
}

test_planned_needs_every_check_of_the_database_and_the_source if {
	every name in {"aurora.writer", "aurora.state", "aurora.target-sync", "aurora.target-instance", "source.reachable"} {
		every to in {"warn", "fail", "unknown", "", "splendid"} {
			count(denied(level(planned, name, to))) == 1
		}
		denied(without(planned, name)) == {sprintf("%s was not looked at", [name])}
	}
}

test_planned_needs_every_other_database_check if {
	facts := object.union(planned, {"checks": array.concat(checks, [{"name": "aurora.version", "level": "warn", "detail": "3.04 and 3.05"}])})
	denied(facts) == {"aurora.version: warn (3.04 and 3.05)"}
}

test_planned_lag if {
	denied(level(planned, "aurora.lag", "warn")) == set()
	accepted(level(planned, "aurora.lag", "warn")) == {"aurora.lag in ap-northeast-1: warn"}
	denied(level(planned, "aurora.lag", "fail")) == {"aurora.lag in ap-northeast-1: fail"}
	denied(level(planned, "aurora.lag", "unknown")) == {"aurora.lag in ap-northeast-1: unknown"}
	denied(without(planned, "aurora.lag")) == {"aurora.lag was not looked at"}
}

test_planned_target if {
	every name in {"target.workload", "terraform.target"} {
		count(denied(level(planned, name, "fail"))) == 1
		count(denied(level(planned, name, "unknown"))) == 1
		denied(level(planned, name, "warn")) == set()
		count(accepted(level(planned, name, "warn"))) == 1
		denied(without(planned, name)) == set()
	}
}

test_reason_names_region_and_detail if {
	facts := change(planned, "aurora.state", {"level": "fail", "detail": "an operation is pending"})
	denied(facts) == {"aurora.state in ap-northeast-1: fail (an operation is pending)"}
}

test_other_checks_only_ask_for_acceptance if {
	every facts in [planned, disaster] {
		every to in {"warn", "fail", "unknown"} {
			with_dns := object.union(facts, {"checks": array.concat(checks, [{"name": "dns.ttl", "level": to}])})
			denied(with_dns) == set()
			sprintf("dns.ttl: %s", [to]) in accepted(with_dns)
		}
	}
}

test_disaster_says_the_expected_loss if {
	denied(disaster) == set()
	"expected data loss about 0.5 s of an objective of 300 s" in accepted(disaster)
	slow := change(disaster, "aurora.lag", {"level": "fail", "value": 612.3})
	denied(slow) == set()
	"expected data loss about 612 s of an objective of 300 s" in accepted(slow)
	twelve := change(disaster, "aurora.lag", {"level": "ok", "value": 12})
	"expected data loss about 12 s of an objective of 300 s" in accepted(twelve)
	millis := change(disaster, "aurora.lag", {"level": "ok", "value": 12000, "unit": "ms"})
	"expected data loss about 12 s of an objective of 300 s" in accepted(millis)
	"expected data loss about 12 s" in accepted(object.union(twelve, {"rpo_seconds": 0}))
}

test_disaster_unknown_lag if {
	line := "the replication lag is unknown: the data loss cannot be estimated"
	every facts in [
		level(disaster, "aurora.lag", "unknown"),
		change(disaster, "aurora.lag", {"value": null}),
		change(disaster, "aurora.lag", {"value": -1}),
		change(disaster, "aurora.lag", {"unit": "bananas"}),
		without(disaster, "aurora.lag"),
	] {
		denied(facts) == set()
		line in accepted(facts)
	}
	not line in accepted(disaster)
}

test_disaster_two_databases if {
	two := object.union(disaster, {"checks": array.concat(checks, [{"name": "aurora.lag", "level": "warn", "value": 70, "unit": "s"}])})
	"expected data loss about 70 s of an objective of 300 s" in accepted(two)
	one_unknown := object.union(disaster, {"checks": array.concat(checks, [{"name": "aurora.lag", "level": "unknown"}])})
	"the replication lag is unknown: the data loss cannot be estimated" in accepted(one_unknown)
}

test_disaster_source_gone_is_a_fact if {
	gone := level(disaster, "source.reachable", "unknown")
	denied(gone) == set()
	accepted(gone) == {"expected data loss about 0.5 s of an objective of 300 s"}
	"ap-northeast-2 still answers: a planned run would lose no data" in accepted(disaster)
}

test_disaster_needs_the_instance_and_the_apply if {
	every to in {"fail", "unknown", "", "splendid"} {
		count(denied(level(disaster, "aurora.target-instance", to))) == 1
		count(denied(level(disaster, "terraform.target", to))) == 1
	}
	denied(without(disaster, "aurora.target-instance")) == {"aurora.target-instance was not looked at"}
}

test_disaster_accepts_the_rest if {
	every name in {"aurora.writer", "aurora.state", "aurora.target-sync", "target.workload"} {
		every to in {"warn", "fail", "unknown"} {
			facts := level(disaster, name, to)
			denied(facts) == set()
			some line in accepted(facts)
			startswith(line, sprintf("%s in ", [name]))
		}
	}
	denied(level(disaster, "aurora.target-instance", "warn")) == set()
}

test_nothing_known if {
	every mode in {"planned", "disaster"} {
		every empty in [null, []] {
			count(denied({"mode": mode, "checks": empty})) > 0
		}
		count(denied({"mode": mode})) > 0
	}
	denied({}) == {"the mode is neither planned nor disaster"}
	denied(object.union(planned, {"mode": "Planned"})) == {"the mode is neither planned nor disaster"}
}
