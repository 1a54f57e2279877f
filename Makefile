# SPDX-License-Identifier: ISC
#
#: make                        one static ./tap (musl, libpcap, BearSSL);
#:                             names what is missing, and installs nothing
#: make deps                   installs what make needs (Debian, as root)
#: make CC=gcc DEPS=system     a dynamic one, with the system's libraries;
#:                             SAN=1: address and undefined sanitizers
#: make ARCH=aarch64           .build/aarch64/tap, or armhf, mips64el, s390x,
#:                             riscv64: by Debian's cross compilers
#: make cross                  tests of these, emulated; needs an hour
#: make portable               .build/portable/tap: client, keygen and acl alone,
#:                             of POSIX and libpcap; on a BSD: gmake portable
#:                             CC=cc DEPS=system CPPFLAGS=-I/usr/local/include
#:                             LDFLAGS=-L/usr/local/lib
#: make windows                .build/windows/tap.exe: the same for Windows,
#:                             by mingw-w64
#: make demo                   shows it at work between network namespaces
#: make check                  all tests; or alone: unit unit-san
#:                             unit-valgrind unit-cross fuzz-replay rules lint docs
#:                             model reproducible hosts keys soak timing guests qemu;
#:                             PROPERTY_SEED=1 and PROPERTY_STEPS= are for
#:                             tests at random
#: make hosts HOSTS='scans nat'  these alone; TEST_FASTPATH=off: by the queue,
#:                             but for what is about the fast path
#: make check-fast             in two minutes: unit tests, rules, documents,
#:                             real connections
#: make fuzz                   every fuzzer, with clang: FUZZ_SECONDS=60,
#:                             FUZZ_RUNS=-1, FUZZ=fuzz_X for one alone
#: make coverage               which lines and branches the tests reach;
#:                             COVERAGE_HOSTS='scans nat': with these alone of
#:                             the tests with hosts, or with none: ''
#: make soak                   through one server: SOAK_CONNECTIONS=2000,
#:                             SOAK_PACKETS=100000 hostile ones, and
#:                             SOAK_PAIRS=100000 connections behind any packet
#: make faulty                 .build/static-faulty/tap, which TAP_FAULT breaks
#:                             on purpose, for the tests of replay-test
#: make bench                  measures it, in half an hour, against what else
#:                             there is: BENCH=PART for one alone,
#:                             BENCH_ROUNDS=5, BENCH_FLAGS=--json
#: make install | uninstall    PREFIX=/usr/local DESTDIR= SYSCONFDIR=/etc
#:                             BINDIR= MANDIR= BASHDIR= ZSHDIR= FISHDIR=
#:                             UNITDIR= SYSUSERSDIR= TMPFILESDIR=
#: make rpm | dist             where rpmbuild is there; the source, with the
#:                             libraries' in it
#: make deb                    tap_VERSION_ARCHITECTURE.deb; ARCH=aarch64
#: make format                 clang-format over all sources, as lint wants it
#: make clean | distclean      distclean: the libraries, too
#:
#: V=1 shows the commands; WERROR=1 or CI=true makes warnings errors;
#: TAP=FILE is the binary to make; PCAP_SRC=DIR and BEARSSL_SRC=DIR are
#: unpacked sources of the libraries, instead of fetching Debian's.

PREFIX ?= /usr/local
DESTDIR ?=
BINDIR ?= $(PREFIX)/bin
DATADIR ?= $(PREFIX)/share
MANDIR ?= $(DATADIR)/man
SYSCONFDIR ?= /etc
TAP ?= $(if $(ARCH),.build/$(ARCH)/)tap
DEPS ?= static
CFLAGS ?= -O2 -g

comma := ,
# Other processors: their names, Debian's for them, and the compilers'.  One
# whose system calls src/daemon/seccomp.c does not know is not built for.
ARCHS := aarch64=arm64=aarch64-linux-gnu armhf=armhf=arm-linux-gnueabihf \
	mips64el=mips64el=mips64el-linux-gnuabi64 \
	s390x=s390x=s390x-linux-gnu riscv64=riscv64=riscv64-linux-gnu
ifneq ($(ARCH),)
ARCH_NAMES := $(subst =, ,$(or $(filter $(ARCH)=%,$(ARCHS)),$(error no \
	ARCH=$(ARCH): there is $(foreach a,$(ARCHS),$(firstword $(subst =, \
	,$a))))))
FOREIGN_RUN = qemu-$(ARCH:armhf=arm)-static -L /usr/$(TRIPLET) -E \
	LD_LIBRARY_PATH=$(FOREIGN)/root/usr/lib/$(TRIPLET)
DEB_ARCH := $(word 2,$(ARCH_NAMES))
TRIPLET := $(word 3,$(ARCH_NAMES))
FOREIGN := $(CURDIR)/.deps/$(ARCH)
CC := $(TRIPLET)-gcc $(if $(filter system,$(DEPS)),-isystem \
	$(FOREIGN)/root/usr/include -L$(FOREIGN)/root/usr/lib/$(TRIPLET) \
	-Wl$(comma)--as-needed,-specs $(FOREIGN)/musl-gcc.specs)
AR := $(TRIPLET)-ar
STRIP := $(TRIPLET)-strip
endif
STRIP ?= strip

# A CC of the environment is nearly always the glibc one, which cannot link
# the static binary: only one given to make itself counts.
ifeq ($(or $(ARCH),$(filter command,$(firstword $(origin CC)))),)
CC := $(if $(filter system,$(DEPS)),gcc,musl-gcc)
endif

# SAN=fuzz: the sanitizers and libFuzzer, which only clang has.
# SAN=cov: none of them, but what is executed is counted.
SANITIZED := $(or $(filter fuzz cov,$(SAN)),san)
COUNTING := $(filter cov,$(SAN))
FLAVOUR := $(if $(filter system,$(DEPS)),$(if \
	$(SAN),$(SANITIZED),system),static$(COUNTING:%=-%))
