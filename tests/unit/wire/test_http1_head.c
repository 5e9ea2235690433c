#include "test.h"

#include "base/memory.h"
#include "wire/http1.h"

#include <stdlib.h>

#define HOST "Host: a.com\r\n"
#define GET "GET / HTTP/1.1\r\n" HOST

static const struct bytes name = BYTES_LITERAL("a.com");

/* Push all at once, then byte by byte in exact allocations; both must end in the same way. */
static enum parse_status parse(struct http1_head_parser *start, struct bytes message,
                               struct http_head *head, size_t *head_bytes)
{
    struct http1_head_parser parser = *start;
    enum parse_status whole = http1_head_parser_push(&parser, message, head, head_bytes);
    struct http1_head_parser slow = *start;
    struct http_head other;
    http_head_init(&other, start->kind);
    enum parse_status piecewise = PARSE_NEED_MORE;
    for (size_t i = 0; i <= message.length && piecewise == PARSE_NEED_MORE; i++) {
        uint8_t *copy = memory_new(i + 1);
        memcpy(copy + 1, message.data, i);
        size_t slow_bytes = 0;
        piecewise = http1_head_parser_push(&slow, (struct bytes){copy + 1, i}, &other, &slow_bytes);
        free(copy);
    }
    assert_int_equal(piecewise, whole);
    /* Arrival in pieces may end a hopeless line earlier, for a reason seen earlier. */
    if (whole == PARSE_BAD)
        assert_true(slow.reason != HTTP1_FINE);
    http_head_done(&other);
    *start = parser;
    return whole;
}

static enum http1_reason reason_of_request(struct bytes message)
{
    struct http1_head_parser parser;
    struct http_head head;
    size_t head_bytes = 0;
    http1_head_parser_start_request(&parser, name, 443);
    http_head_init(&head, HTTP_REQUEST);
    enum parse_status status = parse(&parser, message, &head, &head_bytes);
    http_head_done(&head);
    if (status == PARSE_NEED_MORE)
        return HTTP1_REASON_COUNT;
    assert_int_equal(status == PARSE_OK, parser.reason == HTTP1_FINE);
    return parser.reason;
}

struct refusal {
    struct bytes message;
    enum http1_reason reason;
    int status;
};

