#include "wire/http2_head.h"

#include "base/check.h"
#include "base/number.h"
#include "wire/authority.h"

#include <inttypes.h>
#include <stdio.h>

/*
 * Theory of operation
 *
 * Reading: pseudo-fields first, each once, then fields; what belongs to the connection has no
 * place in HTTP/2 and is refused, but for the few names that clients send all the same with one
 * legal value. What is right is put into the head at once. After the first thing that is wrong
 * the rest is not looked at, because its sender may go on for long.
 */

enum {
    HTTPS_PORT = 443,
    AUTHORITY_SIZE = 262,
    STATUS_MIN = 100,
    STATUS_MAX = 999,
    STATUS_SWITCHING_PROTOCOLS = 101,
    STATUS_OK = 200,
    STATUS_NO_CONTENT = 204,
    STATUS_NOT_MODIFIED = 304,
};

enum pseudo {
    PSEUDO_METHOD = 1,
    PSEUDO_SCHEME = 2,
    PSEUDO_AUTHORITY = 4,
    PSEUDO_PATH = 8,
    PSEUDO_STATUS = 16,
    /* A request needs all but :authority, for which Host may stand (RFC 9113 section 8.3.1). */
    PSEUDO_REQUEST = PSEUDO_METHOD | PSEUDO_SCHEME | PSEUDO_PATH,
};

struct reason_row {
    const char *text;
    int status;
};

static const struct reason_row reason_rows[] = {
    [HTTP2_FINE] = {"fine", 400},
    [HTTP2_PSEUDO_UNKNOWN] = {"unknown pseudo-field", 400},
    [HTTP2_PSEUDO_REPEATED] = {"pseudo-field repeated", 400},
    [HTTP2_PSEUDO_LATE] = {"pseudo-field after a field", 400},
    [HTTP2_PSEUDO_MISSING] = {"pseudo-field missing", 400},
    [HTTP2_METHOD] = {"malformed method", 400},
    [HTTP2_METHOD_CONNECT] = {"CONNECT is not served", 0},
    [HTTP2_SCHEME] = {"scheme is not https", 400},
    [HTTP2_AUTHORITY] = {"malformed authority", 400},
    [HTTP2_AUTHORITY_DIFFERS] = {"another authority than the connection's", 421},
    [HTTP2_HOST_REPEATED] = {"two Host fields", 400},
    [HTTP2_HOST_DIFFERS] = {"Host differs from the connection's name", 400},
    [HTTP2_PATH] = {"malformed path", 400},
    [HTTP2_PATH_TOO_LONG] = {"path too long", 414},
    [HTTP2_STATUS] = {"malformed status", 400},
    [HTTP2_FIELD_NAME] = {"malformed field name", 400},
    [HTTP2_FIELD_VALUE] = {"malformed field value", 400},
    [HTTP2_FIELD_CONNECTION] = {"field of an HTTP/1 connection", 400},
    [HTTP2_TE] = {"te other than trailers", 400},
    [HTTP2_EXPECT] = {"unknown expectation", 417},
    [HTTP2_CONTENT_LENGTH] = {"malformed Content-Length", 400},
    [HTTP2_CONTENT_LENGTH_REPEATED] = {"two Content-Length fields", 400},
    [HTTP2_CONTENT_LENGTH_DIFFERS] = {"Content-Length differs from the content", 400},
    [HTTP2_TOO_MANY_FIELDS] = {"too many fields", 431},
    [HTTP2_HEAD_TOO_LARGE] = {"head too large", 431},
    [HTTP2_TRAILER_FORBIDDEN] = {"field that may not be a trailer", 400},
    [HTTP2_END_MISSING] = {"trailers or a message without its end", 400},
    [HTTP2_END_EARLY] = {"interim response that ends the stream", 400},
};
_Static_assert(sizeof(reason_rows) / sizeof(reason_rows[0]) == HTTP2_REASON_COUNT,
               "every reason has its row");

const char *http2_reason_text(enum http2_reason reason)
{
    CHECK(reason < HTTP2_REASON_COUNT);
    return reason_rows[reason].text;
}

