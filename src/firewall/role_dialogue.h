#ifndef FIREWALL_ROLE_DIALOGUE_H
#define FIREWALL_ROLE_DIALOGUE_H

#include "firewall/role_message.h"

/**
 * What the supervisor has told a proxy and still awaits an answer to. The proxy speaks only when
 * it is asked: each policy is confirmed once, each question for the counters is answered once, and
 * a second question waits for the first answer. One that says anything else lies, and is ended;
 * so it can neither keep the supervisor busy nor fill its memory.
 */
struct role_dialogue {
    uint64_t epoch_told;
    uint64_t epoch_in_force; /* 0: none yet; only ever grows within one proxy's life */
    bool are_counters_due;
    uint64_t agent_connections; /* as told last */
    uint64_t records_dropped;
};

/** A new proxy: nothing was said yet. */
void role_dialogue_begin(struct role_dialogue *dialogue);

/** A message has been sent. */
void role_dialogue_tell(struct role_dialogue *dialogue, const struct role_message *message);

/** Take in what the proxy said. False when it had no reason to say it. */
bool role_dialogue_hear(struct role_dialogue *dialogue, const struct role_message *message);

#endif
