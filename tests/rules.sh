#!/bin/sh
# SPDX-License-Identifier: ISC
#
# The rules of the house that a grep can hold: calls run downwards only, pure
# files stay pure, the tree stays small. Run at the top of the tree; prints
# each breach as FILE:LINE: RULE: TEXT and exits 1 if there is one.

set -u

# What a pure file may include, besides pure headers.
PURE_HEADERS='stdint.h stddef.h stdbool.h string.h limits.h errno.h bearssl.h'
# Calls that would make it impure: memory, clock, I/O, surroundings.
IMPURE='malloc calloc realloc reallocarray strdup strndup free
	time gettimeofday clock_gettime getrandom rand random
	printf fprintf dprintf vprintf vfprintf puts fputs putchar perror
	fopen fread fwrite open openat close read write recv send ioctl socket
	syslog vsyslog getenv secure_getenv abort'
# What the Makefile names is to build on other systems, too: with C's own
# headers, POSIX's, libpcap's, and two that all BSDs have: getopt.h for
# getopt_long() and sys/file.h for flock().
PORTABLE=$(make -s portable-sources) || exit
PORTABLE_HEADERS="$PURE_HEADERS stdio.h stdlib.h stdarg.h time.h \
arpa/inet.h fcntl.h netdb.h netinet/in.h poll.h pwd.h signal.h sys/mman.h \
sys/resource.h sys/socket.h sys/stat.h sys/types.h termios.h unistd.h \
getopt.h grp.h sys/file.h pcap.h"
# Where a file may ask which system it is built for.
ASKS_SYSTEM='tap.c'
# Policy: what no system file knows.
POLICY='gate acl quad replay'

MAX_LINES=600
TOP='tap.c tap.h Makefile man tests completions README.md src LICENSE'

has()
{
	case " $1 " in
	*" $2 "*) return 0 ;;
	esac
	return 1
}

# FILE, or a name as it is included: its layer, which is its folder.
layer()
{
	for path in "$1" src/*/"$1"; do
		case $path in
		src/*/*) [ ! -e "$path" ] || path=${path#src/} ;;
		*) continue ;;
		esac
		case $path in
		src/*) ;;
		*) echo "${path%%/*}"; return ;;
		esac
	done
}

base()
{
	b=${1##*/}
	echo "${b%.[ch]}"
}

breaches=0
broken=0

# Takes FILE:LINE:TEXT lines on standard input.
breach()
{
	while IFS= read -r line; do
		echo "$line" | sed "s/^\([^:]*:[0-9]*\):[[:blank:]]*/\1: $1: /"
	done >>"$found"
}

# A rule is a function; one result a rule.
rule()
{
	: >"$found"
	"rule_$1"
	if [ -s "$found" ]; then
		cat "$found"
		breaches=$((breaches + $(wc -l <"$found")))
		broken=$((broken + 1))
		result=fail
	else
		result=pass
	fi
	[ -z "${RESULTS:-}" ] || echo "$result rules/$1" >>"$RESULTS"
}

# The code as FILE:LINE:TEXT, without comments and strings; #include lines
# keep what they name.
code()
{
	awk '
	FNR == 1 { comment = 0 }
	{
		out = ""
		line = $0
		if (!comment && line ~ /^[ \t]*#[ \t]*include/) {
			print FILENAME ":" FNR ":" line
			next
		}
		while (line != "") {
			if (comment) {
				i = index(line, "*/")
				if (!i)
					break
				line = substr(line, i + 2)
				comment = 0
			} else if (match(line, /^"([^"\\]|\\.)*"/)) {
				out = out "\"\""
				line = substr(line, RLENGTH + 1)
			} else if (match(line, /^\047([^\047\\]|\\.)*\047/)) {
				out = out "0"
				line = substr(line, RLENGTH + 1)
			} else if (substr(line, 1, 2) == "//") {
				break
			} else if (substr(line, 1, 2) == "/*") {
				comment = 1
				line = substr(line, 3)
			} else {
				out = out substr(line, 1, 1)
				line = substr(line, 2)
			}
		}
		if (out ~ /[^ \t]/)
			print FILENAME ":" FNR ":" out
	}' "$@"
}

# What a file includes, as FILE:LINE:<x.h> or FILE:LINE:"x.h".
includes()
{
	grep "^$1:" "$all" |
		sed -nE 's/^([^:]*:[0-9]+:)[ \t]*#[ \t]*include[ \t]*/\1/p'
}

calls()
{
	grep "^$1:" "$all" | grep -E "(^|[^A-Za-z0-9_.>])($2)[ \t]*\("
}

