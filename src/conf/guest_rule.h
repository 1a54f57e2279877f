/*
 * The words of a rule of the client's file that are about a virtual machine:
 * who in it has a connection, and what becomes of that.
 */
#ifndef TAP_CONF_GUEST_RULE_H
#define TAP_CONF_GUEST_RULE_H

#include "conf/guest_conf.h"
#include "conf/words.h"
#include "protocol/sender.h"

#define GUEST_USER_MAX 64u

struct guest_rule {
	char guest[GUEST_NAME_MAX]; /* empty: of none, and the rest is, too */
	char user[GUEST_USER_MAX];  /* a number, or a name in: */
	char passwd[GUEST_PATH_MAX];
	char exe[SENDER_EXE_MAX];
	uint32_t pid;
	char comm[SENDER_COMM_MAX];
	bool unknown_passes;
	bool denies, allows;
};

int guest_rule_name(void *into, const char *value, char *why);
int guest_rule_user(void *into, const char *value, char *why);
int guest_rule_path(void *into, const char *value, char *why);
int guest_rule_comm(void *into, const char *value, char *why);

/* The words, for a table: IN has a struct guest_rule of_guest. */
#define GUEST_RULE_WORDS(in)                                                   \
	{ CONF_WORD("guest", in, of_guest.guest), CONF_OWN(guest_rule_name) }, \
		{ CONF_WORD("guest_user", in, of_guest.user),                  \
		  CONF_OWN(guest_rule_user) },                                 \
		{ CONF_WORD("guest_passwd", in, of_guest.passwd),              \
		  CONF_OWN(guest_rule_path) },                                 \
		{ CONF_WORD("guest_exe", in, of_guest.exe),                    \
		  CONF_OWN(guest_rule_path) },                                 \
		{ CONF_WORD("guest_pid", in, of_guest.pid),                    \
		  CONF_NUMBER(1, INT32_MAX, 0) },                              \
		{ CONF_WORD("guest_comm", in, of_guest.comm),                  \
		  CONF_OWN(guest_rule_comm) },                                 \
		{ CONF_WORD("unknown", in, of_guest.unknown_passes),           \
		  CONF_CHOICE("deny allow") },                                 \
		{ CONF_WORD("deny", in, of_guest.denies),                      \
		  CONF_CHOICE("no yes") },                                     \
	{                                                                      \
		CONF_WORD("allow", in, of_guest.allows), CONF_CHOICE("no yes") \
	}

/*
 * Have a rule, whose other words are there, be for what these words say.  0,
 * or below 0 with the error in err, as grammar.h has it.
 */
int guest_rule_apply(const struct guest_rule *words,
		     const struct guest_list *guests, struct sender_rule *rule,
		     const struct conf_file *file, char *err);

#endif
