#!/bin/bash
# SPDX-License-Identifier: ISC
#
# What strangers see of a hidden port is what they see of one that is dropped,
# or closed, or open: of every kind of packet in tests/probes, by whatever way
# it is handled.  And no packet opens the way for another.

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

# untracked_lab SETTING...
untracked_lab()
{
	probes_lab local
	groups=(filtered:80=90,91)
	untracked=yes protect LOCAL "$@"
}

# router_lab SETTING...
router_lab()
{
	probes_lab router
	groups=(filtered:80=90,91 decoy:82=8080)
	protect ROUTER "$@"
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

corpus()
{
	"$1_lab" "${@:3}"
	[ "$1-$2" != local-flood ] || flooded
	# Until it takes no connection any more for one older than itself.
	[ "$1" = local ] || sleep 61
	probes_both corpus "$1-$2" "known=$known" "${groups[@]}"
}


# Where the host sends nothing that connection tracking knows no reason for.
invalid()
{
	local tool

	local_lab fastpath=auto
	for tool in iptables ip6tables; do
		on server "$tool" -A OUTPUT -m conntrack --ctstate INVALID \
		    -j DROP
	done
	probes_both corpus local-invalid "known=$known" closed:81=92,93
}

# tool TOOL SETTING -- WORD...: of both versions of IP, one after the other,
# as each measures something of the host
tool()
{
	local family status=0

	local_lab "$2"
	for family in 4 6; do
		probes "$1" "$family" "variant=$1-${2#*=}-ipv$family" \
		    "known=$known" "${@:3}" || status=$?
	done
	return "$status"
}

# Where answers stand among others, and how many there are.
order()
{
	tool burst "$1" closed=100 count=25 closed:81=92
}

many()
{
	tool rate "$1" closed:81=92 filtered:80=90
}

# As the first packets of all do, ICMP errors name ports, too.
path_mtu()
{
	tool pmtu "$1" filtered:80=90 closed:81=92 control:90=91
}

# A ping behind SYNs is as late as one behind SYNs to the control.
pings()
{
	! counting || skip 'a build that counts takes time for that'
	tool ping "$1" "count=${PAIRS:-1000}" filtered:80=90,91 closed:81=92,93
}

# Of key numbers, a ping behind a frame that names one tells nothing.
heads()
{
	! counting || skip 'a build that counts takes time for that'
	tool heads "$1" "count=${PAIRS:-1000}" filtered:80=90
}

# Whatever came before, strangers don't reach what is hidden.
pairs()
{
	"$1_lab" "${@:3}"
	[ "$1-$2" != local-flood ] || flooded
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
	untracked=${2:-}
	[ -z "$untracked" ] || groups=(filtered:80=90,91)
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

# First what waits.
jobs_max=$((jobs_max + 4))
check router-auto corpus router auto fastpath=auto
check router-off corpus router off fastpath=off
check router-flood corpus router flood fastpath=auto flood=0
check pairs-router pairs router auto fastpath=auto
check local-auto corpus local auto fastpath=auto
check local-off corpus local off fastpath=off
check local-flood corpus local flood fastpath=auto flood=0
check local-invalid invalid
check untracked-auto corpus untracked auto fastpath=auto
check pairs-untracked pairs untracked auto fastpath=auto
for setting in fastpath=off fastpath=auto; do
	name=${setting#*=}
	check "order-$name" order "$setting"
	check "many-$name" many "$setting"
	check "path-mtu-$name" path_mtu "$setting"
	check "pairs-$name" pairs local "$name" "$setting"
done
check pairs-flood pairs local flood fastpath=auto flood=0
for name in restored marked accepted flushed untracked; do
	check "decoys-$name" decoys $name
done
check cookies-always cookies 2
check cookies-overflow cookies 1
check cookies-untracked cookies 1 yes
# The queue takes its time for SYNs, and says so: tap.conf(5).
check_alone heads-auto heads fastpath=auto
check_alone heads-off heads fastpath=off
check_alone pings pings fastpath=auto
finish
