#!/bin/bash
# SPDX-License-Identifier: ISC
#
# tap.exe of `make windows`, by Wine: its wpcap hands Npcap's calls to libpcap,
# so the packets are real.

# Cases are called by check.
# shellcheck disable=SC2317
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"

: "${WINDOWS:=$here/../../.build/windows}"
wine=/usr/lib/wine
builtin=/usr/lib/x86_64-linux-gnu/wine/x86_64-windows

# A Windows on which nothing was installed, in a moment: links to Wine's own
# files, the one driver that tells of addresses and connections, and windows
# without a screen.
installed()
{
	local system=$work/wine/drive_c/windows/system32

	mkdir -p "$system/drivers" "$work/wine/dosdevices" \
	    "$work/wine/drive_c/windows/temp" "$work/c"
	ln -s "$builtin"/*.dll "$builtin"/*.exe "$system"
	ln -s "$builtin"/*.sys "$system/drivers"
	ln -s ../drive_c "$work/wine/dosdevices/c:"
	ln -s "$work/c" "$work/wine/dosdevices/w:"
	echo disable >"$work/wine/.update-timestamp"
	cat >"$work/wine/system.reg" <<-'END'
	WINE REGISTRY Version 2

	#arch=win64

	[System\\CurrentControlSet\\Services\\nsiproxy] 1
	"ErrorControl"=dword:00000001
	"ImagePath"="C:\\windows\\system32\\drivers\\nsiproxy.sys"
	"Start"=dword:00000002
	"Type"=dword:00000001
	END
	cat >"$work/wine/user.reg" <<-'END'
	WINE REGISTRY Version 2

	#arch=win64

	[Software\\Wine\\Drivers] 1
	"Graphics"="null"
	END
}

# windows: the client's host runs it from now on, until the case ends.
windows()
{
	local file

	for file in "$WINDOWS/tap.exe" "$wine/wine64" "$wine/wineserver64" \
	    "$builtin/wpcap.dll"; do
		[ -e "$file" ] || skip "no ${file##*/} here: make windows, wine"
	done
	export WINEPREFIX=$work/wine WINEDEBUG=-all TMPDIR=$work
	unset DISPLAY
	installed
	# Without one that waits for it, each program would start its own.
	start wineserver client "$wine/wineserver64" -f -p
	wait_for "$patience" has_socket
}

has_socket()
{
	[ -S "$(echo "$work"/wine-*/server-*/socket)" ]
}

# fetch 4|6 [SECONDS]: a program on it that knows nothing of tap
fetch()
{
	on client "$wine/wine64" "$WINDOWS/fetch.exe" \
	    "$(addr "$1" server)" 80 "${2:-$patience}"
}

exe()
{
	on client "$wine/wine64" "$WINDOWS/tap.exe" "$@"
}

# conf NAME LINE...: a file that is its maker's alone
conf()
{
	(umask 077 && printf '%s\n' "${@:2}" >"$work/c/$1")
}

rule()
{
	echo "RULE:$1, key_no=10, key=0x$secret, alg=hmac-sha256"
}

# With w:/TAPclientd.conf, on every device or that of the rule.
client()
{
	start client client "$wine/wine64" "$WINDOWS/tap.exe" client \
	    -c 'w:\TAPclientd.conf'
	wait_log client ': ready:'
}

# It gets in, others don't, and Ctrl-C ends it.  SYNs with its address that
# others send are nobody's to follow.
gets_in()
{
	lab
	windows
	http_start server 80
	tap_start server server server -p 80 -k "$(key_file)"
	same 28 "$(status_of fetch "$1" 1)" 'without it'
	conf TAPclientd.conf "$(rule "dst_port=80, outdev=eth0")"
	client
	on stranger "$python" "$here/windows_forge.py" "$1" eth0 \
	    "$(addr "$1" client)" "$(addr "$1" server)" \
	    "$(on client cat /sys/class/net/eth0/address)"
	same 'page of 80' "$(fetch "$1")"
	has "$(exe client --status)" '^authenticated +[1-9]'
	hidden "$1"
	wait_for 5 tap_counts server server accepted 1
	end client INT
	# Some again, where this machine is busy, and none of the twenty.
	has "$(cat "$work/client.log")" ': [1-9] SYNs? seen, [1-9] of them'
	same 28 "$(status_of fetch "$1" 1)" 'after it'
}