int http2_reason_status(enum http2_reason reason)
{
    CHECK(reason < HTTP2_REASON_COUNT);
    return reason_rows[reason].status;
}

/* ---- reading ---- */

void http2_head_reader_start_request(struct http2_head_reader *reader, struct bytes host,
                                     uint16_t port)
{
    *reader = (struct http2_head_reader){
        .kind = HTTP_REQUEST, .host = host, .port = port, .content_bytes = -1, .length = -1};
}

void http2_head_reader_start_response(struct http2_head_reader *reader, bool is_answer_to_head)
{
    *reader = (struct http2_head_reader){.kind = HTTP_RESPONSE,
                                         .is_answer_to_head = is_answer_to_head,
                                         .content_bytes = -1,
                                         .length = -1};
}

void http2_head_reader_start_trailers(struct http2_head_reader *reader)
{
    *reader = (struct http2_head_reader){.kind = HTTP_TRAILERS, .content_bytes = -1, .length = -1};
}

static enum http2_reason of_status(enum http_head_status status, enum http2_reason bad,
                                   enum http2_reason too_large)
{
    switch (status) {
    case HTTP_HEAD_OK:
        return HTTP2_FINE;
    case HTTP_HEAD_TOO_LARGE:
        return too_large;
    case HTTP_HEAD_BAD:
        break;
    }
    return bad;
}

static enum http2_reason take_method(struct http2_head_reader *reader, struct http_head *head,
                                     struct bytes value)
{
    if (bytes_equal_text(value, "CONNECT"))
        return HTTP2_METHOD_CONNECT;
    return of_status(http_head_set_method(head, value), HTTP2_METHOD, HTTP2_METHOD);
}

static enum http2_reason take_scheme(struct http2_head_reader *reader, struct http_head *head,
                                     struct bytes value)
{
    return of_status(http_head_set_scheme(head, value), HTTP2_SCHEME, HTTP2_SCHEME);
}

static enum http2_reason take_authority(struct http2_head_reader *reader, struct http_head *head,
                                        struct bytes value)
{
    struct authority parsed;
    if (!authority_parse(value, &parsed))
        return HTTP2_AUTHORITY;
    return authority_matches(value, reader->host, reader->port) ? HTTP2_FINE
                                                                : HTTP2_AUTHORITY_DIFFERS;
}

/* Visible ASCII only: nothing that a URI has (RFC 3986) is lost by it. */
static enum http2_reason take_path(struct http2_head_reader *reader, struct http_head *head,
                                   struct bytes value)
{
    for (size_t i = 0; i < value.length; i++)
        if (value.data[i] >= 0x80)
            return HTTP2_PATH;
    return of_status(http_head_set_path(head, value), HTTP2_PATH, HTTP2_PATH_TOO_LONG);
}

/* RFC 9113 section 8.6: 101 does not exist in HTTP/2. */
static enum http2_reason take_status(struct http2_head_reader *reader, struct http_head *head,
                                     struct bytes value)
{
    uint64_t status = 0;
    if (value.length != 3 || !number_parse_decimal(value, STATUS_MAX, &status) ||
        status < STATUS_MIN || status == STATUS_SWITCHING_PROTOCOLS)
        return HTTP2_STATUS;
    head->status = (uint16_t)status;
    return HTTP2_FINE;
}

static enum http2_reason take_host(struct http2_head_reader *reader, struct http_head *head,
                                   struct bytes value)
{
    if (reader->kind != HTTP_REQUEST)
        return HTTP2_FINE;
    if (reader->has_host)
        return HTTP2_HOST_REPEATED;
    reader->has_host = true;
    return authority_matches(value, reader->host, reader->port) ? HTTP2_FINE : HTTP2_HOST_DIFFERS;
}

static enum http2_reason take_length(struct http2_head_reader *reader, struct http_head *head,
                                     struct bytes value)
{
    uint64_t length = 0;
    if (reader->length >= 0)
        return HTTP2_CONTENT_LENGTH_REPEATED;
    if (!number_parse_decimal(value, INT64_MAX, &length))
        return HTTP2_CONTENT_LENGTH;
    reader->length = (int64_t)length;
    return HTTP2_FINE;
}

