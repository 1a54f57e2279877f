#include "fastpath/door_program.h"

#include <netinet/in.h>
#include <stdint.h>

/*
 * struct bpf_sk_lookup: older headers lack its end, and newer ones split
 * the port, in network order, in two: the half that is not it is 0.
 */
struct context {
	uint64_t socket;
	uint32_t family; /* AF_INET or AF_INET6 */
	uint32_t protocol;
	uint32_t remote_ip4;
	uint32_t remote_ip6[4];
	uint32_t remote_port;
	uint32_t local_ip4;
	uint32_t local_ip6[4];
	uint32_t local_port; /* in host order */
	uint32_t device;
};

#define OF(field) ((int16_t)offsetof(struct context, field))

#define LOOPBACK_DEVICE 1 /* in every network namespace */

/* Where things are on the stack, below its top. */
enum {
	AT_KEY = -24,   /* struct door_key; begins with the peer's address */
	AT_LOCAL = -40, /* this host's address */
	AT_META = -48,
	AT_OWN = -72,   /* struct door_own */
	AT_INDEX = -76, /* the key of an array */
};

enum { R0, R1, R2, R3, R4, R5, CONTEXT, LIST, FROM_HERE, DEVICE, STACK };

#define INSN(...) ((struct bpf_insn){ __VA_ARGS__ })
#define LOAD(bits, to, from, at)                                               \
	INSN(.code = BPF_LDX | BPF_MEM | (bits), .dst_reg = (to),              \
	     .src_reg = (from), .off = (int16_t)(at))
#define STORE(bits, to, at, from)                                              \
	INSN(.code = BPF_STX | BPF_MEM | (bits), .dst_reg = (to),              \
	     .src_reg = (from), .off = (int16_t)(at))
#define SET(to, value)                                                         \
	INSN(.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = (to),             \
	     .imm = (value))
#define MOVE(to, from)                                                         \
	INSN(.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = (to),             \
	     .src_reg = (from))
#define DO(what, to, from)                                                     \
	INSN(.code = BPF_ALU64 | (what) | BPF_X, .dst_reg = (to),              \
	     .src_reg = (from))
#define DO_BY(what, to, value)                                                 \
	INSN(.code = BPF_ALU64 | (what) | BPF_K, .dst_reg = (to),              \
	     .imm = (value))
/* Pass over the next `insns` where a register compares so. */
#define SKIP(insns, how, reg, value)                                           \
	INSN(.code = BPF_JMP | (how) | BPF_K, .dst_reg = (reg),                \
	     .imm = (value), .off = (insns))
#define CALL(helper) INSN(.code = BPF_JMP | BPF_CALL, .imm = (helper))
#define LEAVE INSN(.code = BPF_JMP | BPF_EXIT)

struct code {
	struct bpf_insn *at;
	size_t count;
};

static void
put(struct code *c, struct bpf_insn insn)
{
	c->at[c->count++] = insn;
}

static void
put_all(struct code *c, const struct bpf_insn *insns, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		put(c, insns[i]);
	}
}

#define PUT(c, ...)                                                            \
	do {                                                                   \
		const struct bpf_insn insns_[] = { __VA_ARGS__ };              \
		put_all((c), insns_, sizeof insns_ / sizeof insns_[0]);        \
	} while (0)

/* R0: the value of a key on the stack, or NULL. */
static void
put_lookup(struct code *c, int map, int key)
{
	PUT(c,
	    INSN(.code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = R1,
		 .src_reg = BPF_PSEUDO_MAP_FD, .imm = map),
	    INSN(.code = 0), /* the upper half */
	    MOVE(R2, STACK), DO_BY(BPF_ADD, R2, key),
	    CALL(BPF_FUNC_map_lookup_elem));
}

/* R0 is the place in an array that has it: the kernel wants to be told. */
static void
put_there(struct code *c)
{
	PUT(c, SKIP(2, BPF_JNE, R0, 0), SET(R0, SK_DROP), LEAVE);
}

/* An address: of the two families' fields the other one is 0. */
static void
put_address(struct code *c, int16_t ip4, int16_t ip6, int at)
{
	PUT(c, LOAD(BPF_W, R1, CONTEXT, ip4), LOAD(BPF_W, R2, CONTEXT, ip6),
	    DO(BPF_OR, R1, R2), STORE(BPF_W, STACK, at, R1));
	for (int word = 4; word < 16; word += 4) {
		PUT(c, LOAD(BPF_W, R1, CONTEXT, ip6 + word),
		    STORE(BPF_W, STACK, at + word, R1));
	}
}

