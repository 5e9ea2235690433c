#include "wire/http1.h"

#include "base/check.h"
#include "base/number.h"
#include "wire/authority.h"
#include "wire/http1_line.h"

#include <assert.h>

/*
 * Theory of operation
 *
 * Bytes are looked at once, in the order of arrival: what may stand in no line is refused when
 * it comes, everything else when its line is complete. Fields that belong to the connection are
 * taken out of the head as they come; Connection itself stays in until the end, because it may
 * name fields that stand before or after it.
 */

enum {
    HTTPS_PORT = 443,
    /* `https://host:port` before the path of an absolute-form target */
    START_LINE_MAX = HTTP_HEAD_PATH_MAX + HTTP_HEAD_METHOD_MAX + 300,
    AUTHORITY_SIZE = 262,
    STATUS_MIN = 100,
    STATUS_SWITCHING_PROTOCOLS = 101,
    STATUS_OK = 200,
    STATUS_NO_CONTENT = 204,
    STATUS_NOT_MODIFIED = 304,
    STATUS_LINE_MIN = sizeof("HTTP/1.1 200") - 1
};

void http1_head_parser_start_request(struct http1_head_parser *parser, struct bytes host,
                                     uint16_t port)
{
    *parser = (struct http1_head_parser){.kind = HTTP_REQUEST, .host = host, .port = port};
}

void http1_head_parser_start_response(struct http1_head_parser *parser,
                                      const struct http_head *request)
{
    *parser = (struct http1_head_parser){
        .kind = HTTP_RESPONSE,
        .is_answer_to_head = bytes_equal_text(http_head_method(request), "HEAD"),
        .is_upgrade_asked = request->upgrade == HTTP_UPGRADE_WEBSOCKET};
}

/* ---- start line ---- */

static enum http1_reason parse_version(struct http1_head_parser *parser, struct bytes version)
{
    if (version.length != 8 || !bytes_start_with(version, BYTES_LITERAL("HTTP/")) ||
        version.data[5] < '0' || version.data[5] > '9' || version.data[6] != '.' ||
        version.data[7] < '0' || version.data[7] > '9')
        return HTTP1_START_LINE;
    if (version.data[5] != '1' || version.data[7] > '1')
        return HTTP1_VERSION;
    parser->minor_version = (uint8_t)(version.data[7] - '0');
    return HTTP1_FINE;
}

/* The path of an absolute-form target, which must be https and name our host and port. */
static enum http1_reason split_absolute(const struct http1_head_parser *parser, struct bytes target,
                                        bool is_options, struct bytes *path)
{
    static const struct bytes scheme = BYTES_LITERAL("https://");
    if (!bytes_equal_ignore_case(bytes_first(target, scheme.length), scheme))
        return bytes_index_of(target, ':') < target.length ? HTTP1_TARGET_AUTHORITY : HTTP1_TARGET;
    struct bytes rest = bytes_from(target, scheme.length);
    size_t end = 0;
    while (end < rest.length && rest.data[end] != '/' && rest.data[end] != '?')
        end++;
    if (!authority_matches(bytes_first(rest, end), parser->host, parser->port))
        return HTTP1_TARGET_AUTHORITY;
    *path = bytes_from(rest, end);
    if (path->length == 0)
        *path = is_options ? BYTES_LITERAL("*") : BYTES_LITERAL("/");
    return path->data[0] == '?' ? HTTP1_TARGET : HTTP1_FINE;
}

static enum http1_reason parse_target(const struct http1_head_parser *parser, struct bytes target,
                                      struct http_head *head)
{
    bool is_options = bytes_equal_text(http_head_method(head), "OPTIONS");
    struct bytes path = target;
    if (target.data[0] != '/' && !bytes_equal_text(target, "*")) {
        enum http1_reason reason = split_absolute(parser, target, is_options, &path);
        if (reason != HTTP1_FINE)
            return reason;
    }
    if (bytes_equal_text(path, "*") && !is_options)
        return HTTP1_TARGET;
    switch (http_head_set_path(head, path)) {
    case HTTP_HEAD_OK:
        return HTTP1_FINE;
    case HTTP_HEAD_TOO_LARGE:
        return HTTP1_TARGET_TOO_LONG;
    case HTTP_HEAD_BAD:
        break;
    }
    return HTTP1_TARGET;
}