/* RFC 9113 section 8.2.2: the one value that may stand. */
static enum http2_reason take_te(struct http2_head_reader *reader, struct http_head *head,
                                 struct bytes value)
{
    if (!bytes_equal_ignore_case(value, BYTES_LITERAL("trailers")))
        return HTTP2_TE;
    head->accepts_trailers = reader->kind == HTTP_REQUEST;
    return HTTP2_FINE;
}

static enum http2_reason take_expect(struct http2_head_reader *reader, struct http_head *head,
                                     struct bytes value)
{
    if (reader->kind != HTTP_REQUEST)
        return HTTP2_FINE;
    if (!bytes_equal_ignore_case(value, BYTES_LITERAL("100-continue")))
        return HTTP2_EXPECT;
    head->expects_continue = true;
    return HTTP2_FINE;
}

/* For the next proxy, which we are, and for no one behind us (RFC 9110 section 11.7). */
static enum http2_reason take_proxy(struct http2_head_reader *reader, struct http_head *head,
                                    struct bytes value)
{
    return HTTP2_FINE;
}

struct take_row {
    struct bytes name;
    enum pseudo pseudo; /* of requests and responses */
    enum http2_reason (*take)(struct http2_head_reader *reader, struct http_head *head,
                              struct bytes value);
};

static const struct take_row pseudo_rows[] = {
    {BYTES_LITERAL(":method"), PSEUDO_METHOD, take_method},
    {BYTES_LITERAL(":scheme"), PSEUDO_SCHEME, take_scheme},
    {BYTES_LITERAL(":authority"), PSEUDO_AUTHORITY, take_authority},
    {BYTES_LITERAL(":path"), PSEUDO_PATH, take_path},
    {BYTES_LITERAL(":status"), PSEUDO_STATUS, take_status},
};

static const struct take_row field_rows[] = {
    {BYTES_LITERAL("host"), 0, take_host},
    {BYTES_LITERAL("content-length"), 0, take_length},
    {BYTES_LITERAL("te"), 0, take_te},
    {BYTES_LITERAL("expect"), 0, take_expect},
    {BYTES_LITERAL("proxy-authenticate"), 0, take_proxy},
    {BYTES_LITERAL("proxy-authorization"), 0, take_proxy},
};

static const struct take_row *find_row(const struct take_row *rows, size_t count, struct bytes name)
{
    for (size_t i = 0; i < count; i++)
        if (bytes_equal(rows[i].name, name))
            return &rows[i];
    return NULL;
}

static bool belongs_to(enum http_head_kind kind, enum pseudo pseudo)
{
    if (kind == HTTP_RESPONSE)
        return pseudo == PSEUDO_STATUS;
    return kind == HTTP_REQUEST && pseudo != PSEUDO_STATUS;
}

static enum http2_reason take_pseudo(struct http2_head_reader *reader, struct http_head *head,
                                     struct bytes name, struct bytes value)
{
    const struct take_row *row =
        find_row(pseudo_rows, sizeof(pseudo_rows) / sizeof(pseudo_rows[0]), name);
    if (row == NULL || !belongs_to(reader->kind, row->pseudo))
        return bytes_equal_text(name, ":protocol") ? HTTP2_METHOD_CONNECT : HTTP2_PSEUDO_UNKNOWN;
    if (reader->has_fields)
        return HTTP2_PSEUDO_LATE;
    if (reader->pseudo_seen & row->pseudo)
        return HTTP2_PSEUDO_REPEATED;
    reader->pseudo_seen |= (uint8_t)row->pseudo;
    return row->take(reader, head, value);
}

static bool is_lower_token(struct bytes name)
{
    for (size_t i = 0; i < name.length; i++)
        if (name.data[i] >= 'A' && name.data[i] <= 'Z')
            return false;
    return http_head_is_token(name);
}

