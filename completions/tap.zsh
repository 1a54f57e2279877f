#compdef tap
# SPDX-License-Identifier: ISC
# Completion of tap(8) for zsh. A command is a line in _tap_commands and a
# function _tap_COMMAND.

_tap_commands()
{
	local -a commands=(
		"server:hide this host's services from strangers"
		"client:authenticate this host's connections"
		'keygen:make keys, for the server and its clients'
		'acl:check, show and change who may use what'
		'scan-check:see what a port scanner sees'
		'probe-path:see whether TAP passes a network'
		'replay-test:see whether replays get in'
		'help:list the commands, or tell the options of one'
	)

	_describe command commands
}

_tap_server()
{
	_arguments -s \
	    '(-c --conf -p --port)'{-c+,--conf=}'[settings and rules]:file:_files' \
	    '(-k --keys)'{-k+,--keys=}'[keys]:file:_files' \
	    '(-a --acl)'{-a+,--acl=}'[who may use what]:file:_files' \
	    '(-p --port -c --conf)'{-p+,--port=}'[protect these ports, without -c]:ports:_ports' \
	    '--check[validate the configuration, and do nothing else]' \
	    '--print-rules[print the firewall rules, and do nothing else]' \
	    '--print-unit[print a systemd unit, and do nothing else]' \
	    '--status[ask the running server]' \
	    '--confirm=[take the rules away again unless confirmed]:seconds:' \
	    '--confirm-now[confirm]' \
	    '--metrics=[write numbers for Prometheus every few seconds]:file:_files' \
	    '--queue=[the NFQUEUE to use, or the server to ask]:number:' \
	    '--json[with --status\: JSON]' \
	    '(-v --verbose)'{-v,--verbose}'[log more]' \
	    '(- *)'{-h,--help}'[print the usage]'
}

_tap_client()
{
	_arguments -s \
	    '(-c --conf)'{-c+,--conf=}'[settings and rules]:file:_files' \
	    '--backend=[how to see SYNs go out]:backend:(netfilter pcap)' \
	    '--to=[authenticate the connections of one command to there]:host and port:' \
	    '--proxy=[connect there for standard input and output]:host and port:' \
	    '(-k --keys)'{-k+,--keys=}'[keys, as a server has them]:file:_files' \
	    '--key-no=[which of them, where there are several]:number:' \
	    '--check[validate the configuration, and do nothing else]' \
	    '--print-rules[print the firewall rules, and do nothing else]' \
	    '--print-unit[print a systemd unit, and do nothing else]' \
	    '--status[ask the running client]' \
	    '--queue=[the NFQUEUE to use, or the client to ask]:number:' \
	    '--json[with --status\: JSON]' \
	    '(-v --verbose)'{-v,--verbose}'[log more]' \
	    '--passphrase-fd=[read the passphrase of a sealed file from a descriptor]:number:' \
	    '(- *)'{-h,--help}'[print the usage]'
}

_tap_keygen()
{
	_arguments -s \
	    '(-n --key-no)'{-n+,--key-no=}'[the number, 0 to 65535]:number:' \
	    '--name=[whose it is, for the log]:text:' \
	    '--alg=[hmac-sha256 or hmac-md5]:alg:(hmac-sha256 hmac-md5)' \
	    '--auth=[30, 60, 89 or 118 bits of authenticator]:bits:(30 60 89 118)' \
	    '--bytes=[bytes of secret, 16 to 64]:number:' \
	    '--realm=[the service or cluster it is for]:text:' \
	    '--not-before=[valid from]:time:' \
	    '--not-after=[valid until]:time:' \
	    '--valid=[valid for, as 90d]:span:' \
	    '--count=[so many keys, past taken numbers]:number:' \
	    '--client=[print the client'\''s rule for HOST\:PORT instead]:text:' \
	    '(-a --append)'{-a+,--append=}'[put the line into a key file]:file:_files' \
	    '--both=[write server.key and TAPclientd.conf there]:directory:_files -/' \
	    '--rotate=[make this key'\''s successor]:number:' \
	    '--overlap=[how long both are valid]:span:' \
	    '--passphrase[seal what the client gets]' \
	    '--passphrase-fd=[read the passphrase from a descriptor]:number:' \
	    '--json[JSON, one object a line]' \
	    '(- *)'{-h,--help}'[print the usage]'
}

_tap_acl()
{
	_arguments -s \
	    '(-c --conf)'{-c+,--conf=}'[settings and rules]:file:_files' \
	    '(-k --keys)'{-k+,--keys=}'[keys]:file:_files' \
	    '(-a --acl)'{-a+,--acl=}'[who may use what]:file:_files' \
	    '(-p --port)'{-p+,--port=}'[a port, or a range of ports]:port:_ports' \
	    '(-n --key)'{-n+,--key=}'[numbers of keys]:number:' \
	    '--within=[check\: warn of keys that end within]:span:' \
	    '--strict[check\: exit 1 where there are warnings]' \
	    '--at=[test\: at that time, not now]:time:' \
	    '--src=[test\: from there]:text:' \
	    '--dry-run[allow, deny\: show the change only]' \
	    '--reload[allow, deny\: tell the running server]' \
	    '--queue=[allow, deny\: the running server'\''s NFQUEUE]:number:' \
	    '--json[JSON]' \
	    '(- *)'{-h,--help}'[print the usage]' \
	    '1:verb:(check show test allow deny)'
}

