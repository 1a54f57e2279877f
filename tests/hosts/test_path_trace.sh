#!/bin/bash
# SPDX-License-Identifier: ISC
#
# tap probe-path --trace names, of four hops, the one where a field changes.

# Cases are called by check; arguments may be left out.
# shellcheck disable=SC2317,SC2119,SC2120
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/hosts/path.sh
. "$(dirname "$0")/path.sh"

# hop 4|6 N: the address of a router, as the near side sees it
hop()
{
	if [ "$1" = 4 ]; then
		echo "10.$((9 + $2)).0.2"
	else
		echo "fd$((9 + $2))::2"
	fi
}

# rewrites ROUTER RULE...: as mangle, but of that router
rewrites()
{
	local router=router$1

	shift
	on "$router" iptables -t mangle -A FORWARD -p tcp "$@"
	on "$router" ip6tables -t mangle -A FORWARD -p tcp "$@"
}

# between 4|6 FIELD N: it changes behind router N, and before the next
between()
{
	local family=$1 name=$2 n=$3

	if [ "$n" -lt 4 ]; then
		says "change('$name')['after'] == $n" \
		    "change('$name')['after_address'] == '$(hop "$family" "$n")'" \
		    "change('$name')['before'] == $((n + 1))" \
		    "change('$name')['before_address'] ==
			'$(hop "$family" $((n + 1)))'"
	else
		says "change('$name')['after'] == 4" \
		    "change('$name')['before'] == 0"
	fi
}

all_hops()
{
	local n

	for n in 1 2 3 4; do
		says 'len(path["trace"]) == 4' \
		    "path['trace'][$n - 1]['address'] == '$(hop "$1" "$n")'"
	done
}

nothing()
{
	path_lab 4
	listen
	probe "$1" --trace
	same 0 "$status"
	all_hops "$1"
	says 'path["changes"] == []' 'only()'
}

# Each hop rewrites something else.
each()
{
	path_lab 4
	rewrites 1 --syn -j TCPMSS --set-mss 1200
	rewrites 2 -j DSCP --set-dscp 0
	rewrites 3 --syn -j TCPOPTSTRIP --strip-options 253
	rewrites 4 --syn -j TCPOPTSTRIP --strip-options mptcp 2>/dev/null ||
		rewrites 4 --syn -j TCPOPTSTRIP --strip-options 30
	listen
	probe "$1" --trace
	same 0 "$status"
	all_hops "$1"
	between "$1" mss 1
	between "$1" dscp 2
	between "$1" option-253 3
	between "$1" mptcp 4
	says 'len(path["changes"]) == 4' \
	    'all(c["what"] == "rewritten" for c in path["changes"])'
}

# box 4|6 N EDIT FIELD: a middlebox at router N
box()
{
	path_lab 4
	middlebox "router$2" "$3"
	listen
	probe "$1" --trace
	all_hops "$1"
	between "$1" "$4" "$2"
	says "change('$4')['what'] == '${5:-rewritten}'"
}

# Nobody listens: what can be told without.
alone()
{
	path_lab 4
	rewrites 2 -j DSCP --set-dscp 0
	probe "$1" --trace --count 1
	same 1 "$status"
	all_hops "$1"
	between "$1" dscp 2
	says 'verdict == "unknown"' 'path["reason"] == "no-far-side"' \
	    'not path["far_side"]' \
	    'field["sequence"]["answered"] == 1' \
	    'all(f["state"] == "unknown" for f in field.values())'
}

both nothing nothing
both each each
for n in 1 2 3 4; do
	both "sequence-$n" box $n isn sequence
done
both data box 2 strip-data data
both dropped box 3 drop-data data lost
both window box 1 random-window window
both alone alone
finish
