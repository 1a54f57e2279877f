#include "switching/notes.h"

#include <string.h>

#include "conf/switch_conf.h"

/* Clients choose both, and may fill a set: then they are not carried. */
uint32_t
notes_hash(const struct packet_addr *src, uint16_t sport, uint32_t size)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	for (size_t i = 0; i < sizeof src->bytes; i++) {
		hash = (hash ^ src->bytes[i]) * 16777619u;
	}
	hash = (hash ^ (sport & 0xffu)) * 16777619u;
	hash = (hash ^ (uint32_t)(sport >> 8)) * 16777619u;
	return hash % size;
}

static bool
is_family(const struct packet_addr *addr)
{
	return addr->family == 4 || addr->family == 6;
}

bool
notes_is_sound(const struct carrier_note *n)
{
	return is_family(&n->src) && n->dst.family == n->src.family &&
		is_family(&n->decoy) && n->decoy_port != 0 &&
		n->buffer >= SWITCH_CONF_BUFFER_MIN &&
		n->buffer <= SWITCH_CONF_BUFFER_MAX &&
		n->wait_ms <= SWITCH_CONF_WAIT_MAX &&
		memchr(n->name, '\0', sizeof n->name);
}

static bool
is_of(const struct notes_entry *e, const struct packet_addr *src,
      uint16_t sport)
{
	return e->note.sport == sport && packet_addr_equal(&e->note.src, src);
}

void
notes_put(struct notes *notes, const struct carrier_note *note, uint64_t now_ms)
{
	struct notes_entry *set =
		notes->at[notes_hash(&note->src, note->sport, NOTES_SETS)];
	struct notes_entry *to = &set[0];

	for (size_t i = 0; i < NOTES_WAYS; i++) {
		if (is_of(&set[i], &note->src, note->sport)) {
			to = &set[i];
			break;
		}
		if (set[i].ms < to->ms) {
			to = &set[i];
		}
	}
	to->note = *note;
	to->ms = now_ms;
}

bool
notes_take(struct notes *notes, const struct packet_addr *src, uint16_t sport,
	   uint64_t now_ms, struct carrier_note *out)
{
	struct notes_entry *set = notes->at[notes_hash(src, sport, NOTES_SETS)];

	for (size_t i = 0; i < NOTES_WAYS; i++) {
		if (is_of(&set[i], src, sport) &&
		    now_ms - set[i].ms <= NOTES_LIFE_MS) {
			*out = set[i].note;
			memset(&set[i], 0, sizeof set[i]);
			return true;
		}
	}
	return false;
}

size_t
notes_alarm(struct notes *notes, const struct alarm *alarm, uint64_t now_ms)
{
	const bool one = alarm->src.family && alarm->sport;
	const uint32_t first =
		one ? notes_hash(&alarm->src, alarm->sport, NOTES_SETS) : 0;
	const uint32_t end = one ? first + 1 : NOTES_SETS;
	size_t count = 0;

	for (size_t i = 0; i < (end - first) * NOTES_WAYS; i++) {
		struct notes_entry *e =
			&notes->at[first + i / NOTES_WAYS][i % NOTES_WAYS];
		struct carrier_note *n = &e->note;
		const struct packet p = { .src = n->src,
					  .dst = n->dst,
					  .sport = n->sport,
					  .dport = n->dport };

		if (n->src.family && !n->to_decoy &&
		    now_ms - e->ms <= NOTES_LIFE_MS &&
		    alarm_is_of(alarm, &p, n->key_no)) {
			n->to_decoy = 1;
			count++;
		}
	}
	return count;
}