B := .build/$(if $(PORTABLE),portable$(COUNTING:%=-%),$(FLAVOUR))$(ARCH:%=-%)
MAKEFLAGS += --no-print-directory
ifneq ($(V),1)
pretty = @printf '  %-7s %s\n' '$(1)' '$(2)';
endif

WARN := -Wall -Wextra -Wshadow -Wconversion -Wformat=2 -Wundef -Wvla \
	-Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
	-Wpointer-arith -Wwrite-strings -Wcast-align=strict -Wlogical-op \
	-Wduplicated-cond -Wduplicated-branches -Wdate-time
WARN += $(if $(filter 1 true,$(WERROR) $(CI)),-Werror)
# What only Linux or GNU has is not to be seen where it would be missed.
SYSTEM_CFLAGS := $(if $(PORTABLE),-D_DEFAULT_SOURCE -D_NETBSD_SOURCE \
	-DTAP_PORTABLE,-D_GNU_SOURCE)
BASE_CFLAGS := -std=c11 $(SYSTEM_CFLAGS) -I. -Isrc -Itests \
	-fno-strict-aliasing \
	-ffile-prefix-map=$(CURDIR)=. -ffunction-sections -fdata-sections
HARDEN := -fPIE -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
LINK := -Wl,--gc-sections,-z,relro,-z,now,-z,noexecstack

ifneq ($(DEPS),system)
PCAP := .deps/$(ARCH:%=%/)libpcap
BEARSSL := .deps/$(ARCH:%=%/)bearssl
LIBS := $(PCAP)/libpcap.a $(BEARSSL)/libbearssl.a
# musl-gcc hides the whole of /usr/include; the kernel's headers are there.
# -idirafter: musl's own come first. Recursive (=), as the compiler may have to
# be installed first.
MULTIARCH = $(or $(TRIPLET),$(shell $(CC) -print-multiarch))
KERNEL = $(if $(ARCH),-idirafter /usr/$(TRIPLET)/include,-idirafter \
	/usr/include -idirafter /usr/include/$(MULTIARCH))
FLAGS = $(BASE_CFLAGS) $(CFLAGS) $(HARDEN) $(CPPFLAGS) \
	-isystem $(PCAP)/include -isystem $(BEARSSL)/include \
	$(if $(PORTABLE),,$(KERNEL))
ifneq ($(or $(ARCH),$(filter musl-gcc,$(notdir $(CC)))),)
# The wrapper's specs know -static and -pie only: with -static-pie they take
# Scrt1.o and ask for ld-musl. So the start files are named here, as a compiler
# made for musl names them itself; rcrt1.o relocates the program.
MUSL_LIB = $(ARCH:%=$(FOREIGN)/root)/usr/lib/$(subst \
	-gnu,-musl,$(MULTIARCH:%abi64=%))
# Nothing is seen from outside: else GNU's linker for s390x leaves names to be
# looked up at the start, where nobody does.
LINK += $(ARCH:%=-Wl,--version-script=src/packaging/local.map)
crt = $(shell $(CC) -print-file-name=$(1))
START = -static-pie -nostartfiles -Wl,-static,--no-dynamic-linker,-z,text \
	$(MUSL_LIB)/rcrt1.o $(MUSL_LIB)/crti.o $(call crt,crtbeginS.o)
END = $(call crt,crtendS.o) $(MUSL_LIB)/crtn.o
else
START = -static-pie
endif
else
LDLIBS := -lpcap -lbearssl
START := -pie
FLAGS = $(BASE_CFLAGS) $(CFLAGS) $(HARDEN) $(CPPFLAGS)
ifneq ($(ARCH),)
# Debian's libraries of the other processor, unpacked here.
UNPACKED := .deps/$(ARCH)/root/of/libpcap0.8
LDLIBS += -Wl,--unresolved-symbols=ignore-in-shared-libs
endif
ifneq ($(filter-out cov,$(SAN)),)
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all
ifeq ($(FLAVOUR),fuzz)
# gcc defines it by itself; and clang knows fewer warnings.
SANITIZE += -fsanitize=fuzzer-no-link -D__SANITIZE_ADDRESS__=1 \
	-Wno-unknown-warning-option -Wno-gnu-variable-sized-type-not-at-end
endif
FLAGS := $(BASE_CFLAGS) -g $(if $(filter fuzz,$(FLAVOUR)),-O2,-O1) \
	-fno-omit-frame-pointer -fPIE $(SANITIZE) $(CPPFLAGS)
START := -pie $(SANITIZE:%fuzzer-no-link=%fuzzer)
endif
endif
ifneq ($(COUNTING),)
CFLAGS := -g -Og --coverage
HARDEN := -fPIE
START += --coverage
UNCONFINED := $(B)/tests/coverage/unconfined.o
WRAP := -Wl,--wrap=_exit,--wrap=prctl,--wrap=setresuid,--wrap=setuid \
	-Wl,--wrap=syscall,--wrap=malloc,--wrap=free
endif

