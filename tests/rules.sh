#!/bin/sh
# SPDX-License-Identifier: ISC
#
# The rules of the house that a grep can hold: rooms include those to their
# left only, pure files stay pure, the tree stays small. Run at the top of the tree; prints
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
# headers, POSIX's, libpcap's, two that all BSDs have, getopt.h for getopt_long()
# and sys/file.h for flock(), and sys/random.h where it is.
PORTABLE=$(MAKEFLAGS='' make -s portable-sources) || exit
PORTABLE_HEADERS="$PURE_HEADERS inttypes.h stdio.h stdlib.h stdarg.h assert.h time.h \
arpa/inet.h fcntl.h netdb.h netinet/in.h poll.h pwd.h signal.h sys/mman.h \
sys/random.h sys/resource.h sys/socket.h ifaddrs.h net/if.h sys/stat.h sys/types.h termios.h unistd.h \
dirent.h getopt.h glob.h grp.h sys/file.h pcap.h"
# What they call that POSIX of 2008 does not have without its extensions: all
# BSDs and macOS have these.
BEYOND_POSIX='chroot getentropy realpath setgroups strcasecmp'
# Where a file may ask which system it is built for.
ASKS_SYSTEM='tap.c'
# Policy: what no file of os knows.
POLICY='receiver acl reassembly replay_cache'

MAX_LINES=600
TOP='tap.c tap.h Makefile man tests completions README.md src LICENSE'

has()
{
	case " $1 " in
	*" $2 "*) return 0 ;;
	esac
	return 1
}

# A folder includes itself and those to its left; right of the bar nobody
# includes a neighbour.
ROOMS='windows base protocol os conf daemon fastpath firewall measure switching guests |
	server client keygen acl scan_check probe_path replay_test'

# FILE, or a name as it is included: its room, which is its folder.
room()
{
	case $1 in
	src/*/*) r=${1#src/} ;;
	*/*) r=$1 ;;
	*) return ;;
	esac
	echo "${r%%/*}"
}

# ROOM: the rooms that it may include.
reach()
{
	left=
	bar=false
	for r in $ROOMS; do
		if [ "$r" = '|' ]; then
			bar=true
			continue
		fi
		if [ "$r" = "$1" ]; then
			echo "$left $r"
			return
		fi
		$bar || left="$left $r"
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

# Headers that say so in their first comment, and their sources.
pure_files()
{
	for h in src/*/*.h; do
		awk '/\*\// { exit } / Pure\.$/ { pure = 1 } END { exit !pure }' \
		    "$h" || continue
		echo "$h"
		[ ! -e "${h%.h}.c" ] || echo "${h%.h}.c"
	done
}

rule_pure_includes()
{
	for f in $PURE_FILES; do
		includes "$f" | while IFS= read -r line; do
			name=${line#*:*:?}
			name=${name%%[\">]*}
			case $line in
			*:\"*)
				has "$PURE_FILES" "src/$name" ||
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
	for f in $PURE_FILES; do
		calls "$f" "$words"
	done | breach 'a pure file calls'
}

# FILE, or a name as it is included: a source that is portable, or the header
# of one; or a header alone.
portable()
{
	case $1 in
	*.c) has "$PORTABLE" "$1"; return ;;
	src/* | tap.*) p=${1%.h} ;;
	*/*) p=src/${1%.h} ;;
	*) p=${1%.h} ;;
	esac
	has "$PORTABLE" "$p.c" ||
		{ has "$PORTABLE" "${p}_posix.c" && [ ! -e "${p}_posix.h" ]; } ||
		{ has "$PURE_FILES" "$p.h" && [ ! -e "$p.c" ]; }
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

