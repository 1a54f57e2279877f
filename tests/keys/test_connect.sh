#!/bin/bash
# SPDX-License-Identifier: ISC
#
# What keygen and acl make, at work: a server and a client in network
# namespaces of their own, and real connections.

# Functions are called by name.
# shellcheck disable=SC2317

# shellcheck source=tests/keys/lib.sh
. "$(dirname "$0")/lib.sh"

server_ns=tapkeys$$-s
client_ns=tapkeys$$-c
daemon=

on_server()
{
	ip netns exec "$server_ns" "$@"
}

on_client()
{
	ip netns exec "$client_ns" "$@"
}

# Two hosts, and a service on ports 22 and 80 that says hello.
lab()
{
	need_root
	printf '%s\n' "$server_ns" "$client_ns" >"$dir/namespaces"
	ip netns add "$server_ns" 2>/dev/null ||
		skip 'no network namespaces here'
	ip netns add "$client_ns"
	on_server iptables -t raw -A PREROUTING -p tcp --dport 1 \
	    -j NFQUEUE --queue-num 1 2>/dev/null ||
		skip 'this kernel has no NFQUEUE'
	on_server iptables -t raw -F
	ip -n "$server_ns" link add eth0 type veth \
	    peer name eth0 netns "$client_ns"
	ip -n "$server_ns" addr add 192.0.2.1/24 dev eth0
	ip -n "$client_ns" addr add 192.0.2.2/24 dev eth0
	for ns in "$server_ns" "$client_ns"; do
		ip -n "$ns" link set lo up
		ip -n "$ns" link set eth0 up
	done
	mkfifo up
	on_server "$python" -c '
import socket, selectors
selector = selectors.DefaultSelector()
for port in (22, 80):
	s = socket.create_server(("192.0.2.1", port), backlog=64)
	selector.register(s, selectors.EVENT_READ)
print("up", flush=True)
while True:
	for key, _ in selector.select():
		c, _ = key.fileobj.accept()
		c.sendall(b"hello")
		c.close()' >up &
	read -r _ <up
}

# serve PORTS: with ./server.key, which may be used for all of them
serve()
{
	printf '%s\n' replay_file=none "RULE:dst_port=\"$1\"" >server.conf
	echo 'port=ANY, key_no=ANY' >all
	start server "$server_ns" server -c server.conf -k "${2:-server.key}" \
	    -a all
}

# start NAME NS ARGUMENT...: until it says ready; its log is ./NAME.log
start()
{
	local name=$1 ns=$2

	shift 2
	ip netns exec "$ns" "$TAP" "$@" 2>"$name.log" &
	daemon=$!
	wait_for grep -q ': ready' "$name.log"
}

stop()
{
	local got=0

	kill -TERM "$1"
	wait "$1" || got=$?
	same 0 $got 'exit status of a daemon'
}

# reaches PORT [SECONDS]: whether the service says hello
reaches()
{
	on_client "$python" -c '
import socket, sys
try:
	s = socket.create_connection(("192.0.2.1", int(sys.argv[1])),
				     float(sys.argv[2]))
	sys.exit(s.recv(9) != b"hello")
except OSError:
	sys.exit(1)' "$1" "${2:-$patience}"
}

hidden()
{
	! reaches "$1" 1 || fail "port $1 answers"
}

connect()
{
	local server client

	lab
	"$TAP" keygen --key-no 10 --name "$*" "$@" --client 192.0.2.1:22 \
	    --both both >/dev/null
	serve 22 both/server.key
	server=$daemon
	hidden 22
	start client "$client_ns" client -c both/TAPclientd.conf
	client=$daemon
	reaches 22
	wait_for grep -q 'accepted key=10 ' server.log
	stop "$client"
	hidden 22
	stop "$server"
	grep -oE '0x[0-9A-F]{32,}' both/server.key | cut -c 3-18 >known
	! grep -qf known server.log client.log || fail 'a key is in a log'
}

case_hmac_md5()
{
	connect --alg hmac-md5
}

case_hmac_md5_64_bytes()
{
	connect --alg hmac-md5 --bytes 64
}

case_hmac_sha256_30()
{
	connect --auth 30 --bytes 16
}

