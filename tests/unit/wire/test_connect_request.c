#include "test.h"

#include "wire/connect_request.h"

static void refuses_with_the_reason(void **state)
{
    static const struct {
        struct bytes received;
        enum connect_reason reason;
    } rows[] = {
        {BYTES_LITERAL("GET / HTTP/1.1\r\n"), CONNECT_METHOD},
        {BYTES_LITERAL("connect a:22"), CONNECT_METHOD},
        {BYTES_LITERAL("\r\nCONNECT"), CONNECT_METHOD},
        {BYTES_LITERAL("CONNECT  a:22 HTTP/1.1\r\n"), CONNECT_LINE},
        {BYTES_LITERAL("CONNECT a:22 HTTP/1.1 \r\n"), CONNECT_LINE},
        {BYTES_LITERAL("CONNECT a:22 HTTP/2.0\r\n"), CONNECT_LINE},
        {BYTES_LITERAL("CONNECT a:22\r\n"), CONNECT_LINE},
        {BYTES_LITERAL("CONNECT a:22 HTTP/1.1\n"), CONNECT_LINE},
        {BYTES_LITERAL("CONNECT a:\0 HTTP/1.1"), CONNECT_LINE},
        {BYTES_LITERAL("CONNECT a HTTP/1.1\r\n"), CONNECT_TARGET},
        {BYTES_LITERAL("CONNECT a:22:22 HTTP/1.1\r\n"), CONNECT_TARGET},
        {BYTES_LITERAL("CONNECT a%00:22 HTTP/1.1\r\n"), CONNECT_TARGET},
        {BYTES_LITERAL("CONNECT user@a:22 HTTP/1.1\r\n"), CONNECT_TARGET},
        {BYTES_LITERAL("CONNECT [::1]:22 HTTP/1.1\r\n"), CONNECT_TARGET},
        {BYTES_LITERAL("CONNECT http://a:22 HTTP/1.1\r\n"), CONNECT_TARGET},
        {BYTES_LITERAL("CONNECT a:22 HTTP/1.1\r\nHost: b\r\n"), CONNECT_HOST},
        {BYTES_LITERAL("CONNECT a:22 HTTP/1.1\r\nHost: a:23\r\n"), CONNECT_HOST},
        {BYTES_LITERAL("CONNECT a:22 HTTP/1.1\r\nContent-Length: 0\r\n"), CONNECT_BODY},
        {BYTES_LITERAL("CONNECT a:22 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n"), CONNECT_BODY},
        {BYTES_LITERAL("CONNECT a:22 HTTP/1.1\r\nX : y\r\n"), CONNECT_FIELD},
        {BYTES_LITERAL("CONNECT a:22 HTTP/1.1\r\n folded\r\n"), CONNECT_FIELD},
        {BYTES_LITERAL("CONNECT a:22 HTTP/1.1\r\nX: a\rb\r\n"), CONNECT_FIELD},
        {BYTES_LITERAL("CONNECT a:22 HTTP/1.1\r\n\r\nSSH-2.0-x"), CONNECT_EARLY_BYTES},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct connect_request request;
        assert_int_equal(connect_request_parse(rows[i].received, &request), PARSE_BAD);
        assert_string_equal(connect_reason_text(request.reason),
                            connect_reason_text(rows[i].reason));
    }
}

static void refuses_a_huge_head(void **state)
{
    static uint8_t huge[CONNECT_REQUEST_BYTES_MAX];
    struct connect_request request;
    memset(huge, 'a', sizeof(huge));
    memcpy(huge, "CONNECT ", 8);
    assert_int_equal(connect_request_parse((struct bytes){huge, sizeof(huge) - 1}, &request),
                     PARSE_NEED_MORE);
    assert_int_equal(connect_request_parse((struct bytes){huge, sizeof(huge)}, &request),
                     PARSE_BAD);
    assert_int_equal(request.reason, CONNECT_TOO_LONG);
    assert_int_equal(connect_reason_status(request.reason), 431);
}

static void refuses_too_many_fields(void **state)
{
    char head[CONNECT_REQUEST_BYTES_MAX] = "CONNECT a.example.com:22 HTTP/1.1\r\n";
    struct connect_request request;
    for (int i = 0; i <= CONNECT_REQUEST_FIELDS_MAX; i++)
        memcpy(head + strlen(head), "x: y\r\n", sizeof("x: y\r\n"));
    memcpy(head + strlen(head), "\r\n", sizeof("\r\n"));
    assert_int_equal(connect_request_parse(bytes_from_text(head), &request), PARSE_BAD);
    assert_int_equal(request.reason, CONNECT_TOO_LONG);
}

static void takes_a_request_byte_by_byte(void **state)
{
    struct bytes received =
        BYTES_LITERAL("CONNECT git.example.com:22 HTTP/1.1\r\nHost: git.example.com:22\r\n"
                      "User-Agent: nc\r\n\r\n");
    struct connect_request request;
    for (size_t i = 0; i < received.length; i++)
        assert_int_equal(connect_request_parse(bytes_first(received, i), &request),
                         PARSE_NEED_MORE);
    assert_int_equal(connect_request_parse(received, &request), PARSE_OK);
    assert_bytes(request.target.host, "git.example.com");
    assert_int_equal(request.target.port, 22);
    assert_int_equal(request.head_bytes, received.length);
    assert_int_equal(
        connect_request_parse(BYTES_LITERAL("CONNECT a:22 HTTP/1.0\r\n\r\n"), &request), PARSE_OK);
    assert_int_equal(request.minor_version, 0);
}

RUN_TESTS(cmocka_unit_test(refuses_too_many_fields), cmocka_unit_test(refuses_with_the_reason),
          cmocka_unit_test(refuses_a_huge_head), cmocka_unit_test(takes_a_request_byte_by_byte))
