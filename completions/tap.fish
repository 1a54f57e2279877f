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
complete -c tap -n __tap_command -a keygen -d 'make keys, for the server and its clients'
complete -c tap -n __tap_command -a acl -d 'check, show and change who may use what'
complete -c tap -n __tap_command -a scan-check -d 'see what a port scanner sees'
complete -c tap -n __tap_command -a probe-path -d 'see whether TAP passes a network'
complete -c tap -n __tap_command -a replay-test -d 'see whether replays get in'
complete -c tap -n __tap_command -a help -d 'list the commands, or tell the options of one'
complete -c tap -n __tap_command -s h -l help -d 'list the commands'
complete -c tap -n __tap_command -s V -l version -d 'print the version'
complete -c tap -n '__tap_command help' -a 'server client keygen acl scan-check probe-path replay-test'

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
__tap_option client -l backend -x -a 'netfilter pcap' -d 'how to see SYNs go out'
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
__tap_option client -l passphrase-fd -x -d 'read the passphrase of a sealed file from a descriptor'

__tap_option keygen -s n -l key-no -x -d 'the number, 0 to 65535'
__tap_option keygen -l name -x -d 'whose it is, for the log'
__tap_option keygen -l alg -x -a 'hmac-sha256 hmac-md5' -d 'hmac-sha256 or hmac-md5'
__tap_option keygen -l auth -x -a '30 60 89 118' -d '30, 60, 89 or 118 bits of authenticator'
__tap_option keygen -l bytes -x -d 'bytes of secret, 16 to 64'
__tap_option keygen -l realm -x -d 'the service or cluster it is for'
__tap_option keygen -l not-before -x -d 'valid from'
__tap_option keygen -l not-after -x -d 'valid until'
__tap_option keygen -l valid -x -d 'valid for, as 90d'
__tap_option keygen -l count -x -d 'so many keys, past taken numbers'
__tap_option keygen -l client -x -d "print the client's rule for HOST:PORT instead"
__tap_option keygen -s a -l append -r -F -d 'put the line into a key file'
__tap_option keygen -l both -x -a '(__fish_complete_directories)' -d 'write server.key and TAPclientd.conf there'
__tap_option keygen -l rotate -x -d "make this key's successor"
__tap_option keygen -l overlap -x -d 'how long both are valid'
__tap_option keygen -l passphrase -d 'seal what the client gets'
__tap_option keygen -l passphrase-fd -x -d 'read the passphrase from a descriptor'
__tap_option keygen -l json -d 'JSON, one object a line'
__tap_option keygen -s h -l help -d 'print the usage'

complete -c tap -n '__tap_command acl' -a 'check show test allow deny'
__tap_option acl -s c -l conf -r -F -d 'settings and rules'
__tap_option acl -s k -l keys -r -F -d 'keys'
__tap_option acl -s a -l acl -r -F -d 'who may use what'
__tap_option acl -s p -l port -x -d 'a port, or a range of ports'
__tap_option acl -s n -l key -x -d 'numbers of keys'
__tap_option acl -l within -x -d 'check: warn of keys that end within'
__tap_option acl -l strict -d 'check: exit 1 where there are warnings'
__tap_option acl -l at -x -d 'test: at that time, not now'
__tap_option acl -l src -x -d 'test: from there'
__tap_option acl -l dry-run -d 'allow, deny: show the change only'
__tap_option acl -l reload -d 'allow, deny: tell the running server'
__tap_option acl -l queue -x -d "allow, deny: the running server's NFQUEUE"
__tap_option acl -l json -d 'JSON'
__tap_option acl -s h -l help -d 'print the usage'

__tap_option scan-check -s p -l port -x -d 'ports to scan, as 22,80,8000-8010'
__tap_option scan-check -l scan -x -a 'all syn connect fin null xmas ack window maimon syn-data syn-ecn udp' -d 'ways to scan'
__tap_option scan-check -l nmap -d 'run nmap, too, and compare'
__tap_option scan-check -l nmap-xml -r -F -d 'compare with what nmap wrote as XML'
__tap_option scan-check -l expect -x -a 'filtered closed open' -d 'what it should be, for all ports or as 22=filtered,80=open'
__tap_option scan-check -l before -r -F -d 'compare with JSON of an earlier run'
__tap_option scan-check -l against -x -d "look for any difference to this port's answers"
__tap_option scan-check -l samples -x -d 'of each, for that, 20 to 1000'
__tap_option scan-check -l as-client -d 'with a running tap client: expect open'
__tap_option scan-check -l rate -x -d 'packets a second'
__tap_option scan-check -s w -l write -r -F -d 'keep all packets, as pcap'
__tap_option scan-check -l json -d JSON
__tap_option scan-check -s h -l help -d 'print the usage'

__tap_option probe-path -l listen -d 'be the far side'
__tap_option probe-path -s i -l interface -x -a '(command ls /sys/class/net)' -d 'listen on this device, not on all'
__tap_option probe-path -s p -l port -x -d '8270 unless named'
__tap_option probe-path -s k -l keys -r -F -d 'a key file: who may use the far side'
__tap_option probe-path -l key-no -x -d 'which of its keys'
__tap_option probe-path -l count -x -d 'how often each field is tried, 1 to 20'
__tap_option probe-path -l trace -d 'name the hop at which a field changes'
__tap_option probe-path -s 4 -d 'only IPv4'
__tap_option probe-path -s 6 -d 'only IPv6'
__tap_option probe-path -l offline -r -F -d 'write the plan there, and ask no far side'
__tap_option probe-path -l compare -r -F -d 'a plan, with what a capture has of it'
__tap_option probe-path -s w -l write -r -F -d 'keep all packets, as pcap'
__tap_option probe-path -l json -d JSON
__tap_option probe-path -s h -l help -d 'print the usage'
__tap_option replay-test -s p -l port -x -d 'the hidden port'
__tap_option replay-test -s k -l keys -r -F -d 'keys, as the server has them'
__tap_option replay-test -l key-no -x -d 'which of them, where there are several'
__tap_option replay-test -l pcap -r -F -d 'replay a group of this recording'
__tap_option replay-test -l live -x -a '(command ls /sys/class/net)' -d 'record one from the wire'
__tap_option replay-test -l seconds -x -d 'for so long at most'
__tap_option replay-test -l i-am-responsible-for -x -d 'that host may be attacked'
__tap_option replay-test -l attack -x -a 'all plain again thousand other-ports other-address other-mark reversed flip-isn flip-flags flip-key flip-fraction flip-second flip-marks flip-syn3 flip-syn4 flip-syn5 flip-syn6 mixed split time-now future past flags other-service other-server race fragments options data displaced delay-half delay-edge delay-past delay-ahead restart guess' -d 'these attacks alone'
__tap_option replay-test -l from -x -d 'another address of this host'
__tap_option replay-test -l other-port -x -d 'another hidden port there'
__tap_option replay-test -l also -x -d 'another server with the key'
__tap_option replay-test -l hook -x -d 'restarts or reloads the server'
__tap_option replay-test -l patient -d 'wait until groups are too old'
__tap_option replay-test -l tolerance -x -d 'of the server, seconds'
__tap_option replay-test -l times -x -d 'how often the same group is sent'
__tap_option replay-test -l fill -x -d 'groups that are to displace one'
__tap_option replay-test -l guess-rate -x -d 'guesses a second'
__tap_option replay-test -l guess-seconds -x -d 'how long to guess'
__tap_option replay-test -l rate -x -d 'packets a second, at most'
__tap_option replay-test -l json -d JSON
__tap_option replay-test -s h -l help -d 'print the usage'
