# SPDX-License-Identifier: ISC
#
# make windows: included by the Makefile for it alone.

# What --version says: client, keygen and acl; Npcap has its own libpcap.
PORTABLE := windows
FLAVOUR := windows
B := .build/windows
CC := x86_64-w64-mingw32-gcc
STRIP := x86_64-w64-mingw32-strip
NEED_windows = gcc-mingw-w64-x86-64=$(CC) $(NEED_static)

# X_windows.c has for Windows what X.c or X_posix.c has for others.
WINDOWS_OWN := $(wildcard src/*/*_windows.c) $(wildcard src/windows/*.c)
SRCS := $(filter-out $(foreach f,$(filter %_windows.c,$(WINDOWS_OWN)),\
	$(f:_windows.c=.c) $(f:_windows.c=_posix.c)),$(PORTABLE_SRCS)) \
	$(WINDOWS_OWN)
PROGRAMS :=
OBJS := $(SRCS:%.c=$(B)/%.o) $(B)/version.o

# Of BearSSL what is called, and what that calls.
BEARSSL_FROM := $(or $(BEARSSL_SRC),.deps/src/bearssl)
BEARSSL_SRCS := $(addprefix $(BEARSSL_FROM)/src/,$(addsuffix .c, \
	codec/ccopy codec/dec32be codec/dec32le codec/dec64be codec/enc32be \
	codec/enc32le codec/enc64be codec/enc64le codec/dec16be codec/enc16be \
	hash/md5 hash/sha1 hash/sha2small hash/sha2big hash/dig_oid hash/dig_size \
	mac/hmac symcipher/chacha20_ct symcipher/poly1305_ctmul))
BEARSSL_OBJS := $(patsubst $(BEARSSL_FROM)/%.c,$(B)/bearssl/%.o, \
	$(BEARSSL_SRCS))
LIBS := $(B)/libbearssl.a
PCAP_SRC := $(B)/none

# Headers of POSIX that mingw-w64 has not, or has otherwise: empty, as
# windows/posix.h comes before all.
EMPTY := $(addprefix $(B)/empty/,arpa/inet.h dirent.h glob.h grp.h netdb.h \
	netinet/in.h poll.h pwd.h sys/file.h sys/mman.h sys/resource.h \
	sys/socket.h termios.h)

# mingw-w64 takes printf for that of Windows, which it is not here.
WARN := $(filter-out -Wformat=2 -Wduplicated-branches,$(WARN)) -Wno-format \
	-Wno-unused-value -Wno-sign-conversion
FLAGS = -std=gnu11 -D_WIN32_WINNT=0x0602 -D__USE_MINGW_ANSI_STDIO=1 \
	-DWIN32_LEAN_AND_MEAN -DTAP_PORTABLE -I$(B)/empty -Isrc/windows -I. -Isrc \
	-include posix.h -fno-strict-aliasing \
	-ffile-prefix-map=$(CURDIR)=. -ffunction-sections -fdata-sections \
	$(CFLAGS) -fstack-protector-strong $(CPPFLAGS) \
	-isystem .deps/libpcap/include -isystem .deps/bearssl/include
LINK := -Wl,--gc-sections,--dynamicbase,--nxcompat,--high-entropy-va
START := -static -municode -fstack-protector-strong
# Of these alone Windows takes none that lies beside tap.exe (KnownDLLs); others
# are for windows/library.
END := -lws2_32 -lpthread

# windows.h is long: it is read once.
READ := $(B)/empty/posix.h.gch
$(OBJS): $(READ) | $(EMPTY)
$(READ): src/windows/posix.h $(B)/flags | $(EMPTY)
	@$(CC) $(filter-out -include posix.h,$(FLAGS)) $(WARN) -x c-header -o $@ $<
$(EMPTY):
	@mkdir -p $(@D) && : >$@
$(BEARSSL_OBJS): $(B)/bearssl/%.o: $(BEARSSL_FROM)/%.c
	@mkdir -p $(@D)
	@$(CC) -O2 -ffunction-sections -fstack-protector-strong \
		-I$(BEARSSL_FROM)/inc -I$(BEARSSL_FROM)/src -c -o $@ $<
$(LIBS): $(BEARSSL_OBJS)
	@rm -f $@; x86_64-w64-mingw32-ar qcs $@ $^

# For the tests: a library that nothing loads, a program that knows nothing of
# tap, and one that presses an icon's menu.
$(B)/planted.dll: TEST_FLAGS := -shared
$(B)/planted.dll $(B)/fetch.exe $(B)/tray.exe:
	@mkdir -p $(@D)
	$(call pretty,CC,$<)$(CC) -O2 -Wall -Wextra -Isrc -static $(TEST_FLAGS) \
		-o $@ $< -lws2_32
$(B)/planted.dll: tests/windows/planted.c
$(B)/fetch.exe: tests/windows/fetch.c
$(B)/tray.exe: tests/windows/tray.c src/client/tray.h
