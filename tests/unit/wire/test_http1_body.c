#include "test.h"

#include "wire/http1.h"

/* Decode in steps of `step` bytes; the content goes to `out`. */
static enum parse_status decode(struct http1_head_parser head, struct bytes input, size_t step,
                                struct buffer *out, struct http_head *trailers,
                                enum http1_reason *reason, size_t *used)
{
    struct http1_body body;
    enum parse_status status = PARSE_NEED_MORE;
    size_t position = 0;
    http1_body_start(&body, &head, trailers);
    do {
        struct bytes piece = bytes_first(bytes_from(input, position), step);
        size_t end = position + piece.length;
        do {
            size_t consumed = 0;
            struct bytes data;
            status = http1_body_push(
                &body, bytes_first(bytes_from(input, position), end - position), &consumed, &data);
            assert_true(consumed <= end - position);
            assert_true(consumed || data.length == 0);
            assert_true(buffer_append(out, data));
            position += consumed;
        } while (status == PARSE_NEED_MORE && position < end);
    } while (status == PARSE_NEED_MORE && position < input.length);
    *reason = body.reason;
    *used = position;
    http1_body_done(&body);
    return status;
}

struct row {
    struct bytes input;
    enum http1_reason reason;
    const char *content;
    size_t left; /* bytes of the input behind the message */
};

static void check_rows(const struct row *rows, size_t count, enum http_head_kind kind)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t step = 1; step <= rows[i].input.length + 1; step += step < 4 ? 1 : 97) {
            struct http1_head_parser head = {.kind = kind, .framing = HTTP1_BODY_CHUNKED};
            struct buffer out;
            struct http_head trailers;
            enum http1_reason reason;
            size_t used = 0;
            buffer_init(&out, 1 << 16);
            http_head_init(&trailers, HTTP_TRAILERS);
            enum parse_status status =
                decode(head, rows[i].input, step, &out, &trailers, &reason, &used);
            if (reason != rows[i].reason)
                fail_msg("row %zu step %zu: %s", i, step, http1_reason_text(reason));
            assert_int_equal(status, reason ? PARSE_BAD : PARSE_OK);
            assert_bytes(buffer_bytes(&out), rows[i].content);
            if (status == PARSE_OK)
                assert_int_equal(rows[i].input.length - used, rows[i].left);
            buffer_done(&out);
            http_head_done(&trailers);
        }
    }
}

static void refuses_chunks_that_can_be_read_in_two_ways(void **state)
{
    static const struct row rows[] = {
        {BYTES_LITERAL("\r\n"), HTTP1_CHUNK_SIZE, "", 0},
        {BYTES_LITERAL("\n"), HTTP1_CHUNK_SIZE, "", 0},
        {BYTES_LITERAL(" 5\r\nhello"), HTTP1_CHUNK_SIZE, "", 0},
        {BYTES_LITERAL("5 \r\nhello"), HTTP1_CHUNK_EXTENSION, "", 0},
        {BYTES_LITERAL("5\t\r\nhello"), HTTP1_CHUNK_EXTENSION, "", 0},
        {BYTES_LITERAL("5;\r\nhello"), HTTP1_CHUNK_EXTENSION, "", 0},
        {BYTES_LITERAL("5;a=b\r\nhello"), HTTP1_CHUNK_EXTENSION, "", 0},
        {BYTES_LITERAL("0x5\r\nhello"), HTTP1_CHUNK_SIZE, "", 0},
        {BYTES_LITERAL("+5\r\nhello"), HTTP1_CHUNK_SIZE, "", 0},
        {BYTES_LITERAL("-5\r\nhello"), HTTP1_CHUNK_SIZE, "", 0},
        {BYTES_LITERAL("5g\r\nhello"), HTTP1_CHUNK_SIZE, "", 0},
        {BYTES_LITERAL("5\nhello"), HTTP1_CHUNK_SIZE, "", 0},
        {BYTES_LITERAL("5\rhello"), HTTP1_BARE_CR, "", 0},
        {BYTES_LITERAL("5\r\r\nhello"), HTTP1_BARE_CR, "", 0},
        {BYTES_LITERAL("00000000000000005\r\nhello"), HTTP1_CHUNK_SIZE, "", 0},
        {BYTES_LITERAL("ffffffffffffffff\r\nhello"), HTTP1_CHUNK_SIZE, "", 0},
        {BYTES_LITERAL("8000000000000000\r\nhello"), HTTP1_CHUNK_SIZE, "", 0},
        {BYTES_LITERAL("5\r\nhello0\r\n"), HTTP1_CHUNK_END, "hello", 0},
        {BYTES_LITERAL("5\r\nhello\n0\r\n"), HTTP1_CHUNK_END, "hello", 0},
        {BYTES_LITERAL("5\r\nhello\rX"), HTTP1_CHUNK_END, "hello", 0},
        {BYTES_LITERAL("4\r\nhello\r\n0\r\n\r\n"), HTTP1_CHUNK_END, "hell", 0},
        {BYTES_LITERAL("6\r\nhello\r\n0\r\n\r\n"), HTTP1_CHUNK_END, "hello\r", 0},
        {BYTES_LITERAL("0\r\n\n"), HTTP1_BARE_LF, "", 0},
        {BYTES_LITERAL("0\r\n\rX"), HTTP1_BARE_CR, "", 0},
        {BYTES_LITERAL("0\r\n a\r\n\r\n"), HTTP1_FIELD_FOLDED, "", 0},
        {BYTES_LITERAL("0\r\na: b\r\n c\r\n\r\n"), HTTP1_FIELD_FOLDED, "", 0},
        {BYTES_LITERAL("0\r\na : b\r\n\r\n"), HTTP1_FIELD_NAME, "", 0},
        {BYTES_LITERAL("0\r\nGET / HTTP/1.1\r\n\r\n"), HTTP1_FIELD_NAME, "", 0},
        {BYTES_LITERAL("0\r\na: b\0\r\n\r\n"), HTTP1_CONTROL_BYTE, "", 0},
        {BYTES_LITERAL("0\r\nContent-Length: 5\r\n\r\n"), HTTP1_TRAILER_FORBIDDEN, "", 0},
        {BYTES_LITERAL("0\r\nTRANSFER-ENCODING: chunked\r\n\r\n"), HTTP1_TRAILER_FORBIDDEN, "", 0},
        {BYTES_LITERAL("0\r\nHost: b.com\r\n\r\n"), HTTP1_TRAILER_FORBIDDEN, "", 0},
        {BYTES_LITERAL("0\r\nAuthorization: x\r\n\r\n"), HTTP1_TRAILER_FORBIDDEN, "", 0},
        {BYTES_LITERAL("0\r\nx-ok: 1\r\nConnection: close\r\n\r\n"), HTTP1_TRAILER_FORBIDDEN, "",
         0},
    };
    check_rows(rows, sizeof(rows) / sizeof(rows[0]), HTTP_REQUEST);
}

