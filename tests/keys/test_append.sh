#!/bin/bash
# SPDX-License-Identifier: ISC
#
# Key files and access lists that many write to, on a full disk, and when
# the writer dies: the old content or the new one, and no key is lost.

# Functions are called by name.
# shellcheck disable=SC2317

# shellcheck source=tests/keys/lib.sh
. "$(dirname "$0")/lib.sh"

# Names in a directory, hidden ones too, in one line.
all_in()
{
	find "$1" -mindepth 1 -maxdepth 1 -printf '%f\n' | LC_ALL=C sort | xargs
}

# Two hundred at once, of which half want the same numbers.
case_concurrent_appends()
{
	local i pid pids=() failed=0

	for ((i = 0; i < 100; i++)); do
		"$TAP" keygen -n 1000 --count 1 -a server.key >out.$i &
		pids+=($!)
		"$TAP" keygen -n $((5000 + i)) -a server.key >/dev/null &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid" || failed=$((failed + 1))
	done
	same 0 $failed 'failures'
	same 200 "$(wc -l <server.key)"
	same "$(seq 1000 1099)" "$(cat out.* | sort -n)"
	"$TAP" server --check -p 80 -k server.key
	same '' "$(find . -name '.*.*')" 'left over'
}

# The list and the key file share the lock.
case_concurrent_changes()
{
	local i pid pids=()

	echo '# mine' >ACL.conf
	for ((i = 0; i < 60; i++)); do
		"$TAP" acl allow -a ACL.conf -k server.key \
		    --port $((80 + i % 3)) --key $((10 + i)) 2>/dev/null &
		pids+=($!)
		"$TAP" keygen -n $((10 + i)) -a server.key >/dev/null &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid"
	done
	echo 'RULE:dst_port="80-82"' >server.conf
	exits 0 "$TAP" acl show -c server.conf -k server.key -a ACL.conf
	same "$(seq 10 69)" "$(cut -f 3 out | sort -n)"
	lacks "$(cat out)" unknown
	same '# mine' "$(head -n 1 ACL.conf)"
}

# One number, many who want it: one gets it.
case_concurrent_same()
{
	local i pid pids=() won=0

	for ((i = 0; i < 30; i++)); do
		"$TAP" keygen -n 7 -a server.key >/dev/null 2>&1 &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		! wait "$pid" || won=$((won + 1))
	done
	same 1 $won
	same 1 "$(wc -l <server.key)"
}

case_lock_is_waited_for()
{
	local pid

	key_line 1 >server.key
	# As another writer of this user's would.
	exec 9<>.tap.lock
	flock 9
	"$TAP" keygen -n 2 -a server.key >out &
	pid=$!
	# It tries, and does not get it.
	wait_for grep -q ' S ' "/proc/$pid/stat"
	same 1 "$(wc -l <server.key)"
	flock -u 9
	exec 9<&-
	wait "$pid"
	same 2 "$(wc -l <server.key)"
	[ ! -e .tap.lock ]
}

# Who may read the directory and the files in it can't hold up who writes.
case_lock_of_a_stranger()
{
	local pids

	need_root
	key_line 1 >server.key
	echo 'port=80, key_no=1' >ACL.conf
	chmod 755 "$dir" . && chmod 644 ACL.conf
	setpriv --reuid 65534 --clear-groups sh -c '
		exec 8<. 9<ACL.conf
		flock 8 && flock 9 && echo held && exec sleep 1000
	' >held &
	pids=$!
	wait_for grep held held
	timeout 20 "$TAP" keygen -n 2 -a server.key
	timeout 20 "$TAP" acl allow -a ACL.conf -k server.key --port 80 --key 2
	kill "$pids"
	# Nor with a lock of his own, where all may write.
	chmod 1777 .
	setpriv --reuid 65534 --clear-groups touch .tap.lock
	refuses 2 '^server.key: .tap.lock beside it is another' \
	    keygen -n 3 -a server.key
	chmod 700 . "$dir"
}

# What is only looked at needs no lock.
case_dry_run_without_a_lock()
{
	need_root
	echo 'port=80, key_no=1' >ACL.conf
	chmod 755 "$dir" . && chmod 644 ACL.conf
	cp "$TAP" tap
	exits 0 setpriv --reuid 65534 --clear-groups ./tap acl allow \
	    -a ACL.conf --port 80 --key 2 --dry-run
	has "$(cat out)" '^\+port=80, key_no="1-2"'
	chmod 700 . "$dir"
}

