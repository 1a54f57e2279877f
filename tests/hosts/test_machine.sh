#!/bin/bash
# SPDX-License-Identifier: ISC
#
# Rules for a real guest: an emulated machine behind the client, in which three
# users connect, one after the other.

# Cases are called by check.
# shellcheck disable=SC2317
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"
deps=$here/../../.deps/qemu
# shellcheck source=tests/qemu/kernels.sh
. "$here/../qemu/kernels.sh"

users=(backup:34 www-data:33 mail:8)
# Twice in this order each of them finds what it needs; not every kernel has all.
modules='virtio virtio_ring virtio_pci_legacy_dev virtio_pci_modern_dev
    virtio_pci failover net_failover virtio_net'

# initramfs: what the machine boots from is $work/initramfs
initramfs()
{
	local root=$work/root user module

	mkdir -p "$root"/{bin,dev,etc,proc}
	cp "$(command -v busybox)" "$root/bin"
	ln -s busybox "$root/bin/sh"
	for module in $modules; do
		find "$kernel" -name "$module.ko" -exec cp {} "$root" \;
	done
	for user in "${users[@]}"; do
		echo "${user%:*}:x:${user#*:}:${user#*:}::/:/bin/sh"
	done >"$root/etc/passwd"
	echo "$modules" >"$root/modules"
	cat >"$root/init" <<-'END'
	#!/bin/busybox sh
	busybox mount -t proc none /proc
	busybox mount -t devtmpfs none /dev
	exec 2>&1
	for module in $(busybox cat /modules /modules); do
		[ ! -e "/$module.ko" ] || busybox insmod "/$module.ko" 2>/dev/null
	done
	while ! busybox ip link show eth0 >/dev/null; do
		busybox usleep 20000
	done
	busybox ip link set lo up
	busybox ip link set eth0 up
	busybox ip addr add 10.79.0.2/24 dev eth0
	busybox ip route add default via 10.79.0.1
	echo
	echo '@ready'
	while read -r number user port seconds; do
		got=$(busybox su "$user" -c \
		    "busybox timeout $seconds busybox wget -q -O - \
		    http://10.77.0.1:$port/")
		echo "@$number ${got:-nothing}"
	done
	END
	chmod +x "$root/init"
	(cd "$root" && find . | cpio -o -H newc --quiet -R 0:0 | gzip -1) \
	    >"$work/initramfs"
}

# machine: started, and up; it is told what to do by $orders
machine()
{
	mkfifo "$work/orders"
	exec {orders}<>"$work/orders"
	: >"$work/machine.log"
	on client qemu-system-x86_64 -accel tcg -m 256 -nodefaults -nographic \
	    -no-reboot -serial stdio -kernel "$kernel"/boot/vmlinuz-* \
	    -initrd "$work/initramfs" -pidfile "$work/machine.pid" \
	    -netdev tap,id=net,ifname=eth1,script=no,downscript=no \
	    -device virtio-net-pci,netdev=net -append \
	    'console=ttyS0 quiet panic=-1 no_timer_check rdinit=/init' \
	    <&"$orders" >"$work/machine.log" 2>&1 &
	pids[machine]=$!
	wait_for 300 says @ready
}

says()
{
	grep -aq "^$1" "$work/machine.log"
}

# gets USER PORT TEXT: what a user of the machine gets
gets()
{
	local seconds=30

	# What never comes is not waited for as long as what comes late.
	[ "$3" != nothing ] || seconds=3
	order=$((order + 1))
	echo "$order $1 $2 $seconds" >&"$orders"
	wait_for "$patience" says "@$order "
	same "$3" "$(tr -d '\r' <"$work/machine.log" |
		sed -n "s/^@$order //p")" "$1, port $2"
}

# known: the machine's kernel was found
known()
{
	on client "$TAP" client -c "$conf" --guests --json |
		grep -q '"kernel":"[0-9]'
}

rules()
{
	order=0
	lab
	http_start server 80 81
	tap_start server server server -p 80 -k "$(key_file)"
	on client sysctl -qw net.ipv4.ip_forward=1
	on client iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE
	on client ip tuntap add eth1 mode tap
	device_up client eth1 10.79.0.1/24 fd79::1/64
	initramfs
	machine
	conf=$(key_file \
	    "GUEST:name=vm, pid=$work/machine.pid, dev=eth1" \
	    "RULE:guest=vm, guest_user=backup, \
guest_passwd=$work/root/etc/passwd, dst_host=10.77.0.1, dst_port=80, \
key_no=10, key=0x$secret, alg=hmac-sha256" \
	    'RULE:guest=vm, guest_user=33, dst_port=81, deny')
	tap_start client client client -c "$conf"
	wait_for "$patience" known
	gets backup 80 'page of 80'
	gets www-data 80 nothing
	gets mail 80 nothing
	gets mail 81 'page of 81'
	gets www-data 81 nothing
	gets backup 81 'page of 81'
	gets backup 80 'page of 80'
	tap_counts server server accepted 2
	has "$(cat "$work/client.log")" \
	    'denied guest=vm rule=3 uid=33 pid=[0-9]+ comm=busybox exe=/bin/busybox src=10.79.0.2'
	# Nobody asks it, but it has seen that.
	kill -KILL "$(cat "$work/machine.pid")"
	wait_log client 'guest vm: its reader has ended'
	end client
}

if kernel current; then
	check rules rules
else
	check rules skip 'the package of its kernel is not to be had here'
fi
finish