static enum http2_reason take_field(struct http2_head_reader *reader, struct http_head *head,
                                    struct bytes name, struct bytes value)
{
    reader->has_fields = true;
    if (!is_lower_token(name))
        return HTTP2_FIELD_NAME;
    if (!http_head_is_field_value(value))
        return HTTP2_FIELD_VALUE;
    if (reader->kind == HTTP_TRAILERS) {
        if (http_head_is_forbidden_trailer(name))
            return HTTP2_TRAILER_FORBIDDEN;
    } else if (http_head_is_connection_name(name)) {
        const struct take_row *row =
            find_row(field_rows, sizeof(field_rows) / sizeof(field_rows[0]), name);
        return row ? row->take(reader, head, value) : HTTP2_FIELD_CONNECTION;
    } else if (bytes_equal_text(name, "cookie")) {
        reader->cookie_count++;
    }
    return of_status(http_head_add(head, name, value), HTTP2_FIELD_VALUE, HTTP2_HEAD_TOO_LARGE);
}

bool http2_head_reader_add(struct http2_head_reader *reader, struct http_head *head,
                           struct bytes name, struct bytes value)
{
    if (reader->reason != HTTP2_FINE)
        return false;
    size_t pair_bytes = HTTP2_HEAD_PAIR_OVERHEAD + name.length;
    if (value.length > HTTP2_HEAD_LIST_BYTES_MAX || name.length > HTTP2_HEAD_LIST_BYTES_MAX ||
        pair_bytes + value.length > HTTP2_HEAD_LIST_BYTES_MAX - reader->list_bytes) {
        reader->reason = HTTP2_HEAD_TOO_LARGE;
        return false;
    }
    reader->list_bytes += pair_bytes + value.length;
    bool is_pseudo = name.length > 0 && name.data[0] == ':';
    if (!is_pseudo && ++reader->pair_count > HTTP_HEAD_FIELDS_MAX)
        reader->reason = HTTP2_TOO_MANY_FIELDS;
    else
        reader->reason = is_pseudo ? take_pseudo(reader, head, name, value)
                                   : take_field(reader, head, name, value);
    return reader->reason == HTTP2_FINE;
}

/* RFC 9113 section 8.2.3: crumbs are one field for everyone who is not HTTP/2. */
static enum http2_reason join_cookies(struct http2_head_reader *reader, struct http_head *head)
{
    if (reader->cookie_count < 2)
        return HTTP2_FINE;
    struct buffer joined;
    buffer_init(&joined, HTTP2_HEAD_LIST_BYTES_MAX);
    bool is_joined = true;
    for (size_t i = 0; i < http_head_field_count(head) && is_joined; i++) {
        if (!bytes_equal_text(http_head_field_name(head, i), "cookie"))
            continue;
        is_joined = (buffer_length(&joined) == 0 || buffer_append_text(&joined, "; ")) &&
                    buffer_append(&joined, http_head_field_value(head, i));
    }
    is_joined = is_joined && http_head_set(head, "cookie", buffer_bytes(&joined)) == HTTP_HEAD_OK;
    buffer_done_secret(&joined);
    return is_joined ? HTTP2_FINE : HTTP2_HEAD_TOO_LARGE;
}

/* The authority is ours, not a copy of what was sent. */
static enum http2_reason set_authority(const struct http2_head_reader *reader,
                                       struct http_head *head)
{
    struct buffer authority;
    buffer_init(&authority, AUTHORITY_SIZE);
    bool is_set = authority_append(&authority, reader->host, reader->port, HTTPS_PORT) &&
                  http_head_set_authority(head, buffer_bytes(&authority)) == HTTP_HEAD_OK;
    buffer_done(&authority);
    return is_set ? HTTP2_FINE : HTTP2_HEAD_TOO_LARGE;
}

