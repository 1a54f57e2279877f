#!/bin/bash
# SPDX-License-Identifier: ISC
#
# Two servers that share their memory of replays by an engine: each group,
# sent to both at the same moment, gets in once; also where the engine is
# killed, emptied, or cut off from one of them; and engines that do as they
# like.

# Cases are called by check.
# shellcheck disable=SC2317
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"

: "${SHARE_GROUPS:=1000}"

# engine_start [OPTION...]
engine_start()
{
	start redis engine redis-server --port 6379 --protected-mode no \
	    --save '' --appendonly no --dir "$work" \
	    --unixsocket "$work/redis.sock" "$@"
	wait_port engine 6379
}

# engine COMMAND...: as redis-cli
engine()
{
	on engine redis-cli "$@"
}

# server NAME QUEUE [LINE...]: tap, on that host
server()
{
	local name=$1

	printf '%s\n' "queue=$2" "${@:3}" 'RULE:dst_port=80' \
	    >"$work/$name.conf"
	echo 'port=80, key_no=10' >"$work/ACL.conf"
	tap_run "$name" "$name" server -c "$work/$name.conf" -k "$keys" \
	    -a "$work/ACL.conf"
}

# field NAME FIELD: of a server's status
field()
{
	on "$1" "$TAP" server -c "$work/$1.conf" --status --json |
		sed -n "s/.*\"$2\":\"\{0,1\}\([^,\"]*\).*/\1/p"
}

is()
{
	[ "$(field "$1" "$2")" = "$3" ]
}

# ready NAME...: they ask the engine
ready()
{
	local name

	for name in "$@"; do
		wait_for "$patience" is "$name" share_state 'in use'
	done
}

two_services()
{
	http_start one 80
	pids[nginx-one]=${pids[nginx]}
	sed -i "s/nginx\.pid/nginx2.pid/" "$work/nginx.conf"
	start nginx two nginx -e stderr -p "$work" -c "$work/nginx.conf"
	wait_port two 80
}

