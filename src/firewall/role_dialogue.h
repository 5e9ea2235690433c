#ifndef FIREWALL_ROLE_DIALOGUE_H
#define FIREWALL_ROLE_DIALOGUE_H

#include <stdint.h>

#include "firewall/role_message.h"

/**
 * What the supervisor has told a proxy and still awaits an answer to. The proxy speaks only when
 * it is asked: each policy and each switch of capture is confirmed once, each question for
 * the counters is answered once, and a second question waits for the first answer. One that says
 * anything else lies, and is ended; so it can neither keep the supervisor busy nor fill its memory.
 *
 * One that says nothing any more hangs. It is asked for its counters at each beat, unless an answer
 * is due already; after so many beats without the answer it is to be ended. Beats are counted, not
 * time: a supervisor that itself stood still (or its machine) blames nobody for that.
 */

enum {
    ROLE_DIALOGUE_BEAT_MS = 10 * 1000,
    ROLE_DIALOGUE_BEATS_MAX = 3, /* without an answer: a busy or emulated machine has its time */
};

struct role_dialogue {
    uint64_t epoch_told;
    uint64_t epoch_in_force; /* 0: none yet; only ever grows within one proxy's life */
    uint64_t capture_told;
    uint64_t capture_in_force; /* generation; 0: none yet */
    bool are_counters_due;
    uint64_t agent_connections; /* as told last */
    uint64_t records_dropped;
    int64_t next_beat_ms; /* 0: at once */
    unsigned silent_beats;
};

/** A new proxy: nothing was said yet. */
void role_dialogue_begin(struct role_dialogue *dialogue);

/** A message has been sent. */
void role_dialogue_tell(struct role_dialogue *dialogue, const struct role_message *message);

enum role_beat {
    ROLE_BEAT_REST, /* nothing is to be done before next_beat_ms */
    ROLE_BEAT_ASK,  /* send ROLE_MESSAGE_STATUS */
    ROLE_BEAT_HUNG, /* it does not answer */
};

/** What is due now, by a clock that never goes back. */
enum role_beat role_dialogue_beat(struct role_dialogue *dialogue, int64_t now_ms);

/** Take in what the proxy said. False when it had no reason to say it. */
bool role_dialogue_hear(struct role_dialogue *dialogue, const struct role_message *message);

#endif
