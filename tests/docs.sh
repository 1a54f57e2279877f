#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Holds completions and manual pages to the program: every command, option,
# word of the configuration and number of the status stands in them, and
# nothing else does; the examples are valid; and make install puts all of it
# where it belongs. Run at the top of the tree.
# usage: TAP=./tap MAKE=make tests/docs.sh

set -u
: "${TAP:=./tap}" "${MAKE:=make}"
failed=0
dir=$(mktemp -d) || exit
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM

# Where the Makefile leaves completions.
MADE=.build/completions
# Commands that are no commands to -h.
BUILTIN=help

# Where tap.conf(5) has the words of a table: FILE TABLE HEADING
SECTIONS='
server_conf setting_words Settings of TAPservd.conf
server_conf rule_words Rules of TAPservd.conf
acl_conf entry_words Words of ACL.conf
client_conf setting_words Settings of TAPclientd.conf
client_conf rule_words Rules of TAPclientd.conf
guest_conf guest_words Words of GUEST
keyfile key_words Words of a key
share_conf login_words Words of share_login
bundle_key key_words Words of bundle.key
'

result()
{
	[ -z "${RESULTS:-}" ] || echo "$1 docs/$2" >>"$RESULTS"
}

# CASE COMMAND...: one result, of a function that says what is wrong.
check()
{
	name=$1
	shift
	if "$@" >"$dir/out" 2>&1 && [ ! -s "$dir/out" ]; then
		result pass "$name"
	else
		echo "docs/$name:"
		sed 's/^/    /' "$dir/out"
		result fail "$name"
		failed=$((failed + 1))
	fi
}

skip()
{
	echo "docs/$1: skipped: $2"
	result skip "$1 $2"
}

# WHAT FILE1 FILE2: complains of lines that only one of them has.
same()
{
	sort -u "$2" >"$dir/first" && sort -u "$3" >"$dir/second" || return
	[ -s "$dir/first" ] || echo "$1: the program has none"
	comm -23 "$dir/first" "$dir/second" |
		sed "s|^|$1: missing: |"
	comm -13 "$dir/first" "$dir/second" |
		sed "s|^|$1: there is no such thing: |"
}

# What the program itself says: its commands, and the options of one, with
# "=" where they take an argument.
commands()
{
	"$TAP" help | sed -nE 's/^  ([a-z][a-z-]*)  .*/\1/p'
	echo $BUILTIN
}

options()
{
	"$TAP" "$1" -h | sed -nE 's/^ +(-.*)/\1/p' | sed 's/   *.*//' |
		while IFS= read -r line; do
			argument=
			case $line in
			*' '[A-Z]*) argument='=' ;;
			esac
			echo "$line" | grep -oE -- '-[-a-zA-Z0-9]+' |
				sed "s/\$/$argument/"
		done
}

# The same, as each text has it.
options_man()
{
	sed -nE 's/^\.It (Fl .*)/\1/p' "man/tap-$1.8" |
		while IFS= read -r line; do
			argument=
			case $line in
			*' Ar '*) argument='=' ;;
			esac
			echo "$line" | grep -oE 'Fl [-a-zA-Z0-9]+' |
				sed "s/Fl /-/; s/\$/$argument/"
		done
}

# WORD...: what bash offers where the last word is being typed.
bash_offers()
{
	# shellcheck disable=SC2016 # expanded by bash
	bash -c '. "$1" || exit
		shift
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		_tap
		[ "${#COMPREPLY[@]}" -eq 0 ] ||
			printf "%s\n" "${COMPREPLY[@]}"' \
	    bash "$top/$MADE/tap.bash" "$@"
}

