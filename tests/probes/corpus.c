/* SPDX-License-Identifier: ISC */
#include "probes/corpus.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SEQ 0x21345678u
#define ACK_NO 0x3a5b7c9du
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* MSS, SACK, time stamps, window scale: as Linux has them. */
static const char usual_options[] = "020405b40402080a000000010000000001030307";
#define MD5 "1312000102030405060708090a0b0c0d0e0f"
#define AO "1d10010200010203040506070809aabb"

static size_t
unhex(uint8_t *out, const char *text)
{
	size_t len = 0;

	for (; text[0] && text[1]; text += 2) {
		char pair[3] = { text[0], text[1], '\0' };

		out[len++] = (uint8_t)strtoul(pair, NULL, 16);
	}
	return len;
}

/* A kind like the usual SYN, to be changed. */
__attribute__((format(printf, 2, 3))) static struct spec *
add(struct corpus *c, const char *format, ...)
{
	struct kind *kind = &c->kinds[c->count++];
	va_list list;

	if (c->count > KINDS_MAX) {
		fprintf(stderr, "probes: more than %u kinds\n", KINDS_MAX);
		abort();
	}
	va_start(list, format);
	vsnprintf(kind->name, sizeof kind->name, format, list);
	va_end(list);
	kind->spec = c->usual;
	return &kind->spec;
}

static void
set_flags(struct spec *s, uint8_t flags)
{
	s->flags = flags;
	s->ack = flags & ACK ? ACK_NO : 0;
}

/* Padded behind by nops, or before where it has to stand at the end. */
static void
set_options(struct spec *s, const char *text, bool at_end)
{
	uint8_t bytes[64];
	size_t len = unhex(bytes, text);
	size_t pad = (4 - len % 4) % 4;

	memset(s->opts, 1, sizeof s->opts);
	memcpy(s->opts + (at_end ? pad : 0), bytes, len);
	s->opts_len = len + pad;
}

static void
add_flags(struct corpus *c)
{
	for (unsigned f = 0; f < 512; f++) {
		struct spec *s = add(c, "flags %03x", f);

		set_flags(s, (uint8_t)f);
		s->hi = (uint8_t)(f >> 8);
		s = add(c, "flags %03x bare", f);
		s->hi = (uint8_t)(f >> 8);
		s->flags = (uint8_t)f;
		s->ack = f & ACK ? 77 : 0;
		s->opts_len = 0;
		s->window = 1024;
	}
	for (unsigned hi = 2; hi < 16; hi++) {
		struct spec *s = add(c, "hi %x flags 02", hi);

		s->hi = (uint8_t)hi;
	}
}

static void
to(struct spec *s, const char *address)
{
	inet_pton(s->v6 ? AF_INET6 : AF_INET, address, s->dst);
}

static void
add_addresses(struct corpus *c, const struct scene *scene)
{
	static const char *const groups[] = { "ff02::1", "ff02::2",
					      "ff02::1:ff00:1" };
	static const char *const loops[] = { "127.0.0.1", "127.9.9.9" };
	static const uint8_t flags[] = { ACK, ACK | FIN, ACK | SYN, SYN,
					 FIN, 0,         RST };
	struct spec *s;

	for (size_t i = 0; i < COUNT(flags); i++) {
		uint8_t f = flags[i];

		for (size_t k = 0; !scene->v6 && k < COUNT(loops); k++) {
			s = add(c, "loopback %s flags %02x", loops[k], f);
			set_flags(s, f);
			to(s, loops[k]);
		}
		if (!scene->v6) {
			s = add(c, "broadcast flags %02x", f);
			set_flags(s, f);
			s->dst[3] = 255;
			s = add(c, "multicast 224.0.0.1 flags %02x", f);
			set_flags(s, f);
			to(s, "224.0.0.1");
			continue;
		}
		s = add(c, "anycast flags %02x", f);
		set_flags(s, f);
		s->ack = 99;
		memset(s->dst + 8, 0, 8);
		for (size_t k = 0; k < COUNT(groups); k++) {
			s = add(c, "multicast %s flags %02x", groups[k], f);
			set_flags(s, f);
			to(s, groups[k]);
		}
		s = add(c, "link-local flags %02x", f);
		set_flags(s, f);
		memcpy(s->dst, scene->local, 16);
		s = add(c, "loopback ::1 flags %02x", f);
		set_flags(s, f);
		to(s, "::1");
	}
}

