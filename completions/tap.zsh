#compdef tap
# SPDX-License-Identifier: ISC
# Completion of tap(8) for zsh. A command is a line in _tap_commands and a
# function _tap_COMMAND.

_tap_commands()
{
	local -a commands=(
		"server:hide this host's services from strangers"
		"client:authenticate this host's connections"
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
	    '(- *)'{-h,--help}'[print the usage]'
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
