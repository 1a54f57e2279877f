#!/bin/bash
# SPDX-License-Identifier: ISC
#
# A key handed over in one line: made by keygen, taken by the client, and
# broken in every way.

# Functions are called by name.
# shellcheck disable=SC2317

# shellcheck source=tests/keys/lib.sh
. "$(dirname "$0")/lib.sh"

passphrase='open, sesame #1'

# Standard output is an invitation with the next free key.
invite()
{
	"$TAP" keygen --invite 192.0.2.1:22 --name alice -a server.key \
	    --passphrase-fd 3 "$@" 3<<<"$passphrase" 2>told
}

# accept LINE [OPTION...]
accept()
{
	"$TAP" client --accept "$1" --passphrase-fd 3 "${@:2}" \
	    3<<<"${opened_by-$passphrase}"
}

# refused STATUS PATTERN LINE [OPTION...]: one line of error, and no file
refused()
{
	local before

	before=$(find . -type f ! -name out ! -name err | sort)
	exits "$1" accept "$3" "${@:4}"
	has "$(cat err)" "^tap client: --accept: .*$2"
	same 1 "$(wc -l <err)" 'lines of errors'
	same '' "$(cat out)" 'standard output'
	same "$before" "$(find . -type f ! -name out ! -name err | sort)" files
}

terminal()
{
	"$python" "$here/terminal.py" "$@"
}