case_full_disk()
{
	local used

	need_root
	mkdir small
	mount -t tmpfs -o size=64k,mode=700 tmpfs small ||
		skip 'no tmpfs can be mounted here'
	key_line 1 >small/server.key
	echo 'port=80, key_no=1 # one' >small/ACL.conf
	cp small/server.key key.before
	cp small/ACL.conf acl.before
	head -c 64k /dev/zero >small/filler 2>/dev/null || true
	# Until not even a page is left.
	used=$(df --output=avail small | tail -n 1)
	same 0 "$((used))"
	refuses 3 'server.key: No space left' \
	    keygen -n 2 --count 50 -a small/server.key
	refuses 3 'server.key: No space left' \
	    keygen --rotate 1 -a small/server.key
	refuses 3 'ACL.conf: No space left' \
	    acl allow -a small/ACL.conf --port 22 --key 1
	refuses 3 'No space left' keygen -n 2 --client 192.0.2.1:22 \
	    --both small -a small/server.key
	cmp small/server.key key.before
	cmp small/ACL.conf acl.before
	same 'ACL.conf filler server.key' "$(find small -type f -printf '%f\n' | sort | xargs)"
	rm small/filler
	exits 0 "$TAP" keygen -n 2 -a small/server.key
	same 2 "$(wc -l <small/server.key)"
}

# No inode for a new file.
case_no_inodes()
{
	need_root
	mkdir small
	mount -t tmpfs -o nr_inodes=3,mode=700 tmpfs small ||
		skip 'no tmpfs can be mounted here'
	key_line 1 >small/server.key
	touch small/other
	cp small/server.key before
	refuses 3 'No space left' keygen -n 2 -a small/server.key
	cmp small/server.key before
	same 'other server.key' "$(find small -type f -printf '%f\n' | sort | xargs)"
}

# Standard output on a full disk: said, and the exit status tells.
case_full_output()
{
	local got=0

	"$TAP" keygen -n 1 >/dev/full 2>err || got=$?
	same 3 $got
	has "$(cat err)" 'standard output: No space left'
	got=0
	"$TAP" acl -h >/dev/full 2>err || got=$?
	same 3 $got
	# Nor is there a key that nobody was given.
	got=0
	"$TAP" keygen -a server.key --client 192.0.2.1:22 >/dev/full 2>err ||
		got=$?
	same 3 $got
	[ ! -e server.key ] || fail "a key file is left"
	key_line 1 >server.key
	cp server.key before
	got=0
	"$TAP" keygen --invite 192.0.2.1:22 -a server.key --passphrase-fd 3 \
	    3<<<'open, sesame #1' >/dev/full 2>err || got=$?
	same 3 $got
	same 1 "$(wc -l <err)"
	cmp server.key before
	same 'before err server.key' "$(find . -type f -printf '%f\n' | sort | xargs)"
	# Whoever was to get it hung up.
	mkfifo pipe
	exec 8<>pipe
	exec 9>pipe
	exec 8<&-
	got=0
	"$TAP" keygen -a server.key --client 192.0.2.1:22 >&9 2>err || got=$?
	exec 9>&-
	same 3 $got
	cmp server.key before
}

# No file may grow past some size: an error, not a signal.
case_limited_file_size()
{
	key_line 1 >server.key
	cp server.key before
	exits 3 prlimit --fsize=100 "$TAP" keygen -n 2 --count 5 -a server.key
	same 'server.key: File too large' "$(cat err)"
	cmp server.key before
	exits 3 prlimit --fsize=100 "$TAP" keygen -n 2 \
	    --client 192.0.2.1:22 --both both.d -a server.key
	has "$(cat err)" '^both.d/TAPclientd.conf: File too large$'
	cmp server.key before
	[ ! -e both.d ]
	exits 3 prlimit --fsize=100 "$TAP" keygen -n 2
	has "$(cat err)" 'standard output: File too large'
	same 'before err out server.key' "$(all_in .)"
}

# --both: after a kill at any call there is nothing, or a rest that the next
# run ends: then both files are there, with one key, and nothing else.
case_both_killed()
{
	local call when got reruns=0

	command -v strace >/dev/null || skip 'strace is not installed'
	for call in write fsync linkat renameat renameat2 unlinkat; do
		for ((when = 1; when < 40; when++)); do
			rm -rf d
			mkdir d
			strace -f -o trace -e trace="$call" -e \
			    inject="$call":signal=KILL:when=$when "$TAP" \
			    keygen -n 2 --client 192.0.2.1:22 --both d \
			    >/dev/null 2>&1 && break
			got=0
			"$TAP" keygen -n 2 --client 192.0.2.1:22 --both d \
			    >out 2>err || got=$?
			case $got in
			0) reruns=$((reruns + 1)) ;;
			1) has "$(cat err)" 'key_no 2 stands in line 1 already' ;;
			*) fail "$call, $when: $(cat err)" ;;
			esac
			same 'TAPclientd.conf server.key' "$(all_in d)" \
			    "$call, $when"
			same 1 "$(wc -l <d/server.key)" "$call, $when"
			same "$(grep -o 'key=0x[0-9A-F]*' d/server.key)" \
			    "$(grep -o 'key=0x[0-9A-F]*' d/TAPclientd.conf)"
		done
		[ "$when" -lt 40 ]
	done
	# Most of the time it begins anew.
	[ $reruns -ge 5 ]
}

