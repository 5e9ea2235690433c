#ifndef RECORD_CAPTURE_FRAME_H
#define RECORD_CAPTURE_FRAME_H

#include "base/buffer.h"
#include "base/reader.h"

/*
 * What the proxy tells the recorder of an exchange with a provider while somebody watches: a copy
 * of what passed the wall, redacted. A frame is one piece of one exchange, and goes in a datagram
 * with others, each after its length (u32).
 *
 *   CAPTURE_BEGIN  CAPTURE_REQUEST_BODY...  CAPTURE_REQUEST_END  CAPTURE_RESPONSE_HEAD
 *       CAPTURE_RESPONSE_BODY...  CAPTURE_END
 *
 * Request and response interleave; a server may answer before the request is whole. After a
 * response head with status 101 the bodies are the bytes of the tunnel, each direction its own.
 * Every exchange that began ends, if only because it is told of again under a new generation.
 *
 * Loss. Frames are dropped when the recorder does not keep up; traffic never waits. The first
 * piece of a body that is dropped closes that side: CAPTURE_LOST with the number of bytes comes
 * when there is room again, and once more before CAPTURE_END for what passed since. So a body is
 * captured from its beginning without a gap, and what is missing is its end.
 *
 * Generations. Capture is switched on under a number that grows each time; frames carry it. Those
 * of an older generation than the newest seen belong to exchanges that nobody follows any more.
 */
enum capture_frame_kind {
    CAPTURE_BEGIN,         /* the request's head, and that policy allowed it */
    CAPTURE_REQUEST_BODY,  /* `body` as it travelled, without transfer coding */
    CAPTURE_REQUEST_END,   /* the request is complete */
    CAPTURE_RESPONSE_HEAD, /* the final head, or 101 */
    CAPTURE_RESPONSE_BODY,
    CAPTURE_LOST,   /* `count` bytes of `side` passed and were not captured */
    CAPTURE_END,    /* the exchange is over; `text` says why when it broke off */
    CAPTURE_MISSED, /* no exchange: `count` whole exchanges were not captured */
    CAPTURE_FRAME_KIND_COUNT
};

enum capture_side { CAPTURE_SIDE_REQUEST, CAPTURE_SIDE_RESPONSE, CAPTURE_SIDE_COUNT };

enum capture_protocol { CAPTURE_HTTP1, CAPTURE_HTTP2, CAPTURE_PROTOCOL_COUNT };

enum {
    CAPTURE_NAME_MAX = 64,               /* provider, API */
    CAPTURE_HOST_MAX = 253,              /* a host name */
    CAPTURE_METHOD_MAX = 32,             /* HTTP_HEAD_METHOD_MAX */
    CAPTURE_PATH_MAX = 32 * 1024,        /* after redaction, which may make it longer */
    CAPTURE_FIELDS_MAX = 128,            /* HTTP_HEAD_FIELDS_MAX */
    CAPTURE_FIELD_BYTES_MAX = 68 * 1024, /* of a head's fields as they are encoded */
    CAPTURE_BODY_MAX = 64 * 1024,        /* of one frame; longer pieces are several */
    CAPTURE_REASON_MAX = 256,
    /* A frame with its length: the head of a request is the longest. */
    CAPTURE_FRAME_MAX = 1024 + CAPTURE_PATH_MAX + CAPTURE_FIELD_BYTES_MAX,
    CAPTURE_DATAGRAM_MAX = 128 * 1024
};

/** A field of a head; name in lower case. */
struct capture_field {
    struct bytes name;
    struct bytes value;
};

/** Fields that a kind does not have are empty or 0. Texts are borrowed, and may be hostile. */
struct capture_frame {
    enum capture_frame_kind kind;
    uint32_t generation; /* from 1 */
    uint64_t exchange;   /* number within a generation, from 1; 0: CAPTURE_MISSED */
    uint64_t time_ms;    /* when it passed, since 1970 */

    /* CAPTURE_BEGIN */
    enum capture_protocol protocol; /* of the agent's connection */
    struct bytes provider;          /* name in the provider file */
    struct bytes api;               /* word in the provider file */
    struct bytes host;
    struct bytes method;
    struct bytes path; /* redacted */

    uint16_t status; /* CAPTURE_RESPONSE_HEAD */
    /* CAPTURE_BEGIN, CAPTURE_RESPONSE_HEAD: encoded, read with capture_frame_fields. */
    struct bytes fields;

    enum capture_side side; /* CAPTURE_LOST */
    uint64_t count;         /* CAPTURE_LOST, CAPTURE_MISSED */
    struct bytes body;      /* the two kinds of body */
    struct bytes text;      /* CAPTURE_END: reason, empty when the response was complete */
};

/**
 * Append a field to the encoded fields of a head. False, with `fields` unchanged, when there is no
 * room or it is more than fits into a frame.
 */
bool capture_frame_add_field(struct buffer *fields, const struct capture_field *field)
    __attribute__((warn_unused_result));

/** Read the fields, borrowed from `encoded`; at most CAPTURE_FIELDS_MAX. False when it is broken.
 */
bool capture_frame_fields(struct bytes encoded, struct capture_field *fields, size_t *count)
    __attribute__((warn_unused_result));

/** Append the frame with its length. False, with `out` unchanged, when `out` lacks room. */
bool capture_frame_encode(const struct capture_frame *frame, struct buffer *out)
    __attribute__((warn_unused_result));

/**
 * Take the next frame of a datagram. False at its end, and for anything that capture_frame_encode
 * cannot have written: the reader has failed then, and `*frame` is untouched.
 */
bool capture_frame_next(struct reader *datagram, struct capture_frame *frame)
    __attribute__((warn_unused_result));

#endif
