# SPDX-License-Identifier: ISC
# Completion of tap(8) for bash. A command's options are one line in
# _tap_options; what an option's or a command's argument can be is in
# _tap_argument.

_tap_commands='server client keygen acl scan-check probe-path replay-test help'
_tap_verbs='check show test allow deny'

# COMMAND: its options, each as NAME[,NAME][=KIND of argument].
_tap_options()
{
	case $1 in
	server)
		echo '-c,--conf=file -k,--keys=file -a,--acl=file' \
		    '-p,--port=service --check --print-rules --print-unit' \
		    '--status --confirm=number --confirm-now' \
		    '--metrics=file --queue=number --json -v,--verbose -h,--help'
		;;
	client)
		echo '-c,--conf=file --backend=backend --to=host --proxy=host -k,--keys=file' \
		    '--key-no=number --check --print-rules --print-unit --status' \
		    '--queue=number --json -v,--verbose -h,--help' \
		    '--passphrase-fd=number'
		;;
	keygen)
		echo '-n,--key-no=number --name=text --alg=alg --auth=bits' \
		    '--bytes=number --realm=text --not-before=time' \
		    '--not-after=time --valid=span --count=number' \
		    '--client=text -a,--append=file --both=directory' \
		    '--rotate=number --overlap=span --passphrase' \
		    '--passphrase-fd=number --json -h,--help'
		;;
	acl)
		echo '-c,--conf=file -k,--keys=file -a,--acl=file' \
		    '-p,--port=service -n,--key=number --within=span' \
		    '--strict --at=time --src=text --dry-run --reload' \
		    '--queue=number --json -h,--help'
		;;
	scan-check)
		echo '-p,--port=service --scan=scan --nmap --nmap-xml=file' \
		    '--expect=state --before=file --against=service' \
		    '--samples=number --as-client --rate=number' \
		    '-w,--write=file --json -h,--help'
		;;
	probe-path)
		echo '--listen -i,--interface=device -p,--port=service' \
		    '-k,--keys=file --key-no=number --count=number --trace' \
		    '-4 -6 --offline=file --compare=file -w,--write=file' \
		    '--json -h,--help'
		;;
	replay-test)
		echo '-p,--port=service -k,--keys=file --key-no=number' \
		    '--pcap=file --live=device --seconds=number' \
		    '--i-am-responsible-for=host --attack=attack --from=text' \
		    '--other-port=service --also=host --hook=text --patient' \
		    '--tolerance=number --times=number --fill=number' \
		    '--guess-rate=number --guess-seconds=number' \
		    '--rate=number --json -h,--help'
		;;
	help) ;;
	*) echo '-h,--help -V,--version' ;;
	esac
}

# KIND WORD: what may stand there, into COMPREPLY.
_tap_argument()
{
	local words=''

	case $1 in
	file)
		mapfile -t COMPREPLY < <(compgen -f -- "$2")
		# Names are quoted; and ~ is left to readline.
		compopt -o filenames -o default 2>/dev/null
		return
		;;
	service)
		mapfile -t COMPREPLY < <(compgen -s -- "$2")
		return
		;;
	directory)
		mapfile -t COMPREPLY < <(compgen -d -- "$2")
		compopt -o filenames -o default 2>/dev/null
		return
		;;
	alg) words='hmac-sha256 hmac-md5' ;;
	bits) words='30 60 89 118' ;;
	scan)
		words='all syn connect fin null xmas ack window maimon'
		words+=' syn-data syn-ecn udp'
		;;
	attack)
		words='all plain again thousand other-ports other-address'
		words+=' other-mark reversed flip-isn flip-flags flip-key'
		words+=' flip-fraction flip-second flip-marks flip-syn3'
		words+=' flip-syn4 flip-syn5 flip-syn6 mixed split time-now'
		words+=' future past flags other-service other-server race'
		words+=' fragments options data displaced delay-half'
		words+=' delay-edge delay-past delay-ahead restart guess'
		;;
	device) words=$(command ls /sys/class/net 2>/dev/null) ;;
	state) words='filtered closed open' ;;
	verb) words=$_tap_verbs ;;
	command) words=$_tap_commands ;;
	backend) words='netfilter pcap' ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$2")
}

# COMMAND OPTION: the kind of its argument, or nothing.
_tap_kind()
{
	local option

	for option in $(_tap_options "$1"); do
		case ,${option%%=*}, in
		*,"$2",*)
			case $option in
			*=*) echo "${option#*=}" ;;
			esac
			;;
		esac
	done
}

# COMMAND: all names of its options.
_tap_names()
{
	local option

	for option in $(_tap_options "$1"); do
		option=${option%%=*}
		echo "${option//,/ }"
	done
}

_tap()
{
	local word=${COMP_WORDS[COMP_CWORD]} before='' command='' kind

	COMPREPLY=()
	[ "$COMP_CWORD" -lt 1 ] || before=${COMP_WORDS[COMP_CWORD - 1]}
	[ "$COMP_CWORD" -lt 2 ] || command=${COMP_WORDS[1]}

	# --conf=FILE comes as three words: "--conf", "=", "FILE".
	if [ "$word" = = ]; then
		word=
	elif [ "$before" = = ]; then
		before=${COMP_WORDS[COMP_CWORD - 2]}
	fi

	kind=$(_tap_kind "$command" "$before")
	if [ -n "$kind" ]; then
		_tap_argument "$kind" "$word"
	elif [[ $command = acl && $COMP_CWORD -eq 2 && $word != -* ]]; then
		_tap_argument verb "$word"
	elif [[ $word = -* || ( $command && $command != help ) ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_tap_names "$command")" \
		    -- "$word")
	elif [ "$COMP_CWORD" -le 2 ]; then
		_tap_argument command "$word"
	fi
}

complete -F _tap tap
