#ifndef TESTS_HARNESS_FAKE_SERVER_H
#define TESTS_HARNESS_FAKE_SERVER_H

#include "harness/fake_world.h"

/*
 * A server that believes nothing: reads what the wall sends to it as HTTP/1.1 with a parser of
 * its own, and CHECKs that it is one request after the other, each in the one form that no two
 * parsers take differently, each allowed by the policy in force, and each one that the agent has
 * asked for. It answers nothing by itself.
 */

enum fake_server_state {
    FAKE_SERVER_HEAD,
    FAKE_SERVER_BODY,
    FAKE_SERVER_CHUNK_SIZE,
    FAKE_SERVER_CHUNK_DATA,
    FAKE_SERVER_CHUNK_END,
    FAKE_SERVER_TRAILERS,
    FAKE_SERVER_UPGRADE /* asked to switch: nothing may follow before the answer */
};

struct fake_server {
    struct fake_world *world; /* borrowed */
    struct fake_dial *dial;   /* borrowed */
    enum fake_server_state state;
    struct buffer line; /* the head or line that has not ended */
    uint64_t left;      /* of the body or chunk */
    uint64_t body_bytes;
    bool has_switched;      /* said something with 101 in it */
    unsigned request_count; /* complete heads */
    unsigned complete_count;
};

/** From now on `dial`'s peer feeds it. */
void fake_server_start(struct fake_server *server, struct fake_world *world,
                       struct fake_dial *dial);
void fake_server_done(struct fake_server *server);
/** Answer with these bytes. */
void fake_server_say(struct fake_server *server, struct bytes text);

#endif
