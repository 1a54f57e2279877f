#!/bin/bash
# SPDX-License-Identifier: ISC
#
# Hidden ports, and what an attacker would send: no packet opens the way to
# them for another, whatever else translates and marks packets here.

# Cases are called by check; an equals sign and commas are the program's.
# shellcheck disable=SC2317,SC2054
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/hosts/probes.sh
. "$(dirname "$0")/probes.sh"

# local_lab SETTING...
local_lab()
{
	probes_lab local
	protect LOCAL "$@"
}

has_program()
{
	on "$guard" ip -d link show eth0 | grep -q 'prog/xdp'
}

# As under flood, all the time: with a program in the driver.
flooded()
{
	wait_for "$patience" a_syn_more
}

a_syn_more()
{
	on stranger bash -c "exec 3<>/dev/tcp/$inner4/80" 2>/dev/null &
	sleep 0.05
	has_program
}

# tool TOOL SETTING -- WORD...: of both versions of IP, one after the other,
# as each measures something of the host
tool()
{
	local family status=0

	local_lab "$2"
	for family in 4 6; do
		probes "$1" "$family" "variant=${2#*=}-ipv$family" "${@:3}" ||
			status=$?
	done
	return "$status"
}

# Of key numbers, a ping behind a frame that names one tells nothing.
heads()
{
	! counting || skip 'a build that counts takes time for that'
	tool heads "$1" count=1000 filtered:80=90
}

# Whatever came before, strangers don't reach what is hidden.
pairs()
{
	"$1_lab" "${@:3}"
	[ "$2" != flood ] || flooded
	probes_both pairs "$1-$2" text=REAL "${groups[@]}"
}

# The same where others set marks or translate ahead of tap.
decoys()
{
	local tool

	local_lab fastpath=auto
	for tool in iptables ip6tables; do
		case $1 in
		restored) on server "$tool" -t mangle -A PREROUTING -j CONNMARK \
			--restore-mark ;;
		marked) on server "$tool" -t mangle -A PREROUTING -j MARK \
			--set-mark 1 ;;
		accepted) on server "$tool" -t nat -I PREROUTING -p tcp \
			-j ACCEPT ;;
		flushed) on server "$tool" -t nat -F ;;
		untracked) on server "$tool" -t raw -I PREROUTING -p tcp \
			-j CT --notrack ;;
		esac
	done
	# In vain they may be, but never at the service.
	probes_both pairs "decoy-$1" count=600 text=REAL any:82=8080
}

# SYN cookies that are right: as an attacker may guess them.
cookies()
{
	local family

	probes_lab local
	on server sysctl -qw net.ipv4.tcp_syncookies=2
	for family in 4 6; do
		probes cookies-take "$family" text=REAL file="$work/cookies$family" \
		    "${groups[@]}"
	done
	on server sysctl -qw net.ipv4.tcp_syncookies="$1"
	protect LOCAL fastpath=auto
	for family in 4 6; do
		probes cookies-use "$family" text=REAL file="$work/cookies$family" \
		    "${groups[@]}"
	done
}

for setting in fastpath=off fastpath=auto; do
	name=${setting#*=}
	check "pairs-$name" pairs local "$name" "$setting"
done
check pairs-flood pairs local flood fastpath=auto flood=0
for name in restored marked accepted flushed untracked; do
	check "decoys-$name" decoys $name
done
check cookies-always cookies 2
check cookies-overflow cookies 1
settle
# Alone, as nothing else is to take the time.
check heads heads fastpath=off
finish
