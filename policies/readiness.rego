# Whether a run may start, from the checks of the target and of replication. The
# rules know no check by name: what the mode needs of each (`need`) and which one
# more than a line reads (`role`) come with the facts, as the check's system told.
#
# A check that a mode needs and that is missing, unknown or of a level nobody has
# heard of denies: what is not known is never ok. What is not ok but may be lived
# with goes to `accept`, and whoever approves the change accepts it.
package drbot.readiness

decision := {"deny": deny, "accept": accept}

# The levels that are good enough for a need. A fact is one whatever its level.
good_enough := {
	"ok": {"ok"},
	"warn": {"ok", "warn"},
	"good": {"ok", "warn"},
	"sound": {"ok", "warn", "unknown"},
}

# These needs are not met by a check that was not made.
must_be_made := {"ok", "warn"}

deny contains text("policy.mode", {}) if not known_mode

known_mode if input.mode in {"planned", "disaster"}

deny contains text("policy.needs-untold", {}) if not needs_told

needs_told if is_array(input.expected)

deny contains text("policy.needs-none", {}) if {
	needs_told
	count(input.expected) == 0
	not no_resources
}

no_resources if input.resources == 0

deny contains reason if {
	some one in expected
	one.need in must_be_made
	not made(one)
	reason := text("policy.unseen", {"check": subject(one)})
}

deny contains line(check) if {
	some check in checks
	denied(check)
}

deny contains reason if {
	some one in array.concat(checks, expected)
	some need in told(one, "need")
	not need in object.keys(good_enough) | {"fact"}
	reason := text("policy.need-unknown", {"check": subject(one), "need": word(sprintf("%v", [need]))})
}

denied(check) if {
	some need in told(check, "need")
	levels := good_enough[need]
	not check.level in levels
}

# The data loss of a disaster run, always said where there is data to lose.

accept contains reason if {
	input.mode == "disaster"
	count(lags) > 0
	input.rpo_seconds > 0
	reason := text("policy.loss", {"loss": {"n": amount(max(lags))}, "rpo": {"n": input.rpo_seconds}})
}

accept contains reason if {
	input.mode == "disaster"
	count(lags) > 0
	not input.rpo_seconds > 0
	reason := text("policy.loss.no-objective", {"loss": {"n": amount(max(lags))}})
}

accept contains text("policy.loss.unknown", {}) if {
	input.mode == "disaster"
	lag_unknown
}

accept contains reason if {
	input.mode == "disaster"
	some check in with_role("source")
	check.level == "ok"
	reason := text("policy.source-answers", {"source": word(input.source)})
}

# Everything else that is not ok. A fact of the mode is nothing to accept: a source
# that does not answer in a disaster, the lag that has its own line there.
accept contains line(check) if {
	some check in checks
	check.level != "ok"
	not denied(check)
	not "fact" in told(check, "need")
}

# Helpers.

default checks := []

checks := input.checks if is_array(input.checks)

default expected := []

expected := input.expected if is_array(input.expected)

# What is told of a check by itself and by what was expected of it: were one of the
# two left out, the other would still hold.
told(check, field) := ({object.get(check, field, "")} | {object.get(one, field, "") |
	some one in expected
	same(one, check)
}) - {""}

same(one, other) if {
	one.name == other.name
	object.get(one, "resource", "") == object.get(other, "resource", "")
}

made(one) if {
	some check in checks
	same(one, check)
}

with_role(role) := [check | some check in checks; role in told(check, "role")]

lags := [seconds(check) |
	some check in with_role("lag")
	read(check)
]

# One database whose lag is not known is enough: the worst of those read may not be
# the worst of all.
lag_unknown if {
	some check in with_role("lag")
	not read(check)
}

lag_unknown if {
	some one in expected
	one.role == "lag"
	not made(one)
}

read(check) if {
	check.level in {"ok", "warn", "fail"}
	is_number(check.value)
	check.value >= 0
	check.unit in {"s", "ms"}
}

seconds(check) := check.value if check.unit == "s"

seconds(check) := check.value / 1000 if check.unit == "ms"

amount(n) := round(n) if n >= 10

amount(n) := ceil(n * 10) / 10 if n < 10

# What is said, as messages of the catalogue.
text(id, args) := {"id": id, "args": args}

word(w) := {"w": w}

line(check) := text("policy.check", {"check": subject(check), "level": level(check)}) if {
	not has(check, "region")
	not has(check, "detail")
}

line(check) := text("policy.check.in", {"check": subject(check), "region": word(check.region), "level": level(check)}) if {
	has(check, "region")
	not has(check, "detail")
}

line(check) := text("policy.check.detail", {"check": subject(check), "level": level(check), "detail": {"m": check.detail}}) if {
	not has(check, "region")
	has(check, "detail")
}

line(check) := text("policy.check.in.detail", {"check": subject(check), "region": word(check.region), "level": level(check), "detail": {"m": check.detail}}) if {
	has(check, "region")
	has(check, "detail")
}

has(check, field) if not object.get(check, field, "") in {"", {}}

subject(check) := {"m": text("policy.subject", {"check": word(check.name), "resource": word(check.resource)})} if has(check, "resource")

subject(check) := word(check.name) if not has(check, "resource")

level(check) := {"m": text(sprintf("level.%s", [known_level(check)]), {})}

known_level(check) := check.level if check.level in {"ok", "warn", "fail", "unknown"}

known_level(check) := "unknown" if not check.level in {"ok", "warn", "fail", "unknown"}
