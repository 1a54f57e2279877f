/*
 * Who goes to the decoy: keys and addresses (paper 002, 1: the blacklist).
 * The monitor has the list; workers see it in memory that they share, and
 * which they could only spoil for themselves.
 *
 * Pure.
 */
#ifndef TAP_SWITCHING_DECOY_LIST_H
#define TAP_SWITCHING_DECOY_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/packet.h"

/* Only who holds a key gets in, and comes to be listed. */
#define DECOY_LIST_MAX 1024u
#define DECOY_LIST_WHY_MAX 128u

struct decoy_entry {
	bool used, by_key;
	uint16_t key_no;         /* by_key, or */
	struct packet_addr addr; /* not */
	uint64_t since, until;   /* seconds since 1970; until 0: taken back */
	char why[DECOY_LIST_WHY_MAX]; /* printable, ended by NUL */
};

struct decoy_list {
	struct decoy_entry entries[DECOY_LIST_MAX];
};

/* Who it is of, as an entry that has nothing else. */
struct decoy_entry decoy_key(uint16_t key_no);
struct decoy_entry decoy_addr(const struct packet_addr *addr);

/* The entry of the same key or address, or NULL. */
struct decoy_entry *decoy_list_find(struct decoy_list *list,
				    const struct decoy_entry *who);
/*
 * Put one in.  One that is there already keeps its beginning, and the later
 * end.  Whether another had to make room, which *gone (or NULL) then is: that
 * which is first at its end, or else came first.
 */
bool decoy_list_add(struct decoy_list *list, const struct decoy_entry *entry,
		    struct decoy_entry *gone);
/* Take one out.  Whether it was there. */
bool decoy_list_remove(struct decoy_list *list, const struct decoy_entry *who);
/* Take those out whose time is up.  How many. */
size_t decoy_list_expire(struct decoy_list *list, uint64_t second);
size_t decoy_list_count(const struct decoy_list *list);

/* The same as a worker reads it, while the monitor may write. */
struct decoy_view {
	uint8_t keys[(UINT16_MAX + 1) / 8]; /* a bit each */
	uint32_t places;                    /* of these, that may be used: */
	struct {
		uint32_t used;
		struct packet_addr addr;
	} addrs[DECOY_LIST_MAX];
};

void decoy_view_write(struct decoy_view *view, const struct decoy_list *list);
bool decoy_view_has(const struct decoy_view *view, int32_t key_no,
		    const struct packet_addr *addr);

#endif
