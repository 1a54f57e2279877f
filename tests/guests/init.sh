#!/bin/sh
# SPDX-License-Identifier: ISC
#
# The first process of a guest that is looked into: it has connections begun,
# and says on its console what it knows of them itself:
#   @p PID COMM UID EXE    a process
#   @s PID INODE           a socket that it has open
#   @n PID ...             a line of its /proc/net/tcp or tcp6

PATH=/bin
export PATH
mount -t proc none /proc
mount -t devtmpfs none /dev
exec >/dev/console 2>&1 </dev/null
insmod /dummy.ko numdummies=0
ip link set lo up
ip link add dummy0 type dummy
ip link set dummy0 up
ip addr add 10.9.0.1/24 dev dummy0
echo 0 >/proc/sys/net/ipv6/conf/dummy0/accept_dad
ip -6 addr add fd09::1/64 dev dummy0
echo 100 >/proc/sys/net/ipv4/tcp_syn_retries
echo 2000000 >/proc/sys/kernel/threads-max

mkdir -p /usr/lib/mail /srv
cp /bin/talker /usr/lib/mail/mailer
cp /bin/talker /srv/gone
mount -t tmpfs none /srv/
cp /bin/talker /srv/web

read -r options </proc/cmdline
for option in $options; do
	case $option in
	guest.crowd=*) crowd=${option#*=} ;;
	guest.sockets=*) sockets=${option#*=} ;;
	esac
done

talker hold 1001 10.9.0.77 25 3 &
/usr/lib/mail/mailer hold 1002 fd09::77 2222 &
/srv/web hold 33 ::ffff:10.9.0.78 443 2 &
talker share 1003 10.9.0.79 80 &
talker orphan 1004 10.9.0.80 81 &
talker pair 1005 0 8080 &
talker net 1006 0 8080 &
talker churn 1007 0 0 &
cp /bin/talker /tmp_talker
/tmp_talker hold 1008 10.9.0.81 82 &
[ -z "${sockets:-}" ] || talker hold 1009 10.9.0.90 1000 "$sockets" &
usleep 500000
rm /tmp_talker
i=0
while [ $i -lt "${crowd:-0}" ]; do
	sleep 1000000 &
	i=$((i + 1))
done

# Until they are what they will be.
turns=100
while [ $turns -gt 0 ]; do
	count=$(grep -c ': .* 02 ' /proc/net/tcp)
	[ "$count" -lt $((6 + ${sockets:-0})) ] || break
	usleep 100000
	turns=$((turns - 1))
done
echo # behind what the firmware has said
for task in /proc/[0-9]*/task/*; do
	exe=$(readlink "$task/exe") || continue
	case $exe in
	*/busybox) continue ;;
	esac
	pid=${task%/task/*}
	pid=${pid#/proc/}
	find "$task/fd" -exec readlink {} \; |
	    sed -n "s/.*socket:\[\(.*\)\]/@s $pid \1/p" >/sockets
	# Whoever churns has none.
	[ -s /sockets ] || continue
	echo "@p $pid $(cat "/proc/$pid/comm") $(sed -n \
	    's/^Uid:[^0-9]*[0-9]*[^0-9]*\([0-9]*\).*/\1/p' \
	    "$task/status") $exe"
	cat /sockets
	cat "$task/net/tcp" "$task/net/tcp6" | grep -v sl >/net
	if [ "$(readlink "$task/ns/net")" = "$(readlink /proc/self/ns/net)" ]
	then
		[ -n "${said:-}" ] || sed 's/^/@n 0 /' /net
		said=yes
	else
		sed "s/^/@n $pid /" /net
	fi
done
echo '@ready'
while :; do
	sleep 1000000
done
