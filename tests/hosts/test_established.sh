#!/bin/bash
# SPDX-License-Identifier: ISC
#
# Established connections that connection tracking does not know: their packets
# come in whatever else comes, and to whatever their sockets are bound.

# Cases are called by check.
# shellcheck disable=SC2317
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"

# hosts: a server of port 7001 and its key holder
hosts()
{
	lab
	keys=$(key_file)
	tap_start server server server -p 7001 -k "$keys"
	tap_start client client client -c "$(client_rule dst_port=7001)"
}

# echoes 4|6 [DEVICE]: a server that sends back what it gets, bound to a device
echoes()
{
	start echo server "$python" -c '
import socket
import sys
family = socket.AF_INET if sys.argv[1] == "4" else socket.AF_INET6
listener = socket.socket(family)
if sys.argv[2]:
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE,
                        sys.argv[2].encode())
listener.bind(("", 7001))
listener.listen()
peer = listener.accept()[0]
while data := peer.recv(65536):
    peer.sendall(data)
' "$1" "${2:-}"
	wait_port server 7001
}

# opens ADDRESS, answered: a session with that server, and whether it still is
opens()
{
	mkfifo "$work/session.fifo"
	# shellcheck disable=SC2016 # for the inner shell
	start session client sh -c 'exec "$@" <>"$0"' "$work/session.fifo" \
	    nc.openbsd "$1" 7001
	answered
}

answered()
{
	spoken=$((${spoken:-0} + 1))
	echo "line $spoken" >"$work/session.fifo"
	wait_log session "^line $spoken\$"
}

# Tracking forgets a connection whose socket is bound to a device, by name or
# by its address; with and without the kernel's own search before routing.
bound()
{
	local family=$1 address=$2 device=$3 demux

	hosts
	echoes "$family" "$device"
	opens "$address"
	for demux in 0 1; do
		on server sysctl -qw net.ipv4.ip_early_demux=$demux
		on server conntrack -F
		answered
	done
}

check link-local bound 6 fe80::1%eth0 ''
check bound4 bound 4 10.77.0.1 eth0
check bound6 bound 6 fd77::1 eth0
finish