# musl shows what is asked for and no more; it and its headers may be absent.
# What is about sockets' devices and captures has headers beyond POSIX.
rule_beyond_posix()
{
	[ -d .deps/bearssl/include ] && command -v musl-gcc >/dev/null || return 0
	for f in $PORTABLE; do
		case $f in
		*pcap*) continue ;;
		esac
		echo "$f"
	done | xargs -P "$(nproc)" -I '{}' musl-gcc -std=c11 -fsyntax-only \
	    -D_POSIX_C_SOURCE=200809L -DTAP_PORTABLE -I. -Isrc \
	    -isystem .deps/bearssl/include -isystem .deps/libpcap/include '{}' \
	    2>&1 | sed -n "s/^\([^:]*:[0-9]*\):.*implicit declaration of \
function [^a-z_]*\([a-z_0-9]*\).*/\1:\2/p" | sort -u |
		while IFS= read -r line; do
			has "$BEYOND_POSIX" "${line##*:}" || echo "$line"
		done | breach 'a portable file calls what POSIX has not'
}

# Known from a compiler with the headers of macOS, which is not here.
rule_macos()
{
	{
		echo "$PORTABLE" | tr ' ' '\n' | xargs grep -nHoE \
		    '\<(SOCK_NONBLOCK|accept4|pipe2|ppoll|sendmmsg)\>'
		echo "$PORTABLE" | tr ' ' '\n' |
			xargs grep -lE '\<getentropy\(' | xargs grep -L '"base/secret.h"' |
			sed 's/$/:1:getentropy() without its header/'
	} | breach 'a portable file uses what macOS has not, or elsewhere'
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
		grep -vE '^src/(protocol/mac|conf/(seal|bundle))\.[ch]:' |
		breach 'only mac, seal and bundle use the HMAC'
}

rule_rooms()
{
	for f in src/*/*.[ch]; do
		may=$(reach "$(room "$f")")
		[ -n "$may" ] || echo "$f:1:in no room"
		includes "$f" | grep ':"' | while IFS= read -r line; do
			name=${line#*:*:?}
			name=${name%%\"*}
			theirs=$(room "$name")
			if [ -z "$theirs" ]; then
				[ "$name" = tap.h ] || echo "$line"
			else
				has "$may" "$theirs" || echo "$line"
			fi
		done
	done | breach 'includes what is not to its left'
}

# What other systems don't have.
rule_windows_alone()
{
	for f in src/*/*.[ch]; do
		case $f in
		src/windows/* | *_windows.c) ;;
		*) includes "$f" | grep ':"windows/' ;;
		esac
	done | breach "includes Windows' own"
}

rule_os_without_policy()
{
	for f in src/os/*.[ch]; do
		includes "$f" | while IFS= read -r line; do
			name=${line#*:*:?}
			name=${name%%[\">]*}
			has "$POLICY" "$(base "$name")" && echo "$line"
		done
	done | breach 'a file of os knows policy'
}

rule_header_each()
{
	for f in src/*/*.c; do
		case $f in
		*/cmd_*.c | *.bpf.c) continue ;;
		esac
		# Two systems, one promise.
		header=${f%.c}
		header=${header%_posix}
		header=${header%_windows}.h
		[ ! -e "$f" ] || [ -e "$header" ] || echo "$f:1:$header"
	done | breach 'lacks its header'
}

rule_exit_in_commands_only()
{
	for f in src/*/*.[ch]; do
		case $f in
		*/cmd_*) ;;
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

# The built binary and packages are ignored by git and may be there.
rule_top_level()
{
	for f in *; do
		case $f in
		tap | tap_*.deb | tap-*.rpm | tap-*.tar.xz*) continue ;;
		esac
		has "$TOP" "$f" || echo "$f:1:$f"
	done | breach 'not at the top level'
}

found=$(mktemp) || exit
all=$(mktemp) || exit
trap 'rm -f "$found" "$all"' EXIT
trap 'exit 1' INT TERM
code tap.c tap.h src/*/*.[ch] >"$all" || exit
PURE_FILES=$(pure_files | tr '\n' ' ')

for r in rooms pure_includes pure_calls portable_includes \
    beyond_posix macos asks_system hmac_in_mac_only windows_alone os_without_policy header_each exit_in_commands_only length top_level; do
	rule $r
done
[ $broken -eq 0 ] || {
	echo "rules: $broken broken, in $breaches places"
	exit 1
}
