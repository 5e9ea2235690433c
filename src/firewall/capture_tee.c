#include "firewall/capture_tee.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "firewall/capture_queue.h"
#include "firewall/capture_redact.h"
#include "system/wall_clock.h"

enum side_state { SIDE_OPEN, SIDE_CUT };

enum tee_state {
    TEE_TELLING,
    TEE_ENDING, /* the exchange is over; its end waits to be told */
};

struct tee_side {
    enum side_state state;
    uint64_t captured; /* bytes */
    uint64_t lost;     /* bytes that passed since it was cut */
    uint64_t lost_told;
};

struct capture_tee {
    struct capture *capture;  /* borrowed */
    struct capture_tee *next; /* in the list of its capture */
    struct capture_tee *previous;
    enum tee_state state;
    uint32_t generation;
    uint64_t number;
    uint64_t cap; /* bytes of a side */
    const char *reason;
    uint64_t ended_ms;
    struct tee_side sides[CAPTURE_SIDE_COUNT];
};

struct capture {
    const struct provider_set *providers; /* borrowed */
    struct capture_queue *queue;          /* owned */
    uint32_t generation;                  /* 0: off */
    uint64_t last_number;
    uint64_t missed;          /* exchanges, not told of yet */
    struct capture_tee *tees; /* owned, those that are ENDING too */
    unsigned tee_count;
    /* Room for redacted heads, kept while capture is on. */
    struct buffer fields;
    struct buffer value;
    struct buffer target;
};

static uint64_t now_ms(void)
{
    return (uint64_t)wall_clock_now_ms();
}

/* --- tees ----------------------------------------------------------------------------------- */

static struct capture_tee *add_tee(struct capture *capture)
{
    struct capture_tee *tee = memory_new(sizeof(*tee));
    tee->capture = capture;
    tee->generation = capture->generation;
    tee->number = ++capture->last_number;
    tee->cap = CAPTURE_BODY_BYTES_MAX;
    tee->next = capture->tees;
    if (tee->next)
        tee->next->previous = tee;
    capture->tees = tee;
    capture->tee_count++;
    return tee;
}

static void free_tee(struct capture_tee *tee)
{
    struct capture *capture = tee->capture;
    if (tee->next)
        tee->next->previous = tee->previous;
    if (tee->previous)
        tee->previous->next = tee->next;
    else
        capture->tees = tee->next;
    capture->tee_count--;
    free(tee);
}

static bool is_telling(const struct capture_tee *tee)
{
    return tee->state == TEE_TELLING && tee->generation == tee->capture->generation;
}

static struct capture_frame frame_of(const struct capture_tee *tee, enum capture_frame_kind kind)
{
    return (struct capture_frame){
        .kind = kind, .generation = tee->generation, .exchange = tee->number, .time_ms = now_ms()};
}

/* --- heads ---------------------------------------------------------------------------------- */

/* A field that does not fit is left out: the caps of heads do not let it happen. */
static void add_fields(struct capture *capture, const struct http_head *head)
{
    buffer_clear(&capture->fields);
    for (size_t i = 0; i < http_head_field_count(head); i++) {
        struct capture_field field = {.name = http_head_field_name(head, i)};
        buffer_clear(&capture->value);
        if (!capture_redact_value(field.name, http_head_field_value(head, i), &capture->value))
            continue;
        field.value = buffer_bytes(&capture->value);
        if (!capture_frame_add_field(&capture->fields, &field))
            return;
    }
}

static bool tell_begin(struct capture_tee *tee, const struct provider_match *match,
                       const struct host_name *name, enum http_protocol protocol,
                       const struct http_head *request)
{
    struct capture *capture = tee->capture;
    struct capture_frame frame = frame_of(tee, CAPTURE_BEGIN);
    buffer_clear(&capture->target);
    if (!capture_redact_target(http_head_path(request), &capture->target))
        return false;
    add_fields(capture, request);
    frame.protocol = protocol == HTTP_PROTOCOL_2 ? CAPTURE_HTTP2 : CAPTURE_HTTP1;
    frame.provider = match->provider;
    frame.api = match->api;
    frame.host = host_name_bytes(name);
    frame.method = http_head_method(request);
    frame.path = buffer_bytes(&capture->target);
    frame.fields = buffer_bytes(&capture->fields);
    return capture_queue_add(capture->queue, &frame);
}

static void tell_missed(struct capture *capture)
{
    struct capture_frame frame = {.kind = CAPTURE_MISSED,
                                  .generation = capture->generation,
                                  .time_ms = now_ms(),
                                  .count = capture->missed};
    if (capture->missed > 0 && capture_queue_add(capture->queue, &frame))
        capture->missed = 0;
}

struct capture_tee *capture_begin(struct capture *capture, const struct host_name *name,
                                  enum http_protocol protocol, const struct http_head *request)
{
    struct provider_match match;
    if (capture == NULL || capture->generation == 0 ||
        !provider_set_find(capture->providers, name, http_head_method(request),
                           http_head_path(request), &match))
        return NULL;
    if (capture->tee_count == CAPTURE_TEES_MAX) {
        capture->missed++;
        tell_missed(capture);
        return NULL;
    }
    struct capture_tee *tee = add_tee(capture);
    if (!tell_begin(tee, &match, name, protocol, request)) {
        free_tee(tee);
        capture->missed++;
        return NULL;
    }
    return tee;
}