check_commands()
{
	commands >"$dir/commands"
	bash_offers tap '' >"$dir/other"
	same bash "$dir/commands" "$dir/other"
	bash_offers tap help '' >"$dir/other"
	same 'bash, help' "$dir/commands" "$dir/other"
	sed -n 's/^\.It Cm \([a-z-]*\).*/\1/p' man/tap.8 >"$dir/other"
	same 'tap(8)' "$dir/commands" "$dir/other"
	for page in man/tap-*.8; do
		page=${page#man/tap-}
		echo "${page%.8}"
	done >"$dir/other"
	echo $BUILTIN >>"$dir/other"
	same 'pages' "$dir/commands" "$dir/other"
}

check_options()
{
	options "$1" >"$dir/options"
	options_man "$1" >"$dir/other"
	same "tap-$1(8)" "$dir/options" "$dir/other"
	sed 's/=$//' "$dir/options" >"$dir/names"
	bash_offers tap "$1" - >"$dir/other"
	same bash "$dir/names" "$dir/other"
	grep '=$' "$dir/options" | sed 's/=$//' | while IFS= read -r name; do
		! bash_offers tap "$1" "$name" - | grep -q . ||
			echo "bash: an option after $1 $name"
	done
}

check_bash_files()
(
	mkdir "$dir/files" && cd "$dir/files" &&
		touch 'two words.conf' two.conf other.conf || exit
	printf '%s\n' 'two words.conf' two.conf >../wanted
	for words in 'server -c' 'server --conf' 'server --keys =' \
	    'client --conf ='; do
		# shellcheck disable=SC2086 # words
		bash_offers tap $words tw >../offered
		same "tap $words" ../wanted ../offered
	done
	bash_offers tap client --conf = >../offered
	ls >../wanted
	same 'tap client --conf=' ../wanted ../offered
)

check_fish_offers()
{
	for command in $(commands); do
		[ "$command" != $BUILTIN ] || continue
		options "$command" | sed -n 's/=$//; /^--/p' >"$dir/names"
		HOME=$dir fish --no-config -c "source $top/$MADE/tap.fish
			complete -C 'tap $command --'" |
			cut -f 1 >"$dir/other"
		same "tap $command" "$dir/names" "$dir/other"
	done
}

# Every table of words, as FILE TABLE WORD.
tables()
{
	for source in src/conf/*.c; do
		grep -q 'struct conf_word_type [a-z_]*\[\]' "$source" || continue
		"${CC:-cc}" -E -P -I. -Isrc -I.deps/bearssl/include "$source" |
			awk -v file="$(basename "$source" .c)" '
			/struct conf_word_type [a-z_]+\[\] = \{/ {
				table = $0
				gsub(/.*conf_word_type |\[\].*/, "", table)
				on = 1
			}
			on {
				while (match($0, /\.name = \(?"[a-z_0-9]+"/)) {
					word = substr($0, RSTART, RLENGTH - 1)
					sub(/.*"/, "", word)
					print file, table, word
					$0 = substr($0, RSTART + RLENGTH)
				}
			}
			/};$/ { on = 0 }'
	done
}

# HEADING: the words of that section of tap.conf(5).
documented()
{
	awk -v heading="$1" '
	/^\.S[sh] / { on = substr($0, 5) == heading }
	on && /^\.It Ic / {
		for (i = 2; i < NF; i++) {
			if ($i == "Ic")
				print $(i + 1)
		}
	}' man/tap.conf.5
}

check_words()
{
	tables >"$dir/tables"
	echo "$SECTIONS" | while read -r file table heading; do
		[ -n "$file" ] || continue
		sed -n "s/^$file $table //p" "$dir/tables" >"$dir/words"
		documented "$heading" >"$dir/other"
		same "$file.c, $table" "$dir/words" "$dir/other"
	done
	echo "$SECTIONS" | awk 'NF { print $1, $2 }' >"$dir/words"
	cut -d ' ' -f 1-2 "$dir/tables" >"$dir/other"
	same 'tables' "$dir/words" "$dir/other"
	echo "$SECTIONS" | sed -n 's/^[^ ]* [^ ]* //p' >"$dir/words"
	sed -nE 's/^\.Ss ((Settings|Rules|Words) of .*)/\1/p' \
	    man/tap.conf.5 >"$dir/other"
	same 'sections' "$dir/words" "$dir/other"
}

# The attacks of replay-test, as the source and each text have them.
check_attacks()
{
	sed -n 's/^\t\[ATTACK_.*\] = { "\([^"]*\)".*/\1/p' src/replay_test/attacks.c \
		>"$dir/attacks"
	sed -n '/^\.Sh ATTACKS/,/^\.Ss/s/^\.It Cm \(.*\)/\1/p' \
	    man/tap-replay-test.8 | sed 's/No .*//' | tr -s ', ' '\n' |
		sed '/^$/d' >"$dir/other"
	same 'tap-replay-test(8)' "$dir/attacks" "$dir/other"
}

