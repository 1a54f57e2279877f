#!/bin/bash
# SPDX-License-Identifier: ISC
#
# What tap-ssh(7) tells, with the programs themselves.

# Cases are called by check.
# shellcheck disable=SC2317
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"

# A hidden SSH server, and a configuration of the client's as in the page.
served()
{
	lab
	ssh_start server
	keys=$(key_file)
	tap_start server server server -p 22 -k "$keys"
	cat >"$work/config" <<-END
		IdentityFile $work/ssh_user
		IdentitiesOnly yes
		StrictHostKeyChecking no
		UserKnownHostsFile /dev/null
		BatchMode yes
		LogLevel ERROR
		User root
		Host hidden
		    HostName $(addr 4 server)
		    ProxyCommand $TAP client --proxy %h:%p -k $keys
		Host shared
		    HostName $(addr 4 server)
		    ProxyCommand $TAP client --proxy %h:%p -k $keys
		    ControlMaster auto
		    ControlPath $work/%C
		    ControlPersist 60
		Host inner
		    HostName $(addr 4 stranger)
		    ProxyCommand ssh -F $work/config hidden $TAP client --proxy %h:%p -k $keys
	END
	head -c 3000000 /dev/urandom >"$work/file"
}

# remote COMMAND...: on the client
remote()
{
	on client "$1" -F "$work/config" "${@:2}"
}

copies()
{
	served
	same hello "$(remote ssh hidden echo hello)"
	remote scp "$work/file" "hidden:$work/there"
	cmp "$work/file" "$work/there"
	remote scp "hidden:$work/there" "$work/back"
	cmp "$work/file" "$work/back"
	remote sftp -b - hidden <<-END
		put $work/file $work/put
		get $work/put $work/got
	END
	cmp "$work/file" "$work/got"
	# Not installed everywhere.
	! command -v rsync >/dev/null || {
		on client rsync -a -e "ssh -F $work/config" "$work/file" \
		    "hidden:$work/synced"
		cmp "$work/file" "$work/synced"
		on client rsync -a -e "ssh -F $work/config" \
		    "hidden:$work/synced" "$work/synced-back"
		cmp "$work/file" "$work/synced-back"
	}
}

# In one command, and through a port forward.
options()
{
	served
	same hello "$(on client ssh "${ssh_args[@]}" -o \
	    "ProxyCommand=$TAP client --proxy %h:%p -k $keys" \
	    "root@$(addr 4 server)" echo hello)"
	on client iptables -t nat -A OUTPUT -p tcp --dport 2222 -j DNAT \
	    --to-destination "$(addr 4 server):22"
	same hello "$(on client ssh "${ssh_args[@]}" -p 2222 -o \
	    "ProxyCommand=$TAP client --proxy %h:%p/22 -k $keys" \
	    "root@$(addr 4 server)" echo hello)"
}

# Sessions that share a connection are authenticated once.
shared()
{
	local i

	served
	for i in 1 2 3; do
		same "$i" "$(remote ssh shared echo "$i")"
	done
	same 1 "$(tap_status server server accepted)" 'connections'
	remote ssh -O exit shared
}

# The second hop begins on the jump host.
jump()
{
	served
	# shellcheck disable=SC2016 # for the inner shell
	start inner stranger sh -c 'mount -t tmpfs none /run &&
		mkdir /run/sshd && mount --bind "$2" ~root &&
		exec /usr/sbin/sshd -D -e -f "$1"' \
	    sh "$work/sshd_config" "$work/home"
	wait_port stranger 22
	# Only the first one is hidden:
	same hello "$(remote ssh -J hidden "root@$(addr 4 stranger)" \
	    echo hello)"
	tap_start second stranger server -p 22 -k "$keys"
	same hello "$(remote ssh inner echo hello)"
}

repository()
{
	local ssh="ssh -F $work/config"

	command -v git >/dev/null || skip 'no git'
	served
	export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
	git init -q "$work/project"
	cp "$work/file" "$work/project/"
	git -C "$work/project" add file
	git -C "$work/project" -c user.name=x -c user.email=x@example \
	    commit -q -m one
	git clone -q --bare "$work/project" "$work/project.git"
	GIT_SSH_COMMAND=$ssh on client git clone -q \
	    "hidden:$work/project.git" "$work/clone"
	cmp "$work/file" "$work/clone/file"
	git -C "$work/clone" -c user.name=x -c user.email=x@example \
	    commit -q --allow-empty -m two
	GIT_SSH_COMMAND=$ssh on client git -C "$work/clone" push -q origin HEAD
	same "$(git -C "$work/clone" rev-parse HEAD)" \
	    "$(git -C "$work/project.git" rev-parse HEAD)"
}

managed()
{
	command -v ansible >/dev/null || skip 'no ansible'
	served
	on client ansible hidden -i hidden, -m raw -a 'echo hello' \
	    --ssh-common-args "-F $work/config"
}

check copies copies
check options options
check shared shared
check jump jump
check repository repository
check managed managed
finish