_tap_scan-check()
{
	_arguments -s \
	    '(-p --port)'{-p+,--port=}'[ports to scan]:ports:_ports' \
	    '--scan=[ways to scan]:scan:_values -s , scan all syn connect fin null xmas ack window maimon syn-data syn-ecn udp' \
	    '(--nmap-xml)''--nmap[run nmap, too, and compare]' \
	    '(--nmap)''--nmap-xml=[compare with what nmap wrote as XML]:file:_files' \
	    '--expect=[open, closed or filtered, or 22=filtered,80=open]:state:(filtered closed open)' \
	    '--before=[compare with JSON of an earlier run]:file:_files' \
	    '--against=[look for any difference to this port'\''s answers]:port:_ports' \
	    '--samples=[of each, for that, 20 to 1000]:number:' \
	    '--as-client[with a running tap client\: expect open]' \
	    '--rate=[packets a second]:number:' \
	    '(-w --write)'{-w+,--write=}'[keep all packets, as pcap]:file:_files' \
	    '--json[JSON]' \
	    '(- *)'{-h,--help}'[print the usage]' \
	    ':host:_hosts'
}

_tap_probe-path()
{
	_arguments -s \
	    '--listen[be the far side]' \
	    '(-i --interface)'{-i+,--interface=}'[listen on this device, not on all]:device:_net_interfaces' \
	    '(-p --port)'{-p+,--port=}'[8270 unless named]:port:_ports' \
	    '(-k --keys)'{-k+,--keys=}'[a key file\: who may use the far side]:file:_files' \
	    '--key-no=[which of its keys]:number:' \
	    '--count=[how often each field is tried, 1 to 20]:number:' \
	    '--trace[name the hop at which a field changes]' \
	    '(-6)''-4[only IPv4]' \
	    '(-4)''-6[only IPv6]' \
	    '--offline=[write the plan there, and ask no far side]:file:_files' \
	    '--compare=[a plan, with what a capture has of it]:file:_files' \
	    '(-w --write)'{-w+,--write=}'[keep all packets, as pcap]:file:_files' \
	    '--json[JSON]' \
	    '(- *)'{-h,--help}'[print the usage]' \
	    ':host:_hosts'
}

_tap_replay-test()
{
	_arguments -s \
	    '(-p --port)'{-p+,--port=}'[the hidden port]:port:_ports' \
	    '(-k --keys)'{-k+,--keys=}'[keys, as the server has them]:file:_files' \
	    '--key-no=[which of them, where there are several]:number:' \
	    '(--live)''--pcap=[replay a group of this recording]:file:_files' \
	    '(--pcap)''--live=[record one from the wire]:device:_net_interfaces' \
	    '--seconds=[for so long at most]:number:' \
	    '*--i-am-responsible-for=[that host may be attacked]:host:_hosts' \
	    '--attack=[these attacks alone]:attack:_values -s , attack all plain again thousand other-ports other-address other-mark reversed flip-isn flip-flags flip-key flip-fraction flip-second flip-marks flip-syn3 flip-syn4 flip-syn5 flip-syn6 mixed split time-now future past flags other-service other-server race fragments options data displaced delay-half delay-edge delay-past delay-ahead restart guess' \
	    '--from=[another address of this host]:address:' \
	    '--other-port=[another hidden port there]:port:_ports' \
	    '--also=[another server with the key]:host:_hosts' \
	    '--hook=[restarts or reloads the server]:command:' \
	    '--patient[wait until groups are too old]' \
	    '--tolerance=[of the server]:seconds:' \
	    '--times=[how often the same group is sent]:number:' \
	    '--fill=[groups that are to displace one]:number:' \
	    '--guess-rate=[guesses a second]:number:' \
	    '--guess-seconds=[how long to guess]:number:' \
	    '--rate=[packets a second, at most]:number:' \
	    '--json[JSON]' \
	    '(- *)'{-h,--help}'[print the usage]' \
	    ':host:_hosts'
}

_tap_help()
{
	_arguments ':command:_tap_commands'
}

_tap()
{
	local curcontext=$curcontext state line
	local -A opt_args

	_arguments -C \
	    '(- *)'{-h,--help}'[list the commands]' \
	    '(- *)'{-V,--version}'[print the version]' \
	    ':command:_tap_commands' \
	    '*::argument:->argument'
	if [[ $state = argument ]] && (( $+functions[_tap_$line[1]] )); then
		curcontext=${curcontext%:*}-$line[1]:
		_tap_$line[1]
	fi
}

_tap "$@"
