/*
 * HTTP/1.1 through the whole relay: agents and servers that do what the input says, against the
 * real codecs, exchange and pool. What must hold is CHECKed by tests/harness; here is the script.
 */

#include "fuzz.h"

#include "harness/fake_answers.h"
#include "harness/fake_server.h"
#include "relay_steps.h"

#include <string.h>

/* An input is a run of steps: one byte says what, one byte says to whom and how much. */
enum step {
    STEP_AGENT_TEXT,   /* one of the agent's texts below */
    STEP_AGENT_BYTES,  /* bytes of the input */
    STEP_SERVER_TEXT,  /* one of the server's */
    STEP_SERVER_BYTES, /* bytes of the input */
    STEP_AGENT_ROOM,   /* its network takes nothing, a little, everything */
    STEP_SERVER_ROOM,
    STEP_AGENT_END,
    STEP_SERVER_END,
    STEP_DIAL,   /* an outcome */
    STEP_CLOCK,  /* time passes */
    STEP_RELOAD, /* another policy */
    STEP_BULK,   /* many bytes of body */
    STEP_PIECES, /* how long reads are */
    STEP_SETTLE, /* everything that can happen */
    STEP_COUNT
};

#define HOST "Host: a.example.com\r\n"

static const char *const agent_texts[] = {
    "GET /pub/a HTTP/1.1\r\n" HOST "\r\n",
    "HEAD /pub/a HTTP/1.1\r\n" HOST "\r\n",
    "POST /up/a HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello",
    "POST /up/a HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n",
    "5\r\nhello\r\n",
    "0\r\n\r\n",
    "0\r\nx-sum: 1\r\n\r\n",
    "PUT /up/a HTTP/1.1\r\n" HOST "Content-Length: 200000\r\nExpect: 100-continue\r\n\r\n",
    ("GET /pub/ws HTTP/1.1\r\n" HOST "Connection: upgrade\r\nUpgrade: websocket\r\n"
     "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"),
    "GET /private HTTP/1.1\r\n" HOST "\r\n",
    "DELETE /pub/a HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n",
    "GET /pub/old HTTP/1.0\r\n" HOST "\r\n",
    "GET /pub/a HTTP/1.1\r\n" HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\n" HOST "TE: trailers\r\nConnection: te\r\n\r\n",
    "GET https://a.example.com/pub/b HTTP/1.1\r\n" HOST "X-Http-Method-Override: PUT\r\n\r\n",
    "POST /up/a HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n40000\r\n",
};

static const char *const server_texts[] = {
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nworld",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    "5\r\nworld\r\n",
    "0\r\n\r\n",
    "0\r\nx-sum: 1\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\n",
    "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
    ("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
     "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"),
    "HTTP/1.1 204 No Content\r\n\r\n",
    "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
    "HTTP/1.1 200 OK\r\n\r\n",
    "HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.0 200 OK\r\n\r\nuntil the end",
    "HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40000\r\n",
};

static const uint32_t durations_ms[] = {1,          999,        1000,       10 * 1000,
                                        60 * 1000,  120 * 1000, 130 * 1000, 15 * 60 * 1000,
                                        900 * 1000, 7200 * 1000};

enum {
    COUNT_AGENT_TEXTS = sizeof(agent_texts) / sizeof(agent_texts[0]),
    COUNT_SERVER_TEXTS = sizeof(server_texts) / sizeof(server_texts[0]),
    COUNT_DURATIONS = sizeof(durations_ms) / sizeof(durations_ms[0]),
    STEPS_MAX = 200
};

static struct fake_world world;
static struct fake_server servers[FAKE_DIALS_MAX];

static void on_connected(struct fake_world *its, struct fake_dial *dial)
{
    fake_server_start(&servers[dial - its->dials], its, dial);
}

static struct fake_peer *agent_peer(uint8_t whom)
{
    size_t index = whom % FAKE_AGENTS_MAX;
    if (world.agents[index].peer == NULL)
        fake_world_open_agent(&world, index, HTTP_PROTOCOL_1);
    return world.agents[index].peer;
}

static void push_bulk(struct fake_peer *peer, size_t length)
{
    static const uint8_t block[1024] = {'x'};
    for (; length > 0; length -= length < sizeof(block) ? length : sizeof(block))
        fake_peer_push(peer, bytes_first((struct bytes){block, sizeof(block)}, length));
}