/* The peer, but for the class; R3: the family as 4 or 6. */
static void
put_peer(struct code *c)
{
	put_address(c, OF(remote_ip4), OF(remote_ip6), AT_KEY);
	put_address(c, OF(local_ip4), OF(local_ip6), AT_LOCAL);
	PUT(c, LOAD(BPF_W, R1, CONTEXT, OF(remote_port)), MOVE(R2, R1),
	    DO_BY(BPF_RSH, R2, 16), DO(BPF_OR, R1, R2),
	    STORE(BPF_H, STACK, AT_KEY + (int)offsetof(struct door_key, port),
		  R1),
	    LOAD(BPF_W, R3, CONTEXT, OF(family)),
	    /* AF_INET is 2, AF_INET6 is 10. */
	    DO_BY(BPF_RSH, R3, 2), DO_BY(BPF_ADD, R3, 4),
	    STORE(BPF_H, STACK, AT_KEY + (int)offsetof(struct door_key, family),
		  R3));
}

/* FROM_HERE: whether the peer has an address of this host. */
static void
put_own(struct code *c, const struct door_maps *maps)
{
	PUT(c, LOAD(BPF_DW, R1, STACK, AT_KEY),
	    STORE(BPF_DW, STACK, AT_OWN, R1),
	    LOAD(BPF_DW, R1, STACK, AT_KEY + 8),
	    STORE(BPF_DW, STACK, AT_OWN + 8, R1),
	    STORE(BPF_DW, STACK, AT_OWN + 16, R3));
	put_lookup(c, maps->own, AT_OWN);
	PUT(c, SET(FROM_HERE, 0), SKIP(1, BPF_JEQ, R0, 0),
	    SET(FROM_HERE, DOOR_LOOPBACK));
}

/*
 * DEVICE: the number of its name.  One that came a moment ago has none yet:
 * R5, which clears what a rule finds wrong with it, lets it be any.
 */
static void
put_device(struct code *c, const struct door_maps *maps, bool devices)
{
	if (!devices) {
		PUT(c, SET(DEVICE, DOOR_DEVICE_OTHER), SET(R5, -1));
		return;
	}
	PUT(c, LOAD(BPF_W, R1, CONTEXT, OF(device)),
	    STORE(BPF_W, STACK, AT_INDEX, R1),
	    SKIP(1, BPF_JNE, R1, LOOPBACK_DEVICE),
	    SET(FROM_HERE, DOOR_LOOPBACK));
	put_lookup(c, maps->devices, AT_INDEX);
	PUT(c, SET(DEVICE, DOOR_DEVICE_OTHER), SET(R5, -1),
	    DO_BY(BPF_RSH, R5, DOOR_DEVICE_SHIFT), SKIP(2, BPF_JEQ, R0, 0),
	    LOAD(BPF_W, DEVICE, R0, 0), SET(R5, -1));
}

static void
put_meta(struct code *c)
{
	PUT(c, DO_BY(BPF_LSH, DEVICE, DOOR_DEVICE_SHIFT),
	    DO(BPF_OR, DEVICE, FROM_HERE),
	    LOAD(BPF_H, R1, STACK,
		 AT_KEY + (int)offsetof(struct door_key, family)),
	    DO(BPF_OR, DEVICE, R1), STORE(BPF_DW, STACK, AT_META, DEVICE));
}

static int
word_at(int word)
{
	return word < DOOR_DST     ? AT_KEY + 8 * (word - DOOR_SRC)
		: word < DOOR_META ? AT_LOCAL + 8 * (word - DOOR_DST)
				   : AT_META;
}

/* R0 becomes 1 if the rule matches: no bit that it wants is otherwise. */
static void
put_rule(struct code *c, size_t rule)
{
	const size_t at = rule * sizeof(struct door_rule);
	const size_t mask = at + offsetof(struct door_rule, mask);

	put(c, SET(R1, 0));
	for (int word = 0; word < DOOR_WORDS; word++) {
		PUT(c, LOAD(BPF_DW, R2, LIST, at + 8 * (size_t)word),
		    LOAD(BPF_DW, R3, STACK, word_at(word)), DO(BPF_XOR, R2, R3),
		    LOAD(BPF_DW, R3, LIST, mask + 8 * (size_t)word),
		    DO(BPF_AND, R2, R3));
		if (word == DOOR_META) {
			put(c, DO(BPF_AND, R2, R5));
		}
		put(c, DO(BPF_OR, R1, R2));
	}
	PUT(c, SKIP(1, BPF_JNE, R1, 0), SET(R0, 1));
}

/* LIST: whether it was accepted, and that has not expired. */
static void
put_accepted(struct code *c, const struct door_maps *maps)
{
	put_lookup(c, maps->accepted, AT_KEY);
	/* DEVICE, which has been looked at: whether it is to be carried. */
	PUT(c, SET(LIST, 0), SKIP(1, BPF_JEQ, R0, 0), LOAD(BPF_DW, LIST, R0, 0),
	    MOVE(DEVICE, LIST), DO_BY(BPF_RSH, DEVICE, 63),
	    DO_BY(BPF_LSH, LIST, 1), DO_BY(BPF_RSH, LIST, 1),
	    CALL(BPF_FUNC_ktime_get_ns),
	    /* LIST = LIST > now */
	    INSN(.code = BPF_JMP | BPF_JGT | BPF_X, .dst_reg = LIST,
		 .src_reg = R0, .off = 1),
	    SET(LIST, 0));
}

