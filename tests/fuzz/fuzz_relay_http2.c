/*
 * HTTP/2 through the whole relay, and HTTP/1.1 beside it on either side: agents and servers that do
 * what the input says, frame by frame, against the real sessions, codecs, exchange and pool. What
 * must hold is CHECKed by tests/harness; here is the script.
 */

#include "fuzz.h"

#include "harness/fake_answers.h"
#include "harness/fake_http2.h"
#include "harness/fake_server.h"
#include "relay_steps.h"

/* An input is a run of steps: one byte says what, one byte says to whom and how much. */
enum step {
    STEP_AGENT_HEAD, /* a request, of the table below */
    STEP_AGENT_DATA,
    STEP_AGENT_FRAME, /* any frame: type, flags, stream and payload stand in the input */
    STEP_AGENT_BYTES, /* bytes of the input that need not be a frame */
    STEP_AGENT_WINDOW,
    STEP_AGENT_RESET,
    STEP_AGENT_ROOM,
    STEP_AGENT_END,
    STEP_SERVER_HEAD,
    STEP_SERVER_DATA,
    STEP_SERVER_FRAME,
    STEP_SERVER_BYTES,
    STEP_SERVER_WINDOW,
    STEP_SERVER_RESET,
    STEP_SERVER_ROOM,
    STEP_SERVER_END,
    STEP_SERVER_GOAWAY,
    STEP_DIAL,
    STEP_CLOCK,
    STEP_RELOAD,
    STEP_PIECES,
    STEP_MANY, /* the same small frame many times */
    STEP_SETTLE,
    STEP_COUNT
};

#define ASK(method, path)                                                                          \
    ":method: " method "\n:scheme: https\n:authority: a.example.com\n:path: " path "\n"

/* Each as HTTP/2 has it and as HTTP/1.1 has it; agents of HTTP/1.1 have one connection. */
static const struct {
    const char *lines;
    const char *text;
} requests[] = {
    {ASK("GET", "/pub/a"), "GET /pub/a HTTP/1.1\r\nHost: a.example.com\r\n\r\n"},
    {ASK("HEAD", "/pub/a"), "HEAD /pub/a HTTP/1.1\r\nHost: a.example.com\r\n\r\n"},
    {ASK("POST", "/up/a") "content-length: 5\n",
     "POST /up/a HTTP/1.1\r\nHost: a.example.com\r\nContent-Length: 5\r\n\r\nhello"},
    {ASK("POST", "/up/a"),
     "POST /up/a HTTP/1.1\r\nHost: a.example.com\r\nTransfer-Encoding: chunked\r\n\r\n"},
    {ASK("GET", "/private"), "GET /private HTTP/1.1\r\nHost: a.example.com\r\n\r\n"},
    {":method: CONNECT\n:authority: a.example.com\n", "0\r\n\r\n"},
    {ASK("CONNECT", "/pub/ws") ":protocol: websocket\n", "5\r\nhello\r\n"},
    {ASK("POST", "/up/grpc") "te: trailers\ncontent-type: application/grpc\n", "40000\r\n"},
    {":method: GET\n:scheme: https\n:authority: b.example.com\n:path: /pub/a\n",
     "GET /pub/a HTTP/1.1\r\nHost: b.example.com\r\n\r\n"},
    {ASK("GET", "/pub/a") "host: b.example.com\n", "GET /pub/a HTTP/1.0\r\n\r\n"},
    {ASK("GET", "/pub/a") "cookie: a=1\ncookie: b=2\nauthorization: secret\n", "0\r\nx: 1\r\n\r\n"},
    {ASK("GET", "/pub/a") "connection: close\n",
     "GET /pub/a HTTP/1.1\r\nHost: a.example.com\r\nConnection: close\r\n\r\n"},
    {ASK("PUT", "/up/a") "expect: 100-continue\ncontent-length: 100000\n",
     "PUT /up/a HTTP/1.1\r\nHost: a.example.com\r\nContent-Length: 100000\r\n"
     "Expect: 100-continue\r\n\r\n"},
    {ASK("OPTIONS", "*"), "OPTIONS * HTTP/1.1\r\nHost: a.example.com\r\n\r\n"},
    {ASK("GET", "/pub/A") "X-Upper: 1\n",
     "GET /pub/ws HTTP/1.1\r\nHost: a.example.com\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
     "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"},
    {"x-sum: 1\n", "\r\n"},
};