static enum http2_reason end_request(struct http2_head_reader *reader, struct http_head *head,
                                     bool is_end_stream)
{
    bool has_authority = (reader->pseudo_seen & PSEUDO_AUTHORITY) || reader->has_host;
    if ((reader->pseudo_seen & PSEUDO_REQUEST) != PSEUDO_REQUEST || !has_authority)
        return HTTP2_PSEUDO_MISSING;
    if (bytes_equal_text(http_head_path(head), "*") &&
        !bytes_equal_text(http_head_method(head), "OPTIONS"))
        return HTTP2_PATH;
    if (is_end_stream && reader->length > 0)
        return HTTP2_CONTENT_LENGTH_DIFFERS;
    head->body = reader->length >= 0 ? HTTP_BODY_LENGTH
                 : is_end_stream     ? HTTP_BODY_NONE
                                     : HTTP_BODY_STREAM;
    head->body_bytes = reader->length >= 0 ? (uint64_t)reader->length : 0;
    reader->content_bytes = is_end_stream ? 0 : reader->length;
    /* Nobody waits for leave to send nothing. */
    if (head->body == HTTP_BODY_NONE)
        head->expects_continue = false;
    return set_authority(reader, head);
}

static enum http2_reason end_response(struct http2_head_reader *reader, struct http_head *head,
                                      bool is_end_stream)
{
    uint16_t status = head->status;
    if ((reader->pseudo_seen & PSEUDO_STATUS) == 0)
        return HTTP2_PSEUDO_MISSING;
    if (status < STATUS_OK)
        return is_end_stream ? HTTP2_END_EARLY : HTTP2_FINE;
    reader->content_bytes = 0;
    if (status == STATUS_NO_CONTENT)
        return reader->length > 0 ? HTTP2_CONTENT_LENGTH_DIFFERS : HTTP2_FINE;
    if (reader->is_answer_to_head || status == STATUS_NOT_MODIFIED) {
        head->announced_bytes = reader->length;
        return HTTP2_FINE;
    }
    if (is_end_stream && reader->length > 0)
        return HTTP2_CONTENT_LENGTH_DIFFERS;
    if (reader->length >= 0)
        head->body = HTTP_BODY_LENGTH;
    else
        head->body = is_end_stream ? HTTP_BODY_EMPTY : HTTP_BODY_STREAM;
    head->body_bytes = reader->length >= 0 ? (uint64_t)reader->length : 0;
    reader->content_bytes = is_end_stream ? 0 : reader->length;
    return HTTP2_FINE;
}

bool http2_head_reader_end(struct http2_head_reader *reader, struct http_head *head,
                           bool is_end_stream)
{
    if (reader->reason == HTTP2_FINE)
        reader->reason = join_cookies(reader, head);
    if (reader->reason != HTTP2_FINE)
        return false;
    switch (reader->kind) {
    case HTTP_REQUEST:
        reader->reason = end_request(reader, head, is_end_stream);
        break;
    case HTTP_RESPONSE:
        reader->reason = end_response(reader, head, is_end_stream);
        break;
    case HTTP_TRAILERS:
        reader->reason = is_end_stream ? HTTP2_FINE : HTTP2_END_MISSING;
        break;
    }
    return reader->reason == HTTP2_FINE;
}

/* ---- writing ---- */

static void put(struct http2_pair_list *list, struct bytes name, struct bytes value)
{
    CHECK(list->count < HTTP2_HEAD_PAIRS_MAX);
    list->pairs[list->count++] = (struct http2_pair){.name = name, .value = value};
}

