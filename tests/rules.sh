#!/bin/sh
# SPDX-License-Identifier: ISC
#
# The rules of the house that a grep can hold: calls run downwards only, pure
# files stay pure, the tree stays small. Run at the top of the tree; prints
# each breach as FILE:LINE: RULE: TEXT and exits 1 if there is one.

set -u

# The layers, by the names of files in src/ without .c or .h. cmd_* are the
# commands; what is named nowhere is system.
PURE='bytes hash frame mac packet quad replay acl guess match gate sender elf'
FILES='text value settings store log json stat metrics conf conf_* key key_*'
# What commands share: a command as a whole, without its options.
ENGINES='monitor server guard guard_stat guard_sieve sieve_plan client escort follower task plan queue ask unit'
# Keys and access.
PURE="$PURE seal numset linktype"
FILES="$FILES secret sealed rewrite edit diff table acl_*"
ENGINES="$ENGINES keygen keygen_out"
ENGINES="$ENGINES access access_check access_show access_test access_change"
# Scans.
PURE="$PURE answer probe pace roster finding leak twosample xml nmap_xml"
PURE="$PURE json_read"
FILES="$FILES report earlier"
ENGINES="$ENGINES check scan volley flight nmap"

# What a pure file may include, besides pure headers.
PURE_HEADERS='stdint.h stddef.h stdbool.h string.h limits.h errno.h bearssl.h'
# Calls that would make it impure: memory, clock, I/O, surroundings.
IMPURE='malloc calloc realloc reallocarray strdup strndup free
	time gettimeofday clock_gettime getrandom rand random
	printf fprintf dprintf vprintf vfprintf puts fputs putchar perror
	fopen fread fwrite open openat close read write recv send ioctl socket
	syslog vsyslog getenv secure_getenv abort'
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

layer()
{
	case $1 in
	cmd_*) echo command; return ;;
	esac
	has "$ENGINES" "$1" && { echo engine; return; }
	set -f
	for pattern in $PURE; do
		# shellcheck disable=SC2254 # patterns are meant
		case $1 in
		$pattern) set +f; echo pure; return ;;
		esac
	done
	for pattern in $FILES; do
		# shellcheck disable=SC2254
		case $1 in
		$pattern) set +f; echo files; return ;;
		esac
	done
	set +f
	echo system
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

of_layer()
{
	for f in src/*.[ch]; do
		[ ! -e "$f" ] || ! has "$1" "$(layer "$(base "$f")")" ||
			echo "$f"
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
				[ "$(layer "$(base "$name")")" = pure ] ||
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

rule_hmac_in_mac_only()
{
	grep -E 'br_hmac|bearssl_hmac' "$all" |
		grep -vE '^src/(mac|seal)\.[ch]:' |
		breach 'only mac and seal use the HMAC'
}

rule_downwards()
{
	for f in $(of_layer 'files system engine'); do
		mine=$(layer "$(base "$f")")
		includes "$f" | grep ':"' | while IFS= read -r line; do
			name=${line#*:*:?}
			theirs=$(layer "$(base "${name%%\"*}")")
			case $mine-$theirs in
			engine-engine) ;;
			*-command | *-engine) echo "$line" ;;
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
	for f in src/cmd_*.c; do
		[ -e "$f" ] || continue
		own=$(base "$f")
		for g in src/cmd_*.c; do
			other=$(base "$g")
			# cmd_a's own helpers may begin with cmd_a_b
			case $other in
			"$own" | "$own"_*) continue ;;
			esac
			grep "^$f:" "$all" | grep -w "$other"
		done
	done | breach 'a command uses another'
}

rule_header_each()
{
	for f in src/*.c; do
		case $f in
		src/cmd_* | src/*.bpf.c) continue ;;
		esac
		[ ! -e "$f" ] || [ -e "${f%.c}.h" ] || echo "$f:1:${f%.c}.h"
	done | breach 'lacks its header'
}

rule_exit_in_commands_only()
{
	for f in src/*.[ch]; do
		case $f in
		src/cmd_*) ;;
		*) calls "$f" exit ;;
		esac
	done | breach 'only tap.c and commands exit'
}

rule_length()
{
	for f in src/*; do
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
code tap.c src/*.[ch] >"$all" || exit

for r in pure_includes pure_calls hmac_in_mac_only downwards \
    system_without_policy commands_apart header_each exit_in_commands_only \
    length top_level; do
	rule $r
done
[ $broken -eq 0 ] || {
	echo "rules: $broken broken, in $breaches places"
	exit 1
}