# A device that goes away, as Wi-Fi does, comes back, and is followed again.
comes_back()
{
	lab
	windows
	http_start server 80
	tap_start server server server -p 80 -k "$(key_file)"
	conf TAPclientd.conf "$(rule "dst_port=80, outdev=eth0")"
	client
	same 'page of 80' "$(fetch 4)"
	ip -n "$net-client" link del eth0
	wait_log client 'eth0: it is gone, or down; waiting'
	cable client eth0 "${number[client]}"
	connected client
	wait_log client 'eth0: it is there again'
	same 'page of 80' "$(fetch 4)"
	same 'page of 80' "$(fetch 6)"
	end client INT
	has "$(cat "$work/client.log")" ': [3-9] SYNs seen, [3-9] of them'
}

# What it says of itself, while it runs; there is one, and --stop ends it.
asked()
{
	lab client
	windows
	conf TAPclientd.conf "$(rule 'dst_port=80, outdev=eth0')"
	same 1 "$(status_of exe client --status)" 'none runs'
	client
	has "$(exe client --status)" '^devices +eth0$'
	exe client --status --json >"$work/json"
	same '0 1 0' "$("$python" -c 'import json, sys
s = json.load(sys.stdin)
print(s["syns"], s["rules"], s["as_is"]["failed"])' <"$work/json")"
	same 2 "$(status_of exe client --watch)" 'no console'
	same 2 "$(status_of exe client --watch --stop)" 'one thing at a time'
	same 3 "$(status_of exe client -c 'w:\TAPclientd.conf')" 'a second one'
	same 0 "$(status_of exe client --stop)"
	await client 0
	has "$(cat "$work/client.log")" ': 0 SYNs seen'
	same 1 "$(status_of exe client --stop)" 'none runs'
}

# service VERB [OPTION...]: with tap.exe from a place of its own
service()
{
	on client "$wine/wine64" 'w:\tap.exe' client --service "$@"
}

# As a service that Windows starts, with one user's file, and with another's
# that is sealed, whose passphrase is asked for by who starts it.
services()
{
	local status='^(authenticated|rules) +[1-9]$'

	lab
	windows
	http_start server 80
	echo 'a long passphrase' >"$work/passphrase"
	exe keygen --key-no 11 --client "$(addr4 server):80" --passphrase \
	    --passphrase-fd 0 --both w:/ends <"$work/passphrase"
	tap_start server server server -p 80 -k "$(key_file \
	    "$(cat "$(key_file)" "$work/c/ends/server.key")")"
	cp "$WINDOWS/tap.exe" "$work/c"
	conf plain.conf "$(rule 'dst_port=80, outdev=eth0')"
	conf wrong.conf nonsense
	same 1 "$(status_of service start)" 'there is none'
	same 2 "$(status_of service install -c w:/wrong.conf)" 'its file'
	same 2 "$(status_of service install -c w:/none.conf)" 'no file'
	chmod 777 "$work/c"
	same 2 "$(status_of service install -c w:/plain.conf)" 'its place'
	chmod 755 "$work/c"
	(cd "$work/c" && service install -c plain.conf)
	same 1 "$(status_of service install -c w:/plain.conf)" 'twice'
	service start
	same 1 "$(status_of service start)" 'it runs'
	same 'page of 80' "$(fetch 4)"
	same 2 "$(exe client --status | grep -Ec "$status")" 'its numbers'
	service stop
	same 1 "$(status_of service stop)" 'it does not run'
	same 1 "$(status_of exe client --status)" 'it has ended'
	# By its file, that is no longer right.
	conf plain.conf nonsense
	same 2 "$(status_of service start)" 'its file, later'
	service remove
	# Another user's, which is sealed.
	service install -c w:/ends/TAPclientd.conf
	same 2 "$(status_of service start --passphrase-fd 0 <<<wrong)" 'wrong'
	service start --passphrase-fd 0 <"$work/passphrase"
	same 'page of 80' "$(fetch 4)"
	wait_log server 'accepted key=11 '
	service remove
	same 1 "$(status_of service remove)" 'it is gone'
	same 2 "$(status_of service run)" 'by a person'
}