# X_posix.c has for other systems what X.c has for Linux; its header is X.h.
# X_windows.c and src/windows are for make windows alone.
POSIX_SRCS := $(wildcard src/*/*_posix.c)
# What builds on them.  tests/rules.sh holds what these files may include.
PORTABLE_SRCS := tap.c $(wildcard src/protocol/*.c) \
	$(patsubst %,src/base/%.c,base64 bytes fds grow hold_signals \
		json secret siphash table text utc why) \
	$(patsubst %,src/os/%.c,linktype own_addrs resolve source_ports) \
	$(patsubst %,src/conf/%.c,acl_conf atomic_file client_conf grammar guest_conf guest_rule hints include \
		invite key_line \
		keyfile options passphrase passphrase_terminal seal sealed_file settings splice \
		server_conf server_files share_conf switch_conf trusted_file value words) \
	$(patsubst %,src/daemon/%.c,log log_sink stats) src/guests/owner.c \
	$(patsubst %,src/client/%.c,accept backend_pcap client_posix outbound \
		pcap_io unlock) \
	$(filter-out src/acl/bundle_to.c src/acl/fleet.c src/acl/push.c, \
		$(wildcard src/acl/*.c)) $(patsubst %,src/keygen/%.c,both cmd_keygen \
		keygen keyfile_edit output reload rotate) \
	$(POSIX_SRCS)
# ROOMS: of these folders alone, for tests of theirs.
SRCS := $(if $(PORTABLE),$(PORTABLE_SRCS),tap.c $(filter-out %.bpf.c \
	%_posix.c %_windows.c src/windows/%.c,$(wildcard $(foreach r,$(or \
	$(ROOMS),*),src/$r/*.c))))
PROGRAMS := $(if $(PORTABLE)$(ROOMS),,$(wildcard src/fastpath/*.bpf.c))
OBJS := $(SRCS:%.c=$(B)/%.o) $(PROGRAMS:%.bpf.c=$(B)/%_image.o) $(B)/version.o
ifneq ($(WINDOWS),)
include src/windows/build.mk
endif

# Programs for the kernel, which only clang makes. Without it they are empty,
# and tap says so and goes without.
# They are for processors of 64 bits whose low byte comes first.
CLANG ?= $(if $(filter armhf s390x,$(ARCH)),,$(shell command -v clang))
BPF_FLAGS = -target bpf -mcpu=v3 -O2 -std=c11 -ffreestanding -Wall -Wextra \
	$(if $(filter -Werror,$(WARN)),-Werror) -Isrc \
	-idirafter /usr/include \
	-idirafter /usr/include/$(shell $(CLANG) -print-multiarch)
UNITS := $(patsubst %.c,%,$(wildcard tests/unit/test_*.c \
	tests/unit/*/test_*.c))
