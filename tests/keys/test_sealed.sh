#!/bin/bash
# SPDX-License-Identifier: ISC
#
# Files sealed with a passphrase: made, opened, and broken in every way.

# Functions are called by name.
# shellcheck disable=SC2317

# shellcheck source=tests/keys/lib.sh
. "$(dirname "$0")/lib.sh"

passphrase='open, sesame #1'

# Standard output is a sealed file of key N.
seal()
{
	"$TAP" keygen -n "$1" --name alice --client 192.0.2.1:22 \
	    --passphrase-fd 3 "${@:2}" 3<<<"$passphrase"
}

# opens FILE [PASSPHRASE]
opens()
{
	"$TAP" client --check -c "$1" --passphrase-fd 3 \
	    3<<<"${2-$passphrase}"
}

# stays_shut PATTERN FILE [PASSPHRASE]: one line, and nothing started
stays_shut()
{
	local got=0

	opens "$2" "${@:3}" >out 2>err || got=$?
	same 2 $got
	same 1 "$(wc -l <err)"
	has "$(cat err)" "^$2:.*$1"
	same '' "$(cat out)"
}

terminal()
{
	"$python" "$here/terminal.py" "$@"
}

case_round_trip()
{
	seal 10 >stick
	opens stick
	same TAPSEAL1 "$(head -c 8 stick)"
	lacks "$(tr -d '\0' <stick)" 'key|RULE|alice|192'
	# A sealed file may lie where others can read it: FAT has no modes.
	chmod 755 stick
	opens stick
	# Salt and nonce are fresh.
	seal 10 >other
	[ "$(head -c 44 stick | md5sum)" != "$(head -c 44 other | md5sum)" ]
	# Both ends at once.
	seal 11 --both both.d >out
	same 11 "$(cat out)"
	opens both.d/TAPclientd.conf
	"$TAP" server --check -p 22 -k both.d/server.key
	seal 12 --append both.d/server.key >third
	opens third
	has "$(cat both.d/server.key)" '^key_no=12, '
	seal 20 --count 3 --both both.d >out
	opens both.d/TAPclientd-22.conf
}

# About half a second of this machine's, whatever else it does.
case_iterations()
{
	seal 1 >stick
	iterations=$(od -An -j 8 -N 4 -t u1 stick |
		awk '{ print (($1 * 256 + $2) * 256 + $3) * 256 + $4 }')
	[ "$iterations" -ge 100000 ]
	[ "$iterations" -le 16777216 ]
}

case_wrong_passphrase()
{
	seal 1 >stick
	stays_shut 'wrong passphrase, or the file is damaged' stick 'open'
	stays_shut 'wrong passphrase' stick "$passphrase "
	stays_shut 'passphrase: it is empty' stick ''
	stays_shut 'passphrase: longer than 1024' stick "$(printf '%01025d' 0)"
	printf 'a\0b\n' >zero
	exits 2 "$TAP" client --check -c stick --passphrase-fd 3 3<zero
	has "$(cat err)" 'NUL'
	# An end of line of another system's editor.
	"$TAP" client --check -c stick --passphrase-fd 3 \
	    3<<<"$passphrase"$'\r'
	# No more than a line is taken.
	{
		"$TAP" client --check -c stick --passphrase-fd 3
		same rest "$(cat <&3)"
	} 3<<<"$passphrase"$'\nrest'
}

# One bit of each byte, in a file that costs a whole PBKDF2 to open: some.
case_flipped_bits()
{
	local size at byte

	seal 1 >stick
	size=$(stat -c %s stick)
	for at in 16 31 32 43 44 60 $((size - 17)) $((size - 16)) \
	    $((size - 1)); do
		cp stick bent
		byte=$(od -An -j $at -N 1 -t u1 stick)
		# shellcheck disable=SC2059 # an octal escape
		printf "\\$(printf %o $((byte ^ 1)))" |
			dd of=bent bs=1 seek=$at conv=notrunc status=none
		stays_shut 'wrong passphrase, or the file is damaged' bent
	done
	# No magic: a file of rules that is none.
	cp stick bent
	printf X | dd of=bent bs=1 conv=notrunc status=none
	stays_shut '' bent
}

# Without a passphrase, since it can be told before.
case_damaged()
{
	local size

	seal 1 >stick
	size=$(stat -c %s stick)
	for len in 8 12 43 44 60 $((size - 1)); do
		head -c "$len" stick >short
		stays_shut 'sealed, but cut short' short
	done
	(cat stick && echo) >long
	stays_shut 'sealed, but something follows' long
	# A hostile count of iterations can't keep the client busy.
	cp stick slow
	printf '\377\377\377\377' |
		dd of=slow bs=1 seek=8 conv=notrunc status=none
	stays_shut 'iteration count' slow
	cp stick huge
	printf '\177\377\377\377' |
		dd of=huge bs=1 seek=12 conv=notrunc status=none
	stays_shut 'larger than any' huge
	# What was sealed is checked as any file.
	stays_shut '' /dev/null
}

case_terminal()
{
	seal 1 >stick
	terminal --answer "$passphrase" "$TAP" client --check -c stick >shown
	has "$(cat shown)" '^Passphrase of stick: '
	has "$(cat shown)" '^echo is on$'
	lacks "$(cat shown)" sesame
	! terminal --answer wrong "$TAP" client --check -c stick >shown ||
		fail 'opened by the wrong one'
	has "$(cat shown)" '^stick: wrong passphrase'
	# A new one is asked for twice.
	cat >ask <<-'END'
	"$TAP" keygen -n 2 --client 192.0.2.1:22 --passphrase >new
	END
	export TAP
	terminal --answer "$passphrase" --answer "$passphrase" sh ask >shown
	has "$(cat shown)" '^New passphrase: '
	has "$(cat shown)" '^Once more: '
	lacks "$(cat shown)" sesame
	opens new
	! terminal --answer one --answer two sh ask >shown ||
		fail 'made of two that differ'
	has "$(cat shown)" 'the two are not the same'
	same '' "$(cat new)"
	! terminal --answer '' sh ask >shown || fail 'made of nothing'
	has "$(cat shown)" 'passphrase: it is empty'
	# Sealed bytes are not for a terminal.
	! terminal "$TAP" keygen -n 2 --client 192.0.2.1:22 \
	    --passphrase >shown || fail 'shown on a terminal'
	has "$(cat shown)" 'not for a terminal'
}

# The terminal gets its echo back when the question is interrupted.
case_interrupted()
{
	local got signal number

	seal 1 >stick
	# Whatever ends the process: of the terminal's own, of other programs,
	# of its own faults, and of those that have no name.
	for signal in HUP INT QUIT TERM USR1 USR2 ALRM VTALRM PROF XCPU IO \
	    PWR STKFLT SEGV ABRT SYS 40 64; do
		number=$signal
		[[ $signal = [0-9]* ]] || number=$(kill -l "$signal")
		got=0
		terminal --signal "$number" "$TAP" client --check -c stick \
		    >shown || got=$?
		has "$(cat shown)" '^echo is on$'
		same $((256 - number)) $got "$signal"
	done
	# tap ignores it, but for what it runs.
	terminal --signal "$(kill -l PIPE)" --answer "$passphrase" "$TAP" \
	    client --check -c stick >shown
	has "$(cat shown)" '^echo is on$'
}

case_no_terminal()
{
	local got=0

	seal 1 >stick
	setsid "$TAP" client --check -c stick >out 2>err || got=$?
	same 2 $got
	has "$(cat err)" '^stick: passphrase: no terminal to ask on'
}

run_cases
