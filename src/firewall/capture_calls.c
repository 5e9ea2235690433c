#include "firewall/capture_calls.h"

#include <stdlib.h>

#include "base/memory.h"
#include "llm/llm_event_json.h"
#include "llm/llm_exchange.h"
#include "system/wall_clock.h"

struct open_exchange {
    uint64_t number;              /* of the proxy; 0: a free place */
    struct llm_exchange *decoder; /* owned */
};

struct capture_calls {
    struct llm_context context;
    capture_line_fn *on_line;
    void *line_context; /* borrowed */
    struct buffer line; /* room for one, kept */
    struct open_exchange open[CAPTURE_CALLS_MAX];
    uint32_t generation;    /* newest seen */
    uint64_t last_exchange; /* number in events: unique over generations */
    uint64_t malformed_count;
};

/* --- lines ---------------------------------------------------------------------------------- */

/* The beginning of a text, without half a character at its end. */
static struct bytes shorten(struct bytes text)
{
    size_t length = text.length < CAPTURE_SHORT_TEXT_BYTES ? text.length : CAPTURE_SHORT_TEXT_BYTES;
    if (length < text.length)
        while (length > 0 && (text.data[length] & 0xc0) == 0x80)
            length--;
    return bytes_first(text, length);
}

static bool write_shortened(struct capture_calls *calls, const struct llm_event *event)
{
    struct llm_event less = *event;
    less.text = shorten(event->text);
    less.json = BYTES_EMPTY;
    less.headers = BYTES_EMPTY;
    less.usage.native = BYTES_EMPTY;
    if (shorten(event->parameters).length < event->parameters.length)
        less.parameters = BYTES_EMPTY;
    less.bytes += event->text.length - less.text.length + event->json.length;
    return llm_event_write(&less, &calls->line);
}

static void tell_lost(struct capture_calls *calls, uint64_t count)
{
    struct llm_event event = llm_event_make(LLM_LOST, 0);
    event.time_ms = (uint64_t)wall_clock_now_ms();
    event.count = count;
    if (llm_event_write(&event, &calls->line))
        calls->on_line(calls->line_context, buffer_bytes(&calls->line), CAPTURE_LINE_EVENT);
}

void capture_calls_add_event(struct capture_calls *calls, const struct llm_event *event)
{
    buffer_clear(&calls->line);
    if (llm_event_write(event, &calls->line) || write_shortened(calls, event))
        calls->on_line(calls->line_context, buffer_bytes(&calls->line),
                       event->kind == LLM_BODY ? CAPTURE_LINE_BODY : CAPTURE_LINE_EVENT);
    else
        tell_lost(calls, 1);
    if (calls->line.allocated > 2 * CAPTURE_SHORT_TEXT_BYTES)
        buffer_done(&calls->line);
}

static void on_event(void *context, const struct llm_event *event)
{
    capture_calls_add_event(context, event);
}

void capture_calls_add_record(struct capture_calls *calls, const struct audit_record *record)
{
    struct buffer text;
    buffer_init(&text, 6 * AUDIT_DATAGRAM_MAX + 1024); /* every byte escaped */
    struct llm_event event = llm_event_make(LLM_AUDIT, 0);
    event.time_ms = record->time_ms;
    if (audit_record_write_json(record, &text)) {
        event.text = bytes_first(buffer_bytes(&text), buffer_length(&text) - 1);
        capture_calls_add_event(calls, &event);
    }
    buffer_done(&text);
}

/* --- exchanges ------------------------------------------------------------------------------ */

struct capture_calls *capture_calls_new(size_t line_max, size_t held_max, capture_line_fn *on_line,
                                        void *context)
{
    struct capture_calls *calls = memory_new(sizeof(*calls));
    calls->context = (struct llm_context){
        .emit = on_event, .emit_context = calls, .next_call = 1, .held_maximum = held_max};
    calls->on_line = on_line;
    calls->line_context = context;
    buffer_init(&calls->line, line_max < LLM_EVENT_LINE_MAX ? line_max : LLM_EVENT_LINE_MAX);
    return calls;
}

static void forget(struct open_exchange *open)
{
    llm_exchange_free(open->decoder);
    *open = (struct open_exchange){0};
}

void capture_calls_free(struct capture_calls *calls)
{
    if (calls == NULL)
        return;
    for (int i = 0; i < CAPTURE_CALLS_MAX; i++)
        if (calls->open[i].number != 0)
            forget(&calls->open[i]);
    buffer_done(&calls->line);
    free(calls);
}

void capture_calls_want_bodies(struct capture_calls *calls, bool are_wanted)
{
    calls->context.wants_bodies = are_wanted;
}

uint64_t capture_calls_malformed(const struct capture_calls *calls)
{
    return calls->malformed_count;
}