# What the unit tests share.
HELP := $(patsubst %.c,%,$(filter-out tests/unit/test_%,$(wildcard tests/unit/*.c)))
BENCHES := $(addprefix tests/bench/,bound flood drop load queue scale)
FUZZ ?= fuzz_*
FUZZERS := $(patsubst %.c,%,$(wildcard tests/fuzz/$(FUZZ).c))

all: $(TAP)

# Written only when its content changes, so that what depends on it is made
# again with other flags and otherwise left alone.  Two makes may do so at once.
$(B)/flags: FORCE | need-build
	@mkdir -p $(@D); echo '$(subst $(CURDIR),.,$(CC) $(FLAGS) \
		$(LDFLAGS))' >$@.$$$$; \
	if cmp -s $@.$$$$ $@; then rm $@.$$$$; else mv $@.$$$$ $@; fi

# ./tap is one file for all flavours: a change of flavour puts it there again.
.build/flavour-of-tap: FORCE
	@mkdir -p $(@D); echo '$(FLAVOUR)' | cmp -s - $@ || echo '$(FLAVOUR)' >$@

$(B)/%.o: %.c $(B)/flags | $(LIBS) $(UNPACKED)
	@mkdir -p $(@D)
	$(call pretty,CC,$<)$(CC) $(FLAGS) $(WARN) -MMD -MP -c -o $@ $<

$(B)/%.bpf.o: %.bpf.c $(B)/flags
	@mkdir -p $(@D)
	$(if $(CLANG),$(call pretty,BPF,$<)$(CLANG) $(BPF_FLAGS) -MMD -MP -c \
		-o $@ $<,@: >$@)

# An object of the linker's would need a tool more, and be no smaller.
$(B)/%_image.c: $(B)/%.bpf.o
	@{ echo '#include "$(notdir $*)_image.h"'; \
	echo 'const uint8_t $(notdir $*)_image[] = {'; \
	od -An -v -tu1 $< | sed 's/ *\([0-9][0-9]*\)/\1,/g'; \
	echo '0 }; const size_t $(notdir $*)_image_size = sizeof' \
		'$(notdir $*)_image - 1;'; } >$@
$(B)/%_image.o: $(B)/%_image.c | $(LIBS)
	@$(CC) $(FLAGS) -I$(dir $*) -c -o $@ $<

# What tap --version says.
FEATURES = $(if $(PORTABLE),client keygen acl,$(if $(CLANG),fast \
	path,no fast path))
$(B)/version.c: FORCE | $(LIBS)
	@mkdir -p $(@D); STATIC='$(if $(LIBS),$(or $(MUSL_LIB),musl))' \
	PCAP_SRC='$(PCAP_SRC)' BEARSSL_SRC='$(BEARSSL_SRC)' \
		src/packaging/version.sh c '$(FEATURES)' >$@.$$$$ || exit; \
	if cmp -s $@.$$$$ $@; then rm $@.$$$$; else mv $@.$$$$ $@; fi
$(B)/version.o: $(B)/version.c $(B)/flags
	@$(CC) $(FLAGS) $(WARN) -c -o $@ $<

$(B)/tap.full: $(OBJS) $(UNCONFINED) $(LIBS)
	$(call pretty,LD,$@)$(CC) $(LDFLAGS) $(LINK) $(WRAP) -o $@ $(START) \
		$^ $(LDLIBS) $(END)

$(TAP): $(B)/tap.full $(if $(filter tap ./tap,$(TAP)),.build/flavour-of-tap)
	@mkdir -p $(@D)
ifneq ($(DEPS),system)
	$(call pretty,STRIP,$@)$(STRIP) -o $@ $<
else
	$(call pretty,COPY,$@)cp -f $< $@
endif

# The libraries: Debian's sources, or PCAP_SRC= and BEARSSL_SRC= unpacked.
MAKE_LIB = CC='$(CC)' AR='$(AR)' KERNEL='$(KERNEL)' V='$(V)' ARCH='$(ARCH)' \
	HOST='$(or $(HOST),$(TRIPLET))' src/deps.sh
$(PCAP)/libpcap.a: | need-build $(ARCH:%=.deps/%/musl-gcc.specs)
	@$(MAKE_LIB) libpcap $(PCAP_SRC)
$(BEARSSL)/libbearssl.a: | need-build $(ARCH:%=.deps/%/musl-gcc.specs)
	@$(MAKE_LIB) bearssl $(BEARSSL_SRC)
.deps/$(ARCH)/root/of/libpcap0.8:
	@src/packaging/foreign.sh $(ARCH) $(DEB_ARCH) libcmocka-dev libcmocka0 \
		libbearssl-dev libbearssl0 libpcap0.8-dev libpcap0.8
# musl of the other processor, where it lies here.
.deps/$(ARCH)/musl-gcc.specs: | need-build
	@src/packaging/foreign.sh $(ARCH) $(DEB_ARCH) musl-dev
	@sed 's|/usr/|$(FOREIGN)/root/usr/|g' \
		$(FOREIGN)/root/usr/lib/*-linux-musl*/musl-gcc.specs >$@

# Packages, as PACKAGE or PACKAGE=COMMAND or PACKAGE=FILE that tells whether
# it is there.
FETCH := $(if $(and $(or $(PCAP_SRC),$(wildcard .deps/src/libpcap)),$(or \
	$(BEARSSL_SRC),$(wildcard .deps/src/bearssl))),,dpkg-dev=dpkg-source \
	xz-utils=xz)
NEED_static := $(if $(ARCH),gcc-$(TRIPLET)=$(TRIPLET)-gcc,gcc \
	$(if $(filter musl-gcc,$(CC)),musl-tools=musl-gcc)) make flex bison $(FETCH) \
	linux-libc-dev=/usr/include/linux/tcp.h $(if $(ARCH), \
	linux-libc-dev-$(DEB_ARCH)-cross=/usr/$(TRIPLET)/include/linux/tcp.h)
NEED_system := gcc make libc6-dev=/usr/include/stdio.h \
	libpcap-dev=/usr/include/pcap.h libbearssl-dev=/usr/include/bearssl.h
NEED_san := $(NEED_system)
NEED_fuzz := $(NEED_system) clang \
	libclang-rt-14-dev=/usr/share/doc/libclang-rt-14-dev
NEED_cov := $(NEED_system)
NEED_static-cov := $(NEED_static)
# Where to find them elsewhere is for CPPFLAGS and LDFLAGS to say.
NEED_build := $(if $(and $(PORTABLE),$(filter system,$(DEPS))),, \
	$(NEED_$(FLAVOUR)))
NEED_demo := $(NEED_build) iproute2=ip iptables nftables=nft nmap \
	nginx-light=nginx openssh-server=sshd openssh-client=ssh curl tcpdump \
	ethtool procps=sysctl python3 redis-server
NEED_unit-cross := qemu-user-static=qemu-s390x-static \
	gcc-s390x-linux-gnu=s390x-linux-gnu-gcc \
	libc6-dev-s390x-cross=/usr/s390x-linux-gnu/include
NEED_check := $(NEED_unit-cross) $(NEED_demo) $(NEED_system) valgrind \
	clang-tidy clang-format \
	cppcheck \
	libcmocka-dev=/usr/include/cmocka.h shellcheck mandoc conntrack tshark \
	libc6-dbg=/usr/share/doc/libc6-dbg netcat-openbsd=nc.openbsd \
	haproxy qemu-system-x86=qemu-system-x86_64 busybox-static=busybox cpio \
	kmod=depmod strace clang zsh fish fail2ban=fail2ban-regex spin \
	gcc-mingw-w64-x86-64=x86_64-w64-mingw32-gcc wine64=/usr/lib/wine/wine64 \
	openssl
NEED_coverage := $(NEED_check) lcov
NEED_bench := $(NEED_static) $(NEED_system) clang gnuplot-nox=gnuplot \
	iproute2=ip iptables nginx-light=nginx ethtool procps=sysctl python3
NEED_cross := qemu-user-static=qemu-s390x-static $(foreach a,$(ARCHS), \
	gcc-$(lastword $(subst =, ,$a))=$(lastword $(subst =, ,$a))-gcc \
	libc6-dev-$(word 2,$(subst =, ,$a))-cross=/usr/$(lastword $(subst =, \
	,$a))/include/stdio.h)
# Nobody who only builds has anything installed: that is for make deps, and
# for those that test.
NEED_deps := $(NEED_build)
need-build:
	@tests/install-packages.sh --name 'make $(TAP)' $(NEED_build)
need-deps need-demo need-check need-coverage need-bench need-cross need-unit-cross: need-%:
	@tests/install-packages.sh 'make $*' $(NEED_$*)
deps: need-deps
	@$(MAKE) $(LIBS)

# The programs may be linked with the system's libraries; tap is the one that
# is installed.
bench: need-bench
	@$(MAKE) $(TAP)
	@$(MAKE) DEPS=system CC=gcc SAN= run-bench
run-bench: $(addprefix $(B)/,$(BENCHES))
	@TAP='$(abspath $(TAP))' BENCH_BIN='$(abspath $(B)/tests/bench)' \
		BENCH='$(BENCH)' BENCH_ROUNDS='$(BENCH_ROUNDS)' \
		tests/bench/run $(BENCH_FLAGS)

demo: need-demo
	@$(MAKE) $(TAP)
	@TAP='$(abspath $(TAP))' tests/demo/run

# What tests/hosts attacks: tap, in which these functions are broken; and what
# it runs with TEST_FASTPATH=off: tap, with that for its default.
FAULTY := .build/$(FLAVOUR)-faulty/tap
BROKEN := mac_sign reassembly_add reassembly_find receiver_begin_unknown \
	replay_init replay_remember verify_find
BY_QUEUE := .build/$(FLAVOUR)-by-queue/tap
$(FAULTY): $(B)/tests/hosts/faults.o
$(BY_QUEUE): $(B)/tests/hosts/by_queue.o
$(BY_QUEUE): BROKEN := conf_defaults
$(FAULTY) $(BY_QUEUE): $(OBJS) $(UNCONFINED) $(LIBS)
	@mkdir -p $(@D)
	$(call pretty,LD,$@)$(CC) $(LDFLAGS) $(LINK) $(WRAP) \
		$(BROKEN:%=-Wl,--wrap=%) -o $@ $(START) $^ $(LDLIBS) $(END)
faulty: $(FAULTY)
PROBES := $(B)/tests/probes/probes
PROBE_SRCS := $(wildcard tests/probes/*.c)

# Each step of check may also be run alone.  Some compute, others wait for what
# happens between hosts: side by side, each in the time that the other leaves.
# The emulated machines do both, and leave room for the linters alone; what
# measures between hosts has the processors to itself.
COMPUTE := unit unit-san unit-valgrind unit-cross fuzz-replay model rules docs \
	keys reproducible
CHECKS := build-tests $(COMPUTE) lint hosts soak timing guests qemu
check:
	@tests/run.sh --start
	@$(MAKE) need-check
	@export MAKE='$(MAKE)'; tests/run.sh --steps build-tests; \
	TEST_TIMING=0 tests/run.sh --beside '$(COMPUTE)' hosts soak; \
	tests/run.sh --steps timing; \
	TIDY=shallow tests/run.sh --beside 'guests lint' qemu; \
	tests/run.sh --summary

# For daily work, in two minutes: what needs no other hosts and kernels, and
# one real connection.
check-fast:
	@tests/run.sh --start
	@$(MAKE) need-check
	@MAKE='$(MAKE)' tests/run.sh --steps build unit rules docs connection; \
	tests/run.sh --summary
connection: $(TAP)
	@TAP='$(abspath $(TAP))' tests/hosts/run frames

build: $(TAP)

portable:
	@$(MAKE) PORTABLE=1 TAP=.build/portable/tap
# Their headers, and sources.
windows: $(LIBS)
	@$(MAKE) WINDOWS=1 TAP=.build/windows/tap.exe build \
		$(addprefix .build/windows/,fetch.exe planted.dll tray.exe)
portable-sources:
	@echo $(PORTABLE_SRCS)

# Tests on a processor whose high byte comes first: of what makes and reads
# bytes, and not of what only computes long; make cross has the rest.
CROSS_ROOMS := base protocol conf
CROSS_LONG := base/test_fds base/test_spawn base/test_utc conf/test_seal conf/test_splice protocol/test_receiver \
	protocol/test_receiver_forged
unit-cross: need-unit-cross
	@if $(MAKE) -s ARCH=s390x DEPS=system unpacked; then \
		$(MAKE) ARCH=s390x DEPS=system CFLAGS=-O1 \
			TAP=.build/system-s390x/tap \
			ROOMS='$(CROSS_ROOMS) os' run-unit-cross; \
	else echo "skip unit-cross Debian's packages of s390x cannot be had" | \
		tee -a $${RESULTS:+"$$RESULTS"}; fi
unpacked: $(UNPACKED)
run-unit-cross: $(addprefix $(B)/,$(filter-out $(CROSS_LONG:%=tests/unit/%), \
		$(filter $(CROSS_ROOMS:%=tests/unit/%/%),$(UNITS))))
	@PROPERTY_STEPS_MAX=4000 tests/run.sh --each $(ARCH) --quiet \
		'$(FOREIGN_RUN)' $^
# What asks the kernel for more than the emulator passes on: bpf(2), seccomp
# filters, netfilter's and sockets' netlink, options of raw and packet sockets,
# valgrind; who must get no descriptor gets the emulator's; and what is linked
# with Debian's libpcap, which wants D-Bus and what that wants.
CROSS_NOT := client/test_attempts client/test_doctor daemon/test_control \
	daemon/test_privileges fastpath/test_bpf_errors fastpath/test_egress \
	os/test_nfqueue os/test_rawsock os/test_sock_diag \
	replay_test/test_control_group test_constant_time
run-unit-cross-all: $(addprefix $(B)/,$(filter-out $(CROSS_NOT:%=tests/unit/%), \
		$(UNITS)))
	@PROPERTY_STEPS_MAX=4000 tests/run.sh --each $(ARCH) --cases \
		'$(FOREIGN_RUN)' $^
# All that can be said of the other processors.
cross: need-cross
	@$(MAKE) $(TAP)
	@MAKE='$(MAKE)' TAP='$(abspath $(TAP))' tests/cross/run $(ARCHS)

# cmocka, valgrind and the sanitizers want glibc: other objects, other folder.
unit unit-valgrind:
	@$(MAKE) DEPS=system CC=gcc SAN= TAP=.build/system/tap run-$@
unit-san fuzz-replay:
	@$(MAKE) DEPS=system CC=gcc SAN=1 TAP=.build/san/tap run-$@

# An archive, so that a test or fuzzer that includes the .c it tests, to reach
# what is static in it, does not get it twice.
$(B)/libtap.a: $(foreach o,$(filter-out $(B)/tap.o,$(OBJS)),$(if \
		$(filter cmd_%,$(notdir $o)),,$o))
	@rm -f $@
	$(call pretty,AR,$@)$(AR) qcs $@ $^
$(addprefix $(B)/,$(UNITS)): %: %.o $(HELP:%=$(B)/%.o) $(B)/libtap.a
	$(call pretty,LD,$@)$(CC) $(LDFLAGS) $(LINK) -o $@ $(START) $^ \
		-lcmocka $(LDLIBS)
# libFuzzer has a main of its own, and looks for sections that LINK drops.
$(addprefix $(B)/,$(FUZZERS)): %: %.o $(B)/tests/fuzz/nodisk.o \
	$(if $(filter fuzz,$(FLAVOUR)),,$(B)/tests/fuzz/replay.o) $(B)/libtap.a
	$(call pretty,LD,$@)$(CC) $(LDFLAGS) $(if $(filter \
		fuzz,$(FLAVOUR)),,$(LINK)) -o $@ $(START) $^ $(LDLIBS)

# The bench's own programs; the first three are also ones for the kernel.
$(addprefix $(B)/tests/bench/,bound flood drop): %: %_image.o
$(addprefix $(B)/,$(BENCHES)): %: %.o $(B)/libtap.a
	$(call pretty,LD,$@)$(CC) $(LDFLAGS) $(LINK) -o $@ $(START) $^ \
		$(LDLIBS) $(END)

# New inputs go to .build/corpus, those that fail to .build/crashes.
FUZZ_SECONDS ?= 60
FUZZ_RUNS ?= -1
fuzz:
	@$(MAKE) DEPS=system CC=clang SAN=fuzz TAP=.build/fuzz/tap run-fuzz
run-fuzz: $(addprefix $(B)/,$(FUZZERS))
	@FUZZ_SECONDS='$(FUZZ_SECONDS)' FUZZ_RUNS='$(FUZZ_RUNS)' \
		tests/fuzz/run $^

# The programs of the hosts are linked as those that are installed, so that
# they make the same calls; the unit tests want glibc, as ever.
coverage: need-coverage
	@$(MAKE) SAN=cov TAP=.build/static-cov/tap
	@$(MAKE) SAN=cov faulty
	@$(MAKE) SAN=cov PORTABLE=1 TAP=.build/portable-cov/tap
	@$(MAKE) DEPS=system CC=gcc SAN=cov TAP=.build/cov/tap run-coverage
run-coverage: scarce completions $(PROBES) $(addprefix $(B)/,$(UNITS) $(FUZZERS) \
		tests/soak/soak)
	@TAP='$(abspath .build/static-cov/tap)' \
		TAP_FAULTY='$(abspath .build/static-cov-faulty/tap)' \
		PORTABLE='$(abspath .build/portable-cov/tap)' \
		SOAK='$(abspath $(B)/tests/soak/soak)' MAKE='$(MAKE)' \
		PROBES='$(abspath $(PROBES))' \
		SCARCE='$(abspath $(B)/tests/hosts/scarce.so)' \
		SCARCE_TAP='$(abspath $(TAP))' \
		tests/coverage/run $(B) .build/static-cov \
		.build/portable-cov -- \
		$(filter-out scarce completions %/soak %/probes,$^)

VALGRIND := valgrind -q --error-exitcode=9 --leak-check=full
# What makes keys of passphrases, and runs other programs, takes minutes under
# it; the sanitizers have it.
VALGRIND_NOT := base/test_spawn client/test_accept conf/test_seal \
	firewall/test_firewall
run-unit: $(addprefix $(B)/,$(UNITS))
	@tests/run.sh --each unit --cases '' $^
run-unit-san: $(addprefix $(B)/,$(UNITS))
	@tests/run.sh --each san --quiet '' $^
run-unit-valgrind: $(filter-out $(VALGRIND_NOT:%=$(B)/tests/unit/%),$(addprefix \
		$(B)/,$(UNITS)))
	@PROPERTY_STEPS_MAX=4000 tests/run.sh --each valgrind \
		--quiet '$(VALGRIND)' $^
run-fuzz-replay: $(addprefix $(B)/,$(FUZZERS))
	@tests/run.sh --each fuzz --quiet '' $^

rules:
	@tests/rules.sh
reproducible: build-tests
	@tests/packages/scripts
	@TAP='$(abspath $(TAP))' MAKE='$(MAKE)' tests/packages/reproducible
model:
	@tests/model/run
# A package, made anew only where something in it is.
PACKAGED := .build/packages/made
# What more than one step wants, so that no two of them make it at once.
build-tests: $(TAP) completions portable windows $(PROBES) $(FAULTY) \
		$(if $(LIBS),$(if $(shell command -v dpkg-deb),$(PACKAGED)))
	@$(MAKE) DEPS=system CC=gcc SAN= TAP=.build/system/tap scarce
# Of which version and time it is.
.build/packages/of: FORCE
	@mkdir -p $(@D); { src/packaging/version.sh version; \
		src/packaging/version.sh epoch; } >$@.$$$$; \
	if cmp -s $@.$$$$ $@; then rm $@.$$$$; else mv $@.$$$$ $@; fi
$(PACKAGED): .build/packages/of $(TAP) LICENSE Makefile $(wildcard completions/* man/*.[1-8] \
		man/examples/* src/packaging/*.sh src/packaging/deb/*)
	@$(MAKE) deb PACKAGES=$(@D)
	@touch $@
hosts: HOSTS_TAP = $(if $(filter off,$(TEST_FASTPATH)),$(BY_QUEUE),$(TAP))
hosts: build-tests $(if $(filter off,$(TEST_FASTPATH)),$(BY_QUEUE))
	@TAP='$(abspath $(HOSTS_TAP))' TAP_FAULTY='$(abspath $(FAULTY))' \
		PROBES='$(abspath $(PROBES))' tests/hosts/run $(HOSTS)
# Of them, the cases that measure.
timing:
	@TEST_TIMING=1 TEST_JOBS=1 $(MAKE) hosts \
		HOSTS='field_closed probes probes_seeded'
# What has memory fail, and a tap that looks libraries up.
scarce: $(TAP) $(B)/tests/hosts/scarce.so
$(B)/tests/hosts/scarce.so: tests/hosts/scarce.c
	@mkdir -p $(@D)
	$(call pretty,CC,$<)$(CC) $(BASE_CFLAGS) $(WARN) -O1 -fPIC -shared \
		-o $@ $<
qemu: $(TAP) $(PROBES)
	@TAP='$(abspath $(TAP))' PROBES='$(abspath $(PROBES))' tests/qemu/run
guests: $(TAP) $(B)/tests/guests/ask
	@TAP='$(abspath $(TAP))' ASK='$(abspath $(B)/tests/guests/ask)' \
		tests/guests/run
$(B)/tests/guests/ask: %: %.o $(B)/libtap.a
	$(call pretty,LD,$@)$(CC) $(LDFLAGS) $(LINK) -o $@ $(START) $^ \
		$(LDLIBS) $(END)
docs: $(TAP) completions
	@TAP='$(abspath $(TAP))' MAKE='$(MAKE)' tests/docs.sh
keys: $(TAP)
	@TAP='$(abspath $(TAP))' tests/keys/run
# Linked as tap is: it runs where tap does.
$(B)/tests/soak/soak: $(B)/tests/soak/soak.o $(B)/libtap.a $(LIBS)
	$(call pretty,LD,$@)$(CC) $(LDFLAGS) $(LINK) -o $@ $(START) $^ \
		$(LDLIBS) $(END)
# What tests/hosts and tests/qemu send; of nothing but the C library.
$(PROBES): $(PROBE_SRCS:%.c=$(B)/%.o)
	$(call pretty,LD,$@)$(CC) $(LDFLAGS) $(LINK) -o $@ $(START) $^ -lm \
		$(END)
SOAK_CONNECTIONS ?= 2000
SOAK_PACKETS ?= 100000
SOAK_PAIRS ?= 100000
soak: $(TAP) $(B)/tests/soak/soak $(PROBES)
	@TAP='$(abspath $(TAP))' SOAK='$(abspath $(B)/tests/soak/soak)' \
		SOAK_CONNECTIONS='$(SOAK_CONNECTIONS)' \
		SOAK_PACKETS='$(SOAK_PACKETS)' SOAK_PAIRS='$(SOAK_PAIRS)' \
		PROBES='$(abspath $(PROBES))' tests/soak/run
# As distributions build it: with other system calls.
	@$(MAKE) DEPS=system CC=gcc SAN= TAP=.build/system/tap build
	@TEST_BUILD=system TAP='$(abspath .build/system/tap)' \
		tests/hosts/run once
lint: completions
	@CFLAGS='$(BASE_CFLAGS)' tests/lint.sh $(SRCS) $(POSIX_SRCS)

# What the shells know of tap is what tap says of itself.
COMPLETIONS := .build/completions
completions: $(addprefix $(COMPLETIONS)/tap.,bash zsh fish)
# Of another processor, this one's says the same.
RUNS := $(if $(ARCH),tap,$(TAP))
ifneq ($(ARCH),)
tap: FORCE
	@$(MAKE) ARCH= TAP=tap
endif
$(COMPLETIONS)/tap.%: completions/%.in completions/make $(RUNS)
	@mkdir -p $(@D)
	$(call pretty,SHELL,$@)completions/make '$(abspath $(RUNS))' $* \
		>$@.$$$$ && mv $@.$$$$ $@

install: $(TAP) completions
	@# Where it once was, and is found first by root.
	rm -f '$(DESTDIR)$(PREFIX)/sbin/tap'
	install -D -m 0755 $(TAP) '$(DESTDIR)$(BINDIR)/tap'
	for f in man/*.[1-8]; do install -D -m 0644 "$$f" \
		"$(DESTDIR)$(MANDIR)/man$${f##*.}/$${f#man/}" || exit; done
	for f in man/examples/*; do install -D -m 0644 "$$f" \
		"$(DESTDIR)$(DOCDIR)/$${f#man/}" || exit; done
	install -D -m 0644 $(COMPLETIONS)/tap.bash '$(DESTDIR)$(BASHDIR)/tap'
	install -D -m 0644 $(COMPLETIONS)/tap.zsh '$(DESTDIR)$(ZSHDIR)/_tap'
	install -D -m 0644 $(COMPLETIONS)/tap.fish \
		'$(DESTDIR)$(FISHDIR)/tap.fish'
	install -d -m 0700 '$(DESTDIR)$(SYSCONFDIR)/tap'
	install -d '$(DESTDIR)$(UNITDIR)'
	umask 022; for side in server client; do ./$(RUNS) $$side --print-unit | \
		sed -e 's|^\(Exec[A-Za-z]*=-\{0,1\}\)"[^"]*"|\1$(BINDIR)/tap|' \
		-e 's|^\(Exec[A-Za-z]*=-\{0,1\}\)[^ ]*|\1$(BINDIR)/tap|' \
		$(UNIT_HOME) $(UNIT_TMP) >'$(DESTDIR)$(UNITDIR)/tap-'$$side.service || exit; done
	install -d '$(DESTDIR)$(SYSUSERSDIR)'
	umask 022; echo 'u tap - "packets of tap" / -' >'$(DESTDIR)$(SYSUSERSDIR)/tap.conf'
	install -d '$(DESTDIR)$(TMPFILESDIR)'
	umask 022; printf 'd %s 0700 - - -\n' /run/tap /var/lib/tap \
		>'$(DESTDIR)$(TMPFILESDIR)/tap.conf'
	@[ -n '$(DESTDIR)' ] || $(MAKE_USER)
# The user as whom packets are handled, and who has nothing else: by systemd,
# or else by what is there.  tap goes without one, too.
MAKE_USER = getent passwd tap >/dev/null || [ "$$(id -u)" -ne 0 ] || \
	systemd-sysusers '$(SYSUSERSDIR)/tap.conf' 2>/dev/null || \
	useradd -r -M -d / -s /bin/false tap 2>/dev/null || \
	adduser -S -D -H -h / -s /bin/false tap 2>/dev/null || \
	echo "no user 'tap' could be made; see run_as in tap.conf(5)"
# Keys and configuration stay, and so does the user.  Of the folders, those
# that are empty go: in a DESTDIR all of them, on a system those below PREFIX.
uninstall:
	rm -f '$(DESTDIR)$(BINDIR)/tap' '$(DESTDIR)$(PREFIX)/sbin/tap' \
		'$(DESTDIR)$(BASHDIR)/tap' \
		'$(DESTDIR)$(ZSHDIR)/_tap' '$(DESTDIR)$(FISHDIR)/tap.fish' \
		'$(DESTDIR)$(UNITDIR)'/tap-server.service \
		'$(DESTDIR)$(UNITDIR)'/tap-client.service \
		'$(DESTDIR)$(SYSUSERSDIR)'/tap.conf \
		'$(DESTDIR)$(TMPFILESDIR)'/tap.conf
	for f in man/*.[1-8]; do \
		rm -f "$(DESTDIR)$(MANDIR)/man$${f##*.}/$${f#man/}"; done
	for f in man/examples/*; do \
		rm -f "$(DESTDIR)$(DOCDIR)/$${f#man/}"; done
	@for d in '$(DOCDIR)/examples' '$(BASHDIR)' '$(ZSHDIR)' '$(FISHDIR)' \
		'$(UNITDIR)' '$(SYSUSERSDIR)' '$(TMPFILESDIR)' '$(MANDIR)/man5' \
		'$(MANDIR)/man7' '$(MANDIR)/man8' '$(SYSCONFDIR)/tap' \
		$(if $(DESTDIR),'$(BINDIR)'); do \
		top='$(DESTDIR)/'; below=$${d#/}; \
		case "$(DESTDIR)$$d" in \
		'$(DESTDIR)$(PREFIX)'/*) [ -n '$(DESTDIR)' ] || { \
			top='$(PREFIX)'; below=$${d#'$(PREFIX)'/}; } ;; \
		*) [ -n '$(DESTDIR)' ] || below=; ;; \
		esac; \
		[ ! -d "$(DESTDIR)$$d" ] || if [ -n "$$below" ]; then \
			(cd "$$top" && rmdir -p --ignore-fail-on-non-empty \
				"$$below"); \
		else rmdir --ignore-fail-on-non-empty "$$d"; fi; done
	@for d in '$(SYSCONFDIR)/tap' /var/lib/tap; do \
		[ ! -d "$(DESTDIR)$$d" ] || echo "$(DESTDIR)$$d stays:" \
			'keys and configuration are yours to remove'; done
DOCDIR ?= $(DATADIR)/doc/tap
BASHDIR ?= $(DATADIR)/bash-completion/completions
ZSHDIR ?= $(DATADIR)/zsh/site-functions
# fish looks in its own prefix, and in /etc for what is local.
FISHDIR ?= $(strip $(if $(filter /usr,$(PREFIX)), \
	$(DATADIR)/fish/vendor_completions.d, $(SYSCONFDIR)/fish/completions))
UNITDIR ?= $(PREFIX)/lib/systemd/system
# A unit sees the folders that tap lies in: not where it was built.
UNIT_HOME = $(if $(filter /home/% /root/% /run/user/%,$(BINDIR)),,\
	-e 's|^ProtectHome=.*|ProtectHome=yes|')
UNIT_TMP = $(if $(filter /tmp/% /var/tmp/%,$(BINDIR)),,\
	-e 's|^PrivateTmp=.*|PrivateTmp=yes|')
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
TMPFILESDIR ?= $(PREFIX)/lib/tmpfiles.d

# Packages, of what install installs.
PACKAGES ?= .
rpm: $(TAP) completions
	@src/packaging/rpm.sh '$(PACKAGES)'
dist: $(LIBS)
	@PCAP_SRC='$(PCAP_SRC)' BEARSSL_SRC='$(BEARSSL_SRC)' \
		src/packaging/dist.sh '$(PACKAGES)'
deb: $(if $(LIBS),$(TAP) completions)
	@$(if $(LIBS),,$(error make deb: not with DEPS=system: the package asks \
		for no libraries))
	@MAKE='$(MAKE)' STATIC='$(MUSL_LIB)' PCAP_SRC='$(PCAP_SRC)' \
		BEARSSL_SRC='$(BEARSSL_SRC)' LIBS_DIR='.deps$(ARCH:%=/%)' \
		src/packaging/deb.sh '$(PACKAGES)' \
		"$(or $(DEB_ARCH),$$(dpkg --print-architecture))"

format:
	clang-format -i --style=file $$(git ls-files '*.c' '*.h')

clean:
	rm -rf .build tap tap_*.deb tap-*.rpm tap-*.tar.xz*
distclean: clean
	rm -rf .deps

help:
	@sed -n 's/^#: \{0,1\}//p' Makefile

FORCE:
.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all FORCE completions portable portable-sources unpacked windows scarce faulty need-build need-demo need-check \
	need-coverage need-bench demo check check-fast connection bench run-bench \
	need-cross need-unit-cross cross run-unit-cross \
	run-unit-cross-all $(CHECKS) run-unit run-unit-san run-unit-valgrind run-fuzz-replay \
	fuzz run-fuzz coverage run-coverage \
	install uninstall deb rpm dist deps need-deps build format clean distclean \
	help

-include $(OBJS:.o=.d) $(PROGRAMS:%.c=$(B)/%.d) $(BENCHES:%=$(B)/%.d) $(PROBE_SRCS:%.c=$(B)/%.d) $(BENCHES:%=$(B)/%.bpf.d) \
	$(UNITS:%=$(B)/%.d) $(HELP:%=$(B)/%.d) $(FUZZERS:%=$(B)/%.d) \
	$(patsubst %,$(B)/tests/%.d,hosts/faults hosts/by_queue soak/soak \
		fuzz/nodisk fuzz/replay)
