#!/bin/bash
# SPDX-License-Identifier: ISC
#
# What the client makes of a SYN of the kernel: each frame is that SYN but for
# the four fields that the protocol names, in the order it names, with the
# authenticator that a client written from the protocol computes.

# Cases are called by check.
# shellcheck disable=SC2317
# shellcheck source=tests/hosts/lib.sh
. "$(dirname "$0")/lib.sh"

frames()
{
	local key=$1 family=$2

	lab server client
	http_start server 80
	tap_start server server server -p 80 -k "$(key_file "$(reference keys)")"
	# Those of the fast path are in test_egress.sh.
	tap_start client client client -c "$(key_file fastpath=off \
	    mark=0x1000000 "$(reference rule "$key" dst_port=80)")"
	log_syns client
	capture frames client eth0 'tcp port 80'
	capture orig client nflog:7
	for _ in 1 2 3; do
		page client "$family"
	done
	capture_end frames client
	capture_end orig client
	same '3' "$(tap_status client client authenticated)"
	same '3' "$(tap_status server server accepted)"
	reference frames "$key" 80 "$work/frames.pcap" "$work/orig.pcap"
}

for key in 10 11 12 13 14; do
	for family in 4 6; do
		check "key$key-ipv$family" frames $key $family
	done
done
finish
