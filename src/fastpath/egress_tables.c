#include "fastpath/egress_tables.h"

#include <string.h>

#include "base/bytes.h"
#include "daemon/log.h"
#include "fastpath/bpf_addr.h"
#include "fastpath/ingress_tables.h"

static bool
knows(const struct sender_rule *rule)
{
	return !rule->forwarded && rule->exe[0] == '\0' &&
		rule->ports_count <= EGRESS_RANGES_MAX &&
		suite_kernel(rule->key.mac.suite) != SUITE_KERNEL_NONE;
}

/* Whether it takes all there are: the queue has none. */
static bool
knows_all(const struct client_conf *conf)
{
	size_t count = 0;

	for (size_t i = 0; i < conf->rules_count; i++) {
		const struct sender_rule *rule = &conf->rules[i];

		if (rule->forwarded) {
			continue; /* of no socket here */
		}
		if (!knows(rule)) {
			return false;
		}
		count += rule->host ? rule->host->count : 1;
	}
	return count <= EGRESS_RULES_MAX;
}

bool
egress_tables_takes(const struct client_conf *conf,
		    const struct sender_rule *rule, size_t taken)
{
	return knows(rule) && taken < EGRESS_RULES_MAX &&
		(!rule->has_user || knows_all(conf));
}

static void
take_rule(struct egress_rule *to, const struct sender_rule *rule,
	  const struct acl_net *dst)
{
	*to = (struct egress_rule){
		.ranges = (uint32_t)rule->ports_count,
		.service_port = rule->service_port,
		.key_no = rule->key.no,
		.has_user = rule->has_user,
		.uid = rule->uid,
	};
	to->src_family = ingress_addr_net(&to->src, &to->src_mask, &rule->src);
	to->dst_family = ingress_addr_net(&to->dst, &to->dst_mask, dst);
	for (size_t i = 0; i < rule->ports_count; i++) {
		to->range[i] = (struct ingress_range){ rule->ports[i].low,
						       rule->ports[i].high };
	}
	ingress_tables_key(&to->key, &rule->key);
}

void
egress_tables_make(struct egress_plan *plan, const struct client_conf *conf)
{
	size_t count = 0;

	memset(plan, 0, sizeof *plan);
	for (size_t i = 0; i < conf->rules_count; i++) {
		const struct sender_rule *rule = &conf->rules[i];
		struct acl_net dst;
		size_t at = 0;

		while (egress_tables_takes(conf, rule, count) &&
		       sender_next_dst(rule, &at, &dst)) {
			take_rule(&plan->rules[count], rule, &dst);
			memcpy(plan->outdev[count], rule->outdev, IF_NAMESIZE);
			count++;
		}
	}
	plan->tables = (struct egress_tables){
		.rules = plan->rules,
		.outdev = plan->outdev,
		.rules_count = count,
		.mark = conf->settings.mark,
		.verbose = log_is_verbose(),
	};
}

void
egress_tables_wipe(struct egress_plan *plan)
{
	bytes_wipe(plan->rules, sizeof plan->rules);
}
