#include "wire/http1.h"

#include "base/check.h"
#include "wire/authority.h"

#include <inttypes.h>

enum { STATUS_MIN = 100, STATUS_MAX = 999, STATUS_OK = 200, STATUS_NO_CONTENT = 204 };
enum { STATUS_SWITCHING_PROTOCOLS = 101, STATUS_NOT_MODIFIED = 304 };
/* Room for what the writer adds to a head of its own. */
enum { OWN_BYTES_MAX = 512 };

struct phrase_row {
    uint16_t status;
    const char *phrase;
};

/* Words for people who read traces; no program looks at them. */
static const struct phrase_row phrase_rows[] = {
    {100, "Continue"},
    {101, "Switching Protocols"},
    {103, "Early Hints"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {426, "Upgrade Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
};

static const char *phrase_of(uint16_t status)
{
    for (size_t i = 0; i < sizeof(phrase_rows) / sizeof(phrase_rows[0]); i++)
        if (phrase_rows[i].status == status)
            return phrase_rows[i].phrase;
    return "";
}

/* ---- checking ---- */

static bool is_lower_token(struct bytes name)
{
    for (size_t i = 0; i < name.length; i++)
        if (name.data[i] >= 'A' && name.data[i] <= 'Z')
            return false;
    return http_head_is_token(name);
}

static bool are_fields_legal(const struct http_head *head, size_t *bytes)
{
    for (size_t i = 0; i < http_head_field_count(head); i++) {
        struct bytes name = http_head_field_name(head, i);
        struct bytes value = http_head_field_value(head, i);
        if (!is_lower_token(name) || !http_head_is_field_value(value))
            return false;
        if (head->kind == HTTP_TRAILERS ? http_head_is_forbidden_trailer(name)
                                        : http_head_is_connection_name(name))
            return false;
        *bytes += name.length + value.length + sizeof(": \r\n");
    }
    return true;
}

static bool is_request_legal(const struct http_head *head)
{
    struct authority authority;
    return http_head_is_token(http_head_method(head)) &&
           !bytes_equal_text(http_head_method(head), "CONNECT") &&
           http_head_is_path(http_head_path(head)) &&
           (bytes_equal_text(http_head_path(head), "*")
                ? bytes_equal_text(http_head_method(head), "OPTIONS")
                : true) &&
           bytes_equal_text(http_head_scheme(head), "https") &&
           authority_parse(http_head_authority(head), &authority) &&
           head->body != HTTP_BODY_EMPTY &&
           (head->upgrade == HTTP_UPGRADE_NONE || head->body == HTTP_BODY_NONE);
}

static bool is_response_legal(const struct http_head *head, enum http1_persistence persistence,
                              uint8_t minor_version)
{
    if (head->status < STATUS_MIN || head->status > STATUS_MAX)
        return false;
    bool is_bodiless = head->status < STATUS_OK || head->status == STATUS_NO_CONTENT ||
                       head->status == STATUS_NOT_MODIFIED;
    if (is_bodiless && head->body != HTTP_BODY_NONE)
        return false;
    if ((head->status == STATUS_SWITCHING_PROTOCOLS) != (head->upgrade != HTTP_UPGRADE_NONE))
        return false;
    if (minor_version == 0 && (head->status < STATUS_OK || persistence != HTTP1_CLOSE))
        return false;
    return true;
}

/* ---- writing; room was made before ---- */

static void put(struct buffer *out, struct bytes bytes)
{
    CHECK(buffer_append(out, bytes));
}

static void put_text(struct buffer *out, const char *text)
{
    CHECK(buffer_append_text(out, text));
}

static void put_fields(struct buffer *out, const struct http_head *head)
{
    for (size_t i = 0; i < http_head_field_count(head); i++) {
        put(out, http_head_field_name(head, i));
        put_text(out, ": ");
        put(out, http_head_field_value(head, i));
        put_text(out, "\r\n");
    }
}

static void put_start_line(struct buffer *out, const struct http_head *head)
{
    if (head->kind == HTTP_RESPONSE) {
        CHECK(
            buffer_append_format(out, "HTTP/1.1 %u %s\r\n", head->status, phrase_of(head->status)));
        return;
    }
    put(out, http_head_method(head));
    put_text(out, " ");
    put(out, http_head_path(head));
    put_text(out, " HTTP/1.1\r\nhost: ");
    put(out, http_head_authority(head));
    put_text(out, "\r\n");
}

static void put_length(struct buffer *out, uint64_t body_bytes)
{
    CHECK(buffer_append_format(out, "content-length: %" PRIu64 "\r\n", body_bytes));
}

/*
 * Methods whose requests are expected to have content: without it they say so (RFC 9110 section
 * 8.6), because servers ask for a length (411).
 */
static bool is_length_expected(struct bytes method)
{
    return bytes_equal_text(method, "POST") || bytes_equal_text(method, "PUT") ||
           bytes_equal_text(method, "PATCH");
}

static void put_framing(struct buffer *out, const struct http_head *head, uint8_t minor_version)
{
    switch (head->body) {
    case HTTP_BODY_NONE:
        if (head->kind == HTTP_RESPONSE && head->announced_bytes >= 0 &&
            head->status >= STATUS_OK && head->status != STATUS_NO_CONTENT)
            put_length(out, (uint64_t)head->announced_bytes);
        else if (head->kind == HTTP_REQUEST && is_length_expected(http_head_method(head)))
            put_length(out, 0);
        break;
    case HTTP_BODY_LENGTH:
        put_length(out, head->body_bytes);
        break;
    case HTTP_BODY_EMPTY:
        put_length(out, 0);
        break;
    case HTTP_BODY_STREAM:
        if (minor_version > 0)
            put_text(out, "transfer-encoding: chunked\r\n");
        break;
    }
}

static void put_connection(struct buffer *out, const struct http_head *head,
                           enum http1_persistence persistence)
{
    bool is_interim = head->kind == HTTP_RESPONSE && head->status < STATUS_OK;
    if (head->upgrade == HTTP_UPGRADE_WEBSOCKET)
        put_text(out, "connection: upgrade\r\nupgrade: websocket\r\n");
    else if (persistence == HTTP1_CLOSE && !is_interim)
        put_text(out, head->accepts_trailers ? "connection: te, close\r\nte: trailers\r\n"
                                             : "connection: close\r\n");
    else if (head->accepts_trailers)
        put_text(out, "connection: te\r\nte: trailers\r\n");
    if (head->expects_continue)
        put_text(out, "expect: 100-continue\r\n");
}

static bool has_room(struct buffer *out, size_t bytes)
{
    if (bytes > buffer_room(out))
        return false;
    size_t room = 0;
    buffer_reserve(out, bytes, &room);
    return true;
}

enum http1_write_status http1_write_head(struct buffer *out, const struct http_head *head,
                                         enum http1_persistence persistence, uint8_t minor_version)
{
    size_t bytes = OWN_BYTES_MAX;
    bool is_legal = false;
    if (head->kind == HTTP_REQUEST)
        is_legal = is_request_legal(head);
    else if (head->kind == HTTP_RESPONSE)
        is_legal = is_response_legal(head, persistence, minor_version) && !head->expects_continue &&
                   !head->accepts_trailers;
    if (!is_legal || !are_fields_legal(head, &bytes))
        return HTTP1_WRITE_REFUSED;
    bytes += http_head_method(head).length + http_head_path(head).length +
             http_head_authority(head).length;
    if (!has_room(out, bytes))
        return HTTP1_WRITE_NO_ROOM;
    put_start_line(out, head);
    put_fields(out, head);
    put_framing(out, head, head->kind == HTTP_REQUEST ? 1 : minor_version);
    put_connection(out, head, persistence);
    put_text(out, "\r\n");
    return HTTP1_WRITTEN;
}

enum http1_write_status http1_write_chunk_start(struct buffer *out, uint64_t data_bytes)
{
    /* A chunk of size 0 would end the body. */
    if (data_bytes == 0)
        return HTTP1_WRITE_REFUSED;
    return buffer_append_format(out, "%" PRIx64 "\r\n", data_bytes) ? HTTP1_WRITTEN
                                                                    : HTTP1_WRITE_NO_ROOM;
}

enum http1_write_status http1_write_chunk_end(struct buffer *out)
{
    return buffer_append_text(out, "\r\n") ? HTTP1_WRITTEN : HTTP1_WRITE_NO_ROOM;
}

enum http1_write_status http1_write_last_chunk(struct buffer *out, const struct http_head *trailers)
{
    size_t bytes = sizeof("0\r\n\r\n");
    if (trailers && (trailers->kind != HTTP_TRAILERS || !are_fields_legal(trailers, &bytes)))
        return HTTP1_WRITE_REFUSED;
    if (!has_room(out, bytes))
        return HTTP1_WRITE_NO_ROOM;
    put_text(out, "0\r\n");
    if (trailers)
        put_fields(out, trailers);
    put_text(out, "\r\n");
    return HTTP1_WRITTEN;
}