static void takes_chunks_apart(void **state)
{
    static const struct row rows[] = {
        {BYTES_LITERAL("0\r\n\r\n"), HTTP1_FINE, "", 0},
        {BYTES_LITERAL("0000000000000000\r\n\r\nGET"), HTTP1_FINE, "", 3},
        {BYTES_LITERAL("5\r\nhello\r\n0\r\n\r\n"), HTTP1_FINE, "hello", 0},
        {BYTES_LITERAL("5\r\nhello\r\n1\r\n \r\n005\r\nworld\r\n0\r\n\r\n\r\n"), HTTP1_FINE,
         "hello world", 2},
        {BYTES_LITERAL("A\r\n0\r\n\r\n12345\r\n0\r\n\r\n"), HTTP1_FINE, "0\r\n\r\n12345", 0},
        {BYTES_LITERAL("0\r\nX-Sum: 1\r\ny:\r\n\r\nx"), HTTP1_FINE, "", 1},
    };
    check_rows(rows, sizeof(rows) / sizeof(rows[0]), HTTP_REQUEST);
    static const struct row responses[] = {
        {BYTES_LITERAL("5;a=b;c=\"d\"\r\nhello\r\n0 ;x\r\n\r\n"), HTTP1_FINE, "hello", 0},
        {BYTES_LITERAL("5;a\nb\r\nhello"), HTTP1_CHUNK_EXTENSION, "", 0},
        {BYTES_LITERAL("5;a\rb\r\nhello"), HTTP1_BARE_CR, "", 0},
    };
    check_rows(responses, sizeof(responses) / sizeof(responses[0]), HTTP_RESPONSE);
}

static void keeps_trailers(void **state)
{
    struct http1_head_parser head = {.kind = HTTP_RESPONSE, .framing = HTTP1_BODY_CHUNKED};
    struct buffer out;
    struct http_head trailers;
    enum http1_reason reason;
    size_t used = 0;
    buffer_init(&out, 64);
    http_head_init(&trailers, HTTP_TRAILERS);
    assert_int_equal(decode(head, BYTES_LITERAL("0\r\nGrpc-Status: 0\r\ngrpc-message:\r\n\r\n"), 1,
                            &out, &trailers, &reason, &used),
                     PARSE_OK);
    assert_int_equal(http_head_field_count(&trailers), 2);
    assert_bytes(http_head_field_name(&trailers, 0), "grpc-status");
    assert_bytes(http_head_field_value(&trailers, 0), "0");
    http_head_done(&trailers);
    buffer_done(&out);
}

static enum http1_reason reason_of_repeated(const char *piece, size_t count, size_t *done)
{
    struct http1_head_parser head = {.kind = HTTP_RESPONSE, .framing = HTTP1_BODY_CHUNKED};
    struct http1_body body;
    enum parse_status status = PARSE_NEED_MORE;
    http1_body_start(&body, &head, NULL);
    for (*done = 0; *done < count && status == PARSE_NEED_MORE; (*done)++) {
        struct bytes rest = bytes_from_text(piece);
        while (status == PARSE_NEED_MORE && rest.length) {
            size_t consumed = 0;
            struct bytes data;
            status = http1_body_push(&body, rest, &consumed, &data);
            rest = bytes_from(rest, consumed);
        }
    }
    enum http1_reason reason = body.reason;
    http1_body_done(&body);
    return reason;
}

