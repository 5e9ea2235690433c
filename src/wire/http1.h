#ifndef WIRE_HTTP1_H
#define WIRE_HTTP1_H

#include "base/buffer.h"
#include "wire/http_head.h"
#include "wire/parse_status.h"

/**
 * HTTP/1.1 (RFC 9112), strict: what the RFC lets a recipient repair is refused, because two
 * recipients repair differently, and the difference is where requests are smuggled.
 */
enum {
    HTTP1_FIELD_LINE_MAX = 8 * 1024,  /* one field line without its CRLF */
    HTTP1_HEAD_BYTES_MAX = 64 * 1024, /* start line, fields and line ends */
    HTTP1_TRAILER_BYTES_MAX = 16 * 1024,
    HTTP1_CHUNK_OVERHEAD_MAX = 16 * 1024 /* beyond 16 bytes a chunk and twice its data */
};

enum http1_reason {
    HTTP1_FINE,
    HTTP1_EMPTY_LINE_FIRST,
    HTTP1_BARE_CR,
    HTTP1_BARE_LF,
    HTTP1_CONTROL_BYTE,
    HTTP1_START_LINE,
    HTTP1_METHOD,
    HTTP1_METHOD_CONNECT,
    HTTP1_TARGET,
    HTTP1_TARGET_TOO_LONG,
    HTTP1_TARGET_AUTHORITY,
    HTTP1_VERSION,
    HTTP1_STATUS,
    HTTP1_LINE_TOO_LONG,
    HTTP1_HEAD_TOO_LARGE,
    HTTP1_TOO_MANY_FIELDS,
    HTTP1_FIELD_NAME,
    HTTP1_FIELD_FOLDED,
    HTTP1_FIELD_VALUE,
    HTTP1_HOST_MISSING,
    HTTP1_HOST_REPEATED,
    HTTP1_HOST_DIFFERS,
    HTTP1_CONTENT_LENGTH,
    HTTP1_CONTENT_LENGTH_REPEATED,
    HTTP1_TRANSFER_ENCODING,
    HTTP1_TRANSFER_ENCODING_REPEATED,
    HTTP1_TRANSFER_ENCODING_IN_1_0,
    HTTP1_TWO_LENGTHS,
    HTTP1_CONNECTION_OPTION,
    HTTP1_EXPECT,
    HTTP1_UPGRADE,
    HTTP1_UPGRADE_BODY,
    HTTP1_CHUNK_SIZE,
    HTTP1_CHUNK_EXTENSION,
    HTTP1_CHUNK_END,
    HTTP1_CHUNK_OVERHEAD,
    HTTP1_TRAILER_FORBIDDEN,
    HTTP1_TRUNCATED,
    HTTP1_REASON_COUNT
};

/** A clause for records: "two Host fields". */
const char *http1_reason_text(enum http1_reason reason);
/** What to answer a refused request with (400, 405, 414, 417, 431, 505); then close. */
int http1_reason_status(enum http1_reason reason);

/** How the body after a head is delimited (RFC 9112 section 6.3). */
enum http1_framing {
    HTTP1_BODY_NONE,
    HTTP1_BODY_LENGTH,
    HTTP1_BODY_CHUNKED,
    HTTP1_BODY_UNTIL_CLOSE /* responses only */
};

/** Reads one head. Start it for each message. */
struct http1_head_parser {
    enum http_head_kind kind;
    /* requests */
    struct bytes host; /* borrowed: the name of the TLS connection */
    uint16_t port;     /* the port that was dialled */
    /* responses */
    bool is_answer_to_head;
    bool is_upgrade_asked;
    /* results, valid after PARSE_OK */
    enum http1_framing framing;
    uint64_t body_bytes;   /* HTTP1_BODY_LENGTH */
    bool is_last;          /* no message follows on the connection: Connection: close, HTTP/1.0 */
    uint8_t minor_version; /* HTTP/1.x */
    /* result, valid after PARSE_BAD */
    enum http1_reason reason;
    /* below: private */
    size_t scanned;
    size_t line_start;
    size_t line_count;
    bool has_connection_upgrade;
    uint8_t host_count;
    uint8_t length_count;
    uint8_t encoding_count;
    uint8_t upgrade_count;
    bool is_upgrade_websocket;
    bool is_close;
    bool is_authority_in_target;
};