# PAGE N: its Nth literal block, as it is shown.
example()
{
	awk -v wanted="$2" '
	/^\.Ed/ { on = 0 }
	on { gsub(/\\e/, "\\"); print }
	/^\.Bd -literal/ { on = ++n == wanted }' "$1"
}

check_examples()
{
	# Of the papers: a user that is not on every machine.
	for n in 1 2 3 4 5 6 7 8; do
		example man/tap.conf.5 $n | sed 's/user=takahasi/user=1000/' \
			>"$dir/example$n" || return
		chmod 600 "$dir/example$n"
	done
	"$TAP" server --check -c "$dir/example1" -k "$dir/example2" \
	    -a "$dir/example3"
	"$TAP" client --check -c "$dir/example4"
	"$TAP" server --check -c "$dir/example5" -k "$dir/example6" \
	    -a "$dir/example7"
	"$TAP" client --check -c "$dir/example8"
	for file in TAPservd.conf server.key ACL.conf TAPclientd.conf; do
		install -m 600 "man/examples/$file" "$dir"
	done
	sed -i 's/^#RULE/RULE/; s/eth[01]/lo/g' "$dir/TAPservd.conf"
	"$TAP" server --check -c "$dir/TAPservd.conf" -k "$dir/server.key" \
	    -a "$dir/ACL.conf"
	"$TAP" client --check -c "$dir/TAPclientd.conf"
	example man/tap-client.8 1 | sed '/^[#$]/d' >"$dir/example1"
	"$TAP" client --check -c "$dir/example1"
}

check_pages()
{
	# Whether a manual of something else is installed does not matter.
	mandoc -T lint -W style man/*.[1-8] 2>/dev/null |
		grep -v 'referenced manual not found'
	sed -nE 's/^\.Xr (tap[^ ]*) ([0-9]).*/\1.\2/p' man/*.[1-8] | sort -u |
		while read -r page; do
			[ -e "man/$page" ] || echo "no page $page"
		done
}

# TEST: whether there is one of that name; see tap-security(7).
there_is()
{
	group=${1%%/*}
	rest=${1#*/}
	case $group in
	hosts | keys)
		file=tests/$group/test_${rest%%/*}.sh
		case $rest in
		*/*) grep -qE "^[[:blank:]]*check \"?${rest#*/}" "$file" ;;
		*) [ -e "$file" ] ;;
		esac
		;;
	unit)
		file=tests/unit/${rest%/*}/test_${rest##*/}.c
		[ -e "$file" ] || [ -e "tests/unit/test_$rest.c" ]
		;;
	model) [ -e "tests/model/$rest.pml" ] ;;
	*) false ;;
	esac
}

check_promises()
{
	sed -nE 's/^\.Li ([a-z]+\/[^ ]+).*/\1/p' man/tap-security.7 |
		sort -u >"$dir/promised"
	[ -s "$dir/promised" ] || echo 'tap-security(7): no test is named'
	while read -r test; do
		there_is "$test" 2>/dev/null ||
			echo "tap-security(7): no test $test"
	done <"$dir/promised"
}

# The map of the source names every file, in its room.
check_map()
{
	for file in src/*/*.c; do
		case $file in
		*_windows.c) continue ;; # X has it
		*_posix.c) [ -e "${file%.c}.h" ] || continue ;; # X has it
		*.bpf.c) continue ;;
		esac
		file=${file#src/}
		echo "${file%.c}"
	done >"$dir/files.txt"
	# What has no .c may stand there, too: types that files share.
	for file in src/*/*.h; do
		[ -e "${file%.h}.c" ] || ! grep -q "^| .$(basename "$file" .h). |" \
		    src/README.md || echo "${file#src/}" | sed 's/\.h$//'
	done >>"$dir/files.txt"
	# shellcheck disable=SC2016 # backquotes are meant
	sed -nE -e '/^## ([a-z_]+):.*/{s//\1/;h;}' -e \
	    '/^\| `([a-z0-9_]+)` \| .*/{s//\1/;G;s|(.*)\n(.*)|\2/\1|;p;}' \
	    src/README.md >"$dir/other"
	same src/README.md "$dir/files.txt" "$dir/other"
}