# LAYER...: their files.
of_layer()
{
	for l in "$@"; do
		for f in src/"$l"/*.[ch]; do
			[ ! -e "$f" ] || echo "$f"
		done
	done
}

rule_pure_includes()
{
	for f in $(of_layer pure); do
		includes "$f" | while IFS= read -r line; do
			name=${line#*:*:?}
			name=${name%%[\">]*}
			case $line in
			*:\"*)
				[ "$(layer "$name")" = pure ] ||
					echo "$line"
				;;
			*)
				has "$PURE_HEADERS" "$name" || echo "$line"
				;;
			esac
		done
	done | breach 'a pure file includes'
}

rule_pure_calls()
{
	# shellcheck disable=SC2086 # a list of words
	words=$(echo $IMPURE | tr ' ' '|')
	for f in $(of_layer pure); do
		calls "$f" "$words"
	done | breach 'a pure file calls'
}

# FILE, or a name as it is included: a source that is portable, or the header
# of one.
portable()
{
	case $1 in
	*.c) has "$PORTABLE" "$1" ;;
	*) has "$portable_names" "$(base "$1")" ;;
	esac
}

rule_portable_includes()
{
	for f in tap.c tap.h src/*/*.[ch]; do
		portable "$f" || continue
		includes "$f" | while IFS= read -r line; do
			name=${line#*:*:?}
			name=${name%%[\">]*}
			case $line in
			*:\"*)
				portable "$name" || echo "$line"
				;;
			*)
				has "$PORTABLE_HEADERS" "$name" || echo "$line"
				;;
			esac
		done
	done | breach 'a portable file includes'
}

rule_asks_system()
{
	grep -E '__linux__|__(Free|Net|Open)BSD__|__APPLE__|TAP_PORTABLE' \
	    "$all" | while IFS= read -r line; do
		has "$ASKS_SYSTEM" "${line%%:*}" || echo "$line"
	done | breach 'a file asks for the system'
}

rule_hmac_in_mac_only()
{
	grep -E 'br_hmac|bearssl_hmac' "$all" |
		grep -vE '^src/pure/(mac|seal)\.[ch]:' |
		breach 'only mac and seal use the HMAC'
}

rule_downwards()
{
	for f in $(of_layer files system engines); do
		mine=$(layer "$f")
		includes "$f" | grep ':"' | while IFS= read -r line; do
			name=${line#*:*:?}
			theirs=$(layer "${name%%\"*}")
			case $mine-$theirs in
			engines-engines) ;;
			*-commands | *-engines) echo "$line" ;;
			files-system)
				has "$name" 'tap.h"' || echo "$line"
				;;
			esac
		done
		calls "$f" 'cmd_[a-z0-9_]+'
	done | breach 'includes or calls upwards'
}

rule_system_without_policy()
{
	for f in $(of_layer system); do
		includes "$f" | while IFS= read -r line; do
			name=${line#*:*:?}
			name=${name%%[\">]*}
			has "$POLICY" "$(base "$name")" && echo "$line"
		done
	done | breach 'a system file knows policy'
}

rule_commands_apart()
{
	for f in src/commands/cmd_*.c; do
		[ -e "$f" ] || continue
		own=$(base "$f")
		for g in src/commands/cmd_*.c; do
			other=$(base "$g")
			# cmd_a's own helpers may begin with cmd_a_b
			case $other in
			"$own" | "$own"_* | "${own%_posix}") continue ;;
			esac
			grep "^$f:" "$all" | grep -w "$other"
		done
	done | breach 'a command uses another'
}

# Each file is in a layer's folder, under a name that no other has.
rule_layers()
{
	for f in src/*.[ch] src/*/*.[ch]; do
		[ -e "$f" ] || continue
		case $f in
		src/pure/* | src/files/* | src/system/* | src/engines/*) ;;
		src/commands/cmd_*) ;;
		src/sieve/sieve* | src/sieve/egress*) ;; # what the kernel runs
		*) echo "$f:1:in no layer's folder" ;;
		esac
		set -- src/*/"${f##*/}"
		[ $# -eq 1 ] || echo "$f:1:$*"
	done | breach 'misplaced'
}

rule_header_each()
{
	for f in src/*/*.c; do
		case $f in
		src/commands/* | src/sieve/*) continue ;;
		esac
		# Two systems, one promise.
		header=${f%.c}
		header=${header%_posix}.h
		[ ! -e "$f" ] || [ -e "$header" ] || echo "$f:1:$header"
	done | breach 'lacks its header'
}

rule_exit_in_commands_only()
{
	for f in src/*/*.[ch]; do
		case $f in
		src/commands/*) ;;
		*) calls "$f" exit ;;
		esac
	done | breach 'only tap.c and commands exit'
}

rule_length()
{
	for f in src/*/*; do
		[ -f "$f" ] || continue
		lines=$(wc -l <"$f")
		[ "$lines" -le $MAX_LINES ] || echo "$f:$lines:$lines lines"
	done | breach "longer than $MAX_LINES"
}

# The built binary, ./tap, is ignored by git and may be there.
rule_top_level()
{
	for f in *; do
		[ "$f" = tap ] || has "$TOP" "$f" || echo "$f:1:$f"
	done | breach 'not at the top level'
}

found=$(mktemp) || exit
all=$(mktemp) || exit
trap 'rm -f "$found" "$all"' EXIT
trap 'exit 1' INT TERM
code tap.c tap.h src/*/*.[ch] >"$all" || exit
# The header of X_posix.c is X.h.
portable_names=$(for f in $PORTABLE; do
	b=$(base "$f")
	echo "$b ${b%_posix}"
done | tr '\n' ' ')

for r in layers pure_includes pure_calls portable_includes \
    asks_system hmac_in_mac_only downwards system_without_policy commands_apart \
    header_each exit_in_commands_only length top_level; do
	rule $r
done
[ $broken -eq 0 ] || {
	echo "rules: $broken broken, in $breaches places"
	exit 1
}
