#!/bin/bash
# SPDX-License-Identifier: ISC
#
# What the tests of keys share. A test sources it, has functions named
# case_NAME, and ends with run_cases. Each case runs in a directory of its
# own, in a subshell with set -e, and fails where a command does.

# Callers use what is set here.
# shellcheck disable=SC2034

set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
: "${TAP:=$here/../../tap}"
TAP=$(realpath "$TAP") || exit
python=$(PATH=/usr/bin:$PATH command -v python3)
export PYTHONDONTWRITEBYTECODE=1
group=$(basename "$0" .sh)
group=${group#test_}
dir=$(mktemp -d "${TMPDIR:-/tmp}/tap-keys.XXXXXX") || exit
umask 077
# Patience for what should be there at once, on a machine that may be busy.
patience=30
hex='0x[0-9A-F]'

case_pid=

# What a case has mounted, and namespaces it has made.
tidy()
{
	local place name

	while read -r _ place _; do
		case $place in
		"$dir"/*) umount "$place" ;;
		esac
	done </proc/mounts
	[ ! -e "$dir/namespaces" ] || while read -r name; do
		# Services that a case started in the background.
		ip netns pids "$name" 2>/dev/null | xargs -r kill -KILL
		ip netns del "$name" 2>/dev/null
	done <"$dir/namespaces"
	rm -rf "$dir/namespaces" "$dir/work"
}

remove()
{
	tidy
	rm -rf "$dir"
}

interrupted()
{
	trap '' INT TERM HUP
	if [ -n "$case_pid" ]; then
		kill -TERM "$case_pid" 2>/dev/null
		wait "$case_pid"
	fi
	exit "$1"
}

trap remove EXIT
trap 'interrupted 130' INT
trap 'interrupted 143' TERM
trap 'interrupted 129' HUP

fail()
{
	echo "$*" >&2
	exit 1
}

skip()
{
	echo "$*" >"$dir/skip"
	exit 0
}

# same WANT GOT [WHAT]
same()
{
	[ "$1" = "$2" ] || fail "${3:+$3: }expected '$1', got '$2'"
}

# has TEXT PATTERN: an extended regular expression
has()
{
	grep -Eq -e "$2" <<<"$1" || fail "'$2' is not in:"$'\n'"$1"
}

lacks()
{
	! grep -Eq -e "$2" <<<"$1" || fail "'$2' is in:"$'\n'"$1"
}

# exits STATUS COMMAND...: its standard error goes to ./err, for looking into
exits()
{
	local want=$1 got=0

	shift
	"$@" >out 2>err || got=$?
	[ "$want" = "$got" ] ||
		fail "exit status $got, not $want: $*"$'\n'"$(cat out err)"
}

# refuses STATUS PATTERN ARGUMENT...: tap with these; one line of error, or
# that and where to find more; nothing on standard output
refuses()
{
	local want=$1 pattern=$2

	shift 2
	exits "$want" "$TAP" "$@"
	has "$(cat err)" "$pattern"
	same 1 "$(wc -l <err)" "lines of $(cat err)"
	same '' "$(cat out)" 'standard output'
}

# wait_for COMMAND...: until it succeeds
wait_for()
{
	local until=$((SECONDS + patience))

	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -le "$until" ] || fail "waited in vain for: $*"
		sleep 0.03
	done
}

need_root()
{
	[ "$(id -u)" -eq 0 ] || skip 'needs root'
}

# A key of the papers in a key file: key_line N [WORDS]
key_line()
{
	echo "key_no=$1, key=0x$(printf '%032X' "$1")${2:+, $2}"
}

run_case()
{
	# Processes of the case end with it.
	# shellcheck disable=SC2154 # set in the trap
	trap 'pids=$(jobs -p); [ -z "$pids" ] || { kill $pids; wait; } 2>/dev/null' EXIT
	trap 'exit 1' INT TERM HUP
	set -e
	cd "$dir/work"
	"case_$1"
}

run_cases()
{
	local name result failures=0

	for name in $(declare -F | sed -n 's/^declare -f case_//p'); do
		mkdir "$dir/work"
		rm -f "$dir/skip"
		run_case "$name" >"$dir/log" 2>&1 </dev/null &
		case_pid=$!
		if wait "$case_pid"; then
			result=pass
			[ ! -e "$dir/skip" ] || result="skip"
		else
			result=fail
			failures=$((failures + 1))
			sed 's/^/    /' "$dir/log"
		fi
		case_pid=
		printf '  %-7s %s\n' "${result^^}" "keys/$group/$name"
		[ -z "${RESULTS:-}" ] || echo "$result keys/$group/$name" \
		    "$(cat "$dir/skip" 2>/dev/null)" >>"$RESULTS"
		tidy
	done
	[ $failures -eq 0 ]
}