# COMMAND ARGUMENT...: what a running one says of itself, in $dir/status and
# $dir/json, and its metrics in $dir/COMMAND.prom.  In a network namespace of
# its own, which ends with it.
ask()
{
	mkfifo "$dir/log" || return
	# shellcheck disable=SC2016 # expanded by the inner shell
	unshare --net sh -c '
		dir=$1 tap=$2 command=$3
		shift 3
		"$tap" "$command" --metrics "$dir/metrics" "$@" \
			2>"$dir/log" &
		exec 3<"$dir/log"
		while read -r line; do
			case $line in
			*": ready: "*) break ;;
			*": door: "*) continue ;; # as this machine has it
			esac
			echo "$line"
		done <&3
		"$tap" "$command" --status >"$dir/status"
		"$tap" "$command" --status --json >"$dir/json"
		until cp "$dir/metrics" "$dir/$command.prom" 2>&3; do
			sleep 0.1
		done 3>/dev/null
		kill $!
		cat <&3 >/dev/null
		wait $! || echo "exit status $?"' sh "$dir" "$TAP" "$@"
	rm "$dir/log"
}

# Fields by their old names, which the pages sum up: for grep.
old_fields()
{
	sed -nE 's/^\t\{ "[a-z_.]+", "([a-z_.]+)" \},$/\1/p' \
		src/daemon/stats.c | paste -sd '|'
}

check_status()
{
	printf 'key_no=1, key=0x%032d\n' 7 >"$dir/key"
	chmod 600 "$dir/key"
	case $1 in
	server)
		printf 'replay_file=none\nRULE:dst_port=22\n' >"$dir/conf"
		echo 'port=22, key_no=1' >"$dir/acl"
		ask server -c "$dir/conf" -k "$dir/key" -a "$dir/acl"
		;;
	client)
		sed 's/^/RULE:dst_port=22, /' "$dir/key" >"$dir/conf"
		chmod 600 "$dir/conf"
		ask client -c "$dir/conf"
		;;
	esac
	python3 -c '
import json, sys
for name, value in json.load(open(sys.argv[1])).items():
	if isinstance(value, dict):
		for part in value:
			print(name + "." + part)
	else:
		print(name)' "$dir/json" | grep -vxE "$(old_fields)" >"$dir/names"
	sed -nE 's/^\.It Cm ([a-z_.]+) Ta .*/\1/p' "man/tap-$1.8" \
		>"$dir/other"
	same JSON "$dir/names" "$dir/other"
	# There only where something is wrong.
	grep -v "^ALARM " "$dir/status" | cut -c 1-24 | sed 's/ *$//' >"$dir/names"
	sed -nE '/ Ta "" Ta /d
		s/^\.It Cm [a-z_.]+ Ta (.*) Ta .*/\1/p' "man/tap-$1.8" \
		>"$dir/other"
	same table "$dir/names" "$dir/other"
	python3 "$here/hosts/metrics.py" check "$dir/$1.prom"
	# Every number is there, but for what names a process or a queue.
	python3 -c '
import json, sys
for name, value in json.load(open(sys.argv[1])).items():
	if isinstance(value, dict):
		print(name)
	elif not isinstance(value, str) and name not in (
			"pid", "queue", "uptime", "confirm_left"
			) and not name.startswith(("sieve_", "stray_")):
		print(name)' "$dir/json" >"$dir/names"
	sed -nE "s/^# TYPE tap_$1_([a-z_]+) .*/\1/p" "$dir/$1.prom" |
		sed -E 's/_total$//; /^(up|alarm|build_info|uptime_seconds)$/d
			/^worker_up$/d; /^key_/d' >"$dir/other"
	same metrics "$dir/names" "$dir/other"
}