# two_servers LINE...: and an engine, all at work
two_servers()
{
	keys=$(key_file)
	two_services
	[ $# -gt 0 ] || set -- "$share"
	server one 5040 "${fast:-fastpath=off}" "$@"
	server two 5050 "${fast:-fastpath=off}" "$@"
	wait_log one ': ready:'
	wait_log two ': ready:'
}

# groups WHAT 4|6 [COUNT]: what share.py prints
groups()
{
	on client "$python" "$here/share.py" "$1" "$(addr "$2" client)" 80 \
	    "$(addr "$2" one)" "$(addr "$2" two)" "$work/groups" ${3:+"$3"}
}

# sum NAME: of a line of share.py's
sum()
{
	sed -n "s/.* $1=\([0-9]*\).*/\1/p" <<<"$line"
}

# A busy machine may take its time.
share=$'replay_share=redis://10.77.0.3:6379/2\nshare_wait=1000'

# both_have FIELD NUMBER: in total
both_have()
{
	[ $(($(field one "$1") + $(field two "$1"))) -eq "$2" ]
}

# By both families, by the program in the kernel or not, the engine by TCP
# with a user of its own.
together()
{
	local got family=$1

	lab one two engine client
	login=$(key_file 'user=tap, password="s3cret,more"')
	engine_start
	engine ACL SETUSER tap on '>s3cret,more' '~tap:*' +set +get +mget \
	    +info +time +select
	engine ACL SETUSER default off
	fast=$2
	two_servers "$share" "share_login=$login"
	ready one two
	got=$(groups new "$family" "$SHARE_GROUPS")
	same "groups=$SHARE_GROUPS one=$SHARE_GROUPS both=0 none=0" "$got"
	# Who lost may hear of it later than who won.
	wait_for "$patience" both_have share_taken "$SHARE_GROUPS"
	both_have accepted "$SHARE_GROUPS"
	same 0 "$(field one share_late)"
	has "$(groups again "$family")" ' one=0 both=0 '
	has "$(cat "$work/one.log" "$work/two.log")" 'refused reason=replay'
}

# more_than NUMBER: groups were let in
more_than()
{
	[ $(($(field one accepted) + $(field two accepted))) -gt "$1" ]
}

# The engine is killed while groups come, and is there again, without what it
# had, or with it.  None gets in twice, neither then nor when it comes again.
killed()
{
	local line

	lab one two engine client
	engine_start "$@"
	two_servers
	ready one two
	groups new 4 300 >"$work/before"
	mv "$work/groups" "$work/groups.before"
	start sender client "$python" "$here/share.py" new 10.77.0.4 80 \
	    10.77.0.1 10.77.0.2 "$work/groups" 0
	wait_for "$patience" more_than 350
	end redis KILL 2>/dev/null || :
	wait_log one 'nobody new gets in'
	wait_log two 'nobody new gets in'
	has "$(field one alarm)" 'replay_share: .*: nobody new gets in'
	engine_start "$@"
	ready one two
	end sender
	line=$(cat "$work/sender.log")
	same 0 "$(sum both)" 'in twice'
	[ "$(sum one)" -gt 0 ] || fail "nobody got in: $line"
	line=$(groups again 4)
	same "0 0" "$(sum one) $(sum both)" 'once more'
	mv "$work/groups.before" "$work/groups"
	line=$(groups again 4)
	same "0 0" "$(sum one) $(sum both)" 'once more, of before'
	same 'groups=200 one=200 both=0 none=0' "$(groups new 4 200)"
	wait_log one 'asked again after'
}

# A worker dies, with groups that wait for their answer; the next one has what
# it needs.
worker_killed()
{
	local line

	lab one two engine client
	engine_start
	two_servers
	ready one two
	start sender client "$python" "$here/share.py" new 10.77.0.4 80 \
	    10.77.0.1 10.77.0.2 "$work/groups" 0
	wait_for "$patience" more_than 100
	kill -KILL "$(worker one)"
	wait_log one 'asked from now on' 2
	end sender
	line=$(cat "$work/sender.log")
	same 0 "$(sum both)" 'in twice'
	has "$(groups again 4)" ' one=0 both=0 '
	same 'groups=100 one=100 both=0 none=0' "$(groups new 4 100)"
	same '1 0' "$(field one worker_restarts) $(field two worker_restarts)"
}

# Two of three: one server is cut off, and the other goes on.  Who is in stays.
cut_off()
{
	local line

	lab one two engine client
	engine_start
	two_servers
	ready one two
	on two iptables -A OUTPUT -d 10.77.0.3 -j DROP
	wait_log two 'does not answer; nobody new gets in'
	line=$(groups new 4 200)
	same 'groups=200 one=200 both=0 none=0' "$line"
	same 200 "$(field one accepted)"
	has "$(field two share_state)" '^closed: '
	same 0 "$(field two accepted)"
	on two iptables -D OUTPUT -d 10.77.0.3 -j DROP
	ready two
	has "$(groups again 4)" ' one=0 both=0 '
	same 'groups=200 one=200 both=0 none=0' "$(groups new 4 200)"
}

# Each for itself without it; and what got in then is told when it is back.
alone()
{
	local line

	lab one two engine client
	two_servers "$share"$'\nshare_fail=local'
	wait_log one 'each server is for itself'
	wait_log two 'each server is for itself'
	has "$(field one share_state)" '^local: '
	line=$(groups each 4 100)
	same 'groups=100 one=100 both=0 none=0' "$line"
	engine_start
	ready one two
	wait_log one 'asked again after .* 50 let in meanwhile by this server'
	wait_log two 'asked again after .* 50 let in meanwhile by this server'
	same 100 "$(engine -n 2 --raw keys 'tap:*' | grep -Ec 'tap:[0-9A-F]{32}')"
	has "$(groups again 4)" ' one=0 both=0 '
	same 'groups=200 one=200 both=0 none=0' "$(groups new 4 200)"
}

# Whoever empties it, or lets it forget.
emptied()
{
	lab one two engine client
	engine_start
	two_servers
	ready one two
	groups new 4 200
	engine -n 2 FLUSHDB
	wait_log one 'its memory began anew'
	ready one two
	has "$(groups again 4)" ' one=0 both=0 '
	same 'groups=200 one=200 both=0 none=0' "$(groups new 4 200)"
}

# as_like ANSWER WORDS: an engine that says that, whatever it is asked
as_like()
{
	start fake engine "$python" "$here/engine.py" 6379 "$1"
	wait_port engine 6379
	wait_for "$patience" says "$2"
	end fake KILL 2>/dev/null || :
}

says()
{
	field one share_state | grep -q "^closed: $1"
}

# refused NUMBER: times that the engine took nothing
refused()
{
	[ "$(engine INFO commandstats |
		sed -n 's/^cmdstat_set:.*rejected_calls=\([0-9]*\).*/\1/p')" \
	    -ge "$1" ]
}

# Whatever it does, nobody gets in, and the server is there when it is well.
hostile()
{
	lab one two engine client
	keys=$(key_file)
	http_start one 80
	server one 5040 "$share" fastpath=off
	wait_log one ': ready:'
	as_like http 'answers what is no reply'
	as_like ssh 'answers what is no reply'
	as_like noise 'answers what is no reply'
	as_like line 'answers what is no reply'
	as_like lines 'answers what is no reply'
	as_like bulk 'answers what is no reply'
	as_like slow 'does not answer'
	as_like mute 'does not answer'
	as_like shut 'closed the connection'
	engine_start --requirepass secret
	wait_for "$patience" says 'refuses'
	wait_log one 'refuses: NOAUTH Auth.*nobody new gets in'
	engine -a secret CONFIG SET requirepass ''
	ready one
	engine CONFIG SET maxmemory 64mb
	engine CONFIG SET maxmemory-policy allkeys-lru
	engine CLIENT KILL TYPE normal
	wait_for "$patience" says 'may forget'
	engine CONFIG SET maxmemory-policy noeviction
	ready one
	# As long as it is full, and said once.
	engine CONFIG SET maxmemory 1
	wait_for "$patience" refused 3
	says 'refuses'
	same 1 "$(grep -c 'refuses: OOM' "$work/one.log")"
	engine CONFIG SET maxmemory 0
	ready one
	engine REPLICAOF 127.0.0.1 1
	wait_for "$patience" says 'refuses\|is a replica'
	same 'groups=20 one=0 both=0 none=20' "$(groups new 4 20)"
	engine REPLICAOF NO ONE # as who takes over from one that failed
	ready one
	same 'groups=20 one=20 both=0 none=0' "$(groups new 4 20)"
	same 0 "$(field one worker_restarts)"
}

# setters NUMBER: so many connections to the engine have set groups
setters()
{
	local groups

	mapfile -t groups < <(engine --raw keys 'tap:*' |
		grep -E '^tap:[0-9A-F]{32}$')
	same "$1" "$(engine --raw mget "${groups[@]}" | sort -u | wc -l)"
}

# By a socket, and by a name that is looked up.
found()
{
	lab one two engine client
	engine_start --unixsocketperm 700
	echo '10.77.0.3 engine.test' >"$work/hosts"
	mounts="mount --bind $work/hosts /etc/hosts"
	two_servers "share_wait=1000
replay_share=redis://engine.test"
	end two
	server two 5050 share_wait=1000 fastpath=off \
	    "replay_share=unix:$work/redis.sock"
	wait_log two ': ready:'
	ready one two
	same 'groups=100 one=100 both=0 none=0' "$(groups new 4 100)"
	wait_for "$patience" both_have share_taken 100
	mv "$work/groups" "$work/groups.before"
	groups each 4 10
	setters 2
	# A reload asks for another connection, which has its own number.
	on two "$TAP" server -c "$work/two.conf" --reload
	ready two
	groups each 4 10
	setters 3
	mv "$work/groups.before" "$work/groups"
	has "$(groups again 4)" ' one=0 both=0 '
}

# certificate NAME SUBJECT CA [OPTION...]: NAME.pem and NAME.key
certificate()
{
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -subj "/CN=$2" -keyout "$work/$1.key" -out "$work/$1.csr" \
	    2>/dev/null
	openssl x509 -req -in "$work/$1.csr" -CA "$work/$3.pem" \
	    -CAkey "$work/$3.key" -CAcreateserial -out "$work/$1.pem" \
	    "${@:4}" 2>/dev/null
}

# authority NAME
authority()
{
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -subj "/CN=$1" -days 2 -keyout "$work/$1.key" \
	    -out "$work/$1.pem" 2>/dev/null
}

# tls_engine CERTIFICATE WHY: such an engine is not asked
tls_engine()
{
	engine_start --port 0 --tls-port 6379 --tls-auth-clients no \
	    --tls-ca-cert-file "$work/ca.pem" \
	    --tls-cert-file "$work/$1.pem" --tls-key-file "$work/$1.key"
	wait_for "$patience" says "$2"
	wait_log one "$2; nobody new gets in"
	end redis KILL 2>/dev/null || :
}

# By TLS, and only with the right certificate.
by_tls()
{
	lab one two engine client
	authority ca
	authority others
	certificate good 10.77.0.3 ca
	certificate past 10.77.0.3 ca -days -1
	certificate name 10.77.0.4 ca
	certificate other 10.77.0.3 others
	keys=$(key_file)
	two_services
	share="replay_share=rediss://10.77.0.3/2
share_wait=1000
share_ca=$work/ca.pem"
	server one 5040 fastpath=off "$share"
	wait_log one ': ready:'
	as_like http 'does not speak TLS'
	as_like mute 'does not answer'
	tls_engine other 'has a certificate that the CA did not sign'
	tls_engine name 'has a certificate of another name'
	tls_engine past 'has a certificate that is not valid now'
	engine_start --port 0 --tls-port 6379 --tls-auth-clients no \
	    --tls-ca-cert-file "$work/ca.pem" \
	    --tls-cert-file "$work/good.pem" --tls-key-file "$work/good.key"
	server two 5050 fastpath=off "$share"
	wait_log two ': ready:'
	ready one two
	same 'groups=400 one=400 both=0 none=0' "$(groups new 4 400)"
	has "$(groups again 4)" ' one=0 both=0 '
	same '0 0' "$(field one worker_restarts) $(field two worker_restarts)"
	# A bundle comes the same way, with certificates that only root reads.
	install -D -m 600 "$work/ca.pem" "$work/own/ca.pem"
	chmod 700 "$work/own"
	echo "key=0x$(printf %064d 7), ca=$work/own/ca.pem" |
		install -m 600 /dev/stdin "$work/bundle.key"
	has "$(on client "$TAP" acl push -c "$work/one.conf" -k "$keys" \
	    -a "$work/ACL.conf" --bundle-key "$work/bundle.key" \
	    --to rediss://10.77.0.3/2)" 'rediss://10.77.0.3/2: version '
	end two
	tap_start two two server --bundle rediss://10.77.0.3/2 \
	    --bundle-key "$work/bundle.key" --fallback "$work/kept"
	has "$(on two "$TAP" server --queue 5040 --status)" '^bundle +version [0-9]+ of 20'
	end two
	echo nothing >"$work/bad.pem"
	printf '%s\n' "${share/ca.pem/bad.pem}" 'RULE:dst_port=80' \
	    >"$work/bad.conf"
	has "$("$TAP" server --check -c "$work/bad.conf" -k "$keys" \
	    -a "$work/ACL.conf" 2>&1 || :)" 'bad.pem: has no certificate'
}

check v4 together 4 fastpath=off
check v6 together 6 fastpath=generic
check killed killed
check killed_kept killed --appendonly yes
check worker_killed worker_killed
check cut_off cut_off
check alone alone
check emptied emptied
check hostile hostile
check found found
check tls by_tls
finish
