#ifndef TESTS_DECODE_DECODE_LOG_H
#define TESTS_DECODE_DECODE_LOG_H

#include "base/buffer.h"
#include "base/check.h"
#include "wire/content_decoder.h"
#include "wire/event_stream.h"
#include "wire/sse.h"
#include "wire/websocket_frames.h"

#include <inttypes.h>

/*
 * What a decoder emitted, written down so that two runs can be compared: every field of every
 * event, in order. The functions are the decoders' callbacks; their context is a struct buffer.
 */
enum { DECODE_LOG_BYTES_MAX = 512 * 1024 * 1024 };

static inline void decode_log_bytes(struct buffer *log, const char *name, struct bytes bytes)
{
    CHECK(buffer_append_format(log, " %s[%zu]=", name, bytes.length));
    CHECK(buffer_append(log, bytes));
}

static inline void decode_log_sse(void *context, const struct sse_event *event)
{
    static const char *const kinds[] = {"event", "without data", "truncated", "comment"};
    struct buffer *log = context;
    CHECK(buffer_append_format(log, "%s%s at %" PRIu64 "+%" PRIu64, kinds[event->kind],
                               event->is_cut ? " cut" : "", event->position, event->stream_bytes));
    decode_log_bytes(log, "type", event->type);
    decode_log_bytes(log, "data", event->data);
    decode_log_bytes(log, "id", event->last_id);
    CHECK(buffer_append_text(log, "\n"));
}

static inline void decode_log_event_stream(void *context,
                                           const struct event_stream_message *message)
{
    struct buffer *log = context;
    struct reader headers = reader_over(message->headers);
    struct event_stream_header header;
    CHECK(buffer_append_format(log, "message at %" PRIu64 "+%" PRIu64 " of %" PRIu64,
                               message->position, message->stream_bytes, message->payload_bytes));
    while (event_stream_next_header(&headers, &header)) {
        CHECK(buffer_append_format(log, " type %d number %" PRId64, header.type, header.number));
        decode_log_bytes(log, "name", header.name);
        decode_log_bytes(log, "value", header.value);
    }
    CHECK(reader_is_at_end(&headers));
    decode_log_bytes(log, "payload", message->payload);
    CHECK(buffer_append_text(log, "\n"));
}

static inline void decode_log_websocket(void *context, const struct websocket_message *message)
{
    struct buffer *log = context;
    CHECK(buffer_append_format(
        log, "opcode %d code %d%s%s%s at %" PRIu64 "+%" PRIu64 " of %" PRIu64, message->opcode,
        message->close_code, message->is_compressed ? " compressed" : "",
        message->is_cut ? " cut" : "", message->is_truncated ? " truncated" : "", message->position,
        message->stream_bytes, message->message_bytes));
    decode_log_bytes(log, "data", message->data);
    CHECK(buffer_append_text(log, "\n"));
}

/* Content is one run of bytes, however it was cut: it is only joined. */
static inline void decode_log_content(void *context, struct bytes decoded)
{
    CHECK(decoded.length > 0);
    CHECK(buffer_append((struct buffer *)context, decoded));
}

#endif