static void settle_dial(uint8_t how)
{
    struct fake_dial *dial = fake_world_waiting_dial(&world);
    enum dial_outcome outcome = how < 192 ? DIAL_CONNECTED : (enum dial_outcome)(how % 8);
    if (dial)
        fake_world_settle_dial(&world, dial, outcome, false);
}

static void take_agent_step(enum step step, uint8_t argument, struct bytes bytes)
{
    struct fake_peer *peer = agent_peer(argument);
    if (step == STEP_AGENT_TEXT)
        fake_peer_push(peer, bytes_from_text(agent_texts[(argument / 4) % COUNT_AGENT_TEXTS]));
    else if (step == STEP_AGENT_BYTES)
        fake_peer_push(peer, bytes);
    else if (step == STEP_AGENT_ROOM)
        relay_steps_set_room(peer, argument);
    else
        relay_steps_end_peer(peer, argument);
}

static void take_server_step(enum step step, uint8_t argument, struct bytes bytes)
{
    struct fake_dial *dial = relay_steps_find_dial(&world, argument);
    if (dial == NULL)
        return;
    struct fake_server *server = &servers[dial - world.dials];
    if (step == STEP_SERVER_TEXT)
        fake_server_say(server, bytes_from_text(server_texts[(argument / 4) % COUNT_SERVER_TEXTS]));
    else if (step == STEP_SERVER_BYTES)
        fake_server_say(server, bytes);
    else if (step == STEP_SERVER_ROOM)
        relay_steps_set_room(dial->peer, argument);
    else
        relay_steps_end_peer(dial->peer, argument);
}

static void take_step(enum step step, uint8_t argument, struct bytes bytes)
{
    struct fake_dial *dial = relay_steps_find_dial(&world, argument);
    switch (step) {
    case STEP_AGENT_TEXT:
    case STEP_AGENT_BYTES:
    case STEP_AGENT_ROOM:
    case STEP_AGENT_END:
        take_agent_step(step, argument, bytes);
        break;
    case STEP_SERVER_TEXT:
    case STEP_SERVER_BYTES:
    case STEP_SERVER_ROOM:
    case STEP_SERVER_END:
        take_server_step(step, argument, bytes);
        break;
    case STEP_DIAL:
        settle_dial(argument);
        break;
    case STEP_CLOCK:
        fake_loop_advance(durations_ms[argument % COUNT_DURATIONS]);
        break;
    case STEP_RELOAD:
        fake_world_reload(&world, relay_steps_policy(argument));
        break;
    case STEP_BULK:
        if (argument < 128)
            push_bulk(agent_peer(argument), (size_t)argument * 1024);
        else if (dial)
            push_bulk(dial->peer, (size_t)argument * 1024);
        break;
    case STEP_PIECES:
        agent_peer(argument)->piece = 1 + argument;
        if (dial)
            dial->peer->piece = 1 + argument;
        break;
    case STEP_SETTLE:
    case STEP_COUNT:
        fake_loop_settle();
        break;
    }
}

/* Steps that bring bytes take the next one as their length. */
static struct bytes take_bytes(struct bytes *input, enum step step)
{
    if (step != STEP_AGENT_BYTES && step != STEP_SERVER_BYTES)
        return BYTES_EMPTY;
    return relay_steps_take_bytes(input);
}

/* --- the end -------------------------------------------------------------------------------- */

static void note_endings(bool is_final)
{
    for (size_t i = 0; i < FAKE_AGENTS_MAX; i++) {
        struct fake_agent *agent = &world.agents[i];
        if (agent->peer && agent->peer->is_closed && (is_final || agent->peer->end == STREAM_WAIT))
            fake_answers_check(agent);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes input = {data, size};
    fake_world_start(&world, "a.example.com", relay_steps_policy(size % 2));
    world.on_connected = on_connected;
    for (unsigned steps = 0; input.length >= 2 && steps < STEPS_MAX; steps++) {
        enum step step = input.data[0] % STEP_COUNT;
        /* The high bit holds back what would happen at once: several things in one turn. */
        bool is_settled = input.data[0] < 128;
        uint8_t argument = input.data[1];
        input = bytes_from(input, 2);
        if (world.dial_count >= FAKE_DIALS_MAX / 2)
            break;
        take_step(step, argument, take_bytes(&input, step));
        if (is_settled)
            fake_loop_settle();
    }
    fake_loop_settle();
    note_endings(false);
    fake_world_end(&world);
    note_endings(true);
    for (size_t i = 0; i < world.dial_count; i++)
        if (world.dials[i].peer)
            fake_server_done(&servers[i]);
    fake_world_stop(&world);
    return 0;
}