static void
add_fragments(struct corpus *c)
{
	static const uint16_t cuts[][3] = { { 8, 8, 8 }, { 8, 16 },  { 16, 8 },
					    { 24 },      { 16, 16 }, { 24, 8 },
					    { 40 },      { 48 } };
	static const uint8_t flags[] = { SYN, ACK };

	for (size_t i = 0; i < COUNT(cuts) * COUNT(flags) * 2; i++) {
		const uint16_t *cut = cuts[i / 4];
		uint8_t f = flags[i % 2];
		bool data = i % 4 > 1;
		struct packet out[PIECES_MAX];
		size_t pieces = 1;

		for (unsigned missing = 0; missing <= pieces; missing++) {
			struct spec *s =
				add(c, "frag %u,%u,%u%s flags %02x", cut[0],
				    cut[1], cut[2], data ? " data" : "", f);
			struct kind *kind = &c->kinds[c->count - 1];

			set_flags(s, f);
			memcpy(s->cuts, cut, 3 * sizeof *cut);
			s->cut_count = cut[1] == 0 ? 1 : cut[2] == 0 ? 2 : 3;
			s->opts_len = 0;
			s->data_len = data ? 64 : 0;
			if (missing == 0) {
				pieces = packet_build(out, s);
				continue;
			}
			s->missing = missing;
			snprintf(kind->name + strlen(kind->name),
				 KIND_NAME - strlen(kind->name), " without %u",
				 missing);
			if (pieces == 1) {
				c->count--; /* nothing would be sent */
			}
		}
	}
	for (unsigned bad = 0; bad < 2; bad++) {
		struct spec *s = add(c, "fragbig%s", bad ? " badsum" : "");

		s->data_len = 2000;
		s->cuts[0] = 1440;
		s->cut_count = 1;
		s->badsum = bad ? 0x1111 : 0;
	}
}

static void
add_ip_options(struct corpus *c)
{
	static const char *const options[] = {
		"860600000001000000000000",
		"070b03000000000000000000",
		"07020400",
		"07000400",
		"07280400",
		"440809f000000000",
		"44030500",
		"83020400",
		"94030000",
		"01010100",
		"94040000",
		"070b04000000000000000000",
		"440c05000000000000000000",
		"5e040000",
		"de040000",
		"88040000",
		/* source routes, complete and not, by others */
		"8307040a4d00fa00",
		"8307080a4d00fa00",
		"8907040a4d00fa00",
	};
	static const uint8_t flags[] = { SYN, ACK, FIN };

	for (size_t i = 0; i < COUNT(options) * COUNT(flags); i++) {
		uint8_t f = flags[i % COUNT(flags)];
		const char *text = options[i / COUNT(flags)];
		struct spec *s = add(c, "ipopt %s flags %02x", text, f);

		set_flags(s, f);
		s->ipopts_len = unhex(s->ipopts, text);
	}
}

/* "NUMBER/BODY ...": extension headers, hexadecimal */
static void
set_exts(struct spec *s, const char *text)
{
	while (*text) {
		struct ext *e = &s->exts[s->ext_count++];
		char body[80] = "";
		unsigned number = 0;
		int used = 0;

		sscanf(text, "%u/%79[0-9a-f]%n", &number, body, &used);
		e->number = (uint8_t)number;
		e->len = (uint8_t)unhex(e->body, body);
		text += used;
		text += *text == ' ';
	}
}

static void
add_extensions(struct corpus *c)
{
#define PAD "00010400000000"
#define TO_NOBODY "fd7700000000000000000000000000fa"
	static const struct {
		const char *name, *text;
	} exts[] = {
		{ "hop pad", "0/" PAD },
		{ "hop 1e", "0/001e0400000000" },
		{ "hop 5e", "0/005e0400000000" },
		{ "hop 9e", "0/009e0400000000" },
		{ "hop de", "0/00de0400000000" },
		{ "dst pad", "60/" PAD },
		{ "dst 1e", "60/001e0400000000" },
		{ "dst 5e", "60/005e0400000000" },
		{ "dst 9e", "60/009e0400000000" },
		{ "dst de", "60/00de0400000000" },
		{ "routing 0 left 0", "43/00000000000000" },
		{ "routing 0 left 1", "43/02000100000000" TO_NOBODY },
		{ "routing 2 left 0", "43/02020000000000" TO_NOBODY },
		{ "routing 2 left 1", "43/02020100000000" TO_NOBODY },
		{ "routing 3 left 0", "43/00030000000000" },
		{ "routing 3 left 1", "43/02030100000000" TO_NOBODY },
		{ "routing 4 left 0", "43/02040000000000" TO_NOBODY },
		{ "routing 4 left 1", "43/02040100000000" TO_NOBODY },
		{ "routing 253 left 0", "43/00fd0000000000" },
		{ "routing 253 left 1", "43/00fd0100000000" },
		{ "atomic", "44/00000012345678" },
		{ "atomic twice", "44/00000012345678 44/00000012345679" },
		{ "more fragments", "44/0000011234567a" },
		{ "later fragment", "44/0000081234567b" },
		{ "ah", "51/0400000000000100000001000000000000000000000000" },
		{ "ah short", "51/010000000000010000000100" },
		{ "nine dst",
		  "60/" PAD " 60/" PAD " 60/" PAD " 60/" PAD " 60/" PAD
		  " 60/" PAD " 60/" PAD " 60/" PAD " 60/" PAD },
		{ "hop late", "60/" PAD " 0/" PAD },
		{ "hop twice", "0/" PAD " 0/" PAD },
		{ "hop and dst", "0/" PAD " 60/" PAD },
		{ "dst and atomic", "60/" PAD " 44/0000001234567c" },
		{ "atomic and dst", "44/0000001234567d 60/" PAD },
		{ "jumbo", "0/00c20400010000" },
		{ "135", "135/00000000000000" },
		{ "139", "139/00000000000000" },
		{ "140", "140/00000000000000" },
		{ "253", "253/00000000000000" },
		{ "too long", "60/ff010400000000" },
	};
	static const uint8_t flags[] = { SYN, ACK, FIN };

	for (size_t i = 0; i < COUNT(exts) * COUNT(flags); i++) {
		uint8_t f = flags[i % COUNT(flags)];
		struct spec *s = add(c, "ext %s flags %02x",
				     exts[i / COUNT(flags)].name, f);

		set_flags(s, f);
		set_exts(s, exts[i / COUNT(flags)].text);
	}
}