static enum http1_reason parse_request_line(struct http1_head_parser *parser, struct bytes line,
                                            struct http_head *head)
{
    size_t first = bytes_index_of(line, ' ');
    struct bytes method = bytes_first(line, first);
    if (!http_head_is_token(method))
        return HTTP1_METHOD;
    struct bytes rest = bytes_from(line, first + 1);
    size_t second = bytes_index_of(rest, ' ');
    struct bytes target = bytes_first(rest, second);
    if (target.length == 0 || second == rest.length)
        return HTTP1_START_LINE;
    enum http1_reason reason = parse_version(parser, bytes_from(rest, second + 1));
    if (reason != HTTP1_FINE)
        return reason;
    if (http_head_set_method(head, method) != HTTP_HEAD_OK)
        return HTTP1_METHOD;
    if (bytes_equal_text(method, "CONNECT"))
        return HTTP1_METHOD_CONNECT;
    return parse_target(parser, target, head);
}

static enum http1_reason parse_status_line(struct http1_head_parser *parser, struct bytes line,
                                           struct http_head *head)
{
    uint64_t status = 0;
    if (line.length < STATUS_LINE_MIN || line.data[8] != ' ')
        return HTTP1_START_LINE;
    enum http1_reason reason = parse_version(parser, bytes_first(line, 8));
    if (reason != HTTP1_FINE)
        return reason;
    struct bytes behind = bytes_from(line, STATUS_LINE_MIN);
    if (!number_parse_decimal(bytes_first(bytes_from(line, 9), 3), 999, &status) ||
        status < STATUS_MIN || (behind.length && behind.data[0] != ' '))
        return HTTP1_STATUS;
    head->status = (uint16_t)status;
    return HTTP1_FINE;
}

/* ---- fields of the connection ---- */

static enum http1_reason take_host(struct http1_head_parser *parser, struct http_head *head,
                                   struct bytes value)
{
    if (parser->kind != HTTP_REQUEST)
        return HTTP1_FINE;
    if (parser->host_count++ > 0)
        return HTTP1_HOST_REPEATED;
    return authority_matches(value, parser->host, parser->port) ? HTTP1_FINE : HTTP1_HOST_DIFFERS;
}

static enum http1_reason take_length(struct http1_head_parser *parser, struct http_head *head,
                                     struct bytes value)
{
    if (parser->length_count++ > 0)
        return HTTP1_CONTENT_LENGTH_REPEATED;
    return number_parse_decimal(value, INT64_MAX, &parser->body_bytes) ? HTTP1_FINE
                                                                       : HTTP1_CONTENT_LENGTH;
}

static enum http1_reason take_encoding(struct http1_head_parser *parser, struct http_head *head,
                                       struct bytes value)
{
    if (parser->encoding_count++ > 0)
        return HTTP1_TRANSFER_ENCODING_REPEATED;
    /* Servers may spell it as they like; a client that plays with spelling is up to something. */
    bool is_chunked = parser->kind == HTTP_REQUEST
                          ? bytes_equal_text(value, "chunked")
                          : bytes_equal_ignore_case(value, BYTES_LITERAL("chunked"));
    return is_chunked ? HTTP1_FINE : HTTP1_TRANSFER_ENCODING;
}

static enum http1_reason take_connection(struct http1_head_parser *parser, struct http_head *head,
                                         struct bytes value)
{
    return http1_line_head_reason(http_head_add(head, BYTES_LITERAL("connection"), value));
}

static enum http1_reason take_upgrade(struct http1_head_parser *parser, struct http_head *head,
                                      struct bytes value)
{
    if (parser->upgrade_count < UINT8_MAX)
        parser->upgrade_count++;
    parser->is_upgrade_websocket = bytes_equal_ignore_case(value, BYTES_LITERAL("websocket"));
    return HTTP1_FINE;
}