case_hmac_sha256_60()
{
	connect
}

case_hmac_sha256_89()
{
	connect --auth 89 --realm 'db, one' --bytes 64
}

case_hmac_sha256_118()
{
	connect --auth 118 --realm 0x00ff --valid 1h
}

# From the stick; and a reload of it is refused, and changes nothing.
case_sealed()
{
	local client

	lab
	"$TAP" keygen -n 10 --client 192.0.2.1:22 --append server.key \
	    --passphrase-fd 3 3<<<'a b c' >stick
	serve 22
	start client "$client_ns" client -c stick --passphrase-fd 3 \
	    3<<<'a b c'
	client=$daemon
	reaches 22
	kill -HUP "$client"
	wait_for grep -q 'stick: is sealed .*still with the old' client.log
	reaches 22
	lacks "$(cat client.log)" 'a b c'
	# A wrong one: nothing starts, and no rule is there.
	stop "$client"
	exits 2 on_client "$TAP" client -c stick --passphrase-fd 3 3<<<'a b'
	same 1 "$(wc -l <err)"
	hidden 22
}

# Keys and list change while the server runs.
case_rotation()
{
	local server client new

	lab
	printf '%s\n' replay_file=none 'RULE:dst_port="22,80"' >server.conf
	files=(-c server.conf -k server.key -a ACL.conf)
	"$TAP" keygen -n 10 --name alice --client 192.0.2.1:22 \
	    --client 192.0.2.1:80 --append server.key --both old >/dev/null
	"$TAP" acl allow "${files[@]}" --port 22 --key 10
	start server "$server_ns" server "${files[@]}"
	server=$daemon
	start client "$client_ns" client -c old/TAPclientd.conf
	client=$daemon
	reaches 22
	hidden 80
	"$TAP" acl test "${files[@]}" --port 22 --key 10 >/dev/null
	exits 1 "$TAP" acl test "${files[@]}" --port 80 --key 10

	# A port more, without a restart.
	exits 0 on_server "$TAP" acl allow "${files[@]}" --port 80 --key 10 \
	    --reload --json
	same '{"file":"ACL.conf","changed":true,"reloaded":'"$server}" \
	    "$(cat out)"
	wait_for grep -q ': reloaded' server.log
	reaches 80

	# The successor gets in while the old one still does.
	new=$("$TAP" keygen --rotate 10 --append server.key --both new \
	    --client 192.0.2.1:22 --client 192.0.2.1:80)
	same 11 "$new"
	on_server "$TAP" acl allow "${files[@]}" --port 22 --key "$new" \
	    --reload
	reaches 22
	stop "$client"
	start client2 "$client_ns" client -c new/TAPclientd.conf
	wait_for reaches 22 2
	hidden 80

	# A laptop lost.
	on_server "$TAP" acl deny "${files[@]}" --port ANY --key 10,11 \
	    --reload
	wait_for refused_now 'reason=acl key=11'
	exits 1 "$TAP" acl test "${files[@]}" --port 22 --key 11

	# One key more, and the server has it.
	exits 0 on_server "$TAP" keygen --append server.key --reload
	same 12 "$(cat out)"
	same "server.key: tap server, process $server, has reloaded" \
	    "$(cat err)"
	has "$(cat server.log)" 'reloaded: 1 rule, 3 keys'

	# Files that the server would not take: it is not told.
	echo 'port=80' >>ACL.conf
	exits 2 on_server "$TAP" acl allow "${files[@]}" --port 22 --key 10 \
	    --reload
	stop "$server"
	sed -i '$d' ACL.conf
	exits 1 on_server "$TAP" acl allow "${files[@]}" --port 22 --key 10 \
	    --reload
	has "$(cat err)" 'no tap server is running with queue 5040'
	exits 1 on_server "$TAP" keygen --append server.key --reload
	has "$(cat err)" '^tap keygen: no tap server is running'
	has "$(cat server.key)" '^key_no=13,'
}

# refused_now WHY: a group in flight while the rules change may need the next
# SYN to be judged
refused_now()
{
	! reaches 22 1 && grep -q "refused $1" server.log
}

run_cases
