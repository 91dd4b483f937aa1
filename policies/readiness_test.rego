package drbot.readiness_test

import data.drbot.readiness

# The checks of no system there is: the rules read what is told of a check and
# never its name.
needs := {
	"strict": {"planned": "ok"},
	"strict-everywhere": {"planned": "ok", "disaster": "warn"},
	"behind": {"planned": "warn", "disaster": "fact"},
	"answers": {"planned": "ok", "disaster": "fact"},
	"prepared": {"planned": "good"},
	"prepared-everywhere": {"planned": "good", "disaster": "good"},
	"harmless": {"planned": "sound"},
}

roles := {"behind": "lag", "answers": "source"}

checks := [
	{"name": "strict", "region": "ap-northeast-1", "level": "ok"},
	{"name": "strict-everywhere", "region": "ap-northeast-1", "level": "ok"},
	{"name": "behind", "region": "ap-northeast-1", "level": "ok", "value": 0.42, "unit": "s"},
	{"name": "answers", "region": "ap-northeast-2", "level": "ok"},
	{"name": "prepared", "region": "ap-northeast-1", "level": "ok"},
	{"name": "prepared-everywhere", "region": "ap-northeast-1", "level": "ok"},
	{"name": "harmless", "level": "ok"},
]

facts_of(mode, all) := {
	"mode": mode,
	"source": "ap-northeast-2",
	"target": "ap-northeast-1",
	"strategy": "pilot-light",
	"rpo_seconds": 300,
	"resources": 2,
	"checks": [object.union(check, spec(check, mode)) | some check in all],
	"expected": [object.union(object.filter(check, {"name", "resource"}), spec(check, mode)) | some check in all],
}

spec(check, mode) := {
	"need": object.get(object.get(needs, check.name, {}), mode, ""),
	"role": object.get(roles, check.name, ""),
}

planned := facts_of("planned", checks)

disaster := facts_of("disaster", checks)

without(facts, name) := object.union(facts, {"checks": [c | some c in facts.checks; c.name != name]})

change(facts, name, patch) := object.union(facts, {"checks": array.concat(
	[c | some c in facts.checks; c.name != name],
	[object.union(c, patch) | some c in facts.checks; c.name == name],
)})

level(facts, name, to) := change(facts, name, {"level": to})

denied(facts) := {words(r) | some r in reasons} if reasons := readiness.deny with input as facts

accepted(facts) := {words(l) | some l in lines} if lines := readiness.accept with input as facts

# What people read of a message.
english := {
	"words": "{words}",
	"level.ok": "ok",
	"level.warn": "warn",
	"level.fail": "fail",
	"level.unknown": "unknown",
	"policy.mode": "the mode is neither planned nor disaster",
	"policy.needs-untold": "it was not told which checks the run needs",
	"policy.needs-none": "the run needs no check of any of its resources, which cannot be",
	"policy.unseen": "{check} was not looked at",
	"policy.need-unknown": "{check}: the need {need} is not known",
	"policy.loss": "expected data loss about {loss} s of an objective of {rpo} s",
	"policy.loss.no-objective": "expected data loss about {loss} s",
	"policy.loss.unknown": "the replication lag is unknown: the data loss cannot be estimated",
	"policy.source-answers": "{source} still answers: a planned run would lose no data",
	"policy.subject": "{check} of {resource}",
	"policy.check": "{check}: {level}",
	"policy.check.in": "{check} in {region}: {level}",
	"policy.check.detail": "{check}: {level} ({detail})",
	"policy.check.in.detail": "{check} in {region}: {level} ({detail})",
}

words(t) := strings.replace_n({sprintf("{%s}", [k]): shown(v) | some k, v in t.args}, english[t.id])

shown(arg) := inner(arg.m) if arg.m

shown(arg) := plain(arg) if not arg.m

inner(t) := strings.replace_n({sprintf("{%s}", [k]): plain(v) | some k, v in t.args}, english[t.id])

plain(arg) := arg.w if arg.w

plain(arg) := arg.f if arg.f

plain(arg) := sprintf("%v", [arg.n]) if arg.n

test_planned_go if {
	denied(planned) == set()
	accepted(planned) == set()
}

