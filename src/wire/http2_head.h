#ifndef WIRE_HTTP2_HEAD_H
#define WIRE_HTTP2_HEAD_H

#include "base/buffer.h"
#include "wire/http_head.h"

/**
 * Heads of HTTP/2 (RFC 9113 section 8) from and to their neutral form, strict in the same way as
 * http1.h. HPACK is not looked at here: a head is a list of decoded (name, value) pairs.
 */
enum {
    HTTP2_HEAD_LIST_BYTES_MAX = 64 * 1024, /* names and values, 32 bytes more for each pair */
    HTTP2_HEAD_PAIR_OVERHEAD = 32,         /* RFC 7541 section 4.1 */
    /* four pseudo-fields, content-length, te, expect */
    HTTP2_HEAD_PAIRS_MAX = HTTP_HEAD_FIELDS_MAX + 7,
};

enum http2_reason {
    HTTP2_FINE,
    HTTP2_PSEUDO_UNKNOWN,
    HTTP2_PSEUDO_REPEATED,
    HTTP2_PSEUDO_LATE,
    HTTP2_PSEUDO_MISSING,
    HTTP2_METHOD,
    HTTP2_METHOD_CONNECT,
    HTTP2_SCHEME,
    HTTP2_AUTHORITY,
    HTTP2_AUTHORITY_DIFFERS,
    HTTP2_HOST_REPEATED,
    HTTP2_HOST_DIFFERS,
    HTTP2_PATH,
    HTTP2_PATH_TOO_LONG,
    HTTP2_STATUS,
    HTTP2_FIELD_NAME,
    HTTP2_FIELD_VALUE,
    HTTP2_FIELD_CONNECTION,
    HTTP2_TE,
    HTTP2_EXPECT,
    HTTP2_CONTENT_LENGTH,
    HTTP2_CONTENT_LENGTH_REPEATED,
    HTTP2_CONTENT_LENGTH_DIFFERS,
    HTTP2_TOO_MANY_FIELDS,
    HTTP2_HEAD_TOO_LARGE,
    HTTP2_TRAILER_FORBIDDEN,
    HTTP2_END_MISSING,
    HTTP2_END_EARLY,
    HTTP2_REASON_COUNT
};

/** A clause for records: "another authority than the connection's". */
const char *http2_reason_text(enum http2_reason reason);
/**
 * What to answer a refused request with: 400, 405, 414, 417, 421, 431. 0: no answer, reset the
 * stream (CONNECT).
 */
int http2_reason_status(enum http2_reason reason);

/** Reads one head or trailer section. Start it for each. */
struct http2_head_reader {
    enum http_head_kind kind;
    /* requests */
    struct bytes host; /* borrowed: the name of the TLS connection */
    uint16_t port;     /* the port that was dialled */
    /* responses */
    bool is_answer_to_head;
    /* result: HTTP2_FINE, or the first thing that was wrong */
    enum http2_reason reason;
    /* result, after http2_head_reader_end: how many bytes of content must come; -1: any number */
    int64_t content_bytes;
    /* below: private */
    uint8_t pseudo_seen;
    bool has_fields;
    bool has_host;
    uint16_t cookie_count;
    size_t pair_count;
    size_t list_bytes;
    int64_t length; /* of Content-Length; -1: none */
};

/**
 * A request on a connection that was opened for `host` (canonical; borrowed until done) and
 * `port`: :authority must name exactly these, the port may be left out; Host, if there is one,
 * too.
 */
void http2_head_reader_start_request(struct http2_head_reader *reader, struct bytes host,
                                     uint16_t port);
/** A response, interim ones included, to a request of method HEAD or another. */
void http2_head_reader_start_response(struct http2_head_reader *reader, bool is_answer_to_head);
void http2_head_reader_start_trailers(struct http2_head_reader *reader);

/**
 * The next pair. False after the first thing that is wrong (reader->reason); pairs that follow
 * are then ignored at no cost. `head` is initialised with the reader's kind by the caller.
 */
bool http2_head_reader_add(struct http2_head_reader *reader, struct http_head *head,
                           struct bytes name, struct bytes value);

/**
 * The section is complete; `is_end_stream`: nothing follows it. On true, `head` is filled as
 * http_head.h says: a request's authority is `host`, with `:port` when that is not 443, scheme is
 * https; cookie crumbs are one field; body says what follows.
 */
bool http2_head_reader_end(struct http2_head_reader *reader, struct http_head *head,
                           bool is_end_stream);

/** A pair to send, borrowed from the head or the list it stands in. */
struct http2_pair {
    struct bytes name;
    struct bytes value;
    bool is_secret; /* never to be put into a table (RFC 7541 section 7.1.3) */
};

struct http2_pair_list {
    struct http2_pair pairs[HTTP2_HEAD_PAIRS_MAX];
    size_t count;
    /* below: private */
    char status[4];
    char length[24];
};

/**
 * The pairs of a head (request, response, interim response) or of trailers. Every byte is checked
 * again: false means that the model holds what may not be sent, a defect of ours; end the
 * exchange, never send a part of it. The list borrows from the head and from itself: it may not
 * be moved.
 */
bool http2_head_write(const struct http_head *head, struct http2_pair_list *list)
    __attribute__((warn_unused_result));

/** The message ends with this head: END_STREAM belongs on its last frame. */
bool http2_head_is_whole(const struct http_head *head);

#endif