static const struct {
    const char *lines;
    const char *text;
} responses[] = {
    {":status: 200\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"},
    {":status: 200\ncontent-length: 5\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nworld"},
    {":status: 103\nlink: </a>\n", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"},
    {":status: 204\n", "HTTP/1.1 204 No Content\r\n\r\n"},
    {":status: 304\ncontent-length: 5\n", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"},
    {"x-sum: 1\ngrpc-status: 0\n", "0\r\nx-sum: 1\r\n\r\n"},
    {":status: 101\n", "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "
                       "websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"},
    {"server: none\n", "0\r\n\r\n"},
    {":status: 100\n", "HTTP/1.1 100 Continue\r\n\r\n"},
    {":status: 200\nconnection: close\n", "HTTP/1.1 200 OK\r\n\r\n"},
    {":status: 413\n", "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n"},
    {":status: 200\ntransfer-encoding: chunked\n", "5\r\nworld\r\n"},
    {":status: 200\nset-cookie: a=1\nalt-svc: h3\n", "40000\r\n"},
    {":status: 200\ncontent-length: 300000\n", "HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n"},
    {":status: 200\ncontent-type: application/grpc\ntrailer: x-sum\n",
     "HTTP/1.0 200 OK\r\n\r\nuntil the end"},
    {":status: 999\n", "HTTP/1.1 99 What\r\n\r\n"},
};

static const uint32_t durations_ms[] = {1,         999,        1000,           10 * 1000,
                                        60 * 1000, 120 * 1000, 130 * 1000,     15 * 60 * 1000,
                                        30 * 1000, 600 * 1000, 2 * 3600 * 1000};

static const uint32_t sizes[] = {0, 1, 5, 1000, 16384, 65535, 65536, 200000};

enum {
    COUNT_HEADS = 16,
    COUNT_DURATIONS = sizeof(durations_ms) / sizeof(durations_ms[0]),
    STEPS_MAX = 150,
    AGENT_OF_HTTP1 = 3,
    FRAME_HEAD_BYTES = 3,
};

_Static_assert(sizeof(requests) / sizeof(requests[0]) == COUNT_HEADS, "four bits");
_Static_assert(sizeof(responses) / sizeof(responses[0]) == COUNT_HEADS, "four bits");

static struct fake_world world;
static struct fake_http2 agents[FAKE_AGENTS_MAX];
static struct fake_server servers[FAKE_DIALS_MAX]; /* those of HTTP/1.1 */
static struct fake_http2 servers2[FAKE_DIALS_MAX]; /* those of HTTP/2 */

static void on_connected(struct fake_world *its, struct fake_dial *dial)
{
    size_t index = (size_t)(dial - its->dials);
    if (dial->peer->is_http2)
        fake_http2_start(&servers2[index], its, dial->peer, dial);
    else
        fake_server_start(&servers[index], its, dial);
}

/* Opened when it is first spoken of. NULL: an agent of HTTP/1.1. */
static struct fake_http2 *agent_of(uint8_t whom)
{
    size_t index = whom % FAKE_AGENTS_MAX;
    bool is_http2 = index != AGENT_OF_HTTP1;
    if (world.agents[index].peer == NULL) {
        fake_world_open_agent(&world, index, is_http2 ? HTTP_PROTOCOL_2 : HTTP_PROTOCOL_1);
        if (is_http2)
            fake_http2_start(&agents[index], &world, world.agents[index].peer, NULL);
    }
    return is_http2 ? &agents[index] : NULL;
}

/* One of the newest streams. */
static uint32_t stream_of(const struct fake_http2 *end, uint8_t which)
{
    size_t back = which % 4;
    return back < end->stream_count ? end->streams[end->stream_count - 1 - back].id : 0;
}

/* --- both ends ------------------------------------------------------------------------------ */

static void say_frame(struct fake_http2 *end, struct bytes bytes)
{
    if (bytes.length < FRAME_HEAD_BYTES)
        return;
    uint8_t type = bytes.data[0];
    uint8_t flags = bytes.data[1];
    uint8_t which = bytes.data[2];
    /* A small number itself, or one of the newest streams. */
    uint32_t stream = which < 128 ? which : stream_of(end, which);
    fake_http2_say(end, type, flags, stream, bytes_from(bytes, FRAME_HEAD_BYTES));
}

static void say_reset(struct fake_http2 *end, uint8_t argument)
{
    uint8_t payload[4] = {0, 0, 0, (uint8_t)(argument >> 4)};
    fake_http2_say(end, FAKE_HTTP2_RST_STREAM, 0, stream_of(end, argument >> 2),
                   (struct bytes){payload, sizeof(payload)});
}

static void say_data(struct fake_http2 *end, uint8_t argument)
{
    uint8_t flags = argument & 0x80 ? FAKE_HTTP2_END_STREAM : 0;
    fake_http2_say_data(end, flags, stream_of(end, argument >> 2), sizes[(argument >> 4) % 8]);
}

static void say_window(struct fake_http2 *end, uint8_t argument)
{
    uint32_t stream = argument & 0x80 ? 0 : stream_of(end, argument >> 2);
    fake_http2_say_window(end, stream, 1 + sizes[(argument >> 4) % 8]);
}

/* Some of what is cheap to say and may be costly to hear. */
static void say_many(struct fake_http2 *end, uint8_t argument)
{
    static const uint8_t types[] = {
        FAKE_HTTP2_PING,       FAKE_HTTP2_SETTINGS, FAKE_HTTP2_WINDOW_UPDATE, FAKE_HTTP2_DATA,
        FAKE_HTTP2_RST_STREAM, FAKE_HTTP2_PRIORITY, FAKE_HTTP2_CONTINUATION,  0x77};
    static const uint8_t lengths[] = {8, 0, 4, 0, 4, 5, 1, 0};
    static const uint8_t payload[8] = {0, 0, 0, 1};
    size_t kind = (argument >> 2) % 8;
    uint32_t stream = kind < 2 ? 0 : stream_of(end, argument >> 5);
    for (unsigned i = 0; i < 300; i++)
        fake_http2_say(end, types[kind], 0, stream, (struct bytes){payload, lengths[kind]});
}

/* --- agents --------------------------------------------------------------------------------- */

static void say_request(struct fake_http2 *end, struct fake_peer *peer, uint8_t argument)
{
    size_t which = (argument >> 2) % COUNT_HEADS;
    if (end == NULL) {
        fake_peer_push(peer, bytes_from_text(requests[which].text));
        return;
    }
    bool is_trailer = requests[which].lines[0] != ':';
    uint8_t flags = is_trailer || (argument & 0x80) == 0 ? FAKE_HTTP2_END_STREAM : 0;
    uint32_t stream = is_trailer ? stream_of(end, 0) : end->next_stream;
    if (end->stream_count < FAKE_HTTP2_STREAMS_MAX)
        fake_http2_say_head(end, flags, stream, requests[which].lines);
}

static void take_agent_step(enum step step, uint8_t argument, struct bytes bytes)
{
    struct fake_http2 *end = agent_of(argument);
    struct fake_peer *peer = world.agents[argument % FAKE_AGENTS_MAX].peer;
    if (step == STEP_AGENT_HEAD)
        say_request(end, peer, argument);
    else if (step == STEP_AGENT_ROOM)
        relay_steps_set_room(peer, argument);
    else if (step == STEP_AGENT_END)
        relay_steps_end_peer(peer, argument);
    else if (end == NULL)
        fake_peer_push(peer, bytes);
    else if (step == STEP_AGENT_DATA)
        say_data(end, argument);
    else if (step == STEP_AGENT_FRAME)
        say_frame(end, bytes);
    else if (step == STEP_AGENT_BYTES)
        fake_http2_say_bytes(end, bytes);
    else if (step == STEP_AGENT_WINDOW)
        say_window(end, argument);
    else if (step == STEP_AGENT_RESET)
        say_reset(end, argument);
    else
        say_many(end, argument);
}

/* --- servers -------------------------------------------------------------------------------- */

static void say_response(struct fake_http2 *end, uint8_t argument)
{
    size_t which = (argument >> 2) % COUNT_HEADS;
    bool is_trailer = responses[which].lines[0] != ':';
    uint8_t flags = is_trailer || (argument & 0x80) ? FAKE_HTTP2_END_STREAM : 0;
    fake_http2_say_head(end, flags, stream_of(end, argument >> 6), responses[which].lines);
}

static void take_http1_server_step(struct fake_server *server, enum step step, uint8_t argument,
                                   struct bytes bytes)
{
    static const uint8_t block[4096] = {'x'};
    if (step == STEP_SERVER_HEAD)
        fake_server_say(server, bytes_from_text(responses[(argument >> 2) % COUNT_HEADS].text));
    else if (step == STEP_SERVER_DATA)
        for (uint32_t left = sizes[(argument >> 4) % 8]; left > sizeof(block);
             left -= (uint32_t)sizeof(block))
            fake_server_say(server, (struct bytes){block, sizeof(block)});
    else
        fake_server_say(server, bytes);
}

static void take_http2_server_step(struct fake_http2 *end, enum step step, uint8_t argument,
                                   struct bytes bytes)
{
    if (step == STEP_SERVER_HEAD) {
        say_response(end, argument);
    } else if (step == STEP_SERVER_DATA) {
        say_data(end, argument);
    } else if (step == STEP_SERVER_FRAME) {
        say_frame(end, bytes);
    } else if (step == STEP_SERVER_BYTES) {
        fake_http2_say_bytes(end, bytes);
    } else if (step == STEP_SERVER_WINDOW) {
        say_window(end, argument);
    } else if (step == STEP_SERVER_RESET) {
        say_reset(end, argument);
    } else if (step == STEP_SERVER_GOAWAY) {
        uint8_t payload[8] = {0, 0, 0, (uint8_t)stream_of(end, argument >> 2)};
        fake_http2_say(end, FAKE_HTTP2_GOAWAY, 0, 0, (struct bytes){payload, sizeof(payload)});
    } else {
        say_many(end, argument);
    }
}

static void take_server_step(enum step step, uint8_t argument, struct bytes bytes)
{
    struct fake_dial *dial = relay_steps_find_dial(&world, argument);
    if (dial == NULL)
        return;
    size_t index = (size_t)(dial - world.dials);
    if (step == STEP_SERVER_ROOM)
        relay_steps_set_room(dial->peer, argument);
    else if (step == STEP_SERVER_END)
        relay_steps_end_peer(dial->peer, argument);
    else if (dial->peer->is_http2)
        take_http2_server_step(&servers2[index], step, argument, bytes);
    else
        take_http1_server_step(&servers[index], step, argument, bytes);
}

/* --- the rest ------------------------------------------------------------------------------- */

static void settle_dial(uint8_t how)
{
    struct fake_dial *dial = fake_world_waiting_dial(&world);
    enum dial_outcome outcome = how < 224 ? DIAL_CONNECTED : (enum dial_outcome)(how % 8);
    if (dial)
        fake_world_settle_dial(&world, dial, outcome, how % 4 != 0 && dial->may_be_http2);
}

static void take_step(enum step step, uint8_t argument, struct bytes bytes)
{
    struct fake_dial *dial = relay_steps_find_dial(&world, argument);
    switch (step) {
    case STEP_DIAL:
        settle_dial(argument);
        break;
    case STEP_CLOCK:
        fake_loop_advance(durations_ms[argument % COUNT_DURATIONS]);
        break;
    case STEP_RELOAD:
        fake_world_reload(&world, relay_steps_policy(argument));
        break;
    case STEP_PIECES:
        agent_of(argument);
        world.agents[argument % FAKE_AGENTS_MAX].peer->piece = 1 + argument;
        if (dial)
            dial->peer->piece = 1 + argument;
        break;
    case STEP_SETTLE:
    case STEP_COUNT:
        fake_loop_settle();
        break;
    case STEP_MANY:
        if (argument & 0x80)
            take_server_step(step, argument, bytes);
        else
            take_agent_step(step, argument, bytes);
        break;
    default:
        if (step < STEP_SERVER_HEAD)
            take_agent_step(step, argument, bytes);
        else
            take_server_step(step, argument, bytes);
    }
}

/* Steps that bring bytes take the next one as their length. */
static struct bytes take_bytes(struct bytes *input, enum step step)
{
    bool has_bytes = step == STEP_AGENT_FRAME || step == STEP_AGENT_BYTES ||
                     step == STEP_SERVER_FRAME || step == STEP_SERVER_BYTES;
    if (!has_bytes)
        return BYTES_EMPTY;
    return relay_steps_take_bytes(input);
}

static void end_all(void)
{
    struct fake_agent *http1 = &world.agents[AGENT_OF_HTTP1];
    bool is_http1_told = http1->peer && http1->peer->is_closed && http1->peer->end == STREAM_WAIT;
    if (is_http1_told)
        fake_answers_check(http1);
    fake_world_end(&world);
    if (http1->peer)
        fake_answers_check(http1);
    for (size_t i = 0; i < AGENT_OF_HTTP1; i++)
        if (world.agents[i].peer)
            fake_http2_done(&agents[i]);
    for (size_t i = 0; i < world.dial_count; i++) {
        if (world.dials[i].peer && world.dials[i].peer->is_http2)
            fake_http2_done(&servers2[i]);
        else if (world.dials[i].peer)
            fake_server_done(&servers[i]);
    }
    fake_world_stop(&world);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes input = {data, size};
    fake_world_start(&world, "a.example.com", relay_steps_policy(size % 2));
    world.on_connected = on_connected;
    for (unsigned steps = 0; input.length >= 2 && steps < STEPS_MAX; steps++) {
        enum step step = (enum step)((input.data[0] & 0x7f) % STEP_COUNT);
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
    end_all();
    return 0;
}