# icon [COMMAND]: what its tip says, when that is done
icon()
{
	on client "$wine/wine64" "$WINDOWS/tray.exe" "$@"
}

tip()
{
	icon | tr -d '\r' | grep -q "$1"
}

# The icon starts a client, shows what it does, and stops it.
trays()
{
	lab
	windows
	http_start server 80
	tap_start server server server -p 80 -k "$(key_file)"
	conf TAPclientd.conf "$(rule 'dst_port=80, outdev=eth0')"
	same 1 "$(status_of icon)" 'none yet'
	cp "$WINDOWS/tap.exe" "$work/c"
	start tray client "$wine/wine64" 'w:\tap.exe' client --tray \
	    -c 'w:\TAPclientd.conf'
	wait_for "$patience" tip '^tap client: not running'
	same 1 "$(status_of exe client --tray)" 'a second one'
	icon 1
	wait_for "$patience" tip '^tap client: SYNs: 0, authenticated: 0'
	same 'page of 80' "$(fetch 4)"
	wait_for "$patience" tip 'SYNs: [1-9], authenticated: [1-9]'
	icon 2
	wait_for "$patience" tip '^tap client: not running'
	same 1 "$(status_of exe client --status)" 'it has ended'
	icon 1
	wait_for "$patience" tip '^tap client: SYNs: 0'
	icon 5
	await tray 0
	same 0 "$(status_of exe client --stop)" 'the client stays'
}

# What is read has to be one's own, and what can't be is refused in words.
words()
{
	lab client
	windows
	conf open.conf "$(rule dst_port=80)"
	chmod 644 "$work/c/open.conf"
	same 2 "$(status_of exe client --check -c w:/open.conf)" 'rights'
	conf TAPclientd.conf "$(rule dst_port=80)"
	same 0 "$(status_of exe client --check -c 'W:\TAPclientd.conf')"
	conf "Schlüssel für zuhause.conf" "$(rule dst_port=80)"
	same 0 "$(status_of exe client --check -c \
	    'w:/Schlüssel für zuhause.conf')" 'its name'
	mkdir -m 700 "$work/c/more"
	# The drive itself, wherever on it this is.
	chmod 777 "$work/c"
	same 2 "$(cd "$work/c/more" && status_of exe client --check \
	    -c w:/TAPclientd.conf)" 'drive'
	chmod 755 "$work/c"
	conf more/1.conf "$(rule dst_port=80)"
	conf more/x.conf 'nonsense'
	conf all.conf 'include=W:\more\[0-9]*.conf' 'include=more/1.*'
	same 0 "$(status_of exe client --check -c w:/all.conf)" 'include='
	conf all.conf 'include=more/?.conf'
	same 2 "$(status_of exe client --check -c w:/all.conf)" 'include= all'
	conf none.conf "$(rule 'dst_port=80, outdev=none0')"
	same 3 "$(status_of exe client -c w:/none.conf)" 'no such device'
	conf user.conf "$(rule 'dst_port=80, user=0')"
	same 2 "$(status_of exe client -c w:/user.conf)" 'user='
	rm "$work/wine/drive_c/windows/system32/wpcap.dll"
	same 3 "$(status_of exe client -c w:/TAPclientd.conf \
	    2>"$work/missing")" 'no Npcap'
	has "$(cat "$work/missing")" 'Npcap is missing: install it .https'
}