# Where a file can't be made without a name, too; and with other signals.
case_both_interrupted()
{
	local signal got

	command -v strace >/dev/null || skip 'strace is not installed'
	for signal in TERM HUP USR1; do
		for call in write:when=1 fsync:when=2; do
			rm -rf d
			got=0
			strace -f -o trace \
			    -e inject=linkat:error=ENOENT \
			    -e inject="$call:signal=$signal" "$TAP" keygen \
			    -n 2 --client 192.0.2.1:22 --both d --count 3 \
			    >out 2>err || got=$?
			[ $got -gt 128 ] || fail "$signal: status $got"
			# All of it or nothing.
			if [ -e d ]; then
				same "TAPclientd-2.conf TAPclientd-3.conf$(
					) TAPclientd-4.conf server.key" \
				    "$(all_in d)" "$signal at $call"
				same 3 "$(wc -l <d/server.key)"
			fi
		done
	done
}

# Another's file is not ours to remove.
case_both_leaves_others_alone()
{
	mkdir d
	touch d/.TAPclientd.conf.0123456789ABCDE d/.TAPclientd.conf.swp \
	    d/.TAPclientd.bak.0123456789ABCDEF \
	    d/TAPclientd.conf.0123456789ABCDEF
	"$TAP" keygen -n 2 --client 192.0.2.1:22 --both d
	same 6 "$(all_in d | wc -w)"
}

# tap dies where it makes this system call.
dies_at()
{
	local call=$1

	shift
	strace -f -o trace -e trace="$call" \
	    -e inject="$call":signal=KILL:when=1 "$TAP" "$@" \
	    >/dev/null 2>&1 && fail "lives on after $call: $*"
	grep -q 'killed by SIGKILL' trace || {
		cat trace >&2
		fail "not killed at $call"
	}
}

case_killed()
{
	local call got

	command -v strace >/dev/null || skip 'strace is not installed'
	key_line 1 >server.key
	echo 'port=80, key_no=1' >ACL.conf
	cp server.key key.before
	cp ACL.conf acl.before
	# On entering rename, too, the call is not made any more.
	for call in flock unlinkat write fsync renameat; do
		dies_at $call keygen -n 2 -a server.key
		dies_at $call keygen --rotate 1 -a server.key
		dies_at $call acl allow -a ACL.conf --port 80 --key 2
		# renameat is the moment: old or new, and whole.
		for file in server.key ACL.conf; do
			case $file in
			server.key) cmp -s $file key.before ;;
			*) cmp -s $file acl.before ;;
			esac || {
				[ $call = renameat ] ||
					fail "$file changed at $call"
			}
		done
		"$TAP" server --check -p 80 -k server.key -a ACL.conf
		cp key.before server.key
		cp acl.before ACL.conf
	done
	# What they left is nobody's: the next one removes it.
	got=$("$TAP" keygen -n 2 -a server.key)
	same 2 "$got"
	exits 0 "$TAP" acl allow -a ACL.conf -k server.key --port 80 --key 2
	same '' "$(find . -name '.*.new')" 'left over'
	same 2 "$(wc -l <server.key)"
}

# Every call that can fail does, once: an error, and the old content.
case_calls_fail()
{
	local call got

	command -v strace >/dev/null || skip 'strace is not installed'
	key_line 1 >server.key
	cp server.key before
	for call in fsync:error=EIO:when=1 renameat:error=EIO \
	    write:error=ENOSPC:when=1 flock:error=ENOLCK \
	    getrandom:error=ENOSYS unlinkat:error=EACCES:when=1; do
		got=0
		strace -f -o trace -e inject="$call" \
		    "$TAP" keygen -n 2 -a server.key >out 2>err || got=$?
		same 3 $got "$call: $(cat err)"
		same 1 "$(wc -l <err)" "lines of $(cat err)"
		same '' "$(cat out)"
		cmp server.key before
	done
	exits 0 "$TAP" keygen -n 2 -a server.key
	same '' "$(find . -name '.*.new')" 'left over'
}

run_cases