void capture_tee_response_head(struct capture_tee *tee, const struct http_head *head)
{
    if (!is_telling(tee))
        return;
    struct capture_frame frame = frame_of(tee, CAPTURE_RESPONSE_HEAD);
    add_fields(tee->capture, head);
    frame.status = head->status;
    frame.fields = buffer_bytes(&tee->capture->fields);
    if (head->status == 101)
        tee->cap = CAPTURE_TUNNEL_BYTES_MAX;
    if (capture_queue_add(tee->capture->queue, &frame))
        return;
    /* A body without its head says nothing. */
    tee->sides[CAPTURE_SIDE_RESPONSE].state = SIDE_CUT;
    if (head->status == 101)
        tee->sides[CAPTURE_SIDE_REQUEST].state = SIDE_CUT;
}

/* --- bodies --------------------------------------------------------------------------------- */

/* True when nothing is left to tell. */
static bool tell_lost(struct capture_tee *tee)
{
    for (int side = 0; side < CAPTURE_SIDE_COUNT; side++) {
        struct tee_side *of = &tee->sides[side];
        if (of->lost == of->lost_told)
            continue;
        struct capture_frame frame = frame_of(tee, CAPTURE_LOST);
        frame.side = (enum capture_side)side;
        frame.count = of->lost - of->lost_told;
        if (!capture_queue_add(tee->capture->queue, &frame))
            return false;
        of->lost_told = of->lost;
    }
    return true;
}

static void cut(struct capture_tee *tee, struct tee_side *side, uint64_t bytes)
{
    side->state = SIDE_CUT;
    side->lost += bytes;
    tell_lost(tee);
}

static void tell_body(struct capture_tee *tee, enum capture_side index, struct bytes body)
{
    struct tee_side *side = &tee->sides[index];
    if (!is_telling(tee))
        return;
    if (side->state == SIDE_CUT) {
        side->lost += body.length;
        return;
    }
    struct capture_frame frame =
        frame_of(tee, index == CAPTURE_SIDE_REQUEST ? CAPTURE_REQUEST_BODY : CAPTURE_RESPONSE_BODY);
    while (body.length > 0) {
        frame.body = bytes_first(body, CAPTURE_BODY_MAX);
        if (side->captured + frame.body.length > tee->cap ||
            !capture_queue_add(tee->capture->queue, &frame)) {
            cut(tee, side, body.length);
            return;
        }
        side->captured += frame.body.length;
        body = bytes_from(body, frame.body.length);
    }
}

void capture_tee_request_body(struct capture_tee *tee, struct bytes body)
{
    tell_body(tee, CAPTURE_SIDE_REQUEST, body);
}

void capture_tee_response_body(struct capture_tee *tee, struct bytes body)
{
    tell_body(tee, CAPTURE_SIDE_RESPONSE, body);
}

/* --- ends ----------------------------------------------------------------------------------- */

void capture_tee_request_end(struct capture_tee *tee)
{
    struct capture_frame frame = frame_of(tee, CAPTURE_REQUEST_END);
    /* Where it is refused the end of the exchange says it, too. */
    if (is_telling(tee) && tee->sides[CAPTURE_SIDE_REQUEST].state == SIDE_OPEN &&
        !capture_queue_add(tee->capture->queue, &frame))
        tee->sides[CAPTURE_SIDE_REQUEST].state = SIDE_CUT;
}

static bool tell_end(struct capture_tee *tee)
{
    if (!tell_lost(tee))
        return false;
    struct capture_frame frame = frame_of(tee, CAPTURE_END);
    frame.time_ms = tee->ended_ms;
    if (tee->reason)
        frame.text = bytes_first(bytes_from_text(tee->reason), CAPTURE_REASON_MAX);
    return capture_queue_add(tee->capture->queue, &frame);
}

void capture_tee_end(struct capture_tee *tee, const char *reason)
{
    if (!is_telling(tee)) {
        free_tee(tee);
        return;
    }
    tee->state = TEE_ENDING;
    tee->reason = reason;
    tee->ended_ms = now_ms();
    if (tell_end(tee))
        free_tee(tee);
}

/* The queue takes frames again: first those that could not be told. */
static void on_room(void *owner)
{
    struct capture *capture = owner;
    struct capture_tee *next = NULL;
    for (struct capture_tee *tee = capture->tees; tee; tee = next) {
        next = tee->next;
        if (tee->state == TEE_ENDING && tell_end(tee))
            free_tee(tee);
        else if (is_telling(tee))
            tell_lost(tee);
    }
    tell_missed(capture);
}

/* --- all of it ------------------------------------------------------------------------------ */

struct capture *capture_new(struct uv_loop_s *loop, int descriptor,
                            const struct provider_set *providers)
{
    struct capture *capture = memory_new(sizeof(*capture));
    capture->providers = providers;
    capture->queue = capture_queue_new(loop, descriptor, on_room, capture);
    buffer_init(&capture->fields, CAPTURE_FIELD_BYTES_MAX);
    buffer_init(&capture->value, CAPTURE_FIELD_BYTES_MAX);
    buffer_init(&capture->target, CAPTURE_PATH_MAX);
    return capture;
}

static void release_memory(struct capture *capture)
{
    capture_queue_clear(capture->queue);
    buffer_done(&capture->fields);
    buffer_done(&capture->value);
    buffer_done(&capture->target);
}

void capture_switch(struct capture *capture, uint32_t generation)
{
    if (generation == capture->generation)
        return;
    capture->generation = generation;
    capture->missed = 0;
    struct capture_tee *next = NULL;
    for (struct capture_tee *tee = capture->tees; tee; tee = next) {
        next = tee->next;
        if (tee->state == TEE_ENDING)
            free_tee(tee);
    }
    release_memory(capture);
}

uint32_t capture_generation(const struct capture *capture)
{
    return capture->generation;
}

void capture_close(struct capture *capture)
{
    release_memory(capture);
    capture_queue_close(capture->queue);
    while (capture->tees)
        free_tee(capture->tees);
    free(capture);
}
