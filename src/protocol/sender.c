#include "protocol/sender.h"

#include <string.h>

bool
sender_host_has(const struct sender_host *host, const struct packet_addr *addr)
{
	for (size_t i = 0; i < host->count; i++) {
		if (packet_addr_equal(&host->addr[i], addr)) {
			return true;
		}
	}
	return false;
}

bool
sender_next_dst(const struct sender_rule *rule, size_t *at, struct acl_net *dst)
{
	const struct sender_host *host = rule->host;

	if (!host) {
		*dst = rule->dst;
		return (*at)++ == 0;
	}
	while (*at < host->count) {
		const struct packet_addr *addr = &host->addr[(*at)++];

		if (rule->src.addr.family == 0 ||
		    rule->src.addr.family == addr->family) {
			*dst = (struct acl_net){ .addr = *addr };
			memset(dst->mask, 0xff, addr->family == 4 ? 4 : 16);
			return true;
		}
	}
	return false;
}

bool
sender_goes_to(const struct sender_rule *rule, const struct packet_addr *addr,
	       uint16_t port)
{
	return acl_ports_have(rule->ports, rule->ports_count, port) &&
		(rule->host ? sender_host_has(rule->host, addr)
			    : acl_net_has(&rule->dst, addr));
}

enum fit { FITS_NOT, FITS_PERHAPS, FITS };

static enum fit
fit_of(bool asked, bool known, bool equal)
{
	return !asked || (known && equal) ? FITS
		: known                   ? FITS_NOT
					  : FITS_PERHAPS;
}

/* Whether it is for who sends the packet: the least of what each word says. */
static enum fit
fits_owner(const struct sender_rule *rule, const struct sender_packet *in)
{
	const enum fit fits[] = {
		fit_of(rule->has_user, in->has_uid, in->uid == rule->uid),
		fit_of(rule->exe[0] != '\0', in->exe != NULL,
		       in->exe && strcmp(rule->exe, in->exe) == 0),
		fit_of(rule->pid != 0, in->pid != 0, in->pid == rule->pid),
		fit_of(rule->comm[0] != '\0', in->comm != NULL,
		       in->comm && strcmp(rule->comm, in->comm) == 0),
	};
	enum fit fit = FITS;

	for (size_t i = 0; i < sizeof fits / sizeof fits[0]; i++) {
		fit = fits[i] < fit ? fits[i] : fit;
	}
	/* Of this host's own, who is not known is not meant. */
	return fit == FITS_PERHAPS && rule->guest == 0 ? FITS_NOT : fit;
}

bool
sender_lacks_owner(const struct sender_rule *rule,
		   const struct sender_packet *in)
{
	return fits_owner(rule, in) == FITS_PERHAPS;
}

const struct sender_rule *
sender_rule_for(const struct sender_rule *rules, size_t count,
		const struct sender_packet *in)
{
	const struct packet *p = in->packet;

	for (size_t i = 0; i < count; i++) {
		const struct sender_rule *rule = &rules[i];

		if (rule->forwarded == in->forwarded &&
		    (rule->guest == 0 || rule->guest == in->guest) &&
		    sender_goes_to(rule, &p->dst, p->dport) &&
		    acl_net_has(&rule->src, &p->src) &&
		    (rule->guest != 0 || rule->indev[0] == '\0' ||
		     (in->indev && strcmp(rule->indev, in->indev) == 0)) &&
		    (rule->outdev[0] == '\0' ||
		     (in->outdev && strcmp(rule->outdev, in->outdev) == 0)) &&
		    fits_owner(rule, in) != FITS_NOT) {
			return rule;
		}
	}
	return NULL;
}

enum sender_answer
sender_judge(const struct packet *orig)
{
	if (orig->has_signature) {
		return SENDER_SIGNATURE;
	}
	return orig->data_len > 0 ? SENDER_DATA : SENDER_GROUP;
}

void
sender_seal(struct sender_group *group, const struct mac_key *key,
	    const struct frame_head *head, uint16_t port)
{
	group->count = FRAME_BASE + key->extra;
	group->seq[FRAME_SYN1] = frame_syn1(head);
	group->seq[FRAME_SYN2] = frame_syn2(head);
	mac_sign(key, port, group->seq, NULL);
}

void
sender_sign(struct sender_group *group, const struct packet *orig,
	    const struct sender_rule *rule, uint64_t instant, uint16_t mark,
	    const uint16_t *sports)
{
	const struct mac_key *key = &rule->key.mac;
	const struct frame_head head = {
		.flags = key->extra,
		.key_no = rule->key.no,
		.instant = instant,
	};
	uint16_t port = rule->service_port ? rule->service_port : orig->dport;

	group->mark = mark;
	group->seq[FRAME_SYN0] = orig->seq;
	sender_seal(group, key, &head, port);
	group->sport[FRAME_SYN0] = orig->sport;
	for (size_t i = 1; i < group->count; i++) {
		group->sport[i] = sports[i - 1];
	}
}

size_t
sender_frame(uint8_t *out, const uint8_t *bytes, const struct packet *orig,
	     const struct sender_group *group, enum frame_role role)
{
	struct packet copy;
	size_t len = packet_copy_headers(out, &copy, bytes, orig);

	packet_rewrite(out, &copy, group->sport[role], group->seq[role],
		       group->mark);
	return len;
}

void
sender_syn0(uint8_t *bytes, const struct packet *orig,
	    const struct sender_group *group)
{
	packet_rewrite(bytes, orig, orig->sport, orig->seq, group->mark);
}
