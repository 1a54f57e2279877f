#include "switching/decoy_list.h"

#include <string.h>

struct decoy_entry
decoy_key(uint16_t key_no)
{
	return (struct decoy_entry){ .by_key = true, .key_no = key_no };
}

struct decoy_entry
decoy_addr(const struct packet_addr *addr)
{
	return (struct decoy_entry){ .addr = *addr };
}

static bool
is_same(const struct decoy_entry *a, const struct decoy_entry *b)
{
	return a->by_key == b->by_key &&
		(a->by_key ? a->key_no == b->key_no
			   : packet_addr_equal(&a->addr, &b->addr));
}

struct decoy_entry *
decoy_list_find(struct decoy_list *list, const struct decoy_entry *who)
{
	for (size_t i = 0; i < DECOY_LIST_MAX; i++) {
		struct decoy_entry *e = &list->entries[i];

		if (e->used && is_same(e, who)) {
			return e;
		}
	}
	return NULL;
}

/* Which of the two goes first. */
static bool
goes_before(const struct decoy_entry *a, const struct decoy_entry *b)
{
	const uint64_t a_until = a->until ? a->until : UINT64_MAX;
	const uint64_t b_until = b->until ? b->until : UINT64_MAX;

	return a_until != b_until ? a_until < b_until : a->since < b->since;
}

bool
decoy_list_add(struct decoy_list *list, const struct decoy_entry *entry,
	       struct decoy_entry *gone)
{
	struct decoy_entry *at = decoy_list_find(list, entry);
	bool full;

	if (at) {
		if (at->until != 0 &&
		    (entry->until == 0 || entry->until > at->until)) {
			at->until = entry->until;
		}
		return false;
	}
	for (size_t i = 0; i < DECOY_LIST_MAX; i++) {
		struct decoy_entry *e = &list->entries[i];

		if (!e->used) {
			at = e;
			break;
		}
		if (!at || goes_before(e, at)) {
			at = e;
		}
	}
	full = at->used;
	if (full && gone) {
		*gone = *at;
	}
	*at = *entry;
	at->used = true;
	return full;
}

bool
decoy_list_remove(struct decoy_list *list, const struct decoy_entry *who)
{
	struct decoy_entry *e = decoy_list_find(list, who);

	if (!e) {
		return false;
	}
	*e = (struct decoy_entry){ .used = false };
	return true;
}

size_t
decoy_list_expire(struct decoy_list *list, uint64_t second)
{
	size_t gone = 0;

	for (size_t i = 0; i < DECOY_LIST_MAX; i++) {
		struct decoy_entry *e = &list->entries[i];

		if (e->used && e->until != 0 && e->until <= second) {
			*e = (struct decoy_entry){ .used = false };
			gone++;
		}
	}
	return gone;
}

size_t
decoy_list_count(const struct decoy_list *list)
{
	size_t count = 0;

	for (size_t i = 0; i < DECOY_LIST_MAX; i++) {
		count += list->entries[i].used;
	}
	return count;
}

static void
write_keys(struct decoy_view *view, const struct decoy_list *list)
{
	uint8_t keys[sizeof view->keys] = { 0 };

	for (size_t i = 0; i < DECOY_LIST_MAX; i++) {
		const struct decoy_entry *e = &list->entries[i];

		if (e->used && e->by_key) {
			keys[e->key_no / 8] |= (uint8_t)(1u << e->key_no % 8);
		}
	}
	for (size_t i = 0; i < sizeof keys; i++) {
		__atomic_store_n(&view->keys[i], keys[i], __ATOMIC_RELAXED);
	}
}

void
decoy_view_write(struct decoy_view *view, const struct decoy_list *list)
{
	uint32_t places = 0;

	write_keys(view, list);
	for (uint32_t i = 0; i < DECOY_LIST_MAX; i++) {
		const struct decoy_entry *e = &list->entries[i];
		const bool used = e->used && !e->by_key;

		if (used) {
			places = i + 1;
		}
		if (view->addrs[i].used == used &&
		    (!used ||
		     packet_addr_equal(&view->addrs[i].addr, &e->addr))) {
			continue;
		}
		/* Nobody is to find half of one address and half of another. */
		__atomic_store_n(&view->addrs[i].used, 0, __ATOMIC_SEQ_CST);
		view->addrs[i].addr = e->addr;
		__atomic_store_n(&view->addrs[i].used, used, __ATOMIC_SEQ_CST);
	}
	__atomic_store_n(&view->places, places, __ATOMIC_SEQ_CST);
}

bool
decoy_view_has(const struct decoy_view *view, int32_t key_no,
	       const struct packet_addr *addr)
{
	uint32_t places = __atomic_load_n(&view->places, __ATOMIC_SEQ_CST);

	if (key_no >= 0 && key_no <= UINT16_MAX &&
	    __atomic_load_n(&view->keys[key_no / 8], __ATOMIC_RELAXED) &
		    1u << key_no % 8) {
		return true;
	}
	places = places < DECOY_LIST_MAX ? places : DECOY_LIST_MAX;
	for (uint32_t i = 0; i < places; i++) {
		if (__atomic_load_n(&view->addrs[i].used, __ATOMIC_SEQ_CST) &&
		    packet_addr_equal(&view->addrs[i].addr, addr) &&
		    __atomic_load_n(&view->addrs[i].used, __ATOMIC_SEQ_CST)) {
			return true;
		}
	}
	return false;
}
