/*
 * The settings that server and client share, and their words.
 */
#ifndef TAP_CONF_SETTINGS_H
#define TAP_CONF_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/words.h"

enum settings_firewall {
	FIREWALL_AUTO, /* nft, then iptables, whichever the kernel can */
	FIREWALL_NFT,
	FIREWALL_IPTABLES,
	FIREWALL_NONE, /* the administrator's own rules */
};

enum settings_fastpath {
	FASTPATH_AUTO, /* native where the driver can, else generic */
	FASTPATH_OFF,
	FASTPATH_NATIVE,
	FASTPATH_GENERIC,
};

/* A server has the three numbers after it, too. */
#define SETTINGS_QUEUE_MAX 65532u
#define SETTINGS_USER_MAX 32u /* what useradd(8) allows */

/*
 * The settings that both have, one a row: the member of struct settings, its
 * type, and what words.h says of such a word.  IN is the configuration that
 * has a struct settings, for the table of its words.
 */
#define SETTINGS(ROW, IN)                                                      \
	ROW(IN, bool, log_json, "log", CONF_CHOICE("text json"))               \
	ROW(IN, uint16_t, queue, "queue",                                      \
	    CONF_NUMBER(0, SETTINGS_QUEUE_MAX, 0), .at_restart = true)         \
	/* The bit that marks tap's own packets. */                            \
	ROW(IN, uint32_t, mark, "mark", CONF_BIT)                              \
	ROW(IN, enum settings_firewall, firewall, "firewall",                  \
	    CONF_CHOICE("auto nft iptables none"), .at_restart = true)         \
	ROW(IN, enum settings_fastpath, fastpath, "fastpath",                  \
	    CONF_CHOICE("auto off native generic"), .at_restart = true)        \
	/* Of the process that handles packets; empty: the usual one. */       \
	ROW(IN, struct settings_user, user, "run_as", CONF_OWN(settings_user), \
	    .at_restart = true)                                                \
	/* Where nft, iptables and the like are; empty: the usual places. */   \
	ROW(IN, struct settings_tools, tools, "tools",                         \
	    CONF_OWN(settings_tools), .at_restart = true)

#define SETTINGS_MEMBER(in, type, member, ...) type member;
#define SETTINGS_WORD(in, type, member, name, ...)                             \
	{ CONF_WORD(name, in, settings.member), __VA_ARGS__ },

struct settings_user {
	char name[SETTINGS_USER_MAX + 1];
};

#define SETTINGS_TOOLS_MAX 256u

struct settings_tools {
	char places[SETTINGS_TOOLS_MAX]; /* as PATH has them */
};

struct settings {
	SETTINGS(SETTINGS_MEMBER, )
};

/* The name of a user whom this host has; into a struct settings_user. */
int settings_user(void *user, const char *value, char *why);
/* Directories, each from / on, parted by ':'; into a struct settings_tools. */
int settings_tools(void *tools, const char *value, char *why);

/*
 * The queue that a configuration file sets, without reading more of it;
 * `fallback` where it sets none or can't be read.
 */
uint16_t settings_peek_queue(const char *path, uint16_t fallback);

#endif