/* The exchange of this number; 0 finds a free place. */
static struct open_exchange *find(struct capture_calls *calls, uint64_t number)
{
    for (int i = 0; i < CAPTURE_CALLS_MAX; i++)
        if (calls->open[i].number == number)
            return &calls->open[i];
    return NULL;
}

/* The proxy began anew: what it told of before will not be told to its end. */
static void end_all(struct capture_calls *calls, uint64_t time_ms)
{
    for (int i = 0; i < CAPTURE_CALLS_MAX; i++) {
        if (calls->open[i].number == 0)
            continue;
        llm_exchange_end(calls->open[i].decoder, time_ms, BYTES_LITERAL("capture began anew"));
        forget(&calls->open[i]);
    }
}

/* --- frames --------------------------------------------------------------------------------- */

static bool read_fields(struct bytes encoded, struct llm_field *fields, size_t *count)
{
    struct capture_field read[CAPTURE_FIELDS_MAX];
    if (!capture_frame_fields(encoded, read, count))
        return false;
    for (size_t i = 0; i < *count; i++)
        fields[i] = (struct llm_field){read[i].name, read[i].value};
    return true;
}

/* False for what no proxy of ours says. */
static bool begin(struct capture_calls *calls, const struct capture_frame *frame)
{
    struct llm_field fields[CAPTURE_FIELDS_MAX];
    struct llm_exchange_start start = {
        .exchange = ++calls->last_exchange,
        .time_ms = frame->time_ms,
        .provider = frame->provider,
        .transport = frame->protocol == CAPTURE_HTTP2 ? LLM_TRANSPORT_HTTP2 : LLM_TRANSPORT_HTTP1,
        .host = frame->host,
        .method = frame->method,
        .path = frame->path,
        .fields = fields,
    };
    struct open_exchange *open = find(calls, 0);
    if (open == NULL || find(calls, frame->exchange) || !llm_api_find(frame->api, &start.api) ||
        !read_fields(frame->fields, fields, &start.field_count))
        return false;
    open->number = frame->exchange;
    open->decoder = llm_exchange_new(&calls->context, &start);
    return true;
}

static bool take_head(struct llm_exchange *decoder, const struct capture_frame *frame)
{
    struct llm_field fields[CAPTURE_FIELDS_MAX];
    size_t count = 0;
    if (!read_fields(frame->fields, fields, &count))
        return false;
    llm_exchange_response_head(decoder, frame->time_ms, frame->status, fields, count);
    return true;
}

/* A frame of an exchange that is open. */
static bool take_piece(struct open_exchange *open, const struct capture_frame *frame)
{
    struct llm_exchange *decoder = open->decoder;
    switch (frame->kind) {
    case CAPTURE_REQUEST_BODY:
        llm_exchange_request_body(decoder, frame->time_ms, frame->body);
        return true;
    case CAPTURE_REQUEST_END:
        llm_exchange_request_end(decoder, frame->time_ms);
        return true;
    case CAPTURE_RESPONSE_HEAD:
        return take_head(decoder, frame);
    case CAPTURE_RESPONSE_BODY:
        llm_exchange_response_body(decoder, frame->time_ms, frame->body);
        return true;
    case CAPTURE_LOST:
        llm_exchange_lost(
            decoder, frame->side == CAPTURE_SIDE_REQUEST ? LLM_SIDE_REQUEST : LLM_SIDE_RESPONSE,
            frame->count);
        return true;
    case CAPTURE_END:
        llm_exchange_end(decoder, frame->time_ms, frame->text);
        forget(open);
        return true;
    case CAPTURE_BEGIN:
    case CAPTURE_MISSED:
    case CAPTURE_FRAME_KIND_COUNT:
        break;
    }
    return false;
}

/* One that is not known began under another recorder, or was refused: nothing is wrong with it. */
static bool take_frame(struct capture_calls *calls, const struct capture_frame *frame)
{
    if (frame->generation < calls->generation)
        return true;
    if (frame->generation > calls->generation) {
        end_all(calls, frame->time_ms);
        calls->generation = frame->generation;
    }
    if (frame->kind == CAPTURE_BEGIN)
        return begin(calls, frame);
    if (frame->kind == CAPTURE_MISSED) {
        buffer_clear(&calls->line);
        tell_lost(calls, frame->count);
        return true;
    }
    struct open_exchange *open = find(calls, frame->exchange);
    return open == NULL || take_piece(open, frame);
}

void capture_calls_take(struct capture_calls *calls, struct bytes datagram)
{
    struct reader reader = reader_over(datagram);
    struct capture_frame frame;
    bool is_good = true;
    while (capture_frame_next(&reader, &frame))
        is_good = take_frame(calls, &frame) && is_good;
    if (!is_good || !reader_is_at_end(&reader))
        calls->malformed_count++;
}
