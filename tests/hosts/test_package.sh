#!/bin/bash
# SPDX-License-Identifier: ISC
#
# Debian's package: the five minutes of the README with nothing of tap but
# what it installs; an upgrade and a removal behind these.

# Cases are called by check.
# shellcheck disable=SC2317
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"

package=("$here"/../../.build/packages/tap_*.deb)

# system HOST: this machine's files once more, for the host alone: what is
# written goes to memory, and with its first process.  `inside HOST COMMAND...`
system()
{
	# shellcheck disable=SC2016 # for the inner shells
	start "init-$1" "$1" unshare --mount --pid --fork --kill-child bash -ec '
		mount --make-rprivate /
		mount -t tmpfs none "$0"
		mkdir "$0/upper" "$0/work" "$0/root"
		mount -t overlay -o "lowerdir=/,upperdir=$0/upper,workdir=$0/work" \
		    none "$0/root"
		cd "$0/root"
		rm -rf etc/tap var/lib/tap usr/local/bin/tap
		mount --rbind /dev dev
		mount --rbind /sys sys
		mount -t tmpfs none run
		mount -t tmpfs none tmp
		exec chroot . sh -c "mount -t proc proc /proc; echo ready; \
			exec sleep infinity"' "$(mktemp -d "$work/$1.XXXXXX")"
	wait_log "init-$1" ready
	init[$1]=$(ps -o pid= --ppid "${pids[init-$1]}" | tr -d ' ')
	cp "${package[0]}" "/proc/${init[$1]}/root/tap.deb"
	inside "$1" dpkg --install --no-triggers --force-unsafe-io /tap.deb
}

inside()
{
	nsenter -t "${init[$1]}" --mount --pid --net --root=/proc/"${init[$1]}"/root \
	    --wd=/proc/"${init[$1]}"/root -- env -i \
	    PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root "${@:2}"
}

# daemon NAME HOST ARGUMENT...: tap of the package, until it is ready
daemon()
{
	: >"$work/$1.log"
	inside "$2" tap "${@:3}" >"$work/$1.log" 2>&1 </dev/null &
	pids[$1]=$!
	wait_log "$1" ': ready:'
}

process_of()
{
	inside "$1" tap "$1" --status --json | grep -o '"pid":[0-9]*'
}

# killed HOST: its daemon, whose rules stay
killed()
{
	local process

	process=$(process_of "$1")
	inside "$1" kill -KILL "${process#*:}"
	wait "${pids[$1]}" || :
	unset "pids[$1]"
}

five_minutes()
{
	local family=$1 at

	[ -e "${package[0]}" ] || skip 'not made: make deb'
	grep -q overlay /proc/filesystems || modprobe overlay 2>/dev/null ||
		skip 'no overlay file system here'
	declare -gA init=()
	lab
	http_start server 22
	at=$(addr "$family" server)
	[ "$family" = 4 ] || at="[$at]"
	for host in server client; do
		system "$host"
	done

	# Steps 2 and 3: a key, and the client first.
	inside server sh -c "umask 077; mkdir -p /etc/tap; tap keygen --key-no 1 \
		--name alice --append /etc/tap/server.key --client $at:22 \
		--both /root/alice"
	cp -p "/proc/${init[server]}/root/root/alice/TAPclientd.conf" \
	    "/proc/${init[client]}/root/etc/tap"
	inside server rm -r /root/alice
	daemon client client client
	page client "$family" 22
	page stranger "$family" 22

	# Steps 4 and 5: the server, for five minutes; and it is confirmed.
	daemon server server server --port 22 -k /etc/tap/server.key --confirm 5m
	page client "$family" 22
	wait_log server ': accepted key=1 name=alice src='
	hidden "$family" 22
	inside server tap server --confirm-now

	# Step 6: for good.
	inside server sh -c "echo RULE:dst_port=22 >/etc/tap/TAPservd.conf
		tap acl allow --port 22 --key 1; tap acl check"
	inside server tap server --stop
	await server 0
	page stranger "$family" 22
	daemon server server server
	page client "$family" 22
	hidden "$family" 22

	# An upgrade ends nothing, and shows nothing.
	first=$(process_of server)
	inside server dpkg --install --no-triggers --force-unsafe-io /tap.deb
	same "$first" "$(process_of server)" 'the process'
	hidden "$family" 22
	page client "$family" 22
	removed "$family"
}

# It does not go away under a server; rules that were left go with it.
removed()
{
	local root=/proc/${init[server]}/root # of its first process

	inside server dpkg --verify tap
	same 1 "$(status_of inside server dpkg --no-triggers --remove tap)" 'with a server'
	[ -x "$root/usr/bin/tap" ] || fail 'removed, with a server'
	hidden "$1" 22
	killed server
	hidden "$1" 22
	# Nor before what was left is taken away.
	mv "$root/usr/sbin/xtables-nft-multi" "$root/root"
	printf '#!/bin/sh\nexit 4\n' >"$root/usr/sbin/xtables-nft-multi"
	chmod 755 "$root/usr/sbin/xtables-nft-multi"
	same 1 "$(status_of inside server dpkg --no-triggers --remove tap)" \
	    'with a tool that fails'
	[ -x "$root/usr/bin/tap" ] || fail 'removed, and rules are left'
	mv "$root/root/xtables-nft-multi" "$root/usr/sbin"
	inside server dpkg --no-triggers --remove tap
	page stranger "$1" 22
	killed client
	has "$(rules client)" tap-client
	inside client dpkg --no-triggers --remove tap
	lacks "$(rules client)" tap-client
	for file in /usr/bin/tap /lib/systemd/system/tap-server.service \
	    /usr/share/man/man8/tap.8.gz /usr/share/doc/tap; do
		[ ! -e "$root$file" ] || fail "$file is still there"
	done
	inside server dpkg --purge tap
	[ ! -e "$root/var/lib/tap" ] || fail '/var/lib/tap is still there'
	same ACL.conf,TAPservd.conf,server.key \
	    "$(find "$root/etc/tap" -type f -printf '%f\n' | LC_ALL=C sort |
	    paste -sd ,)" 'what the administrator wrote'
	same 600 "$(stat -c %a "$root/etc/tap/server.key")"
}

# Of the addresses' family the package knows nothing.
check five_minutes five_minutes 4
finish