static void refuses_endless_framing_but_not_small_chunks(void **state)
{
    size_t done = 0;
    assert_int_equal(reason_of_repeated("1\r\na\r\n", 100000, &done), HTTP1_FINE);
    assert_int_equal(reason_of_repeated("0000000000000001\r\na\r\n", 100000, &done),
                     HTTP1_CHUNK_OVERHEAD);
    assert_int_equal(
        reason_of_repeated("1;aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\na\r\n", 100000, &done),
        HTTP1_CHUNK_OVERHEAD);
    assert_true(done < 2000);
    static char extension[2000] = "1;";
    memset(extension + 2, 'a', sizeof(extension) - 3);
    assert_int_equal(reason_of_repeated(extension, 100, &done), HTTP1_CHUNK_OVERHEAD);
    assert_int_equal(reason_of_repeated("1\r\na\r\n0\r\n", 1, &done), HTTP1_FINE);
}

static void refuses_long_trailers(void **state)
{
    struct http1_head_parser head = {.kind = HTTP_RESPONSE, .framing = HTTP1_BODY_CHUNKED};
    struct http1_body body;
    size_t consumed = 0;
    struct bytes data;
    http1_body_start(&body, &head, NULL);
    assert_int_equal(http1_body_push(&body, BYTES_LITERAL("0\r\n"), &consumed, &data),
                     PARSE_NEED_MORE);
    size_t lines = 0;
    while (http1_body_push(&body, BYTES_LITERAL("a: bcdefghij\r\n"), &consumed, &data) != PARSE_BAD)
        assert_true(++lines < HTTP1_TRAILER_BYTES_MAX);
    assert_int_equal(body.reason, HTTP1_HEAD_TOO_LARGE);
    http1_body_done(&body);
    http1_body_start(&body, &head, NULL);
    assert_int_equal(http1_body_push(&body, BYTES_LITERAL("0\r\na:"), &consumed, &data),
                     PARSE_NEED_MORE);
    while (http1_body_push(&body, BYTES_LITERAL("b"), &consumed, &data) != PARSE_BAD)
        ;
    assert_int_equal(body.reason, HTTP1_LINE_TOO_LONG);
    http1_body_done(&body);
}

static void ends_other_bodies_where_they_end(void **state)
{
    struct http1_body body;
    size_t consumed = 9;
    struct bytes data;
    struct http1_head_parser none = {.framing = HTTP1_BODY_NONE};
    http1_body_start(&body, &none, NULL);
    assert_int_equal(http1_body_push(&body, BYTES_LITERAL("x"), &consumed, &data), PARSE_OK);
    assert_int_equal(consumed, 0);
    http1_body_done(&body);

    struct http1_head_parser length = {.framing = HTTP1_BODY_LENGTH, .body_bytes = 5};
    http1_body_start(&body, &length, NULL);
    assert_int_equal(http1_body_push(&body, BYTES_LITERAL("hel"), &consumed, &data),
                     PARSE_NEED_MORE);
    assert_bytes(data, "hel");
    struct http1_body cut = body;
    assert_int_equal(http1_body_end(&cut), PARSE_BAD);
    assert_int_equal(cut.reason, HTTP1_TRUNCATED);
    assert_int_equal(http1_body_push(&body, BYTES_LITERAL("loGET"), &consumed, &data), PARSE_OK);
    assert_bytes(data, "lo");
    assert_int_equal(consumed, 2);
    assert_int_equal(http1_body_end(&body), PARSE_OK);
    http1_body_done(&body);

    struct http1_head_parser until_close = {.framing = HTTP1_BODY_UNTIL_CLOSE};
    http1_body_start(&body, &until_close, NULL);
    assert_int_equal(http1_body_push(&body, BYTES_LITERAL("abc"), &consumed, &data),
                     PARSE_NEED_MORE);
    assert_bytes(data, "abc");
    assert_int_equal(http1_body_end(&body), PARSE_OK);
    http1_body_done(&body);

    struct http1_head_parser chunked = {.framing = HTTP1_BODY_CHUNKED};
    http1_body_start(&body, &chunked, NULL);
    assert_int_equal(http1_body_push(&body, BYTES_LITERAL("0\r\n"), &consumed, &data),
                     PARSE_NEED_MORE);
    assert_int_equal(http1_body_end(&body), PARSE_BAD);
    http1_body_done(&body);
}

RUN_TESTS(cmocka_unit_test(refuses_chunks_that_can_be_read_in_two_ways),
          cmocka_unit_test(refuses_endless_framing_but_not_small_chunks),
          cmocka_unit_test(refuses_long_trailers), cmocka_unit_test(takes_chunks_apart),
          cmocka_unit_test(keeps_trailers), cmocka_unit_test(ends_other_bodies_where_they_end))
