/*
 * The rules of ruleset.h as text for nft(8).
 */
#ifndef TAP_FIREWALL_RULESET_NFT_H
#define TAP_FIREWALL_RULESET_NFT_H

#include "base/text.h"
#include "firewall/firewall.h"

/* A whole script that puts the plan in place of what was there. */
void ruleset_nft(struct text *t, const struct fw_plan *plan);

#endif