static void
add_options(struct corpus *c)
{
	static const struct {
		const char *name, *text;
	} options[] = {
		{ "md5", MD5 },
		{ "md5 of 6", "130601020304" },
		{ "md5 twice", MD5 MD5 },
		{ "ao", AO },
		{ "ao of 4", "1d040102" },
		{ "ao twice", AO AO },
		{ "md5 ao", MD5 AO },
		{ "2202", "2202" },
		{ "cookie", "220a0102030405060708" },
		{ "fe", "fe04f989" },
		{ "1e04", "1e040000" },
		{ "1e0c", "1e0c00010203040506070809" },
		{ "050a", "050a0102030405060708" },
		{ "08ff", "08ff" },
		{ "0200", "0200" },
		{ "0201", "0201" },
		{ "end", "00" },
		{ "ends", "0000000002040102" },
		{ "ac", "ac0b0102030405060708ab" },
		{ "ae", "ae0b0102030405060708ab" },
		{ "1c", "1c040102" },
		{ "fd", "fd04e2d4" },
		{ "c8", "c8040000" },
		{ "mss 0", "02040000" },
		{ "mss 1", "02040001" },
		{ "wscale 255", "0303ff" },
		{ "ts only", "080a0000000100000000" },
		{ "md5 late", "010101010101010101010101010101" MD5 },
	};
	static const char nops[] = "0101010101010101010101010101010101010101";
	static const uint8_t flags[] = { SYN, ACK,       SYN | ACK, FIN,
					 RST, ACK | FIN, 0 };

	for (size_t k = 0; k < COUNT(flags); k++) {
		struct spec *s;

		for (size_t i = 0; i < COUNT(options); i++) {
			char text[128];

			s = add(c, "opt %s flags %02x", options[i].name,
				flags[k]);
			set_flags(s, flags[k]);
			set_options(s, options[i].text, false);
			/* Long enough to be searched for a signature. */
			snprintf(text, sizeof text, "%s%s", options[i].text,
				 nops);
			if (s->opts_len < 20) {
				s = add(c, "opt %s long flags %02x",
					options[i].name, flags[k]);
				set_flags(s, flags[k]);
				set_options(s, text, false);
			}
		}
		s = add(c, "opt no length flags %02x", flags[k]);
		set_flags(s, flags[k]);
		set_options(s, "02", true);
		s = add(c, "opt no length long flags %02x", flags[k]);
		set_flags(s, flags[k]);
		memset(s->opts, 1, 24);
		s->opts[23] = 2;
		s->opts_len = 24;
		s = add(c, "opt 40 nops flags %02x", flags[k]);
		set_flags(s, flags[k]);
		memset(s->opts, 1, 40);
		s->opts_len = 40;
	}
}

static void
add_data(struct corpus *c)
{
	static const size_t sizes[] = { 1, 100, 1200 };
	static const char *const options[] = { "", "2202",
					       "220a0102030405060708",
					       "fe04f989", MD5 };

	for (size_t i = 0; i < COUNT(sizes); i++) {
		for (size_t k = 0; k < COUNT(options); k++) {
			struct spec *s = add(c, "data %zu opt %.8s", sizes[i],
					     k ? options[k] : "none");

			s->data_len = sizes[i];
			set_options(s, options[k], false);
		}
		for (unsigned bad = 1; bad < 3; bad++) {
			struct spec *s =
				add(c, "data %zu badsum %u", sizes[i], bad);

			s->data_len = sizes[i];
			s->badsum = bad == 1 ? 0x1111 : 0xffff;
		}
		set_flags(add(c, "data %zu flags 18", sizes[i]), PSH | ACK);
		c->kinds[c->count - 1].spec.data_len = sizes[i];
	}
}