static enum http1_reason take_expect(struct http1_head_parser *parser, struct http_head *head,
                                     struct bytes value)
{
    if (parser->kind != HTTP_REQUEST)
        return HTTP1_FINE;
    head->expects_continue = true;
    return bytes_equal_ignore_case(value, BYTES_LITERAL("100-continue")) ? HTTP1_FINE
                                                                         : HTTP1_EXPECT;
}

static enum http1_reason take_te(struct http1_head_parser *parser, struct http_head *head,
                                 struct bytes value)
{
    struct bytes coding;
    while (bytes_next_token(&value, ',', &coding))
        if (bytes_equal_ignore_case(bytes_trim(coding), BYTES_LITERAL("trailers")))
            head->accepts_trailers = true;
    return HTTP1_FINE;
}

struct take_row {
    struct bytes name;
    enum http1_reason (*take)(struct http1_head_parser *parser, struct http_head *head,
                              struct bytes value);
};

static const struct take_row take_rows[] = {
    {BYTES_LITERAL("host"), take_host},
    {BYTES_LITERAL("content-length"), take_length},
    {BYTES_LITERAL("transfer-encoding"), take_encoding},
    {BYTES_LITERAL("connection"), take_connection},
    {BYTES_LITERAL("upgrade"), take_upgrade},
    {BYTES_LITERAL("expect"), take_expect},
    {BYTES_LITERAL("te"), take_te},
};

/* Each option is looked for in all fields: more would be work without sense. */
enum { CONNECTION_FIELDS_MAX = 8, CONNECTION_OPTIONS_MAX = 32 };
/* Names of at most this length are looked at as names of the connection. */
enum { CONNECTION_NAME_MAX = sizeof("proxy-authorization") - 1 };

/* True when the field belongs to the connection and is dealt with. */
static bool take_connection_field(struct http1_head_parser *parser, struct http_head *head,
                                  struct bytes name, struct bytes value, enum http1_reason *reason)
{
    uint8_t lower[CONNECTION_NAME_MAX];
    if (name.length > sizeof(lower))
        return false;
    for (size_t i = 0; i < name.length; i++) {
        uint8_t byte = name.data[i];
        lower[i] = byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + ('a' - 'A')) : byte;
    }
    struct bytes canonical = {lower, name.length};
    *reason = HTTP1_FINE;
    if (!http_head_is_connection_name(canonical))
        return false;
    for (size_t i = 0; i < sizeof(take_rows) / sizeof(take_rows[0]); i++)
        if (bytes_equal(canonical, take_rows[i].name))
            *reason = take_rows[i].take(parser, head, value);
    return true;
}

static enum http1_reason parse_field(struct http1_head_parser *parser, struct bytes line,
                                     struct http_head *head)
{
    struct bytes name;
    struct bytes value;
    enum http1_reason reason = http1_line_split_field(line, &name, &value);
    if (reason != HTTP1_FINE)
        return reason;
    /* line_count has the start line in it. */
    if (parser->line_count > 1 + HTTP_HEAD_FIELDS_MAX)
        return HTTP1_TOO_MANY_FIELDS;
    if (take_connection_field(parser, head, name, value, &reason))
        return reason;
    return http1_line_head_reason(http_head_add(head, name, value));
}

/* ---- the end of the head ---- */

