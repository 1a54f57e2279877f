#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Runs a test and keeps the count for make check.
# usage: tests/run.sh [--quiet|--cases] NAME COMMAND [ARGUMENT...]
#        tests/run.sh --each GROUP --quiet|--cases WRAPPER PROGRAM...
#        tests/run.sh --steps STEP... | --beside 'STEP...' STEP...
#        tests/run.sh --start | --summary
#
# Results are lines in $RESULTS (.build/results): `pass NAME`, `fail NAME` or
# `skip NAME REASON`. A command may append its own, one a case; when it does
# not, NAME counts as one by the exit status. A command that exits otherwise
# than 0 and reported no failure is one.
#   --quiet  shows the output only on failure (it is kept in .build/log/)
#   --cases  the same, and counts each cmocka case in it
#            Both end what takes longer than $TEST_SECONDS (status 124).
#   --each   runs every program, as GROUP/ROOM/NAME; no program is a failure.
#            As many at once as there are processors.
#            WRAPPER is a command to put before each, or ''
#   --steps  runs steps of make check, each by $MAKE, one after the other
#   --beside runs those of its first word at a lower priority beside the
#            others; what they print comes at the end
#   --start  forgets the results; --summary prints the last line and exits 1
#            when anything failed or nothing passed

set -u
: "${RESULTS:=$PWD/.build/results}" "${TEST_SECONDS:=600}"
export RESULTS

# Lines of a kind after line $2.
count()
{
	tail -n "+$(($2 + 1))" "$RESULTS" | grep -c "^$1 "
}

start()
{
	mkdir -p "$(dirname "$RESULTS")" && : >"$RESULTS"
}

summary()
{
	[ -e "$RESULTS" ] || start
	sed -n 's/^skip \([^ ]*\) */  skipped \1: /p; s/^fail /  FAILED /p' \
	    "$RESULTS"
	passed=$(count pass 0) failed=$(count fail 0) skipped=$(count skip 0)
	line="$passed passed, $failed failed"
	[ "$skipped" -eq 0 ] || line="$line, $skipped skipped"
	echo "$line"
	[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}

cmocka_cases()
{
	awk -v name="$1" '
	/^\[=+\] .*Running/ { on = 1 }
	/^\[=+\] .* run\.$/ { on = 0 }
	on && /^\[ +OK \]/ { print "pass " name "/" $NF }
	on && /^\[ +SKIPPED \]/ { print "skip " name "/" $NF }
	on && /^\[ +FAILED +\]/ && !seen[$4]++ {
		print "fail " name "/" $4
	}' "$2"
}

# PROGRAM: its room and its name.
key()
{
	key=${1##*/tests/unit/}
	echo "${key##*/tests/fuzz/}"
}

each()
{
	group=$1 mode=$2 wrapper=$3 status=0 parts=.build/log/$1.results
	shift 3
	if [ $# -eq 0 ]; then
		echo "$group: there is no program to run" >&2
		return 1
	fi
	rm -rf "$parts"
	mkdir -p "$parts"
	printf '%s\n' "$@" | xargs -P "$(nproc)" -I '{}' "$0" --one "$parts" \
	    "$group" "$mode" "$wrapper" '{}' || status=1
	for program in "$@"; do
		cat "$parts/$(key "$program" | tr / -)" >>"$RESULTS" || status=1
	done
	return $status
}

# Each counts for itself: they run side by side.
one()
{
	own=$(key "$5")
	RESULTS=$PWD/$1/$(echo "$own" | tr / -)
	# shellcheck disable=SC2086 # words of a command
	exec "$0" "$3" "$2/$own" $4 "$5"
}

steps()
{
	for step in "$@"; do
		"$0" "$step" "${MAKE:-make}" -j"$(nproc)" "$step"
	done
}

# What is counted is counted by the lines that came meanwhile: each has its own.
beside()
{
	log=.build/log/beside
	mkdir -p .build/log
	: >"$log.results"
	# shellcheck disable=SC2086 # names of steps
	RESULTS=$PWD/$log.results nice -n 10 "$0" --steps $1 >"$log" 2>&1 &
	shift
	steps "$@"
	wait
	cat "$log"
	cat "$log.results" >>"$RESULTS"
}

mode=loud
case $1 in
--start) start; exit ;;
--summary) summary; exit ;;
--steps) shift; steps "$@"; exit ;;
--beside) shift; beside "$@"; exit ;;
--each) shift; each "$@"; exit ;;
--one) shift; one "$@" ;;
--quiet | --cases) mode=$1; shift ;;
esac
name=$1
shift
[ -e "$RESULTS" ] || start
before=$(wc -l <"$RESULTS")
status=0
began=$(date +%s)
if [ "$mode" = loud ]; then
	"$@" || status=$?
else
	log=.build/log/$(echo "$name" | tr / -)
	mkdir -p .build/log
	timeout -k 10 "$TEST_SECONDS" "$@" >"$log" 2>&1 </dev/null || status=$?
	[ "$mode" = --quiet ] || cmocka_cases "$name" "$log" >>"$RESULTS"
	[ "$status" -eq 0 ] || sed 's/^/    /' "$log"
fi

failed=$(count fail "$before")
if [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then
	echo "fail $name" >>"$RESULTS"
	failed=1
elif [ "$(wc -l <"$RESULTS")" -eq "$before" ]; then
	echo "pass $name" >>"$RESULTS"
fi
if [ "$failed" -gt 0 ]; then
	printf '  %-7s %s\n' FAIL "$name (exit status $status)"
	exit 1
fi
# Where the time goes is worth a word for what takes some.
took=$(($(date +%s) - began))
[ $took -lt 10 ] || name="$name ($took s)"
printf '  %-7s %s\n' PASS "$name"
