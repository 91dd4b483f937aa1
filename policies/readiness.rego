# Whether a run may start, from the checks of the target and of replication.
#
# A check that a mode needs and that is missing, unknown or of a level nobody has
# heard of denies: what is not known is never ok. What is not ok but may be lived
# with goes to `accept`, and whoever approves the change accepts it.
package drbot.readiness

decision := {"deny": deny, "accept": accept}

# In planned mode nothing may be lost, so everything about the database must be
# as it should and the source must answer.
required.planned := {
	"aurora.lag",
	"aurora.state",
	"aurora.target-instance",
	"aurora.target-sync",
	"aurora.writer",
	"source.reachable",
}

# In disaster mode only what the promotion itself cannot do without.
required.disaster := {"aurora.target-instance"}

# These may be a warning in planned mode: a lag below the objective, a workload
# that the run's own apply makes.
may_warn := {"aurora.lag", "target.workload", "terraform.target"}

# An apply in the target is the way out in both modes.
needed(check) if check.name in required[input.mode]

needed(check) if check.name == "terraform.target"

needed(check) if {
	input.mode == "planned"
	startswith(check.name, "aurora.")
}

needed(check) if {
	input.mode == "planned"
	check.name == "target.workload"
}

# Data is lost in disaster mode by definition; how much is said by `accept`.
good_enough(check) if check.level == "ok"

good_enough(check) if {
	check.level == "warn"
	check.name in may_warn
}

good_enough(check) if {
	check.level == "warn"
	input.mode == "disaster"
}

deny contains "the mode is neither planned nor disaster" if not known_mode

known_mode if input.mode in {"planned", "disaster"}

deny contains reason if {
	some name in required[input.mode]
	count(named(name)) == 0
	reason := sprintf("%s was not looked at", [name])
}

deny contains line(check) if {
	some check in checks
	needed(check)
	not good_enough(check)
}

# The data loss of a disaster run, always said.

accept contains reason if {
	input.mode == "disaster"
	count(lags) > 0
	reason := concat("", [sprintf("expected data loss about %s s", [amount(max(lags))]), objective])
}

accept contains "the replication lag is unknown: the data loss cannot be estimated" if {
	input.mode == "disaster"
	not lag_known
}

accept contains reason if {
	input.mode == "disaster"
	some check in named("source.reachable")
	check.level == "ok"
	reason := sprintf("%s still answers: a planned run would lose no data", [input.source])
}

# Everything else that is not ok. A source that does not answer is a fact of a
# disaster and nothing to accept; the lag has its own line there.
accept contains line(check) if {
	some check in checks
	check.level != "ok"
	not denied(check)
	not told_otherwise(check)
}

denied(check) if {
	needed(check)
	not good_enough(check)
}

told_otherwise(check) if {
	input.mode == "disaster"
	check.name in {"aurora.lag", "source.reachable"}
}

# Helpers.

default checks := []

checks := input.checks if is_array(input.checks)

named(name) := [check | some check in checks; check.name == name]

lags := [seconds(check) |
	some check in named("aurora.lag")
	read(check)
]

# Known means that every database's lag is: the worst of those read may not be
# the worst of all.
lag_known if {
	count(lags) > 0
	count(lags) == count(named("aurora.lag"))
}

read(check) if {
	check.level in {"ok", "warn", "fail"}
	is_number(check.value)
	check.value >= 0
	check.unit in {"s", "ms"}
}

seconds(check) := check.value if check.unit == "s"

seconds(check) := check.value / 1000 if check.unit == "ms"

amount(n) := sprintf("%v", [round(n)]) if n >= 10

amount(n) := sprintf("%v", [ceil(n * 10) / 10]) if n < 10

default objective := ""

objective := sprintf(" of an objective of %v s", [input.rpo_seconds]) if input.rpo_seconds > 0

line(check) := concat("", [check.name, place(check), ": ", word(check), detail(check)])

place(check) := sprintf(" in %s", [check.region]) if object.get(check, "region", "") != ""

place(check) := "" if object.get(check, "region", "") == ""

word(check) := check.level if check.level in {"ok", "warn", "fail", "unknown"}

word(check) := "unknown" if not check.level in {"ok", "warn", "fail", "unknown"}

detail(check) := sprintf(" (%s)", [check.detail]) if object.get(check, "detail", "") != ""

detail(check) := "" if object.get(check, "detail", "") == ""