case_round_trip()
{
	local line

	umask 022
	line=$(invite)
	has "$line" '^tap:1:[A-Za-z0-9_-]+$'
	[ "${#line}" -lt 400 ] || fail "${#line} characters"
	has "$(cat told)" '^server.key: key 1; let it in: tap acl allow --port 22 --key 1$'
	lacks "$(cat told)" passphrase
	has "$(cat server.key)" '^key_no=1, key=0x.*, name=alice$'
	accept "$line" -c client.conf -k my.key >out
	has "$(cat out)" '^client.conf: 1 rule, key 1, for 192.0.2.1:22$'
	has "$(cat out)" '^next: tap client -c client.conf$'
	has "$(cat out)" \
	    '^next: tap client --to 192.0.2.1:22 -k my.key -- COMMAND$'
	same 600 "$(stat -c %a client.conf)"
	same 600 "$(stat -c %a my.key)"
	same "$(cat server.key)" "$(cat my.key)" 'the key'
	same "RULE:dst_host=192.0.2.1, dst_port=22, $(cat my.key), type=LOCAL" \
	    "$(cat client.conf)"
	"$TAP" client --check -c client.conf
	# The line is a sealed file, and nothing else.
	"$python" - "$line" >sealed <<-'END'
		import base64, sys
		text = sys.argv[1][6:]
		sys.stdout.buffer.write(
		    base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
	END
	"$TAP" client --check -c sealed --passphrase-fd 3 3<<<"$passphrase"
}

# The next number, several servers, a port range, IPv6, a successor; JSON.
case_kinds()
{
	local line

	echo 'key_no=7, key=0x00112233445566778899AABBCCDDEEFF' >server.key
	chmod 600 server.key
	line=$("$TAP" keygen --invite '[2001:db8::1]:2222/22' -a server.key \
	    --client ssh.example:22,8000-8010 --realm web \
	    --passphrase-fd 3 3<<<"$passphrase" 2>told)
	has "$(cat told)" \
	    '^server.key: key 8;.* --port 22,22,8000-8010 --key 8$'
	accept "$line" -c a.conf -k a.key >out
	same 2 "$(grep -c '^RULE:.*key_no=8, .*realm=web' a.conf)"
	has "$(cat out)" '^a.conf: 2 rules, key 8, for \[2001:db8::1\]:2222/22, ssh.example:22,8000-8010$'
	has "$(cat out)" '^next: tap client --to HOST:PORT -k a.key -- COMMAND$'
	has "$(cat a.conf)" 'dst_host=ssh.example, dst_port="22,8000-8010"'
	line=$(invite --rotate 8 --json | "$python" -c '
import json, sys
made = json.load(sys.stdin)
assert made["key_no"] == 9 and "key" not in made and "rules" not in made
print(made["invite"])')
	# One file alone; a directory that is not there yet.
	accept "$line" -k new/my.key >out
	has "$(cat new/my.key)" '^key_no=9, .*realm=web'
	same 700 "$(stat -c %a new)"
	lacks "$(cat out)" conf
}

# From standard input, as a mail program breaks it.
case_standard_input()
{
	invite | fold -w 60 | sed 's/^/  /; s/$/\r/' >mail
	accept - -c client.conf <mail >out
	"$TAP" client --check -c client.conf
	: >mail
	refused 2 'no invitation' - -c other.conf <mail
	head -c 9000 /dev/zero | tr '\0' A | sed 's/^/tap:1:/' >mail
	refused 2 'longer than any invitation' - -c other.conf <mail
}

# A passphrase that nobody gave is made, and shown once.
case_made()
{
	local line opened_by

	line=$("$TAP" keygen --invite 192.0.2.1:22 -a server.key 2>told)
	opened_by=$(sed -n 's/^passphrase, shown once: //p' told)
	has "$opened_by" '^([0-9a-z]{4}-){3}[0-9a-z]{4}$'
	accept "$line" -c client.conf >out
	opened_by="not $opened_by"
	refused 2 'wrong passphrase' "$line" -c other.conf
}

case_broken()
{
	local line len

	line=$(invite)
	# Before the passphrase, as it can be told without.
	for len in 4 5 6 40 100 $((${#line} - 1)); do
		refused 2 'cut short' "${line:0:len}" -c c
	done
	refused 2 'a newer tap' "tap:2:${line#tap:1:}" -c c
	refused 2 'no invitation' "${line#tap:}" -c c
	refused 2 'a character that no invitation has' "${line/:1:/:1:+}" -c c
	refused 2 'something follows' "${line}AAAA" -c c
	exits 2 "$TAP" client --accept "$line" --to 192.0.2.1:22
	exits 2 "$TAP" client --accept
}

# What keygen refuses; and nothing is left of it.
case_refused_words()
{
	local many=()

	refuses 2 'either --invite or --both' keygen --invite 192.0.2.1:22 \
	    --both d
	refuses 2 'one key at a time' keygen --invite 192.0.2.1:22 --count 2 \
	    -a k
	refuses 2 'not HOST:PORT' keygen --invite 192.0.2.1 -a k
	for ((i = 1; i < 40; i++)); do
		many+=(--client "192.0.2.$i:22")
	done
	exits 2 invite "${many[@]}"
	has "$(cat told)" 'more rules than fit into a line'
	[ ! -e server.key ] && [ ! -e k ]
}

case_terminal()
{
	local line

	export TAP
	cat >ask <<-'END'
	"$TAP" keygen --invite 192.0.2.1:22 -a server.key --passphrase >line
	END
	terminal --answer "$passphrase" --answer "$passphrase" sh ask >shown
	has "$(cat shown)" '^New passphrase: '
	lacks "$(cat shown)" sesame
	# The line comes from a file here, the passphrase from the terminal.
	cat >ask <<-'END'
	"$TAP" client --accept - -c client.conf <line
	END
	terminal --answer "$passphrase" sh ask >shown
	has "$(cat shown)" '^Passphrase of the invitation: '
	has "$(cat shown)" '^client.conf: 1 rule'
	lacks "$(cat shown)" sesame
	"$TAP" client --check -c client.conf
	# From the terminal, too, as a mail program breaks it.
	cat >ask <<-'END'
	"$TAP" client --accept - -c pasted.conf
	END
	terminal --paste "$(fold -w 60 line)" --answer "$passphrase" \
	    sh ask >shown
	has "$(cat shown)" '^pasted.conf: 1 rule'
	# What else was pasted is no command for the shell.
	cat >ask <<-'END'
	"$TAP" client --accept - -c other.conf
	read -r word <&0 && echo "read $word"
	END
	terminal --paste $'Hello\ntouch here\n' --paste 'nothing left' \
	    sh ask >shown
	has "$(cat shown)" '--accept: no invitation'
	has "$(cat shown)" '^read nothing left$'
}

# By the program qrencode, which gets the line as its input.
case_qr_code()
{
	need_root
	cat >qrencode <<-'END'
	#!/bin/sh
	grep SigBlk "/proc/$PPID/status"
	echo "code $* of $(cat)"
	END
	chmod 755 qrencode
	export TAP
	cat >ask <<-'END'
	mount -t tmpfs none /usr/sbin && cp qrencode /usr/sbin/ &&
		exec "$TAP" keygen --invite 192.0.2.1:22 -a server.key "$@"
	END
	terminal unshare -m sh ask >shown
	has "$(cat shown)" '^code -t ANSIUTF8 -o - of tap:1:[A-Za-z0-9_-]+$'
	has "$(cat shown)" '^passphrase, shown once: '
	# Whoever waits for it can end it.
	has "$(cat shown)" '^SigBlk:[[:space:]]*0*$'
	# Not where the line goes to a file or a program.
	unshare -m sh ask >line 2>told
	same 1 "$(wc -l <line)"
}

run_cases
