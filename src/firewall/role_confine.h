#ifndef FIREWALL_ROLE_CONFINE_H
#define FIREWALL_ROLE_CONFINE_H

#include "firewall/role_filter.h"

/*
 * Theory of Operation
 *
 * A role gives up, in this order and for good:
 *
 *   network      (recorder) a new network namespace with nothing in it
 *   files        the root becomes an empty folder that exists no more
 *   identity     its own user and group, no other group, no capability
 *   new powers   no_new_privs, no core dump, nobody may trace it, no new process
 *   supervisor   it dies with the one that forked it
 *   Landlock     (where the kernel has it) no file, no TCP listener, no signal to others
 *   seccomp      the calls of role_filter.c are left; any other ends it with SIGSYS
 *
 * What comes from the agent or from servers is read only after the last of these.
 */

/** Users of the roles: fixed numbers that no package of Debian hands out. */
enum { ROLE_PROXY_USER = 61001, ROLE_RECORDER_USER = 61002 };

/**
 * Become `kind`, forked by `parent`. False with the reason when any of it fails: the process is
 * then to end. Needs root.
 */
bool role_confine(enum role_kind kind, pid_t parent, struct error *error);

/**
 * What the supervisor gives up before it starts anything: every capability but those that it
 * needs, and the calls of role_filter_install_supervisor, for itself and for nft.
 */
bool role_confine_supervisor(struct error *error);

#endif