# What is installed among the examples.
check_monitoring()
{
	python3 "$here/examples.py" man/examples/prometheus-alerts.yml \
	    man/examples/grafana-dashboard.json "$dir"/*.prom
	! command -v promtool >/dev/null ||
		promtool check rules man/examples/prometheus-alerts.yml \
		    >"$dir/promtool" 2>&1 || cat "$dir/promtool"
}

# Lines as a log file has them and as fail2ban makes them of the journal; those
# of a running server are held to it by tests/hosts.
check_fail2ban()
{
	cat >"$dir/lines" <<-'EOF'
	2026-12-01T03:12:16Z tap server: refused reason=mac key=10 name="a b" src=192.0.2.9:1234 dst=192.0.2.1:22 skew=+0.004s
	2026-12-01T03:12:16Z tap server: refused reason=time key=10 src=192.0.2.8:1234 dst=192.0.2.1:22 skew=-100.004s
	2026-12-01T03:12:16Z tap server: accepted key=10 src=192.0.2.7:1234 dst=192.0.2.1:22 skew=+0.004s
	{"time":"2026-12-01T03:12:16Z","level":"info","event":"refused","reason":"acl","key":10,"name":"a b","src":"2001:db8::7","src_port":58018,"dst":"2001:db8::1","dst_port":22,"skew":0.004}
	{"time":"2026-12-01T03:12:16Z","level":"info","event":"refused","reason":"incomplete","src":"2001:db8::6","src_port":58018,"dst":"2001:db8::1","dst_port":22}
	EOF
	sed 's/^[^ {]* tap server:/host tap[12]:/; s/^{/host tap[12]: {/' \
	    "$dir/lines" >"$dir/journal"
	filter=man/examples/fail2ban-filter.conf
	printf '1796094736 %s\n' 192.0.2.9 2001:db8::7 >"$dir/wanted"
	# Wherever the host is.
	TZ=America/New_York fail2ban-regex -o '<time> <ip>' "$dir/lines" \
	    $filter >"$dir/other"
	same file "$dir/wanted" "$dir/other"
	cut -d ' ' -f 2 "$dir/wanted" >"$dir/hosts"
	fail2ban-regex -d '{NONE}' -o ip "$dir/journal" $filter >"$dir/other"
	same journal "$dir/hosts" "$dir/other"
	cp -R /etc/fail2ban "$dir/fail2ban" || return
	cp $filter "$dir/fail2ban/filter.d/tap.conf"
	rm -f "$dir"/fail2ban/jail.d/*
	cp man/examples/fail2ban-jail.conf "$dir/fail2ban/jail.d/tap.conf"
	fail2ban-client -c "$dir/fail2ban" -d >"$dir/tested" 2>&1
	grep -q "'add', 'tap', 'systemd'" "$dir/tested" || cat "$dir/tested"
}

# For other service managers and packages: what can be read of them is, and all
# name the version that is next.
check_services()
{
	for file in tap.openrc tap.procd tap.rc.d APKBUILD; do
		sh -n man/examples/$file
	done
	python3 -c 'import plistlib, sys
plistlib.load(open(sys.argv[1], "rb"))' man/examples/tap.launchd.plist
	! command -v apparmor_parser >/dev/null ||
		apparmor_parser -Q -K man/examples/apparmor 2>"$dir/parsed" ||
		cat "$dir/parsed"
	version=$(sed -n 's/^#define TAP_VERSION "\(.*\)"/\1/p' tap.h)
	for file in man/tap-news.7 man/examples/APKBUILD \
	    man/examples/openwrt.mk man/examples/tap.nix \
	    man/examples/tap.spec; do
		grep -qF "$version" "$file" || echo "$file: not of $version"
	done
}

make_at()
{
	env -u TAP "$MAKE" -s "$1" DESTDIR="$dir/root" PREFIX=/usr \
		>"$dir/make" 2>&1 || cat "$dir/make"
}

# What is typed into it, from the installed tree.
check_shell()
{
	make_at install
	"$here/shells.py" "$1" "$dir/root"
	make_at uninstall
}

check_install()
{
	# Where it was installed before.
	mkdir -p "$dir/root/usr/sbin"
	touch "$dir/root/usr/sbin/tap"
	make_at install
	rmdir "$dir/root/usr/sbin" # it is empty again
	grep -h '^Exec' "$dir"/root/usr/lib/systemd/system/tap-*.service |
		grep -Ev '^Exec[A-Za-z]*=-?/usr/bin/tap '
	# Wherever it was built.
	grep -hE '^(ProtectHome|PrivateTmp)=' \
		"$dir"/root/usr/lib/systemd/system/tap-*.service |
		grep -v '=yes$'
	{
		for page in man/*.[1-8]; do
			echo "usr/share/man/man${page##*.}/${page#man/}"
		done
		echo usr/bin/tap
		echo usr/share/bash-completion/completions/tap
		echo usr/share/zsh/site-functions/_tap
		echo usr/share/fish/vendor_completions.d/tap.fish
		echo usr/lib/systemd/system/tap-client.service
		echo usr/lib/systemd/system/tap-server.service
		echo usr/lib/sysusers.d/tap.conf
		echo usr/lib/tmpfiles.d/tap.conf
		for file in man/examples/*; do
			echo "usr/share/doc/tap/${file#man/}"
		done
	} >"$dir/wanted"
	(cd "$dir/root" && find . -type f | sed 's/^..//') >"$dir/there"
	same 'installed' "$dir/wanted" "$dir/there"
	# Of when, where that is known, and of what, it is made.
	"$dir/root/usr/bin/tap" --version >"$dir/version"
	epoch=$(src/packaging/version.sh epoch)
	for line in 'tap [0-9][0-9A-Za-z.+~]*' \
	    "${epoch:+of 2[0-9]*-[0-9]*-[0-9]*}" \
	    'libraries: musl 1[0-9.]*, libpcap 1[0-9.]*, BearSSL 0[0-9.]*' \
	    'features: .*fast path.*'; do
		[ -z "$line" ] || grep -qx "$line" "$dir/version" || echo "--version: no '$line'"
	done
	stat -c %a "$dir/root/etc/tap" | grep -v '^700$'
	touch "$dir/root/etc/tap/server.key"
	make_at uninstall
	grep -q '/etc/tap stays: keys' "$dir/make" || echo 'keys stay, unsaid'
	rm "$dir/root/etc/tap/server.key" || return
	# Whoever it is that installs it, all may read it.
	(umask 077 && make_at install)
	find "$dir/root" ! -perm -044 ! -path '*/etc/tap'
	make_at uninstall
	find "$dir/root" -mindepth 1
	# On a system: what is not below PREFIX stays. (The user tap, too.)
	mkdir -p "$dir/prefix/share/zsh" "$dir/etc"
	touch "$dir/prefix/share/zsh/of-others"
	for step in install uninstall; do
		env -u TAP "$MAKE" -s $step DESTDIR= PREFIX="$dir/prefix" \
		    SYSCONFDIR="$dir/etc" MAKE_USER=true >"$dir/make" 2>&1 ||
			cat "$dir/make"
	done
	(cd "$dir" && find prefix etc | sort) >"$dir/there"
	printf '%s\n' etc etc/fish prefix prefix/bin prefix/share prefix/share/zsh \
	    prefix/share/zsh/of-others >"$dir/wanted"
	same 'left' "$dir/wanted" "$dir/there"
}

