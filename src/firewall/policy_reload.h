#ifndef FIREWALL_POLICY_RELOAD_H
#define FIREWALL_POLICY_RELOAD_H

#include "base/error.h"
#include "record/control_message.h"

struct supervisor;

enum { POLICY_RELOAD_TALK_MS = 5000 }; /* for the proxy to take and confirm all of it */

/**
 * Put a new policy in force, in the supervisor and in the proxy, or change nothing. Either way a
 * record says what happened. On success the answer (what was added and removed, the time taken)
 * is the caller's to release.
 *
 * _folder reads --policy again; _bundle takes the text of policy_bundle.h and writes it there
 * once it is known to be good.
 */
bool policy_reload_folder(struct supervisor *supervisor, struct control_policy_answer *answer,
                          struct error *error);
bool policy_reload_bundle(struct supervisor *supervisor, struct bytes bundle,
                          struct control_policy_answer *answer, struct error *error);

#endif