/* Values that a peer who can guess parts of a head must not find by the size of a table. */
static bool is_secret(struct bytes name)
{
    static const struct bytes names[] = {
        BYTES_LITERAL("authorization"), BYTES_LITERAL("cookie"),
        BYTES_LITERAL("set-cookie"),    BYTES_LITERAL("x-api-key"),
        BYTES_LITERAL("api-key"),       BYTES_LITERAL("x-goog-api-key"),
        BYTES_LITERAL("x-auth-token"),  BYTES_LITERAL("x-amz-security-token"),
        BYTES_LITERAL("private-token"), BYTES_LITERAL("x-csrf-token"),
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (bytes_equal(name, names[i]))
            return true;
    return false;
}

static bool put_fields(struct http2_pair_list *list, const struct http_head *head)
{
    for (size_t i = 0; i < http_head_field_count(head); i++) {
        struct bytes name = http_head_field_name(head, i);
        struct bytes value = http_head_field_value(head, i);
        if (!is_lower_token(name) || !http_head_is_field_value(value))
            return false;
        if (head->kind == HTTP_TRAILERS ? http_head_is_forbidden_trailer(name)
                                        : http_head_is_connection_name(name))
            return false;
        put(list, name, value);
        list->pairs[list->count - 1].is_secret = is_secret(name);
    }
    return true;
}

static bool put_request(struct http2_pair_list *list, const struct http_head *head)
{
    struct authority authority;
    struct bytes method = http_head_method(head);
    struct bytes path = http_head_path(head);
    bool is_legal = http_head_is_token(method) && !bytes_equal_text(method, "CONNECT") &&
                    http_head_is_path(path) &&
                    (!bytes_equal_text(path, "*") || bytes_equal_text(method, "OPTIONS")) &&
                    bytes_equal_text(http_head_scheme(head), "https") &&
                    authority_parse(http_head_authority(head), &authority) &&
                    head->upgrade == HTTP_UPGRADE_NONE && head->body != HTTP_BODY_EMPTY;
    if (!is_legal)
        return false;
    put(list, BYTES_LITERAL(":method"), method);
    put(list, BYTES_LITERAL(":scheme"), BYTES_LITERAL("https"));
    put(list, BYTES_LITERAL(":authority"), http_head_authority(head));
    put(list, BYTES_LITERAL(":path"), path);
    return true;
}

static bool put_response(struct http2_pair_list *list, const struct http_head *head)
{
    uint16_t status = head->status;
    bool is_bodiless =
        status < STATUS_OK || status == STATUS_NO_CONTENT || status == STATUS_NOT_MODIFIED;
    if (status < STATUS_MIN || status > STATUS_MAX || status == STATUS_SWITCHING_PROTOCOLS ||
        head->upgrade != HTTP_UPGRADE_NONE || head->expects_continue || head->accepts_trailers ||
        (is_bodiless && head->body != HTTP_BODY_NONE))
        return false;
    for (size_t i = 0, left = status; i < 3; i++, left /= 10)
        list->status[2 - i] = (char)('0' + left % 10);
    put(list, BYTES_LITERAL(":status"), (struct bytes){(const uint8_t *)list->status, 3});
    return true;
}

static void put_length(struct http2_pair_list *list, uint64_t bytes)
{
    int length = snprintf(list->length, sizeof(list->length), "%" PRIu64, bytes);
    CHECK(length > 0 && (size_t)length < sizeof(list->length));
    put(list, BYTES_LITERAL("content-length"),
        (struct bytes){(const uint8_t *)list->length, (size_t)length});
}

bool http2_head_write(const struct http_head *head, struct http2_pair_list *list)
{
    list->count = 0;
    if (head->kind == HTTP_REQUEST && !put_request(list, head))
        return false;
    if (head->kind == HTTP_RESPONSE && !put_response(list, head))
        return false;
    if (!put_fields(list, head))
        return false;
    if (head->kind == HTTP_TRAILERS)
        return list->count > 0;
    if (head->body == HTTP_BODY_LENGTH)
        put_length(list, head->body_bytes);
    else if (head->announced_bytes >= 0 && head->body == HTTP_BODY_NONE &&
             head->kind == HTTP_RESPONSE && head->status >= STATUS_OK &&
             head->status != STATUS_NO_CONTENT)
        put_length(list, (uint64_t)head->announced_bytes);
    if (head->accepts_trailers)
        put(list, BYTES_LITERAL("te"), BYTES_LITERAL("trailers"));
    if (head->expects_continue)
        put(list, BYTES_LITERAL("expect"), BYTES_LITERAL("100-continue"));
    return true;
}

bool http2_head_is_whole(const struct http_head *head)
{
    if (head->kind == HTTP_RESPONSE && head->status < STATUS_OK)
        return false;
    return head->body == HTTP_BODY_NONE || head->body == HTTP_BODY_EMPTY ||
           (head->body == HTTP_BODY_LENGTH && head->body_bytes == 0);
}