test_what_must_be_ok if {
	every name in {"strict", "strict-everywhere", "answers"} {
		every to in {"warn", "fail", "unknown", "", "splendid"} {
			count(denied(level(planned, name, to))) == 1
		}
		denied(without(planned, name)) == {sprintf("%s was not looked at", [name])}
	}
}

test_what_may_warn if {
	denied(level(planned, "behind", "warn")) == set()
	accepted(level(planned, "behind", "warn")) == {"behind in ap-northeast-1: warn"}
	denied(level(planned, "behind", "fail")) == {"behind in ap-northeast-1: fail"}
	denied(level(planned, "behind", "unknown")) == {"behind in ap-northeast-1: unknown"}
	denied(without(planned, "behind")) == {"behind was not looked at"}
}

test_what_is_to_be_good_when_it_is_looked_at if {
	every name in {"prepared", "prepared-everywhere"} {
		every to in {"fail", "unknown", "", "splendid"} {
			count(denied(level(planned, name, to))) == 1
		}
		denied(level(planned, name, "warn")) == set()
		count(accepted(level(planned, name, "warn"))) == 1
		denied(without(planned, name)) == set()
	}
}

# What nobody could read denies nothing, and is told to whoever approves; nor does it have
# to be made.
test_what_is_only_not_to_fail if {
	every to in {"fail", "", "splendid"} {
		count(denied(level(planned, "harmless", to))) == 1
		denied(level(disaster, "harmless", to)) == set()
		count(accepted(level(disaster, "harmless", to)) - accepted(disaster)) == 1
	}
	every to in {"warn", "unknown"} {
		denied(level(planned, "harmless", to)) == set()
		accepted(level(planned, "harmless", to)) == {sprintf("harmless: %s", [to])}
		denied(level(disaster, "harmless", to)) == set()
	}
	denied(without(planned, "harmless")) == set()
}

test_reason_names_region_and_detail if {
	facts := change(planned, "strict", {"level": "fail", "detail": {"id": "words", "args": {"words": {"f": "an operation is pending"}}}})
	denied(facts) == {"strict in ap-northeast-1: fail (an operation is pending)"}
}

test_other_checks_only_ask_for_acceptance if {
	every facts in [planned, disaster] {
		every to in {"warn", "fail", "unknown"} {
			more := object.union(facts, {"checks": array.concat(facts.checks, [{"name": "another", "level": to}])})
			denied(more) == set()
			sprintf("another: %s", [to]) in accepted(more)
		}
	}
}

test_disaster_says_the_expected_loss if {
	denied(disaster) == set()
	"expected data loss about 0.5 s of an objective of 300 s" in accepted(disaster)
	slow := change(disaster, "behind", {"level": "fail", "value": 612.3})
	denied(slow) == set()
	"expected data loss about 612 s of an objective of 300 s" in accepted(slow)
	twelve := change(disaster, "behind", {"level": "ok", "value": 12})
	"expected data loss about 12 s of an objective of 300 s" in accepted(twelve)
	millis := change(disaster, "behind", {"level": "ok", "value": 12000, "unit": "ms"})
	"expected data loss about 12 s of an objective of 300 s" in accepted(millis)
	"expected data loss about 12 s" in accepted(object.union(twelve, {"rpo_seconds": 0}))
}

unknown_lag := "the replication lag is unknown: the data loss cannot be estimated"

test_disaster_unknown_lag if {
	every facts in [
		level(disaster, "behind", "unknown"),
		change(disaster, "behind", {"value": null}),
		change(disaster, "behind", {"value": -1}),
		change(disaster, "behind", {"unit": "bananas"}),
		without(disaster, "behind"),
	] {
		denied(facts) == set()
		unknown_lag in accepted(facts)
	}
	not unknown_lag in accepted(disaster)
}

of(resource, patch) := [object.union(check, object.union({"resource": resource}, patch)) | some check in checks]

two := facts_of("disaster", array.concat(of("orders", {"value": 70}), of("users", {})))

test_two_databases if {
	denied(two) == set()
	"expected data loss about 70 s of an objective of 300 s" in accepted(two)
	not unknown_lag in accepted(two)
	one_unread := object.union(two, {"checks": [object.union(c, {"level": "unknown"}) |
		some c in two.checks
		c.resource == "orders"
	]})
	unknown_lag in accepted(one_unread)
}