/* What a router says of its own accord. */
static void
add_router(struct corpus *c)
{
	static const uint8_t flags[] = { SYN, ACK, FIN };

	for (size_t i = 0; i < COUNT(flags); i++) {
		for (uint8_t ttl = 0; ttl < 3; ttl++) {
			struct spec *s = add(c, "router ttl %u flags %02x", ttl,
					     flags[i]);

			set_flags(s, flags[i]);
			s->ttl = ttl;
		}
		struct spec *s = add(c, "router 1300 flags %02x", flags[i]);

		set_flags(s, flags[i]);
		s->data_len = 1300;
		s = add(c, "router 1300 may fragment flags %02x", flags[i]);
		set_flags(s, flags[i]);
		s->data_len = 1300;
		s->may_fragment = true;
	}
}

static void
add_sources(struct corpus *c, const struct scene *scene)
{
	static const char *const v4[] = { "224.0.0.5",    "239.1.2.3",
					  "127.0.0.1",    "0.0.0.0",
					  "198.51.100.9", "240.0.0.1" };
	static const char *const v6[] = {
		"ff02::5", "ff05::1:3", "::1", "::", "2001:db8::9", "fe80::77"
	};
	static const uint8_t flags[] = { SYN, ACK };

	for (size_t k = 0; k < COUNT(flags); k++) {
		struct spec *s;

		for (size_t i = 0; i < COUNT(v4); i++) {
			const char *text = scene->v6 ? v6[i] : v4[i];

			s = add(c, "source %s flags %02x", text, flags[k]);
			set_flags(s, flags[k]);
			inet_pton(scene->v6 ? AF_INET6 : AF_INET, text, s->src);
		}
		for (unsigned last = 201; last < 203; last++) {
			s = add(c, "source %s flags %02x",
				last == 201 ? "dropped" : "rejected", flags[k]);
			set_flags(s, flags[k]);
			s->src[scene->v6 ? 15 : 3] = (uint8_t)last;
		}
		s = add(c, "source itself flags %02x", flags[k]);
		set_flags(s, flags[k]);
		memcpy(s->src, scene->dst, sizeof s->src);
		if (!scene->v6) {
			s = add(c, "source broadcast flags %02x", flags[k]);
			set_flags(s, flags[k]);
			s->src[3] = 255;
		}
	}
}

/* What an authenticated SYN is made of; and fields nobody else has. */
static void
add_frames(struct corpus *c)
{
	static const uint32_t prefixes[] = { 0x20000a01, 0x21000a01, 0x40000001,
					     0xc1234567, 0x81234567, 0x01234567,
					     0x61234567 };
	uint32_t second = (uint32_t)time(NULL) & 0x1fffffff;

	for (size_t i = 0; i < COUNT(prefixes); i++) {
		add(c, "frame %08x", prefixes[i])->seq = prefixes[i];
	}
	add(c, "frame of now")->seq = 0x40000000 | second;
	add(c, "frame of now bare")->seq = 0x40000000 | second;
	c->kinds[c->count - 1].spec.opts_len = 0;
	add(c, "seq 0")->seq = 0;
	add(c, "seq ffffffff")->seq = 0xffffffff;
	add(c, "window 0")->window = 0;
	for (unsigned tos = 1; tos < 4; tos++) {
		add(c, "tos %02x flags 02", tos)->tos = (uint8_t)tos;
		set_flags(add(c, "tos %02x flags 10", tos), ACK);
		c->kinds[c->count - 1].spec.tos = (uint8_t)tos;
	}
	add(c, "tos b8 flags 02")->tos = 0xb8;
	add(c, "badsum flags 02")->badsum = 0x1111;
	add(c, "nosum flags 02")->badsum = 0xffff;
	set_flags(add(c, "badsum flags 10"), ACK);
	c->kinds[c->count - 1].spec.badsum = 0x1111;
}

struct spec
corpus_usual(const struct scene *scene)
{
	struct spec s = {
		.v6 = scene->v6,
		.flags = SYN,
		.seq = SEQ,
		.window = 64240,
		.ttl = 64,
	};

	memcpy(s.src, scene->src, 16);
	memcpy(s.dst, scene->dst, 16);
	s.opts_len = unhex(s.opts, usual_options);
	return s;
}

void
corpus_make(struct corpus *c, const struct scene *scene)
{
	memset(c, 0, sizeof *c);
	c->usual = corpus_usual(scene);
	add_flags(c);
	add_addresses(c, scene);
	add_fragments(c);
	if (scene->v6) {
		add_extensions(c);
	} else {
		add_ip_options(c);
	}
	add_options(c);
	add_data(c);
	add_router(c);
	add_sources(c, scene);
	add_frames(c);
}
