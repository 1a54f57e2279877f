/*
 * The settings that server and client share, and their words.
 */
#ifndef TAP_CONF_SETTINGS_H
#define TAP_CONF_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

enum settings_firewall {
	FIREWALL_AUTO, /* nft, then iptables, whichever the kernel can */
	FIREWALL_NFT,
	FIREWALL_IPTABLES,
	FIREWALL_NONE, /* the administrator's own rules */
};

enum settings_fastpath {
	FASTPATH_OFF,
	FASTPATH_AUTO, /* native where the driver can, else generic */
	FASTPATH_NATIVE,
	FASTPATH_GENERIC,
};

/* A server has the three numbers after it, too. */
#define SETTINGS_QUEUE_MAX 65532u
#define SETTINGS_USER_MAX 32u /* what useradd(8) allows */

struct settings {
	char user[SETTINGS_USER_MAX + 1]; /* of the worker; empty: the usual */
	bool log_json;
	uint16_t queue;         /* of NFQUEUE */
	uint32_t mark;          /* the bit that marks tap's own packets */
	uint32_t fastpath_mark; /* of those accepted in the kernel; server */
	enum settings_firewall firewall;
	enum settings_fastpath fastpath;
};

/* For conf_apply(); each takes a struct settings. */
int settings_log(void *settings, const char *value, char *why);
int settings_queue(void *settings, const char *value, char *why);
int settings_mark(void *settings, const char *value, char *why);
int settings_fastpath_mark(void *settings, const char *value, char *why);
int settings_firewall(void *settings, const char *value, char *why);
int settings_fastpath(void *settings, const char *value, char *why);
int settings_user(void *settings, const char *value, char *why);

/*
 * The queue that a configuration file sets, without reading more of it;
 * `fallback` where it sets none or can't be read.
 */
uint16_t settings_peek_queue(const char *path, uint16_t fallback);

#endif
