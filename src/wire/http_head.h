#ifndef WIRE_HTTP_HEAD_H
#define WIRE_HTTP_HEAD_H

#include "base/bytes.h"

/**
 * The head of an HTTP message in neutral form: what HTTP/1.1 and HTTP/2 have in common. Parsers
 * fill it, policy and exchange read and change it, writers make bytes of it again; no received
 * byte of a head reaches a peer in any other way.
 *
 * What belongs to one connection is not in `fields`: Host is `authority`; Content-Length and
 * Transfer-Encoding are `body` and `body_bytes`; Connection and what it names, Keep-Alive,
 * Proxy-Connection, Proxy-Authorization, TE, Upgrade and Expect are gone or an enum below.
 * Writers add what their protocol needs.
 */
enum {
    HTTP_HEAD_BYTES_MAX = 64 * 1024, /* names, values, method, authority and path together */
    HTTP_HEAD_FIELDS_MAX = 128,
    HTTP_HEAD_PATH_MAX = 16 * 1024,
    HTTP_HEAD_METHOD_MAX = 32,
    HTTP_HEAD_KEPT_BYTES_MAX = 8 * 1024 /* room that a trimmed head keeps */
};

enum http_head_kind { HTTP_REQUEST, HTTP_RESPONSE, HTTP_TRAILERS };

enum http_body {
    HTTP_BODY_NONE,   /* the message ends with its head */
    HTTP_BODY_LENGTH, /* exactly body_bytes follow */
    HTTP_BODY_STREAM, /* its end is marked by the protocol */
    /*
     * Response that could have a body and ends with its head (END_STREAM of HTTP/2): HTTP/1.1
     * has to say `content-length: 0`.
     */
    HTTP_BODY_EMPTY
};

/** What the message asks (or, status 101, agrees) to change the connection to. */
enum http_upgrade { HTTP_UPGRADE_NONE, HTTP_UPGRADE_WEBSOCKET };

/** A run of bytes in the head's storage. */
struct http_span {
    uint32_t offset;
    uint32_t length;
};

struct http_field {
    struct http_span name; /* lower case */
    struct http_span value;
};

struct http_head {
    enum http_head_kind kind;
    uint16_t status; /* response: 100..999 */
    enum http_body body;
    uint64_t body_bytes; /* HTTP_BODY_LENGTH */
    /*
     * Response without a body (HEAD, 304): the Content-Length that a GET would have had, -1 when
     * it said none. Everywhere else -1.
     */
    int64_t announced_bytes;
    enum http_upgrade upgrade;
    bool expects_continue; /* request: Expect: 100-continue */
    bool accepts_trailers; /* request: TE: trailers */
    struct http_span method;
    struct http_span scheme;
    struct http_span authority;
    struct http_span path; /* origin-form with query, or `*` */
    /* below: private to http_head.c */
    struct http_field *fields; /* owned */
    size_t field_count;
    size_t field_room;
    uint8_t *data; /* owned */
    size_t data_bytes;
    size_t data_room;
};

void http_head_init(struct http_head *head, enum http_head_kind kind);
void http_head_done(struct http_head *head);
/** Empty again, with memory kept for the next message. */
void http_head_clear(struct http_head *head, enum http_head_kind kind);
/** Let go of memory beyond what ordinary messages need: of a head that is empty and kept. */
void http_head_trim(struct http_head *head);
/** Make `to` (initialised) equal to `from`. */
void http_head_copy(struct http_head *to, const struct http_head *from);

enum http_head_status {
    HTTP_HEAD_OK,
    HTTP_HEAD_TOO_LARGE, /* a cap of the enum above */
    HTTP_HEAD_BAD        /* a byte that may not stand there */
};

/**
 * Set a part. Checked: method is a token (RFC 9110 section 5.6.2), scheme is "https", authority
 * is host[:port] without user info, path starts with `/` or is `*`, has no byte below 0x21, no
 * DEL and no `#`.
 */
enum http_head_status http_head_set_method(struct http_head *head, struct bytes method);
enum http_head_status http_head_set_scheme(struct http_head *head, struct bytes scheme);
enum http_head_status http_head_set_authority(struct http_head *head, struct bytes authority);
enum http_head_status http_head_set_path(struct http_head *head, struct bytes path);

struct bytes http_head_method(const struct http_head *head);
struct bytes http_head_scheme(const struct http_head *head);
struct bytes http_head_authority(const struct http_head *head);
struct bytes http_head_path(const struct http_head *head);

/**
 * Append a field. The name is made lower case and must be a token; the value may hold HTAB, SP,
 * visible ASCII and 0x80..0xff, without white space at its ends (RFC 9110 section 5.5).
 */
enum http_head_status http_head_add(struct http_head *head, struct bytes name, struct bytes value);
/** Remove every field of the name (lower case); returns how many there were. */
size_t http_head_remove(struct http_head *head, const char *name);
/** The same for a name of either case that is not a text of ours. */
size_t http_head_remove_name(struct http_head *head, struct bytes name);
/** Remove every field of the name and add one. */
enum http_head_status http_head_set(struct http_head *head, const char *name, struct bytes value);

/** Bytes of memory that it takes, room to grow included. */
size_t http_head_held_bytes(const struct http_head *head);
size_t http_head_field_count(const struct http_head *head);
/** Name and value of field `index`; borrowed until the head changes. */
struct bytes http_head_field_name(const struct http_head *head, size_t index);
struct bytes http_head_field_value(const struct http_head *head, size_t index);
/** The first value of the name (lower case); false when there is none. */
bool http_head_find(const struct http_head *head, const char *name, struct bytes *value);
size_t http_head_count(const struct http_head *head, const char *name);

/** Syntax of RFC 9110, for everyone who reads or writes heads. */
bool http_head_is_token(struct bytes text);
bool http_head_is_field_value(struct bytes text);
bool http_head_is_path(struct bytes text);

/**
 * Names that describe one connection only (RFC 9110 section 7.6.1) and those that decide framing
 * or routing: never in `fields`, never in trailers. Lower case.
 */
bool http_head_is_connection_name(struct bytes name);
/** Names that may not stand in trailers: framing, routing, authentication, cookies, control. */
bool http_head_is_forbidden_trailer(struct bytes name);

#endif
