#include "server/overview.h"

#include <arpa/inet.h>
#include <stddef.h>

/* Of a rule whose list of ports is long: the rest is left out. */
#define RULE_MAX 256u
/* "; and 4095 more rules" */
#define MORE_MAX 32u

static void
put_addr(struct text *t, const struct packet_addr *addr)
{
	char out[INET6_ADDRSTRLEN];

	inet_ntop(addr->family == 4 ? AF_INET : AF_INET6, addr->bytes, out,
		  sizeof out);
	text_put(t, addr->family == 4 ? "%s" : "[%s]", out);
}

static void
put_net(struct text *t, const char *word, const struct acl_net *net)
{
	unsigned size = net->addr.family == 4 ? 32 : 128;
	unsigned bits = 0;

	if (net->addr.family == 0) {
		return;
	}
	while (bits < size && net->mask[bits / 8] & 128 >> bits % 8) {
		bits++;
	}
	text_put(t, " %s ", word);
	put_addr(t, &net->addr);
	if (bits < size) {
		text_put(t, "/%u", bits);
	}
}

static void
put_rule(struct text *t, const struct acl_rule *rule)
{
	if (rule->ports_count == 0) {
		text_put(t, "all ports");
	}
	for (size_t i = 0; i < rule->ports_count; i++) {
		const struct acl_range *r = &rule->ports[i];

		text_put(t, i ? ",%u" : "%u", r->low);
		if (r->high != r->low) {
			text_put(t, "-%u", r->high);
		}
	}
	put_net(t, "from", &rule->src);
	put_net(t, "of", &rule->dst);
	if (rule->indev[0]) {
		text_put(t, " on %s", rule->indev);
	}
	switch (rule->hide) {
	case ACL_FILTERED:
		text_put(t, " filtered");
		break;
	case ACL_CLOSED:
		text_put(t, " closed");
		break;
	case ACL_DECOY:
		text_put(t, " decoy ");
		put_addr(t, &rule->decoy);
		text_put(t, ":%u", rule->decoy_port);
		break;
	}
}

void
overview_hidden(struct text *t, const struct acl *acl)
{
	for (size_t i = 0; i < acl->rules_count; i++) {
		char buffer[RULE_MAX];
		struct text rule = text_over(buffer, sizeof buffer);

		put_rule(&rule, &acl->rules[i]);
		if (rule.full || t->size - t->len < rule.len + MORE_MAX) {
			text_put(t, "%sand %zu more %s", i ? "; " : "",
				 acl->rules_count - i,
				 acl->rules_count - i == 1 ? "rule" : "rules");
			return;
		}
		text_put(t, "%s%s", i ? "; " : "", buffer);
	}
}