# Keys of its own making, for both ends; what it made is its maker's alone.
keygen()
{
	lab
	windows
	http_start server 80
	exe keygen --key-no 7 --client "$(addr4 server):80" --both 'w:\ends'
	same 2 "$(find "$work/c/ends" -type f ! -perm /007 | wc -l)" 'files'
	tap_start server server server -p 80 \
	    -k "$(key_file "$(cat "$work/c/ends/server.key")")"
	cp "$work/c/ends/TAPclientd.conf" "$work/c"
	client
	same 'page of 80' "$(fetch 4)"
	same 1 "$(status_of exe keygen --key-no 7 \
	    --client "$(addr4 server):80" --both 'w:\ends')" 'twice'
}

# The server's files, checked and changed in place.
acl()
{
	lab client
	windows
	conf conf 'RULE:dst_port=80'
	conf key "$(cat "$(key_file)")"
	conf acl 'port=80, key_no=10'
	set -- -c w:/conf -k w:/key -a w:/acl
	same 0 "$(status_of exe acl check --strict "$@")" 'check'
	same 0 "$(status_of exe acl deny --port 80 --key 10 "$@")" 'deny'
	same 1 "$(status_of exe acl test --port 80 --key 10 "$@")" 'denied'
	refute grep -q 10 "$work/c/acl"
	chmod 644 "$work/c/key"
	same 2 "$(status_of exe acl check "$@")" "others' eyes"
}

# A library that others have put beside tap.exe, or where it is started, is
# not loaded; and what is linked, Windows itself takes from nowhere else.
planted()
{
	local name known='ADVAPI32 KERNEL32 WS2_32 msvcrt'

	lab client
	windows
	same "$known" "$(x86_64-w64-mingw32-objdump -p "$WINDOWS/tap.exe" |
	    sed -n 's/.*DLL Name: \(.*\)\.dll/\1/Ip' | sort | paste -sd' ')"
	cp "$WINDOWS/tap.exe" "$work/c"
	for name in bcrypt iphlpapi packet wpcap; do
		cp "$WINDOWS/planted.dll" "$work/c/$name.dll"
	done
	conf TAPclientd.conf "$(rule 'dst_port=80, outdev=none0')"
	# As Windows: whatever the file is, and Wine's own where there is none.
	export WINEDLLOVERRIDES='bcrypt,iphlpapi,packet,wpcap=n,b'
	same 3 "$(from_there)" 'no such device'
	rm "$work/wine/drive_c/windows/system32/wpcap.dll"
	same 3 "$(from_there)" 'no Npcap'
	# It does what it is there for, where it is loaded.
	cp "$WINDOWS/planted.dll" \
	    "$work/wine/drive_c/windows/system32/wpcap.dll"
	same 99 "$(from_there)" 'in its place'
}

# A client there, as somebody who unpacked it starts it.
from_there()
{
	cd "$work/c" &&
		status_of on client "$wine/wine64" tap.exe client \
		    -c TAPclientd.conf
}

# A file that is sealed may be anybody's, with its passphrase.
sealed()
{
	lab client
	windows
	echo 'a long passphrase' >"$work/passphrase"
	exe keygen --key-no 9 --client 192.0.2.1:80 --passphrase \
	    --passphrase-fd 0 --both w:/ends <"$work/passphrase"
	cp "$work/c/ends/TAPclientd.conf" "$work/c"
	chmod 644 "$work/c/TAPclientd.conf"
	same 2 "$(echo wrong | status_of exe client --check \
	    -c w:/TAPclientd.conf --passphrase-fd 0)" 'a wrong one'
	same 0 "$(status_of exe client --check -c w:/TAPclientd.conf \
	    --passphrase-fd 0 <"$work/passphrase")" 'the right one'
}

for family in 4 6; do
	check "gets-in-ipv$family" gets_in $family
done
check comes-back comes_back
check asked asked
check services services
check trays trays
check words words
check keygen keygen
check acl acl
check sealed sealed
check planted planted
finish
