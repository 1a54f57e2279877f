#!/bin/bash
# SPDX-License-Identifier: ISC
#
# What a connection costs against how much there is to know: keys, rules,
# groups in assembly, replays.  Once inside one process, where the gate
# alone is measured, and once with the daemon.
# shellcheck source=tests/bench/lib.sh
. "$(dirname "$0")/lib.sh"

# The first is what the others are held against.
within=(keys=10 keys=1000 keys=60000 rules=10 rules=100 rules=1000
	groups=1000 groups=10000 groups=100000 groups=1000000
	replays=1000000)
keys=(10 60000)
# These figures spread little, and take long.
[ "$rounds" -le 3 ] || rounds=3
rules=(1 100 1000)

# key_lines COUNT: as many keys; number 10 is the client's
key_lines()
{
	local file

	file=$(mktemp "$work/key.XXXXXX")
	awk -v count="$1" -v secret="$secret" 'BEGIN {
		for (i = 1; i <= count; i++) {
			n = i == 1 ? 10 : i + 99
			printf "key_no=%d, key=0x%s%08X, alg=hmac-sha256\n", n,
			    secret, n == 10 ? 0 : n
		}
	}' | sed "1s/=0x${secret}0*,/=0x$secret,/" >"$file"
	echo "$file"
}

# rule_lines COUNT: as many, of which the last is the one for this port
rule_lines()
{
	local i

	for ((i = 1; i < $1; i++)); do
		echo "RULE:dst_port=$((20000 + i))"
	done
	echo "RULE:dst_port=$port"
}

# with NAME KEYS RULES: a trio with so many; false as protect_fast
with()
{
	trio "$1"
	answers "$1"
	rule_lines "$3" >"$work/$1.rules"
	case $1 in
	fast-*) protect_fast "$1" "$work/$1.rules" "$(key_lines "$2")" ;;
	*) protect_tap "$1" "$work/$1.rules" "$(key_lines "$2")" ;;
	esac
}

# processor NAME: nanoseconds that it was at work so far
processor()
{
	local pid ns sum=0

	for pid in $(processes "$1"); do
		read -r ns _ <"/proc/$pid/schedstat"
		sum=$((sum + ns))
	done
	echo $sum
}

cases=()
for count in "${keys[@]}"; do
	with "keys$count" "$count" 1
	cases+=("keys$count")
	! with "fast-keys$count" "$count" 1 || cases+=("fast-keys$count")
done
for count in "${rules[@]}"; do
	with "rules$count" 10 "$count"
	cases+=("rules$count")
done

for ((round = 1; round <= rounds; round++)); do
	for words in $(turn "${within[@]}"); do
		progress "gate, $words"
		json=$("$BENCH_BIN/scale" "$words" rounds=9)
		# The best: what else the machine does only adds to it.
		record "gate_$words" ns "$(number_of "$json" least)"
		record "gate_$words" bytes "$(number_of "$json" bytes)"
	done
	for name in $(turn "${cases[@]}"); do
		progress "$name"
		json=$(ask "$name" count=3000)
		record "$name" p50 "$(number_of "$json" connect_p50)"
		before=$(processor "$name-tap")
		json=$(ask "$name" parallel=64 count=20000)
		record "$name" rate "$(number_of "$json" rate)"
		record "$name" worker "$(divide \
		    $((($(processor "$name-tap") - before) / 1000)) \
		    "$(number_of "$json" 'done')")" # us
	done
done
round=1
for name in $(turn "${cases[@]}"); do
	record "$name" resident "$(resident "$name-tap")"
done
