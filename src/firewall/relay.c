#include "firewall/relay.h"

#include "base/memory.h"
#include "system/stream.h"

#include <stdlib.h>
#include <uv.h>

enum relay_side { SIDE_AGENT, SIDE_UPSTREAM, SIDE_COUNT };

/* One direction, named by the side that it reads from. */
struct relay_direction {
    struct relay *relay;   /* borrowed */
    struct stream *source; /* owned */
    struct stream *target; /* borrowed: the other direction's source */
    uint64_t bytes;
    bool is_ended;
    enum relay_side side;
};

struct relay {
    struct stream_loop *streams; /* borrowed */
    uv_timer_t timer;
    relay_end_fn *on_end;
    relay_watch_fn *on_bytes; /* NULL: nobody watches */
    void *owner;              /* borrowed */
    uint64_t idle_timeout_ms;
    uint64_t active_at_ms;
    struct relay_direction directions[SIDE_COUNT];
};

static void on_timer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void release(struct relay *relay, enum stream_ending agent_ending,
                    enum stream_ending upstream_ending)
{
    stream_close(relay->directions[SIDE_AGENT].source, agent_ending);
    stream_close(relay->directions[SIDE_UPSTREAM].source, upstream_ending);
    uv_close((uv_handle_t *)&relay->timer, on_timer_closed);
}

/* How the side that is left learns that the other one broke: never as a clean end. */
static enum stream_ending broken_ending(const struct stream *stream)
{
    return stream_tls(stream) ? STREAM_ENDING_BROKEN : STREAM_ENDING_RESET;
}

static void end(struct relay *relay, enum relay_end end)
{
    enum stream_ending agent_ending = STREAM_ENDING_CLEAN;
    enum stream_ending upstream_ending = STREAM_ENDING_CLEAN;
    if (end != RELAY_END_FINISHED) {
        agent_ending = broken_ending(relay->directions[SIDE_AGENT].source);
        upstream_ending = broken_ending(relay->directions[SIDE_UPSTREAM].source);
    }
    relay_end_fn *on_end = relay->on_end;
    void *owner = relay->owner;
    uint64_t sent = relay_sent(relay);
    uint64_t received = relay_received(relay);
    release(relay, agent_ending, upstream_ending);
    on_end(owner, end, sent, received);
}

static void end_of_side(struct relay *relay, enum relay_side side)
{
    end(relay, side == SIDE_AGENT ? RELAY_END_AGENT_LOST : RELAY_END_UPSTREAM_LOST);
}

static void pass(struct relay_direction *direction, struct bytes bytes)
{
    direction->bytes += bytes.length;
    direction->relay->active_at_ms = uv_now(stream_loop_uv(direction->relay->streams));
    if (direction->relay->on_bytes)
        direction->relay->on_bytes(
            direction->relay->owner,
            direction->side == SIDE_AGENT ? RELAY_FROM_AGENT : RELAY_FROM_UPSTREAM, bytes);
    stream_send(direction->target, bytes);
    if (stream_unsent(direction->target) > 0)
        stream_pause_reading(direction->source);
}

static void pump(struct relay_direction *direction)
{
    struct relay *relay = direction->relay;
    if (stream_unsent(direction->target) > 0) {
        stream_pause_reading(direction->source);
        return;
    }
    size_t room;
    uint8_t *scratch = stream_loop_scratch(relay->streams, &room);
    size_t length = 0;
    switch (stream_read(direction->source, scratch, room, &length)) {
    case STREAM_WAIT:
        return;
    case STREAM_DATA:
        pass(direction, (struct bytes){scratch, length});
        return;
    case STREAM_END:
        direction->is_ended = true;
        stream_finish(direction->target);
        if (relay->directions[SIDE_AGENT].is_ended && relay->directions[SIDE_UPSTREAM].is_ended)
            end(relay, RELAY_END_FINISHED);
        return;
    case STREAM_LOST:
        end_of_side(relay, direction->side);
        return;
    }
}

static void on_stream(void *owner, enum stream_event event)
{
    struct relay_direction *direction = owner;
    struct relay *relay = direction->relay;
    switch (event) {
    case STREAM_READABLE:
        pump(direction);
        return;
    case STREAM_DRAINED:
        relay->active_at_ms = uv_now(stream_loop_uv(relay->streams));
        stream_resume_reading(relay->directions[SIDE_COUNT - 1 - direction->side].source);
        return;
    case STREAM_FAILED:
        end_of_side(relay, direction->side);
        return;
    case STREAM_OPENED:
        return;
    }
}

static void on_idle_check(uv_timer_t *timer)
{
    struct relay *relay = timer->data;
    uint64_t idle_ms = uv_now(timer->loop) - relay->active_at_ms;
    if (idle_ms >= relay->idle_timeout_ms)
        end(relay, RELAY_END_IDLE);
    else
        uv_timer_start(timer, on_idle_check, relay->idle_timeout_ms - idle_ms, 0);
}

struct relay *relay_new(struct stream_loop *streams, struct stream *agent, struct stream *upstream,
                        uint64_t idle_timeout_ms, relay_end_fn *on_end, void *owner)
{
    struct relay *relay = memory_new(sizeof(*relay));
    relay->streams = streams;
    relay->on_end = on_end;
    relay->owner = owner;
    relay->idle_timeout_ms = idle_timeout_ms;
    relay->active_at_ms = uv_now(stream_loop_uv(streams));
    relay->directions[SIDE_AGENT] = (struct relay_direction){
        .relay = relay, .source = agent, .target = upstream, .side = SIDE_AGENT};
    relay->directions[SIDE_UPSTREAM] = (struct relay_direction){
        .relay = relay, .source = upstream, .target = agent, .side = SIDE_UPSTREAM};
    for (int side = 0; side < SIDE_COUNT; side++) {
        struct relay_direction *direction = &relay->directions[side];
        stream_pause_reading(direction->source);
        stream_set_owner(direction->source, on_stream, direction);
    }
    uv_timer_init(stream_loop_uv(streams), &relay->timer);
    relay->timer.data = relay;
    return relay;
}

void relay_pass_to_upstream(struct relay *relay, struct bytes bytes)
{
    pass(&relay->directions[SIDE_AGENT], bytes);
}

void relay_pass_to_agent(struct relay *relay, struct bytes bytes)
{
    pass(&relay->directions[SIDE_UPSTREAM], bytes);
}

void relay_watch(struct relay *relay, relay_watch_fn *on_bytes)
{
    relay->on_bytes = on_bytes;
}

void relay_start(struct relay *relay)
{
    for (int side = 0; side < SIDE_COUNT; side++)
        stream_resume_reading(relay->directions[side].source);
    uv_timer_start(&relay->timer, on_idle_check, relay->idle_timeout_ms, 0);
}

uint64_t relay_sent(const struct relay *relay)
{
    return relay->directions[SIDE_AGENT].bytes;
}

uint64_t relay_received(const struct relay *relay)
{
    return relay->directions[SIDE_UPSTREAM].bytes;
}

void relay_cut(struct relay *relay)
{
    release(relay, STREAM_ENDING_RESET, STREAM_ENDING_RESET);
}