top=$PWD
here=$top/tests
case $TAP in
/*) ;;
*) TAP=$top/$TAP ;;
esac

check commands check_commands
for command in $(commands); do
	[ "$command" = $BUILTIN ] || check "options-$command" \
		check_options "$command"
done
check bash-files check_bash_files
check words check_words
check attacks check_attacks
check examples check_examples
check pages check_pages
check map check_map
check promises check_promises
for command in server client; do
	if [ "$(id -u)" -eq 0 ]; then
		check "status-$command" check_status $command
	else
		skip "status-$command" 'needs root'
	fi
done
if [ "$(id -u)" -eq 0 ]; then
	check monitoring check_monitoring
else
	skip monitoring 'needs root'
fi
if command -v fail2ban-regex >/dev/null; then
	check fail2ban check_fail2ban
else
	skip fail2ban 'fail2ban is not installed'
fi
check services check_services
check install check_install
for shell in bash zsh fish; do
	if command -v $shell >/dev/null; then
		check "shell-$shell" check_shell $shell
	else
		skip "shell-$shell" "$shell is not installed"
	fi
done
if command -v fish >/dev/null; then
	check fish-offers check_fish_offers
fi
[ $failed -eq 0 ] || {
	echo "docs: $failed wrong"
	exit 1
}