/* Fields that some peer would miss, or take for what they are not, if Connection named them. */
static bool may_be_connection_option(struct bytes name)
{
    static const struct bytes names[] = {
        BYTES_LITERAL("host"),          BYTES_LITERAL("content-length"),
        BYTES_LITERAL("authorization"), BYTES_LITERAL("transfer-encoding"),
        BYTES_LITERAL("cookie"),        BYTES_LITERAL("content-type"),
        BYTES_LITERAL("set-cookie"),    BYTES_LITERAL("content-encoding"),
        BYTES_LITERAL("cache-control"), BYTES_LITERAL("expect"),
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (bytes_equal_ignore_case(name, names[i]))
            return false;
    return true;
}

static enum http1_reason take_options(struct http1_head_parser *parser, struct http_head *head,
                                      struct bytes list)
{
    struct bytes option;
    size_t count = 0;
    while (bytes_next_token(&list, ',', &option)) {
        option = bytes_trim(option);
        if (++count > CONNECTION_OPTIONS_MAX)
            return HTTP1_CONNECTION_OPTION;
        if (option.length == 0)
            continue;
        if (!http_head_is_token(option) || !may_be_connection_option(option))
            return HTTP1_CONNECTION_OPTION;
        if (bytes_equal_ignore_case(option, BYTES_LITERAL("close")))
            parser->is_close = true;
        else if (bytes_equal_ignore_case(option, BYTES_LITERAL("upgrade")))
            parser->has_connection_upgrade = true;
        else if (!bytes_equal_ignore_case(option, BYTES_LITERAL("connection")))
            http_head_remove_name(head, option);
    }
    return HTTP1_FINE;
}

/* Apply every Connection field, then remove them. */
static enum http1_reason apply_connection(struct http1_head_parser *parser, struct http_head *head)
{
    struct bytes lists[CONNECTION_FIELDS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < http_head_field_count(head); i++) {
        if (!bytes_equal_text(http_head_field_name(head, i), "connection"))
            continue;
        if (count == CONNECTION_FIELDS_MAX)
            return HTTP1_CONNECTION_OPTION;
        lists[count++] = http_head_field_value(head, i);
    }
    /* Removing leaves the values where they are. */
    http_head_remove(head, "connection");
    for (size_t i = 0; i < count; i++) {
        enum http1_reason reason = take_options(parser, head, lists[i]);
        if (reason != HTTP1_FINE)
            return reason;
    }
    return HTTP1_FINE;
}

/* In a response other than 101, Upgrade only says what the server would take (RFC 9110 7.8). */
static void set_upgrade(struct http1_head_parser *parser, struct http_head *head)
{
    bool is_websocket = parser->upgrade_count == 1 && parser->is_upgrade_websocket &&
                        parser->has_connection_upgrade && parser->minor_version == 1;
    bool is_switch = parser->kind == HTTP_REQUEST || head->status == STATUS_SWITCHING_PROTOCOLS;
    head->upgrade = is_websocket && is_switch ? HTTP_UPGRADE_WEBSOCKET : HTTP_UPGRADE_NONE;
    /* A switch has no trailers, and the writer says nothing of them there. */
    if (head->upgrade != HTTP_UPGRADE_NONE)
        head->accepts_trailers = false;
}

static enum http1_reason check_lengths(const struct http1_head_parser *parser)
{
    if (parser->encoding_count && parser->length_count)
        return HTTP1_TWO_LENGTHS;
    if (parser->encoding_count && parser->minor_version == 0)
        return HTTP1_TRANSFER_ENCODING_IN_1_0;
    return HTTP1_FINE;
}

/* The neutral form of the framing. */
static void set_body(const struct http1_head_parser *parser, struct http_head *head)
{
    switch (parser->framing) {
    case HTTP1_BODY_NONE:
        head->body = HTTP_BODY_NONE;
        break;
    case HTTP1_BODY_LENGTH:
        head->body = HTTP_BODY_LENGTH;
        head->body_bytes = parser->body_bytes;
        break;
    case HTTP1_BODY_CHUNKED:
    case HTTP1_BODY_UNTIL_CLOSE:
        head->body = HTTP_BODY_STREAM;
        break;
    }
}

static enum http1_reason finish_request(struct http1_head_parser *parser, struct http_head *head)
{
    if (parser->host_count == 0)
        return HTTP1_HOST_MISSING;
    parser->framing = parser->encoding_count ? HTTP1_BODY_CHUNKED
                      : parser->length_count ? HTTP1_BODY_LENGTH
                                             : HTTP1_BODY_NONE;
    parser->is_last = parser->is_close || parser->minor_version == 0;
    if (parser->minor_version == 0)
        head->expects_continue = false;
    /* The authority is ours, not a copy of what was sent. */
    struct buffer authority;
    buffer_init(&authority, AUTHORITY_SIZE);
    bool is_set = authority_append(&authority, parser->host, parser->port, HTTPS_PORT) &&
                  http_head_set_authority(head, buffer_bytes(&authority)) == HTTP_HEAD_OK &&
                  http_head_set_scheme(head, BYTES_LITERAL("https")) == HTTP_HEAD_OK;
    buffer_done(&authority);
    return is_set ? HTTP1_FINE : HTTP1_HEAD_TOO_LARGE;
}

/* RFC 9112 section 6.3, without the cases that are refused. */
static enum http1_reason finish_response(struct http1_head_parser *parser, struct http_head *head)
{
    uint16_t status = head->status;
    if (status == STATUS_SWITCHING_PROTOCOLS && !parser->is_upgrade_asked)
        return HTTP1_UPGRADE;
    bool is_bodiless = status < STATUS_OK || status == STATUS_NO_CONTENT;
    if (parser->is_answer_to_head || is_bodiless || status == STATUS_NOT_MODIFIED) {
        parser->framing = HTTP1_BODY_NONE;
        if (!is_bodiless && parser->length_count)
            head->announced_bytes = (int64_t)parser->body_bytes;
    } else {
        parser->framing = parser->encoding_count ? HTTP1_BODY_CHUNKED
                          : parser->length_count ? HTTP1_BODY_LENGTH
                                                 : HTTP1_BODY_UNTIL_CLOSE;
    }
    parser->is_last =
        parser->is_close || parser->minor_version == 0 || parser->framing == HTTP1_BODY_UNTIL_CLOSE;
    return HTTP1_FINE;
}

static enum http1_reason finish(struct http1_head_parser *parser, struct http_head *head)
{
    enum http1_reason reason = check_lengths(parser);
    if (reason == HTTP1_FINE)
        reason = apply_connection(parser, head);
    if (reason == HTTP1_FINE)
        reason = parser->kind == HTTP_REQUEST ? finish_request(parser, head)
                                              : finish_response(parser, head);
    if (reason != HTTP1_FINE)
        return reason;
    set_upgrade(parser, head);
    set_body(parser, head);
    /* Behind a request to switch, bytes could belong to either protocol. */
    return parser->kind == HTTP_REQUEST && head->upgrade != HTTP_UPGRADE_NONE &&
                   head->body != HTTP_BODY_NONE
               ? HTTP1_UPGRADE_BODY
               : HTTP1_FINE;
}

/* ---- lines ---- */

/* A complete line without its CRLF. `*is_end` after the empty line. */
static enum http1_reason parse_line(struct http1_head_parser *parser, struct bytes line,
                                    struct http_head *head, bool *is_end)
{
    if (parser->line_count++ == 0)
        return parser->kind == HTTP_REQUEST ? parse_request_line(parser, line, head)
                                            : parse_status_line(parser, line, head);
    if (line.length > 0)
        return parse_field(parser, line, head);
    *is_end = true;
    return finish(parser, head);
}

/* What is wrong with the beginning of a line, seen before its end: early refusals. */
static enum http1_reason check_start(const struct http1_head_parser *parser, struct bytes line)
{
    static const struct bytes version = BYTES_LITERAL("HTTP/1.");
    if (line.length == 0)
        return HTTP1_FINE;
    if (parser->line_count > 0) {
        if (line.data[0] == ' ' || line.data[0] == '\t')
            return HTTP1_FIELD_FOLDED;
        return line.length > HTTP1_FIELD_LINE_MAX ? HTTP1_LINE_TOO_LONG : HTTP1_FINE;
    }
    if (parser->kind == HTTP_RESPONSE) {
        if (!bytes_start_with(version, bytes_first(line, version.length)))
            return bytes_start_with(line, BYTES_LITERAL("HTTP/")) && line.length > 5
                       ? HTTP1_VERSION
                       : HTTP1_START_LINE;
        return line.length > HTTP1_FIELD_LINE_MAX ? HTTP1_LINE_TOO_LONG : HTTP1_FINE;
    }
    struct bytes method = bytes_first(line, HTTP_HEAD_METHOD_MAX + 1);
    method = bytes_first(method, bytes_index_of(method, ' '));
    if (!http_head_is_token(method) || method.length > HTTP_HEAD_METHOD_MAX)
        return HTTP1_METHOD;
    return line.length > START_LINE_MAX ? HTTP1_TARGET_TOO_LONG : HTTP1_FINE;
}

/* What stands at the end of a run of bytes that may stand inside a line. */
enum line_end { LINE_OPEN, LINE_COMPLETE, LINE_BAD };

/*
 * Pass on to the next control byte. LINE_COMPLETE: parser->scanned is the CR of a CRLF.
 * LINE_OPEN: there is none yet; a CR at the very end is looked at again with its successor.
 */
static enum line_end scan_line(struct http1_head_parser *parser, struct bytes received)
{
    size_t limit = received.length < HTTP1_HEAD_BYTES_MAX ? received.length : HTTP1_HEAD_BYTES_MAX;
    size_t position = parser->scanned;
    while (position < limit && !http1_line_is_control(received.data[position]))
        position++;
    parser->scanned = position;
    if (position + 1 >= HTTP1_HEAD_BYTES_MAX && received.length > HTTP1_HEAD_BYTES_MAX) {
        parser->reason = HTTP1_HEAD_TOO_LARGE;
        return LINE_BAD;
    }
    if (position == received.length)
        return LINE_OPEN;
    uint8_t byte = received.data[position];
    if (position == 0 && (byte == '\r' || byte == '\n'))
        parser->reason = HTTP1_EMPTY_LINE_FIRST;
    else if (byte == '\n')
        parser->reason = HTTP1_BARE_LF;
    else if (byte != '\r')
        parser->reason = HTTP1_CONTROL_BYTE;
    else if (position + 1 == received.length)
        return LINE_OPEN;
    else if (received.data[position + 1] == '\n')
        return LINE_COMPLETE;
    else
        parser->reason = HTTP1_BARE_CR;
    return LINE_BAD;
}

/* The line that ends with the CRLF at parser->scanned. */
static enum http1_reason take_line(struct http1_head_parser *parser, struct bytes received,
                                   struct http_head *head, bool *is_end)
{
    struct bytes line = bytes_from(bytes_first(received, parser->scanned), parser->line_start);
    parser->scanned += 2;
    parser->line_start = parser->scanned;
    enum http1_reason reason = check_start(parser, line);
    return reason == HTTP1_FINE ? parse_line(parser, line, head, is_end) : reason;
}

/* Read on from a line that is not complete: PARSE_BAD when its beginning is hopeless. */
static enum parse_status end_of_input(struct http1_head_parser *parser, struct bytes received)
{
    parser->reason =
        check_start(parser, bytes_from(bytes_first(received, parser->scanned), parser->line_start));
    return parser->reason == HTTP1_FINE ? PARSE_NEED_MORE : PARSE_BAD;
}

enum parse_status http1_head_parser_push(struct http1_head_parser *parser, struct bytes received,
                                         struct http_head *head, size_t *head_bytes)
{
    while (parser->reason == HTTP1_FINE) {
        switch (scan_line(parser, received)) {
        case LINE_BAD:
            return PARSE_BAD;
        case LINE_OPEN:
            return end_of_input(parser, received);
        case LINE_COMPLETE:
            break;
        }
        bool is_end = false;
        parser->reason = take_line(parser, received, head, &is_end);
        if (is_end && parser->reason == HTTP1_FINE) {
            *head_bytes = parser->scanned;
            return PARSE_OK;
        }
    }
    return PARSE_BAD;
}
