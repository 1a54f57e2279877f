#!/bin/sh
# FreeBSD: the client; to /usr/local/etc/rc.d/tap_client, mode 555, and
# tap_client_enable="YES" to /etc/rc.conf.

# PROVIDE: tap_client
# REQUIRE: NETWORKING
# KEYWORD: shutdown

. /etc/rc.subr

name=tap_client
rcvar=tap_client_enable
pidfile=/var/run/tap_client.pid
command=/usr/sbin/daemon
command_args="-P $pidfile -R 1 -S -T tap-client /usr/local/bin/tap client"

load_rc_config $name
: "${tap_client_enable:=NO}"
run_rc_command "$1"