/**
 * A request on a connection that was opened for `host` (canonical; borrowed until done) and
 * `port`: Host and an absolute-form target must name exactly these, the port may be left out.
 */
void http1_head_parser_start_request(struct http1_head_parser *parser, struct bytes host,
                                     uint16_t port);
/** The response to `request`. */
void http1_head_parser_start_response(struct http1_head_parser *parser,
                                      const struct http_head *request);

/**
 * Read on. `received` holds all bytes from the first of the message on, and only grows between
 * calls; no byte is looked at twice. A refusal comes with the first byte that cannot be legal.
 *
 * PARSE_OK: `*head_bytes` is the length of the head in `received`, `head` (initialised by the
 * caller) and the parser's results are filled. A request's authority is `host`, with `:port`
 * when that is not 443; scheme is https. PARSE_BAD: parser->reason. Head content is then
 * undefined. Informational responses (1xx) are heads like others; read the next one after them.
 */
enum parse_status http1_head_parser_push(struct http1_head_parser *parser, struct bytes received,
                                         struct http_head *head, size_t *head_bytes);

/** Takes the framing off a body. */
struct http1_body {
    enum http1_framing framing;
    enum http1_reason reason; /* after PARSE_BAD */
    uint64_t left;            /* data bytes to come: of the body, or of the chunk */
    /* below: private to http1_body.c */
    int state;
    bool may_have_extensions;
    uint8_t digit_count;
    uint64_t overhead_bytes;
    struct buffer line;
    struct http_head *trailers; /* borrowed */
    size_t trailer_bytes;
};

/**
 * Start with what the head parser found. `trailers` (kind HTTP_TRAILERS, initialised; borrowed
 * until http1_body_done) receives the trailer fields of a chunked body. Chunk extensions are
 * refused in requests and dropped from responses.
 */
void http1_body_start(struct http1_body *body, const struct http1_head_parser *parser,
                      struct http_head *trailers);
void http1_body_done(struct http1_body *body);
/** Bytes of a line of framing or trailers that has not ended. */
size_t http1_body_held_bytes(const struct http1_body *body);

/**
 * Take from `input`: `*consumed` bytes of it are done with, and `*data` (a part of `input`, may
 * be empty, also with PARSE_OK) is body content. PARSE_OK says that the message is complete, at
 * once for HTTP1_BODY_NONE and a length of 0; bytes behind `*consumed` belong to what follows.
 * PARSE_NEED_MORE: call again with the rest of `input` until all of it is consumed, then with
 * more. PARSE_BAD: body->reason; what came before stays valid.
 */
enum parse_status http1_body_push(struct http1_body *body, struct bytes input, size_t *consumed,
                                  struct bytes *data);

/**
 * The connection ended in order (for TLS: with close_notify). PARSE_OK when that completes the
 * message (HTTP1_BODY_UNTIL_CLOSE), else PARSE_BAD with HTTP1_TRUNCATED.
 */
enum parse_status http1_body_end(struct http1_body *body);

/**
 * Writing. Each function checks every byte that it emits and appends all or nothing.
 * HTTP1_WRITE_REFUSED means that the model holds what may not be sent: a defect of ours; end the
 * exchange, never send half of it.
 */
enum http1_write_status { HTTP1_WRITTEN, HTTP1_WRITE_NO_ROOM, HTTP1_WRITE_REFUSED };

/** What comes after a written message. */
enum http1_persistence { HTTP1_KEEP_ALIVE, HTTP1_CLOSE };

/**
 * A head with its final empty line. A body of HTTP_BODY_STREAM is announced as chunked, but in
 * responses with HTTP1_CLOSE to an HTTP/1.0 client (`minor_version` 0), where it ends with the
 * connection. `minor_version` is that of the request being answered; 1 for requests.
 */
enum http1_write_status http1_write_head(struct buffer *out, const struct http_head *head,
                                         enum http1_persistence persistence, uint8_t minor_version);

/** Before `data_bytes` (> 0) bytes of a chunk, and after them. */
enum http1_write_status http1_write_chunk_start(struct buffer *out, uint64_t data_bytes);
enum http1_write_status http1_write_chunk_end(struct buffer *out);
/** The last chunk with the trailers; NULL for none. */
enum http1_write_status http1_write_last_chunk(struct buffer *out,
                                               const struct http_head *trailers);

#endif