test_each_resource_is_held_to_its_own_needs if {
	both := facts_of("planned", array.concat(of("orders", {}), of("users", {})))
	denied(both) == set()
	gone := object.union(both, {"checks": [c | some c in both.checks; not is_strict_of(c, "users")]})
	denied(gone) == {"strict of users was not looked at"}
	bad := facts_of("planned", array.concat(of("orders", {}), of("users", {"level": "fail", "detail": {"id": "words", "args": {"words": {"f": "as it says"}}}})))
	"strict of users in ap-northeast-1: fail (as it says)" in denied(bad)
	lost := object.union(two, {"checks": [c | some c in two.checks; not is_lag_of(c, "users")]})
	unknown_lag in accepted(lost)
}

is_strict_of(check, resource) if {
	check.name == "strict"
	check.resource == resource
}

is_lag_of(check, resource) if {
	check.name == "behind"
	check.resource == resource
}

test_a_service_without_a_database if {
	every mode in {"planned", "disaster"} {
		facts := facts_of(mode, [c | some c in checks; c.name != "behind"])
		denied(facts) == set()
		not unknown_lag in accepted(facts)
	}
}

test_a_service_without_resources if {
	every mode in {"planned", "disaster"} {
		bare := object.union(facts_of(mode, []), {"resources": 0})
		denied(bare) == set()
		accepted(bare) == set()
	}
}

test_disaster_source_gone_is_a_fact if {
	gone := level(disaster, "answers", "unknown")
	denied(gone) == set()
	accepted(gone) == {"expected data loss about 0.5 s of an objective of 300 s"}
	"ap-northeast-2 still answers: a planned run would lose no data" in accepted(disaster)
}

test_disaster_needs if {
	every to in {"fail", "unknown", "", "splendid"} {
		count(denied(level(disaster, "strict-everywhere", to))) == 1
		count(denied(level(disaster, "prepared-everywhere", to))) == 1
	}
	denied(without(disaster, "strict-everywhere")) == {"strict-everywhere was not looked at"}
	denied(level(disaster, "strict-everywhere", "warn")) == set()
}

test_disaster_accepts_the_rest if {
	every name in {"strict", "prepared"} {
		every to in {"warn", "fail", "unknown"} {
			facts := level(disaster, name, to)
			denied(facts) == set()
			sprintf("%s in ap-northeast-1: %s", [name, to]) in accepted(facts)
		}
	}
}

# What a check has lost on the way still holds by what was expected of it, and the
# other way round.
test_what_is_told_twice_holds_once if {
	bare := change(planned, "strict", {"need": "", "level": "warn"})
	denied(bare) == {"strict in ap-northeast-1: warn"}
	alone := object.union(level(planned, "strict", "warn"), {"expected": [e | some e in planned.expected; e.name != "strict"]})
	denied(alone) == {"strict in ap-northeast-1: warn"}
	unmarked := change(disaster, "behind", {"role": ""})
	"expected data loss about 0.5 s of an objective of 300 s" in accepted(unmarked)
}

test_a_need_nobody_has_heard_of if {
	denied(change(planned, "prepared", {"need": "splendid"})) == {"prepared: the need splendid is not known"}
	strange := object.union(planned, {"expected": array.concat(planned.expected, [{"name": "another", "need": "splendid"}])})
	denied(strange) == {"another: the need splendid is not known"}
}

test_nothing_expected if {
	every facts in [planned, disaster] {
		denied(object.remove(facts, ["expected"])) == {"it was not told which checks the run needs"}
		denied(object.union(facts, {"expected": null})) == {"it was not told which checks the run needs"}
		none := object.union(facts, {"checks": [], "expected": []})
		denied(none) == {"the run needs no check of any of its resources, which cannot be"}
		denied(object.remove(none, ["resources"])) == {"the run needs no check of any of its resources, which cannot be"}
	}
}

test_nothing_known if {
	every mode in {"planned", "disaster"} {
		every nothing in [null, []] {
			count(denied({"mode": mode, "checks": nothing})) > 0
			count(denied(object.union(facts_of(mode, checks), {"checks": nothing}))) > 0
		}
		count(denied({"mode": mode})) > 0
	}
	"the mode is neither planned nor disaster" in denied({})
	denied(object.union(planned, {"mode": "Planned"})) == {"the mode is neither planned nor disaster"}
}