static void refuses_requests(void **state)
{
    static const struct refusal rows[] = {
        /* 1: line ends and control bytes */
        {BYTES_LITERAL("\r\nGET / HTTP/1.1\r\n"), HTTP1_EMPTY_LINE_FIRST, 400},
        {BYTES_LITERAL("\r"), HTTP1_EMPTY_LINE_FIRST, 400},
        {BYTES_LITERAL("\n"), HTTP1_EMPTY_LINE_FIRST, 400},
        {BYTES_LITERAL("GET / HTTP/1.1\n"), HTTP1_BARE_LF, 400},
        {BYTES_LITERAL("GET / HTTP/1.1\r\nHost: a.com\n\r\n"), HTTP1_BARE_LF, 400},
        {BYTES_LITERAL(GET "\n"), HTTP1_BARE_LF, 400},
        {BYTES_LITERAL("GET / HTTP/1.1\rX\r\n"), HTTP1_BARE_CR, 400},
        {BYTES_LITERAL(GET "A: b\rc\r\n\r\n"), HTTP1_BARE_CR, 400},
        {BYTES_LITERAL(GET "A: b\r\r\n\r\n"), HTTP1_BARE_CR, 400},
        {BYTES_LITERAL("GET /\0 HTTP/1.1\r\n"), HTTP1_CONTROL_BYTE, 400},
        {BYTES_LITERAL(GET "A: b\0c\r\n\r\n"), HTTP1_CONTROL_BYTE, 400},
        {BYTES_LITERAL(GET "A: \x1b[0m\r\n\r\n"), HTTP1_CONTROL_BYTE, 400},
        {BYTES_LITERAL(GET "A: \x7f\r\n\r\n"), HTTP1_CONTROL_BYTE, 400},
        {BYTES_LITERAL(GET "A: b\vc\r\n\r\n"), HTTP1_CONTROL_BYTE, 400},
        /* 2: request line */
        {BYTES_LITERAL(" GET / HTTP/1.1\r\n"), HTTP1_METHOD, 400},
        {BYTES_LITERAL("G(T / HTTP/1.1\r\n"), HTTP1_METHOD, 400},
        {BYTES_LITERAL("GET\t/ HTTP/1.1\r\n"), HTTP1_METHOD, 400},
        {BYTES_LITERAL("\x16\x03\x01"), HTTP1_CONTROL_BYTE, 400},
        {BYTES_LITERAL("\xff"), HTTP1_METHOD, 400},
        {BYTES_LITERAL("ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG / HTTP/1.1\r\n"), HTTP1_METHOD, 400},
        {BYTES_LITERAL("GET  / HTTP/1.1\r\n"), HTTP1_START_LINE, 400},
        {BYTES_LITERAL("GET /  HTTP/1.1\r\n"), HTTP1_START_LINE, 400},
        {BYTES_LITERAL("GET / HTTP/1.1 \r\n"), HTTP1_START_LINE, 400},
        {BYTES_LITERAL("GET / a HTTP/1.1\r\n"), HTTP1_START_LINE, 400},
        {BYTES_LITERAL("GET /\tHTTP/1.1\r\n"), HTTP1_START_LINE, 400},
        {BYTES_LITERAL("GET /\r\n"), HTTP1_START_LINE, 400},
        {BYTES_LITERAL("GET\r\n"), HTTP1_START_LINE, 400},
        {BYTES_LITERAL("SSH-2.0-OpenSSH_9\r\n"), HTTP1_START_LINE, 400},
        {BYTES_LITERAL("GET / http/1.1\r\n"), HTTP1_START_LINE, 400},
        {BYTES_LITERAL("GET / HTTP/1.10\r\n"), HTTP1_START_LINE, 400},
        {BYTES_LITERAL("GET / HTTP/01.1\r\n"), HTTP1_START_LINE, 400},
        {BYTES_LITERAL("GET / HTTP/1\r\n"), HTTP1_START_LINE, 400},
        {BYTES_LITERAL("GET / HTTP/1.2\r\n"), HTTP1_VERSION, 505},
        {BYTES_LITERAL("GET / HTTP/2.0\r\n"), HTTP1_VERSION, 505},
        {BYTES_LITERAL("PRI * HTTP/2.0\r\n\r\n"), HTTP1_VERSION, 505},
        {BYTES_LITERAL("GET / HTTP/0.9\r\n"), HTTP1_VERSION, 505},
        /* 3: target */
        {BYTES_LITERAL("GET a HTTP/1.1\r\n"), HTTP1_TARGET, 400},
        {BYTES_LITERAL("GET ?a HTTP/1.1\r\n"), HTTP1_TARGET, 400},
        {BYTES_LITERAL("GET /a#b HTTP/1.1\r\n"), HTTP1_TARGET, 400},
        {BYTES_LITERAL("GET * HTTP/1.1\r\n"), HTTP1_TARGET, 400},
        {BYTES_LITERAL("OPTIONS ** HTTP/1.1\r\n"), HTTP1_TARGET, 400},
        {BYTES_LITERAL("GET a.com:443 HTTP/1.1\r\n"), HTTP1_TARGET_AUTHORITY, 400},
        {BYTES_LITERAL("GET http://a.com/ HTTP/1.1\r\n"), HTTP1_TARGET_AUTHORITY, 400},
        {BYTES_LITERAL("GET https://b.com/ HTTP/1.1\r\n"), HTTP1_TARGET_AUTHORITY, 400},
        {BYTES_LITERAL("GET https://a.com.b.com/ HTTP/1.1\r\n"), HTTP1_TARGET_AUTHORITY, 400},
        {BYTES_LITERAL("GET https://a.com:444/ HTTP/1.1\r\n"), HTTP1_TARGET_AUTHORITY, 400},
        {BYTES_LITERAL("GET https://u@a.com/ HTTP/1.1\r\n"), HTTP1_TARGET_AUTHORITY, 400},
        {BYTES_LITERAL("GET https://a.com@b.com/ HTTP/1.1\r\n"), HTTP1_TARGET_AUTHORITY, 400},
        {BYTES_LITERAL("GET https:/// HTTP/1.1\r\n"), HTTP1_TARGET_AUTHORITY, 400},
        {BYTES_LITERAL("GET https://a.com?q HTTP/1.1\r\n"), HTTP1_TARGET, 400},
        {BYTES_LITERAL("GET https://a.com\\b/ HTTP/1.1\r\n"), HTTP1_TARGET_AUTHORITY, 400},
        {BYTES_LITERAL("GET https://a.com#/ HTTP/1.1\r\n"), HTTP1_TARGET_AUTHORITY, 400},
        {BYTES_LITERAL("CONNECT a.com:443 HTTP/1.1\r\n"), HTTP1_METHOD_CONNECT, 405},
        {BYTES_LITERAL("CONNECT / HTTP/1.1\r\n"), HTTP1_METHOD_CONNECT, 405},
        /* 4: Host */
        {BYTES_LITERAL("GET / HTTP/1.1\r\n\r\n"), HTTP1_HOST_MISSING, 400},
        {BYTES_LITERAL("GET https://a.com/ HTTP/1.1\r\n\r\n"), HTTP1_HOST_MISSING, 400},
        {BYTES_LITERAL("GET / HTTP/1.0\r\n\r\n"), HTTP1_HOST_MISSING, 400},
        {BYTES_LITERAL(GET HOST "\r\n"), HTTP1_HOST_REPEATED, 400},
        {BYTES_LITERAL("GET / HTTP/1.1\r\nHost: b.com\r\n"), HTTP1_HOST_DIFFERS, 400},
        {BYTES_LITERAL("GET https://a.com/ HTTP/1.1\r\nHost: b.com\r\n"), HTTP1_HOST_DIFFERS, 400},
        {BYTES_LITERAL("GET / HTTP/1.1\r\nHost:\r\n"), HTTP1_HOST_DIFFERS, 400},
        {BYTES_LITERAL("GET / HTTP/1.1\r\nHost: a.com.\r\n"), HTTP1_HOST_DIFFERS, 400},
        {BYTES_LITERAL("GET / HTTP/1.1\r\nHost: a.com:\r\n"), HTTP1_HOST_DIFFERS, 400},
        {BYTES_LITERAL("GET / HTTP/1.1\r\nHost: a.com:80\r\n"), HTTP1_HOST_DIFFERS, 400},
        {BYTES_LITERAL("GET / HTTP/1.1\r\nHost: a.com:0443\r\n"), HTTP1_HOST_DIFFERS, 400},
        {BYTES_LITERAL("GET / HTTP/1.1\r\nHost: a.com, b.com\r\n"), HTTP1_HOST_DIFFERS, 400},
        {BYTES_LITERAL("GET / HTTP/1.1\r\nHost: a.com,a.com\r\n"), HTTP1_HOST_DIFFERS, 400},
        {BYTES_LITERAL("GET / HTTP/1.1\r\nHost: u@a.com\r\n"), HTTP1_HOST_DIFFERS, 400},
        {BYTES_LITERAL("GET / HTTP/1.1\r\nHost: a%2ecom\r\n"), HTTP1_HOST_DIFFERS, 400},
        {BYTES_LITERAL("GET / HTTP/1.1\r\nHost: a.com/\r\n"), HTTP1_HOST_DIFFERS, 400},
        {BYTES_LITERAL("GET / HTTP/1.1\r\nHost: \"a.com\"\r\n"), HTTP1_HOST_DIFFERS, 400},
        {BYTES_LITERAL("GET / HTTP/1.1\r\nHost: a.com b\r\n"), HTTP1_HOST_DIFFERS, 400},
        /* 5: fields */
        {BYTES_LITERAL("GET / HTTP/1.1\r\n folded\r\n"), HTTP1_FIELD_FOLDED, 400},
        {BYTES_LITERAL(GET "A: b\r\n c\r\n\r\n"), HTTP1_FIELD_FOLDED, 400},
        {BYTES_LITERAL(GET "A: b\r\n\tc\r\n\r\n"), HTTP1_FIELD_FOLDED, 400},
        {BYTES_LITERAL(GET "A : b\r\n\r\n"), HTTP1_FIELD_NAME, 400},
        {BYTES_LITERAL(GET "A\t: b\r\n\r\n"), HTTP1_FIELD_NAME, 400},
        {BYTES_LITERAL(GET ": b\r\n\r\n"), HTTP1_FIELD_NAME, 400},
        {BYTES_LITERAL(GET "A\r\n\r\n"), HTTP1_FIELD_NAME, 400},
        {BYTES_LITERAL(GET "A B: c\r\n\r\n"), HTTP1_FIELD_NAME, 400},
        {BYTES_LITERAL(GET "A\x80: c\r\n\r\n"), HTTP1_FIELD_NAME, 400},
        {BYTES_LITERAL(GET "Transfer-Encoding\v: chunked\r\n"), HTTP1_CONTROL_BYTE, 400},
        {BYTES_LITERAL(GET "Content-Length :1\r\n\r\n"), HTTP1_FIELD_NAME, 400},
        {BYTES_LITERAL(GET "Content-Length: +1\r\n\r\n"), HTTP1_CONTENT_LENGTH, 400},
        {BYTES_LITERAL(GET "Content-Length: -1\r\n\r\n"), HTTP1_CONTENT_LENGTH, 400},
        {BYTES_LITERAL(GET "Content-Length:\r\n\r\n"), HTTP1_CONTENT_LENGTH, 400},
        {BYTES_LITERAL(GET "Content-Length: 01\r\n\r\n"), HTTP1_CONTENT_LENGTH, 400},
        {BYTES_LITERAL(GET "Content-Length: 0x1\r\n\r\n"), HTTP1_CONTENT_LENGTH, 400},
        {BYTES_LITERAL(GET "Content-Length: 1,1\r\n\r\n"), HTTP1_CONTENT_LENGTH, 400},
        {BYTES_LITERAL(GET "Content-Length: 1 1\r\n\r\n"), HTTP1_CONTENT_LENGTH, 400},
        {BYTES_LITERAL(GET "Content-Length: 1.0\r\n\r\n"), HTTP1_CONTENT_LENGTH, 400},
        {BYTES_LITERAL(GET "Content-Length: 9223372036854775808\r\n\r\n"), HTTP1_CONTENT_LENGTH,
         400},
        {BYTES_LITERAL(GET "Content-Length: 18446744073709551617\r\n\r\n"), HTTP1_CONTENT_LENGTH,
         400},
        {BYTES_LITERAL(GET "Content-Length: 1\r\nContent-Length: 1\r\n\r\n"),
         HTTP1_CONTENT_LENGTH_REPEATED, 400},
        {BYTES_LITERAL(GET "Transfer-Encoding: Chunked\r\n\r\n"), HTTP1_TRANSFER_ENCODING, 400},
        {BYTES_LITERAL(GET "Transfer-Encoding: identity\r\n\r\n"), HTTP1_TRANSFER_ENCODING, 400},
        {BYTES_LITERAL(GET "Transfer-Encoding: gzip, chunked\r\n\r\n"), HTTP1_TRANSFER_ENCODING,
         400},
        {BYTES_LITERAL(GET "Transfer-Encoding: chunked, chunked\r\n\r\n"), HTTP1_TRANSFER_ENCODING,
         400},
        {BYTES_LITERAL(GET "Transfer-Encoding: chunked;q=1\r\n\r\n"), HTTP1_TRANSFER_ENCODING, 400},
        {BYTES_LITERAL(GET "Transfer-Encoding: \"chunked\"\r\n\r\n"), HTTP1_TRANSFER_ENCODING, 400},
        {BYTES_LITERAL(GET "Transfer-Encoding: xchunked\r\n\r\n"), HTTP1_TRANSFER_ENCODING, 400},
        {BYTES_LITERAL(GET "Transfer-Encoding:\r\n\r\n"), HTTP1_TRANSFER_ENCODING, 400},
        {BYTES_LITERAL(GET "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
         HTTP1_TRANSFER_ENCODING_REPEATED, 400},
        {BYTES_LITERAL(GET "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n"),
         HTTP1_TWO_LENGTHS, 400},
        {BYTES_LITERAL(GET "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n"),
         HTTP1_TWO_LENGTHS, 400},
        {BYTES_LITERAL("POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"),
         HTTP1_TRANSFER_ENCODING_IN_1_0, 400},
        {BYTES_LITERAL(GET "Connection: close, Host\r\n\r\n"), HTTP1_CONNECTION_OPTION, 400},
        {BYTES_LITERAL(GET "Connection: Content-Length\r\n\r\n"), HTTP1_CONNECTION_OPTION, 400},
        {BYTES_LITERAL(GET "Connection: authorization\r\n\r\n"), HTTP1_CONNECTION_OPTION, 400},
        {BYTES_LITERAL(GET "Connection: a b\r\n\r\n"), HTTP1_CONNECTION_OPTION, 400},
        {BYTES_LITERAL(GET "Connection: a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,"
                           "a,a,a,a,a,a\r\n\r\n"),
         HTTP1_CONNECTION_OPTION, 400},
        {BYTES_LITERAL(GET "Connection: upgrade\r\nUpgrade: websocket\r\n"
                           "Content-Length: 0\r\n\r\n"),
         HTTP1_UPGRADE_BODY, 400},
        {BYTES_LITERAL(GET "Connection: upgrade\r\nUpgrade: websocket\r\n"
                           "Transfer-Encoding: chunked\r\n\r\n"),
         HTTP1_UPGRADE_BODY, 400},
        {BYTES_LITERAL(GET "Expect: 200-ok\r\n\r\n"), HTTP1_EXPECT, 417},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        enum http1_reason reason = reason_of_request(rows[i].message);
        if (reason != rows[i].reason)
            fail_msg("row %zu: %s", i,
                     reason == HTTP1_REASON_COUNT ? "not refused" : http1_reason_text(reason));
        assert_int_equal(http1_reason_status(reason), rows[i].status);
    }
}

static enum http1_reason reason_of_long(const char *before, size_t length, const char *after)
{
    size_t before_length = strlen(before);
    size_t whole = before_length + length + strlen(after);
    uint8_t *message = memory_new(whole);
    memcpy(message, before, before_length);
    memset(message + before_length, 'a', length);
    memcpy(message + before_length + length, after, strlen(after));
    struct http1_head_parser parser;
    struct http_head head;
    size_t head_bytes = 0;
    http1_head_parser_start_request(&parser, name, 443);
    http_head_init(&head, HTTP_REQUEST);
    http1_head_parser_push(&parser, (struct bytes){message, whole}, &head, &head_bytes);
    http_head_done(&head);
    free(message);
    return parser.reason;
}

static void refuses_what_is_too_long_without_waiting_for_its_end(void **state)
{
    assert_int_equal(reason_of_long("GET /", HTTP_HEAD_PATH_MAX, " HTTP/1.1\r\n"),
                     HTTP1_TARGET_TOO_LONG);
    assert_int_equal(reason_of_long("GET /", HTTP_HEAD_PATH_MAX - 1, " HTTP/1.1\r\n"), HTTP1_FINE);
    assert_int_equal(reason_of_long("GET /", HTTP_HEAD_PATH_MAX + 1000, ""), HTTP1_TARGET_TOO_LONG);
    assert_int_equal(http1_reason_status(HTTP1_TARGET_TOO_LONG), 414);
    assert_int_equal(reason_of_long(GET "A: ", HTTP1_FIELD_LINE_MAX - 3, "\r\n"), HTTP1_FINE);
    assert_int_equal(reason_of_long(GET "A: ", HTTP1_FIELD_LINE_MAX - 2, "\r\n"),
                     HTTP1_LINE_TOO_LONG);
    assert_int_equal(reason_of_long(GET "A: ", HTTP1_FIELD_LINE_MAX, ""), HTTP1_LINE_TOO_LONG);
    assert_int_equal(http1_reason_status(HTTP1_LINE_TOO_LONG), 431);
    assert_int_equal(reason_of_long("", HTTP_HEAD_METHOD_MAX + 1, ""), HTTP1_METHOD);
}

/* `count` fields "A: xxx" with `length` bytes of value. */
static enum http1_reason reason_of_many(size_t count, size_t length)
{
    struct buffer message;
    buffer_init(&message, 1 << 20);
    assert_true(buffer_append_text(&message, GET));
    for (size_t i = 0; i < count; i++) {
        assert_true(buffer_append_text(&message, "A: "));
        for (size_t j = 0; j < length; j++)
            assert_true(buffer_append_byte(&message, 'x'));
        assert_true(buffer_append_text(&message, "\r\n"));
    }
    assert_true(buffer_append_text(&message, "\r\n"));
    struct http1_head_parser parser;
    struct http_head head;
    size_t head_bytes = 0;
    http1_head_parser_start_request(&parser, name, 443);
    http_head_init(&head, HTTP_REQUEST);
    http1_head_parser_push(&parser, buffer_bytes(&message), &head, &head_bytes);
    http_head_done(&head);
    buffer_done(&message);
    return parser.reason;
}

static void refuses_too_many_fields_and_too_large_a_head(void **state)
{
    assert_int_equal(reason_of_many(127, 1), HTTP1_FINE); /* Host is one, too */
    assert_int_equal(reason_of_many(128, 1), HTTP1_TOO_MANY_FIELDS);
    assert_int_equal(reason_of_many(10000, 1), HTTP1_TOO_MANY_FIELDS);
    assert_int_equal(reason_of_many(10, 8000), HTTP1_HEAD_TOO_LARGE);
    assert_int_equal(http1_reason_status(HTTP1_HEAD_TOO_LARGE), 431);
}

/* A head of exactly `whole` bytes, pushed with a byte behind it and in two parts. */
static enum http1_reason reason_of_length(size_t whole)
{
    enum { VALUE = 6000, FIELDS = 10 };
    struct buffer message;
    buffer_init(&message, 2 * HTTP1_HEAD_BYTES_MAX);
    assert_true(buffer_append_text(&message, GET));
    for (size_t i = 0; i <= FIELDS; i++) {
        size_t length = VALUE;
        if (i == FIELDS)
            length = whole - buffer_length(&message) - strlen("A:\r\n\r\n");
        assert_true(buffer_append_text(&message, "A:"));
        for (size_t j = 0; j < length; j++)
            assert_true(buffer_append_byte(&message, 'x'));
        assert_true(buffer_append_text(&message, "\r\n"));
    }
    assert_true(buffer_append_text(&message, "\r\nX"));
    enum http1_reason reasons[2];
    for (size_t i = 0; i < 2; i++) {
        struct http1_head_parser parser;
        struct http_head head;
        size_t head_bytes = 0;
        http1_head_parser_start_request(&parser, name, 443);
        http_head_init(&head, HTTP_REQUEST);
        struct bytes all = buffer_bytes(&message);
        if (i == 1)
            http1_head_parser_push(&parser, bytes_first(all, whole - 2), &head, &head_bytes);
        http1_head_parser_push(&parser, all, &head, &head_bytes);
        reasons[i] = parser.reason;
        assert_int_equal(head_bytes, parser.reason ? 0 : whole);
        http_head_done(&head);
    }
    assert_int_equal(reasons[0], reasons[1]);
    buffer_done(&message);
    return reasons[0];
}

static void takes_a_head_of_the_cap_and_not_a_byte_more(void **state)
{
    assert_int_equal(reason_of_length(HTTP1_HEAD_BYTES_MAX), HTTP1_FINE);
    for (size_t extra = 1; extra < 5; extra++)
        assert_int_equal(reason_of_length(HTTP1_HEAD_BYTES_MAX + extra), HTTP1_HEAD_TOO_LARGE);
}

static void refuses_again_after_a_refusal(void **state)
{
    struct http1_head_parser parser;
    struct http_head head;
    size_t head_bytes = 0;
    http1_head_parser_start_request(&parser, name, 443);
    http_head_init(&head, HTTP_REQUEST);
    assert_int_equal(http1_head_parser_push(&parser, BYTES_LITERAL("\r"), &head, &head_bytes),
                     PARSE_BAD);
    assert_int_equal(http1_head_parser_push(&parser, BYTES_LITERAL(GET "\r\n"), &head, &head_bytes),
                     PARSE_BAD);
    http_head_done(&head);
}

/* A request of many legal oddities, in neutral form. */
static void makes_a_neutral_head_of_a_request(void **state)
{
    static const struct bytes message =
        BYTES_LITERAL("POST https://A.com:8443/v1/x?y=%20 HTTP/1.1\r\n"
                      "X-Dropped: 1\r\n"
                      "HOST:\t a.COM:8443 \t\r\n"
                      "User-Agent: curl/8 (\xc3\xbc)\r\n"
                      "Connection: keep-alive, X-Dropped, te\r\n"
                      "Connection: , close\r\n"
                      "Keep-Alive: timeout=5\r\n"
                      "Proxy-Connection: keep-alive\r\n"
                      "Proxy-Authorization: Basic eDp5\r\n"
                      "TE: gzip, trailers\r\n"
                      "Expect: 100-Continue\r\n"
                      "Empty:\r\n"
                      "Upgrade: h2c\r\n"
                      "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"
                      "Transfer-Encoding: chunked\r\n"
                      "x-dropped: 2\r\n"
                      "\r\n5\r\nhello");
    struct http1_head_parser parser;
    struct http_head head;
    size_t head_bytes = 0;
    http1_head_parser_start_request(&parser, name, 8443);
    http_head_init(&head, HTTP_REQUEST);
    assert_int_equal(parse(&parser, message, &head, &head_bytes), PARSE_OK);
    assert_int_equal(head_bytes, message.length - 8);
    assert_bytes(http_head_method(&head), "POST");
    assert_bytes(http_head_scheme(&head), "https");
    assert_bytes(http_head_authority(&head), "a.com:8443");
    assert_bytes(http_head_path(&head), "/v1/x?y=%20");
    assert_int_equal(http_head_field_count(&head), 2);
    assert_bytes(http_head_field_name(&head, 0), "user-agent");
    assert_bytes(http_head_field_value(&head, 0), "curl/8 (\xc3\xbc)");
    assert_bytes(http_head_field_name(&head, 1), "empty");
    assert_bytes(http_head_field_value(&head, 1), "");
    assert_true(head.expects_continue);
    assert_true(head.accepts_trailers);
    assert_int_equal(head.upgrade, HTTP_UPGRADE_NONE);
    assert_int_equal(head.body, HTTP_BODY_STREAM);
    assert_int_equal(parser.framing, HTTP1_BODY_CHUNKED);
    assert_true(parser.is_last);
    http_head_done(&head);
}

struct request_row {
    struct bytes message;
    const char *path;
    enum http1_framing framing;
    uint64_t body_bytes;
    bool is_last;
    enum http_upgrade upgrade;
};

static void accepts_requests(void **state)
{
    static const struct request_row rows[] = {
        {BYTES_LITERAL(GET "\r\n"), "/", HTTP1_BODY_NONE, 0, false, 0},
        {BYTES_LITERAL("GET / HTTP/1.0\r\n" HOST "\r\n"), "/", HTTP1_BODY_NONE, 0, true, 0},
        {BYTES_LITERAL("GET / HTTP/1.0\r\n" HOST "Connection: keep-alive\r\n\r\n"), "/",
         HTTP1_BODY_NONE, 0, true, 0},
        {BYTES_LITERAL("OPTIONS * HTTP/1.1\r\n" HOST "\r\n"), "*", HTTP1_BODY_NONE, 0, false, 0},
        {BYTES_LITERAL("OPTIONS https://a.com HTTP/1.1\r\n" HOST "\r\n"), "*", HTTP1_BODY_NONE, 0,
         false, 0},
        {BYTES_LITERAL("GET HTTPS://a.com HTTP/1.1\r\n" HOST "\r\n"), "/", HTTP1_BODY_NONE, 0,
         false, 0},
        {BYTES_LITERAL("GET https://a.com:443/x HTTP/1.1\r\n" HOST "\r\n"), "/x", HTTP1_BODY_NONE,
         0, false, 0},
        {BYTES_LITERAL("GET /\xc3\xbc|{}\"\\<> HTTP/1.1\r\n" HOST "\r\n"), "/\xc3\xbc|{}\"\\<>",
         HTTP1_BODY_NONE, 0, false, 0},
        {BYTES_LITERAL("GET //x?a#? HTTP/1.1\r\n" HOST "\r\n"), NULL, 0, 0, false, 0},
        {BYTES_LITERAL("M-SEARCH! / HTTP/1.1\r\n" HOST "\r\n"), "/", HTTP1_BODY_NONE, 0, false, 0},
        {BYTES_LITERAL("POST / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n"), "/",
         HTTP1_BODY_LENGTH, 0, false, 0},
        {BYTES_LITERAL("POST / HTTP/1.1\r\n" HOST "content-length:9223372036854775807\r\n\r\n"),
         "/", HTTP1_BODY_LENGTH, INT64_MAX, false, 0},
        {BYTES_LITERAL(GET "Content-Length: 5\r\nConnection: CLOSE\r\n\r\n"), "/",
         HTTP1_BODY_LENGTH, 5, true, 0},
        {BYTES_LITERAL(GET "Connection: Upgrade\r\nUpgrade: WebSocket\r\n\r\n"), "/",
         HTTP1_BODY_NONE, 0, false, HTTP_UPGRADE_WEBSOCKET},
        {BYTES_LITERAL(GET "Upgrade: websocket\r\n\r\n"), "/", HTTP1_BODY_NONE, 0, false, 0},
        {BYTES_LITERAL(GET "Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n\r\n"), "/",
         HTTP1_BODY_NONE, 0, false, 0},
        {BYTES_LITERAL(GET "Connection: Upgrade\r\nUpgrade: h2c\r\nUpgrade: websocket\r\n\r\n"),
         "/", HTTP1_BODY_NONE, 0, false, 0},
        {BYTES_LITERAL(GET "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n"), "/",
         HTTP1_BODY_NONE, 0, false, 0},
        {BYTES_LITERAL("GET / HTTP/1.0\r\n" HOST
                       "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
         "/", HTTP1_BODY_NONE, 0, true, 0},
        {BYTES_LITERAL("GET / HTTP/1.1\r\nHost: A.COM:443\r\n\r\n"), "/", HTTP1_BODY_NONE, 0, false,
         0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct http1_head_parser parser;
        struct http_head head;
        size_t head_bytes = 0;
        http1_head_parser_start_request(&parser, name, 443);
        http_head_init(&head, HTTP_REQUEST);
        enum parse_status status = parse(&parser, rows[i].message, &head, &head_bytes);
        if (rows[i].path == NULL) {
            assert_int_equal(status, PARSE_BAD);
        } else {
            if (status != PARSE_OK)
                fail_msg("row %zu: %s", i, http1_reason_text(parser.reason));
            assert_int_equal(head_bytes, rows[i].message.length);
            assert_bytes(http_head_path(&head), rows[i].path);
            assert_bytes(http_head_authority(&head), "a.com");
            assert_int_equal(parser.framing, rows[i].framing);
            assert_int_equal(parser.body_bytes, rows[i].body_bytes);
            assert_int_equal(parser.is_last, rows[i].is_last);
            assert_int_equal(head.upgrade, rows[i].upgrade);
            assert_int_equal(http_head_field_count(&head), 0);
        }
        http_head_done(&head);
    }
}

/* ---- responses ---- */

struct response_row {
    const char *method;
    struct bytes message;
    enum http1_reason reason;
    enum http1_framing framing;
    uint64_t body_bytes;
    bool is_last;
    int64_t announced_bytes;
};

static void judges_responses(void **state)
{
    static const struct response_row rows[] = {
        {"GET", BYTES_LITERAL("\r\n"), HTTP1_EMPTY_LINE_FIRST, 0, 0, false, -1},
        {"GET", BYTES_LITERAL("SSH-2.0-x\r\n"), HTTP1_START_LINE, 0, 0, false, -1},
        {"GET", BYTES_LITERAL("ICY 200 OK\r\n"), HTTP1_START_LINE, 0, 0, false, -1},
        {"GET", BYTES_LITERAL(" HTTP/1.1 200 OK\r\n"), HTTP1_START_LINE, 0, 0, false, -1},
        {"GET", BYTES_LITERAL("HTTP/2 200 \r\n"), HTTP1_VERSION, 0, 0, false, -1},
        {"GET", BYTES_LITERAL("HTTP/1.2 200 OK\r\n"), HTTP1_VERSION, 0, 0, false, -1},
        {"GET", BYTES_LITERAL("HTTP/1.1 20 OK\r\n\r\n"), HTTP1_STATUS, 0, 0, false, -1},
        {"GET", BYTES_LITERAL("HTTP/1.1 2000 OK\r\n"), HTTP1_STATUS, 0, 0, false, -1},
        {"GET", BYTES_LITERAL("HTTP/1.1 099 OK\r\n"), HTTP1_STATUS, 0, 0, false, -1},
        {"GET", BYTES_LITERAL("HTTP/1.1 2x0 OK\r\n"), HTTP1_STATUS, 0, 0, false, -1},
        {"GET", BYTES_LITERAL("HTTP/1.1  200 OK\r\n"), HTTP1_STATUS, 0, 0, false, -1},
        {"GET", BYTES_LITERAL("HTTP/1.1 200\tOK\r\n"), HTTP1_STATUS, 0, 0, false, -1},
        {"GET", BYTES_LITERAL("HTTP/1.1 200 O\x01K\r\n"), HTTP1_CONTROL_BYTE, 0, 0, false, -1},
        {"GET", BYTES_LITERAL("HTTP/1.1 200 OK\n"), HTTP1_BARE_LF, 0, 0, false, -1},
        {"GET", BYTES_LITERAL("HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n"), HTTP1_FIELD_FOLDED, 0, 0,
         false, -1},
        {"GET",
         BYTES_LITERAL(
             "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
         HTTP1_TWO_LENGTHS, 0, 0, false, -1},
        {"GET", BYTES_LITERAL("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n"),
         HTTP1_CONTENT_LENGTH_REPEATED, 0, 0, false, -1},
        {"HEAD",
         BYTES_LITERAL(
             "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
         HTTP1_TWO_LENGTHS, 0, 0, false, -1},
        {"GET", BYTES_LITERAL("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
         HTTP1_TRANSFER_ENCODING_IN_1_0, 0, 0, false, -1},
        {"GET", BYTES_LITERAL("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"),
         HTTP1_TRANSFER_ENCODING, 0, 0, false, -1},
        {"GET", BYTES_LITERAL("HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\r\n"),
         HTTP1_UPGRADE, 0, 0, false, -1},
        {"GET", BYTES_LITERAL("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"), HTTP1_FINE,
         HTTP1_BODY_LENGTH, 5, false, -1},
        {"GET", BYTES_LITERAL("HTTP/1.1 200\r\nTransfer-Encoding: Chunked\r\n\r\n"), HTTP1_FINE,
         HTTP1_BODY_CHUNKED, 0, false, -1},
        {"GET", BYTES_LITERAL("HTTP/1.1 999 \r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
         HTTP1_FINE, HTTP1_BODY_LENGTH, 0, true, -1},
        {"GET", BYTES_LITERAL("HTTP/1.1 200 \xc3\xbc\r\n\r\n"), HTTP1_FINE, HTTP1_BODY_UNTIL_CLOSE,
         0, true, -1},
        {"GET", BYTES_LITERAL("HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\n"), HTTP1_FINE,
         HTTP1_BODY_LENGTH, 3, true, -1},
        {"HEAD", BYTES_LITERAL("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n"), HTTP1_FINE,
         HTTP1_BODY_NONE, 7, false, 7},
        {"HEAD", BYTES_LITERAL("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), HTTP1_FINE,
         HTTP1_BODY_NONE, 0, false, -1},
        {"GET", BYTES_LITERAL("HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n"), HTTP1_FINE,
         HTTP1_BODY_NONE, 7, false, 7},
        {"GET", BYTES_LITERAL("HTTP/1.1 204 No Content\r\nContent-Length: 7\r\n\r\n"), HTTP1_FINE,
         HTTP1_BODY_NONE, 7, false, -1},
        {"GET", BYTES_LITERAL("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"), HTTP1_FINE,
         HTTP1_BODY_NONE, 0, false, -1},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct http1_head_parser parser;
        struct http_head request;
        struct http_head head;
        size_t head_bytes = 0;
        http_head_init(&request, HTTP_REQUEST);
        http_head_init(&head, HTTP_RESPONSE);
        assert_int_equal(http_head_set_method(&request, bytes_from_text(rows[i].method)), 0);
        http1_head_parser_start_response(&parser, &request);
        enum parse_status status = parse(&parser, rows[i].message, &head, &head_bytes);
        if (parser.reason != rows[i].reason)
            fail_msg("row %zu: %s", i, http1_reason_text(parser.reason));
        assert_int_equal(status, rows[i].reason ? PARSE_BAD : PARSE_OK);
        if (status == PARSE_OK) {
            assert_int_equal(parser.framing, rows[i].framing);
            assert_int_equal(parser.body_bytes, rows[i].body_bytes);
            assert_int_equal(parser.is_last, rows[i].is_last);
            assert_int_equal(head.announced_bytes, rows[i].announced_bytes);
        }
        http_head_done(&head);
        http_head_done(&request);
    }
}

static void forgets_trailers_where_a_switch_is_asked(void **state)
{
    struct http1_head_parser parser;
    struct http_head head;
    size_t head_bytes = 0;
    http1_head_parser_start_request(&parser, name, 443);
    http_head_init(&head, HTTP_REQUEST);
    assert_int_equal(parse(&parser,
                           BYTES_LITERAL(GET "Connection: upgrade, te\r\nUpgrade: websocket\r\n"
                                             "TE: trailers\r\n\r\n"),
                           &head, &head_bytes),
                     PARSE_OK);
    assert_int_equal(head.upgrade, HTTP_UPGRADE_WEBSOCKET);
    assert_false(head.accepts_trailers);
    http_head_done(&head);
}

static void takes_an_upgrade_that_is_only_offered_for_none(void **state)
{
    static const struct bytes rows[] = {
        BYTES_LITERAL("HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\n"
                      "Connection: Upgrade\r\nContent-Length: 0\r\n\r\n"),
        BYTES_LITERAL("HTTP/1.1 200 OK\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
                      "Content-Length: 0\r\n\r\n"),
        BYTES_LITERAL("HTTP/1.1 200 OK\r\nUpgrade: h2,h2c\r\nConnection: Upgrade, close\r\n"
                      "Content-Length: 0\r\n\r\n"),
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct http1_head_parser parser;
        struct http_head request;
        struct http_head head;
        struct buffer out;
        size_t head_bytes = 0;
        http_head_init(&request, HTTP_REQUEST);
        http_head_init(&head, HTTP_RESPONSE);
        buffer_init(&out, 1024);
        request.upgrade = HTTP_UPGRADE_WEBSOCKET;
        http1_head_parser_start_response(&parser, &request);
        assert_int_equal(parse(&parser, rows[i], &head, &head_bytes), PARSE_OK);
        assert_int_equal(head.upgrade, HTTP_UPGRADE_NONE);
        assert_int_equal(http1_write_head(&out, &head, HTTP1_CLOSE, 1), HTTP1_WRITTEN);
        buffer_done(&out);
        http_head_done(&head);
        http_head_done(&request);
    }
}

static void passes_101_to_who_asked_for_it(void **state)
{
    struct http1_head_parser parser;
    struct http_head request;
    struct http_head head;
    size_t head_bytes = 0;
    struct bytes message = BYTES_LITERAL("HTTP/1.1 101 Switching Protocols\r\n"
                                         "Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x81");
    http_head_init(&request, HTTP_REQUEST);
    http_head_init(&head, HTTP_RESPONSE);
    request.upgrade = HTTP_UPGRADE_WEBSOCKET;
    http1_head_parser_start_response(&parser, &request);
    assert_int_equal(parse(&parser, message, &head, &head_bytes), PARSE_OK);
    assert_int_equal(head_bytes, message.length - 1);
    assert_int_equal(head.upgrade, HTTP_UPGRADE_WEBSOCKET);
    http_head_done(&head);
    http_head_done(&request);
}

RUN_TESTS(cmocka_unit_test(refuses_requests),
          cmocka_unit_test(refuses_what_is_too_long_without_waiting_for_its_end),
          cmocka_unit_test(refuses_too_many_fields_and_too_large_a_head),
          cmocka_unit_test(takes_a_head_of_the_cap_and_not_a_byte_more),
          cmocka_unit_test(refuses_again_after_a_refusal),
          cmocka_unit_test(makes_a_neutral_head_of_a_request), cmocka_unit_test(accepts_requests),
          cmocka_unit_test(judges_responses),
          cmocka_unit_test(forgets_trailers_where_a_switch_is_asked),
          cmocka_unit_test(takes_an_upgrade_that_is_only_offered_for_none),
          cmocka_unit_test(passes_101_to_who_asked_for_it))
