# SPDX-License-Identifier: ISC
# Completion of tap(8) for fish. Lines that begin with `__tap_option COMMAND`
# are the options of a command.

# Whether the command typed is one of those; without any, whether there is
# none yet.
function __tap_command
    set -l words (commandline -opc)
    if not set -q argv[1]
        test (count $words) -eq 1
        return
    end
    test (count $words) -ge 2; and contains -- $words[2] $argv
end

function __tap_option
    complete -c tap -n "__tap_command $argv[1]" $argv[2..-1]
end

complete -c tap -f
complete -c tap -n __tap_command -a server -d "hide this host's services from strangers"
complete -c tap -n __tap_command -a client -d "authenticate this host's connections"
complete -c tap -n __tap_command -a help -d 'list the commands, or tell the options of one'
complete -c tap -n __tap_command -s h -l help -d 'list the commands'
complete -c tap -n __tap_command -s V -l version -d 'print the version'
complete -c tap -n '__tap_command help' -a 'server client'

__tap_option server -s c -l conf -r -F -d 'settings and rules'
__tap_option server -s k -l keys -r -F -d keys
__tap_option server -s a -l acl -r -F -d 'who may use what'
__tap_option server -s p -l port -x -d 'protect these ports, without -c'
__tap_option server -l check -d 'validate the configuration, and do nothing else'
__tap_option server -l print-rules -d 'print the firewall rules, and do nothing else'
__tap_option server -l print-unit -d 'print a systemd unit, and do nothing else'
__tap_option server -l status -d 'ask the running server'
__tap_option server -l confirm -x -d 'take the rules away again unless confirmed'
__tap_option server -l confirm-now -d confirm
__tap_option server -l metrics -r -F -d 'write numbers for Prometheus every few seconds'
__tap_option server -l queue -x -d 'the NFQUEUE to use, or the server to ask'
__tap_option server -l json -d 'with --status: JSON'
__tap_option server -s v -l verbose -d 'log more'
__tap_option server -s h -l help -d 'print the usage'

__tap_option client -s c -l conf -r -F -d 'settings and rules'
__tap_option client -l to -x -d 'authenticate the connections of one command to there'
__tap_option client -l proxy -x -d 'connect there for standard input and output'
__tap_option client -s k -l keys -r -F -d 'keys, as a server has them'
__tap_option client -l key-no -x -d 'which of them, where there are several'
__tap_option client -l check -d 'validate the configuration, and do nothing else'
__tap_option client -l print-rules -d 'print the firewall rules, and do nothing else'
__tap_option client -l print-unit -d 'print a systemd unit, and do nothing else'
__tap_option client -l status -d 'ask the running client'
__tap_option client -l queue -x -d 'the NFQUEUE to use, or the client to ask'
__tap_option client -l json -d 'with --status: JSON'
__tap_option client -s v -l verbose -d 'log more'
__tap_option client -s h -l help -d 'print the usage'
