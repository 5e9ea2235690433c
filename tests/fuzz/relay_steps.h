#ifndef TESTS_FUZZ_RELAY_STEPS_H
#define TESTS_FUZZ_RELAY_STEPS_H

#include "harness/fake_world.h"

/* What the scripts of both relay targets do alike; `how` and `whom` are bytes of the input. */

/** The far end takes nothing more, a little more, or everything. */
void relay_steps_set_room(struct fake_peer *peer, uint8_t how);
/** The far end ends, is lost, or takes no more. */
void relay_steps_end_peer(struct fake_peer *peer, uint8_t how);
/** One of the newest connections to servers, those of interest; NULL when there is none. */
struct fake_dial *relay_steps_find_dial(struct fake_world *world, uint8_t whom);
/** One of a few policies; the first two allow what the scripts ask for. */
const char *relay_steps_policy(size_t which);
/** Bytes of the input behind a byte with their length. */
struct bytes relay_steps_take_bytes(struct bytes *input);

#endif