/*
 * Accepted, to be carried, and still protected: its listener is the carrier's,
 * and where that is away it has none.
 */
static void
put_carried(struct code *c, const struct door_maps *maps)
{
	struct code assign = { .at = c->at + c->count + 3 };

	PUT(&assign, LOAD(BPF_W, R1, CONTEXT, OF(family)),
	    /* AF_INET is 2, AF_INET6 is 10. */
	    DO_BY(BPF_RSH, R1, 3), STORE(BPF_W, STACK, AT_INDEX, R1));
	put_lookup(&assign, maps->carrier, AT_INDEX);
	PUT(&assign, SET(LIST, 0), SKIP(10, BPF_JEQ, R0, 0), MOVE(DEVICE, R0),
	    MOVE(R1, CONTEXT), MOVE(R2, R0), SET(R3, 0),
	    CALL(BPF_FUNC_sk_assign), MOVE(LIST, R0), MOVE(R1, DEVICE),
	    CALL(BPF_FUNC_sk_release),
	    /* From an error, or 0, to whether it may go on. */
	    SKIP(2, BPF_JEQ, LIST, 0), SET(LIST, 0), SKIP(1, BPF_JA, R0, 0),
	    SET(LIST, 1));
	PUT(c, SKIP((int16_t)assign.count + 2, BPF_JEQ, LIST, 0),
	    SKIP((int16_t)assign.count + 1, BPF_JEQ, FROM_HERE, 0),
	    SKIP((int16_t)assign.count, BPF_JEQ, DEVICE, 0));
	c->count += assign.count;
}

/* The verdict is counted, and given. */
static void
put_end(struct code *c, const struct door_maps *maps)
{
	PUT(c,
	    /* CONTEXT, which has been read: 1 (SK_PASS) or 0 (SK_DROP). */
	    SET(CONTEXT, SK_PASS), SKIP(2, BPF_JEQ, FROM_HERE, 0),
	    SKIP(1, BPF_JNE, LIST, 0), SET(CONTEXT, SK_DROP),
	    STORE(BPF_W, STACK, AT_INDEX, CONTEXT));
	put_lookup(c, maps->counts, AT_INDEX);
	PUT(c, SKIP(3, BPF_JEQ, R0, 0), LOAD(BPF_DW, R1, R0, 0),
	    DO_BY(BPF_ADD, R1, 1), STORE(BPF_DW, R0, 0, R1), MOVE(R0, CONTEXT),
	    LEAVE);
}

size_t
door_program(struct bpf_insn out[DOOR_INSNS_MAX], const struct door_maps *maps,
	     size_t rules, bool devices)
{
	struct code c = { .at = out };

	_Static_assert((int)DOOR_REFUSED == (int)SK_DROP &&
			       (int)DOOR_PASSED == (int)SK_PASS,
		       "counted by verdict");
	PUT(&c, MOVE(CONTEXT, R1), LOAD(BPF_W, R1, CONTEXT, OF(protocol)),
	    SKIP(2, BPF_JEQ, R1, IPPROTO_TCP), SET(R0, SK_PASS), LEAVE);
	put_peer(&c);
	put_own(&c, maps);
	PUT(&c, LOAD(BPF_W, R1, CONTEXT, OF(local_port)),
	    STORE(BPF_W, STACK, AT_INDEX, R1));
	put_lookup(&c, maps->ports, AT_INDEX);
	put_there(&c);
	PUT(&c, LOAD(BPF_W, R1, R0, offsetof(struct door_port, keys)),
	    STORE(BPF_W, STACK, AT_KEY + (int)offsetof(struct door_key, keys),
		  R1),
	    LOAD(BPF_W, R1, R0, offsetof(struct door_port, list)),
	    STORE(BPF_W, STACK, AT_INDEX, R1));
	put_lookup(&c, maps->lists, AT_INDEX);
	put_there(&c);
	put(&c, MOVE(LIST, R0));
	put_device(&c, maps, devices);
	put_meta(&c);
	put(&c, SET(R0, 0));
	for (size_t i = 0; i < rules; i++) {
		put_rule(&c, i);
	}
	/* From here on: whether it is protected. */
	put(&c, MOVE(FROM_HERE, R0));
	put_accepted(&c, maps);
	if (maps->carrier >= 0) {
		put_carried(&c, maps);
	}
	put_end(&c, maps);
	return c.count;
}
