#ifndef WIRE_SSE_H
#define WIRE_SSE_H

#include "base/bytes.h"

/**
 * Server-sent events (WHATWG HTML, section 9.2.6) out of a body as it arrives, cut anywhere.
 *
 * There is no illegal stream: what the standard ignores is ignored. An event that is longer than
 * the bound is given out cut, and the next one is whole again. Text is passed on as it is: whether
 * it is UTF-8 is for the reader of the data to find out.
 */
enum {
    SSE_EVENT_BYTES_MAX = 4 * 1024 * 1024, /* of data, by default */
    SSE_NAME_BYTES_MAX = 256               /* of an event's type, id or a comment's beginning */
};

struct sse_limits {
    size_t event_bytes; /* data of one event; what is longer is cut */
};

enum sse_kind {
    SSE_EVENT,        /* ended by a blank line, with data */
    SSE_WITHOUT_DATA, /* ended by a blank line: a browser would not see it */
    SSE_TRUNCATED,    /* the stream ended before the blank line */
    SSE_COMMENT       /* a line that begins with a colon: keeps connections alive */
};

struct sse_event {
    enum sse_kind kind;
    struct bytes type;     /* of the last `event:` line; empty: none, which means "message" */
    struct bytes data;     /* lines of data joined by LF; a comment's beginning */
    struct bytes last_id;  /* of the stream so far */
    bool is_cut;           /* data, type or comment was longer than its bound */
    uint64_t position;     /* of its first byte in the stream */
    uint64_t stream_bytes; /* from there to the end of its last line, in the stream */
};

/** The event and its bytes are borrowed for the call. */
typedef void sse_emit(void *context, const struct sse_event *event);

struct sse;

/** `limits` NULL: the default. `context` is borrowed. */
struct sse *sse_new(const struct sse_limits *limits, sse_emit *emit, void *context);
void sse_free(struct sse *sse);

/** The next bytes of the stream; emits what they complete. */
void sse_feed(struct sse *sse, struct bytes input);

/** The stream is over: an event without its blank line is emitted as SSE_TRUNCATED. */
void sse_end(struct sse *sse);

/** Memory that it holds for events, in bytes. */
size_t sse_held(const struct sse *sse);

#endif
