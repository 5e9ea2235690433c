#include "test.h"

#include "base/memory.h"
#include "wire/http1.h"
#include "wire/http2_head.h"

#include <stdlib.h>

static const struct bytes host = BYTES_LITERAL("a.com");

enum { PAIRS_MAX = 12 };

struct pair {
    const char *name; /* NULL: the end */
    const char *value;
};

#define METHOD                                                                                     \
    {                                                                                              \
        ":method", "GET"                                                                           \
    }
#define SCHEME                                                                                     \
    {                                                                                              \
        ":scheme", "https"                                                                         \
    }
#define AUTHORITY                                                                                  \
    {                                                                                              \
        ":authority", "a.com"                                                                      \
    }
#define PATH                                                                                       \
    {                                                                                              \
        ":path", "/"                                                                               \
    }
#define REQUEST METHOD, SCHEME, AUTHORITY, PATH

/* Each pair from an allocation of its own size, so that a read beyond it is seen. */
static void add(struct http2_head_reader *reader, struct http_head *head, const struct pair *pair)
{
    size_t name_bytes = strlen(pair->name);
    size_t value_bytes = strlen(pair->value);
    uint8_t *name = memory_new(name_bytes);
    uint8_t *value = memory_new(value_bytes);
    memcpy(name, pair->name, name_bytes);
    memcpy(value, pair->value, value_bytes);
    http2_head_reader_add(reader, head, (struct bytes){name, name_bytes},
                          (struct bytes){value, value_bytes});
    free(name);
    free(value);
}

static enum http2_reason read_pairs(struct http2_head_reader *reader, struct http_head *head,
                                    const struct pair *pairs, bool is_end_stream)
{
    for (size_t i = 0; i < PAIRS_MAX && pairs[i].name; i++)
        add(reader, head, &pairs[i]);
    bool is_good = http2_head_reader_end(reader, head, is_end_stream);
    assert_int_equal(is_good, reader->reason == HTTP2_FINE);
    return reader->reason;
}

static enum http2_reason reason_of(enum http_head_kind kind, const struct pair *pairs,
                                   bool is_end_stream)
{
    struct http2_head_reader reader;
    struct http_head head;
    http_head_init(&head, kind);
    if (kind == HTTP_REQUEST)
        http2_head_reader_start_request(&reader, host, 443);
    else if (kind == HTTP_RESPONSE)
        http2_head_reader_start_response(&reader, false);
    else
        http2_head_reader_start_trailers(&reader);
    enum http2_reason reason = read_pairs(&reader, &head, pairs, is_end_stream);
    http_head_done(&head);
    return reason;
}

struct refusal {
    struct pair pairs[PAIRS_MAX];
    enum http2_reason reason;
    int status;
};

static void refuses_requests(void **state)
{
    static const struct refusal rows[] = {
        /* pseudo-fields */
        {{{NULL, NULL}}, HTTP2_PSEUDO_MISSING, 400},
        {{SCHEME, AUTHORITY, PATH}, HTTP2_PSEUDO_MISSING, 400},
        {{METHOD, AUTHORITY, PATH}, HTTP2_PSEUDO_MISSING, 400},
        {{METHOD, SCHEME, PATH}, HTTP2_PSEUDO_MISSING, 400},
        {{METHOD, SCHEME, AUTHORITY}, HTTP2_PSEUDO_MISSING, 400},
        {{REQUEST, METHOD}, HTTP2_PSEUDO_REPEATED, 400},
        {{REQUEST, AUTHORITY}, HTTP2_PSEUDO_REPEATED, 400},
        {{REQUEST, PATH}, HTTP2_PSEUDO_REPEATED, 400},
        {{REQUEST, {":status", "200"}}, HTTP2_PSEUDO_UNKNOWN, 400},
        {{REQUEST, {":foo", "x"}}, HTTP2_PSEUDO_UNKNOWN, 400},
        {{REQUEST, {":", "x"}}, HTTP2_PSEUDO_UNKNOWN, 400},
        {{{":METHOD", "GET"}, SCHEME, AUTHORITY, PATH}, HTTP2_PSEUDO_UNKNOWN, 400},
        {{METHOD, SCHEME, {"a", "b"}, AUTHORITY, PATH}, HTTP2_PSEUDO_LATE, 400},
        /* method, CONNECT and RFC 8441 */
        {{{":method", "G T"}, SCHEME, AUTHORITY, PATH}, HTTP2_METHOD, 400},
        {{{":method", ""}, SCHEME, AUTHORITY, PATH}, HTTP2_METHOD, 400},
        {{{":method", "GET\r\nX: y"}, SCHEME, AUTHORITY, PATH}, HTTP2_METHOD, 400},
        {{{":method", "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG"}}, HTTP2_METHOD, 400},
        {{{":method", "CONNECT"}, AUTHORITY}, HTTP2_METHOD_CONNECT, 0},
        {{REQUEST, {":protocol", "websocket"}}, HTTP2_METHOD_CONNECT, 0},
        /* scheme */
        {{METHOD, {":scheme", "http"}, AUTHORITY, PATH}, HTTP2_SCHEME, 400},
        {{METHOD, {":scheme", "HTTPS"}, AUTHORITY, PATH}, HTTP2_SCHEME, 400},
        {{METHOD, {":scheme", "https://x"}, AUTHORITY, PATH}, HTTP2_SCHEME, 400},
        {{METHOD, {":scheme", ""}, AUTHORITY, PATH}, HTTP2_SCHEME, 400},
        /* authority and host */
        {{METHOD, SCHEME, {":authority", "b.com"}, PATH}, HTTP2_AUTHORITY_DIFFERS, 421},
        {{METHOD, SCHEME, {":authority", "a.com:8443"}, PATH}, HTTP2_AUTHORITY_DIFFERS, 421},
        {{METHOD, SCHEME, {":authority", "a.com."}, PATH}, HTTP2_AUTHORITY_DIFFERS, 421},
        {{METHOD, SCHEME, {":authority", ""}, PATH}, HTTP2_AUTHORITY, 400},
        {{METHOD, SCHEME, {":authority", "u@a.com"}, PATH}, HTTP2_AUTHORITY, 400},
        {{METHOD, SCHEME, {":authority", "a.com:"}, PATH}, HTTP2_AUTHORITY, 400},
        {{METHOD, SCHEME, {":authority", "a.com, b.com"}, PATH}, HTTP2_AUTHORITY, 400},
        {{METHOD, SCHEME, {":authority", "a%2ecom"}, PATH}, HTTP2_AUTHORITY, 400},
        {{REQUEST, {"host", "b.com"}}, HTTP2_HOST_DIFFERS, 400},
        {{REQUEST, {"host", ""}}, HTTP2_HOST_DIFFERS, 400},
        {{REQUEST, {"host", "a.com"}, {"host", "a.com"}}, HTTP2_HOST_REPEATED, 400},
        {{METHOD, SCHEME, PATH, {"host", "b.com"}}, HTTP2_HOST_DIFFERS, 400},
        /* path */
        {{METHOD, SCHEME, AUTHORITY, {":path", ""}}, HTTP2_PATH, 400},
        {{METHOD, SCHEME, AUTHORITY, {":path", "a"}}, HTTP2_PATH, 400},
        {{METHOD, SCHEME, AUTHORITY, {":path", "*"}}, HTTP2_PATH, 400},
        {{METHOD, SCHEME, AUTHORITY, {":path", "/a b"}}, HTTP2_PATH, 400},
        {{METHOD, SCHEME, AUTHORITY, {":path", "/a\r\nx: y"}}, HTTP2_PATH, 400},
        {{METHOD, SCHEME, AUTHORITY, {":path", "/a#b"}}, HTTP2_PATH, 400},
        {{METHOD, SCHEME, AUTHORITY, {":path", "/a\x80"}}, HTTP2_PATH, 400},
        {{METHOD, SCHEME, AUTHORITY, {":path", "https://a.com/"}}, HTTP2_PATH, 400},
        /* fields */
        {{REQUEST, {"A", "b"}}, HTTP2_FIELD_NAME, 400},
        {{REQUEST, {"", "b"}}, HTTP2_FIELD_NAME, 400},
        {{REQUEST, {"a b", "c"}}, HTTP2_FIELD_NAME, 400},
        {{REQUEST, {"a:b", "c"}}, HTTP2_FIELD_NAME, 400},
        {{REQUEST, {"a\r\nb", "c"}}, HTTP2_FIELD_NAME, 400},
        {{REQUEST, {"a", "b\r\nc: d"}}, HTTP2_FIELD_VALUE, 400},
        {{REQUEST, {"a", "b\n"}}, HTTP2_FIELD_VALUE, 400},
        {{REQUEST, {"a", " b"}}, HTTP2_FIELD_VALUE, 400},
        {{REQUEST, {"a", "b\t"}}, HTTP2_FIELD_VALUE, 400},
        {{REQUEST, {"a", "\x1b[0m"}}, HTTP2_FIELD_VALUE, 400},
        {{REQUEST, {"connection", "close"}}, HTTP2_FIELD_CONNECTION, 400},
        {{REQUEST, {"transfer-encoding", "chunked"}}, HTTP2_FIELD_CONNECTION, 400},
        {{REQUEST, {"upgrade", "websocket"}}, HTTP2_FIELD_CONNECTION, 400},
        {{REQUEST, {"keep-alive", "timeout=5"}}, HTTP2_FIELD_CONNECTION, 400},
        {{REQUEST, {"proxy-connection", "keep-alive"}}, HTTP2_FIELD_CONNECTION, 400},
        {{REQUEST, {"http2-settings", "AAA"}}, HTTP2_FIELD_CONNECTION, 400},
        {{REQUEST, {"te", "gzip"}}, HTTP2_TE, 400},
        {{REQUEST, {"te", "trailers, chunked"}}, HTTP2_TE, 400},
        {{REQUEST, {"expect", "200-ok"}}, HTTP2_EXPECT, 417},
        {{REQUEST, {"content-length", ""}}, HTTP2_CONTENT_LENGTH, 400},
        {{REQUEST, {"content-length", "+1"}}, HTTP2_CONTENT_LENGTH, 400},
        {{REQUEST, {"content-length", "01"}}, HTTP2_CONTENT_LENGTH, 400},
        {{REQUEST, {"content-length", "1,1"}}, HTTP2_CONTENT_LENGTH, 400},
        {{REQUEST, {"content-length", "9223372036854775808"}}, HTTP2_CONTENT_LENGTH, 400},
        {{REQUEST, {"content-length", "0"}, {"content-length", "0"}},
         HTTP2_CONTENT_LENGTH_REPEATED,
         400},
        {{REQUEST, {"content-length", "1"}}, HTTP2_CONTENT_LENGTH_DIFFERS, 400},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        enum http2_reason reason = reason_of(HTTP_REQUEST, rows[i].pairs, true);
        if (reason != rows[i].reason)
            print_message("row %zu: %s\n", i, http2_reason_text(reason));
        assert_int_equal(reason, rows[i].reason);
        assert_int_equal(http2_reason_status(reason), rows[i].status);
    }
}

static void refuses_responses(void **state)
{
    static const struct refusal rows[] = {
        {{{"a", "b"}}, HTTP2_PSEUDO_MISSING, 0},
        {{{":status", "99"}}, HTTP2_STATUS, 0},
        {{{":status", "099"}}, HTTP2_STATUS, 0},
        {{{":status", "1000"}}, HTTP2_STATUS, 0},
        {{{":status", "2 0"}}, HTTP2_STATUS, 0},
        {{{":status", "101"}}, HTTP2_STATUS, 0},
        {{{":status", "200"}, {":status", "200"}}, HTTP2_PSEUDO_REPEATED, 0},
        {{{":status", "200"}, {":path", "/"}}, HTTP2_PSEUDO_UNKNOWN, 0},
        {{{":status", "103"}}, HTTP2_END_EARLY, 0},
        {{{":status", "200"}, {"content-length", "1"}}, HTTP2_CONTENT_LENGTH_DIFFERS, 0},
        {{{":status", "204"}, {"content-length", "1"}}, HTTP2_CONTENT_LENGTH_DIFFERS, 0},
        {{{":status", "200"}, {"connection", "close"}}, HTTP2_FIELD_CONNECTION, 0},
        {{{":status", "200"}, {"transfer-encoding", "chunked"}}, HTTP2_FIELD_CONNECTION, 0},
        {{{":status", "200"}, {"x", "a\nb"}}, HTTP2_FIELD_VALUE, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(reason_of(HTTP_RESPONSE, rows[i].pairs, true), rows[i].reason);
}

static void refuses_trailers(void **state)
{
    static const struct refusal rows[] = {
        {{{":path", "/"}}, HTTP2_PSEUDO_UNKNOWN, 0},
        {{{":status", "200"}}, HTTP2_PSEUDO_UNKNOWN, 0},
        {{{"content-length", "1"}}, HTTP2_TRAILER_FORBIDDEN, 0},
        {{{"host", "a.com"}}, HTTP2_TRAILER_FORBIDDEN, 0},
        {{{"authorization", "x"}}, HTTP2_TRAILER_FORBIDDEN, 0},
        {{{"transfer-encoding", "chunked"}}, HTTP2_TRAILER_FORBIDDEN, 0},
        {{{"te", "trailers"}}, HTTP2_TRAILER_FORBIDDEN, 0},
        {{{"cookie", "a=b"}}, HTTP2_TRAILER_FORBIDDEN, 0},
        {{{"A", "b"}}, HTTP2_FIELD_NAME, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(reason_of(HTTP_TRAILERS, rows[i].pairs, true), rows[i].reason);
    static const struct pair fine[] = {{"grpc-status", "0"}, {NULL, NULL}};
    assert_int_equal(reason_of(HTTP_TRAILERS, fine, false), HTTP2_END_MISSING);
    assert_int_equal(reason_of(HTTP_TRAILERS, fine, true), HTTP2_FINE);
}

static void refuses_heads_beyond_their_limits(void **state)
{
    static const struct pair start[] = {REQUEST, {NULL, NULL}};
    static uint8_t filler[HTTP2_HEAD_LIST_BYTES_MAX + 1];
    memset(filler, 'a', sizeof(filler));
    filler[0] = '/';
    struct http2_head_reader reader;
    struct http_head head;
    http_head_init(&head, HTTP_REQUEST);

    http2_head_reader_start_request(&reader, host, 443);
    for (int i = 0; i < HTTP_HEAD_FIELDS_MAX; i++)
        assert_true(http2_head_reader_add(&reader, &head, BYTES_LITERAL("a"), BYTES_EMPTY));
    assert_false(http2_head_reader_add(&reader, &head, BYTES_LITERAL("a"), BYTES_EMPTY));
    assert_int_equal(reader.reason, HTTP2_TOO_MANY_FIELDS);

    http_head_clear(&head, HTTP_REQUEST);
    http2_head_reader_start_request(&reader, host, 443);
    assert_false(http2_head_reader_add(&reader, &head, BYTES_LITERAL("a"),
                                       (struct bytes){filler, sizeof(filler)}));
    assert_int_equal(reader.reason, HTTP2_HEAD_TOO_LARGE);

    http_head_clear(&head, HTTP_REQUEST);
    http2_head_reader_start_request(&reader, host, 443);
    assert_false(http2_head_reader_add(&reader, &head, BYTES_LITERAL(":path"),
                                       (struct bytes){filler, HTTP_HEAD_PATH_MAX + 1}));
    assert_int_equal(reader.reason, HTTP2_PATH_TOO_LONG);
    assert_int_equal(http2_reason_status(reader.reason), 414);

    /* Each pair counts 32 bytes: 64 of 1,000 bytes are more than fits. */
    http_head_clear(&head, HTTP_REQUEST);
    http2_head_reader_start_request(&reader, host, 443);
    for (int i = 0; i < 63; i++)
        assert_true(http2_head_reader_add(&reader, &head, BYTES_LITERAL("a"),
                                          (struct bytes){filler, 1000}));
    assert_false(
        http2_head_reader_add(&reader, &head, BYTES_LITERAL("a"), (struct bytes){filler, 1000}));
    assert_int_equal(read_pairs(&reader, &head, start, true), HTTP2_HEAD_TOO_LARGE);
    assert_int_equal(http2_reason_status(reader.reason), 431);
    http_head_done(&head);
}

static void keeps_the_first_reason(void **state)
{
    static const struct pair pairs[] = {REQUEST, {"A", "b"}, {"host", "b.com"}, {NULL, NULL}};
    assert_int_equal(reason_of(HTTP_REQUEST, pairs, true), HTTP2_FIELD_NAME);
}

static void every_reason_has_a_text(void **state)
{
    for (int reason = 0; reason < HTTP2_REASON_COUNT; reason++)
        assert_true(strlen(http2_reason_text((enum http2_reason)reason)) > 3);
}

static void reads_a_request(void **state)
{
    static const struct pair pairs[] = {{":path", "/v1?x=%20"},
                                        {":method", "POST"},
                                        {":authority", "A.com:443"},
                                        SCHEME,
                                        {"host", "a.com"},
                                        {"content-length", "5"},
                                        {"te", "trailers"},
                                        {"expect", "100-Continue"},
                                        {"proxy-authorization", "Basic eA=="},
                                        {"x-a", "b c"},
                                        {NULL, NULL}};
    struct http2_head_reader reader;
    struct http_head head;
    struct bytes value;
    http_head_init(&head, HTTP_REQUEST);
    http2_head_reader_start_request(&reader, host, 443);
    assert_int_equal(read_pairs(&reader, &head, pairs, false), HTTP2_FINE);
    assert_bytes(http_head_method(&head), "POST");
    assert_bytes(http_head_path(&head), "/v1?x=%20");
    assert_bytes(http_head_authority(&head), "a.com");
    assert_bytes(http_head_scheme(&head), "https");
    assert_int_equal(http_head_field_count(&head), 1);
    assert_true(http_head_find(&head, "x-a", &value));
    assert_bytes(value, "b c");
    assert_int_equal(head.body, HTTP_BODY_LENGTH);
    assert_int_equal(head.body_bytes, 5);
    assert_int_equal(reader.content_bytes, 5);
    assert_true(head.expects_continue);
    assert_true(head.accepts_trailers);
    http_head_done(&head);
}

static void takes_the_host_where_no_authority_is(void **state)
{
    static const struct pair pairs[] = {METHOD, SCHEME, PATH, {"host", "a.com"}, {NULL, NULL}};
    struct http2_head_reader reader;
    struct http_head head;
    http_head_init(&head, HTTP_REQUEST);
    http2_head_reader_start_request(&reader, host, 8443);
    assert_int_equal(read_pairs(&reader, &head, pairs, true), HTTP2_FINE);
    assert_bytes(http_head_authority(&head), "a.com:8443");
    assert_int_equal(head.body, HTTP_BODY_NONE);
    assert_int_equal(reader.content_bytes, 0);
    http_head_done(&head);
}

static void joins_cookie_crumbs_in_order(void **state)
{
    static const struct pair pairs[] = {REQUEST,           {"cookie", "a=1"}, {"x", "y"},
                                        {"cookie", "b=2"}, {"cookie", "c=3"}, {NULL, NULL}};
    struct http2_head_reader reader;
    struct http_head head;
    struct bytes value;
    http_head_init(&head, HTTP_REQUEST);
    http2_head_reader_start_request(&reader, host, 443);
    assert_int_equal(read_pairs(&reader, &head, pairs, true), HTTP2_FINE);
    assert_int_equal(http_head_count(&head, "cookie"), 1);
    assert_true(http_head_find(&head, "cookie", &value));
    assert_bytes(value, "a=1; b=2; c=3");
    http_head_done(&head);
}

struct response_row {
    struct pair pairs[PAIRS_MAX];
    bool is_answer_to_head;
    bool is_end_stream;
    enum http_body body;
    int64_t announced_bytes;
    int64_t content_bytes;
};

static void says_what_follows_a_response(void **state)
{
    static const struct response_row rows[] = {
        {{{":status", "100"}}, false, false, HTTP_BODY_NONE, -1, -1},
        {{{":status", "204"}}, false, true, HTTP_BODY_NONE, -1, 0},
        {{{":status", "204"}}, false, false, HTTP_BODY_NONE, -1, 0},
        {{{":status", "304"}, {"content-length", "7"}}, false, true, HTTP_BODY_NONE, 7, 0},
        {{{":status", "200"}, {"content-length", "7"}}, true, true, HTTP_BODY_NONE, 7, 0},
        {{{":status", "200"}}, true, true, HTTP_BODY_NONE, -1, 0},
        {{{":status", "200"}}, false, true, HTTP_BODY_EMPTY, -1, 0},
        {{{":status", "200"}, {"content-length", "0"}}, false, true, HTTP_BODY_LENGTH, -1, 0},
        {{{":status", "200"}, {"content-length", "7"}}, false, false, HTTP_BODY_LENGTH, -1, 7},
        {{{":status", "200"}}, false, false, HTTP_BODY_STREAM, -1, -1},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct http2_head_reader reader;
        struct http_head head;
        http_head_init(&head, HTTP_RESPONSE);
        http2_head_reader_start_response(&reader, rows[i].is_answer_to_head);
        assert_int_equal(read_pairs(&reader, &head, rows[i].pairs, rows[i].is_end_stream),
                         HTTP2_FINE);
        assert_int_equal(head.body, rows[i].body);
        assert_int_equal(head.announced_bytes, rows[i].announced_bytes);
        assert_int_equal(reader.content_bytes, rows[i].content_bytes);
        http_head_done(&head);
    }
}

/* ---- writing ---- */

static void make_request(struct http_head *head)
{
    http_head_init(head, HTTP_REQUEST);
    assert_int_equal(http_head_set_method(head, BYTES_LITERAL("POST")), HTTP_HEAD_OK);
    assert_int_equal(http_head_set_scheme(head, BYTES_LITERAL("https")), HTTP_HEAD_OK);
    assert_int_equal(http_head_set_authority(head, BYTES_LITERAL("a.com")), HTTP_HEAD_OK);
    assert_int_equal(http_head_set_path(head, BYTES_LITERAL("/x")), HTTP_HEAD_OK);
}

static bool is_refused(struct http_head *head)
{
    struct http2_pair_list list;
    bool is_written = http2_head_write(head, &list);
    http_head_done(head);
    return !is_written;
}

static void does_not_write_what_may_not_be_sent(void **state)
{
    struct http_head head;
    make_request(&head);
    head.upgrade = HTTP_UPGRADE_WEBSOCKET;
    assert_true(is_refused(&head));
    make_request(&head);
    head.data[head.path.offset + 1] = ' ';
    assert_true(is_refused(&head));
    make_request(&head);
    head.data[head.method.offset] = ':';
    assert_true(is_refused(&head));
    make_request(&head);
    head.path.length = 0;
    assert_true(is_refused(&head));
    make_request(&head);
    assert_int_equal(http_head_set_method(&head, BYTES_LITERAL("CONNECT")), HTTP_HEAD_OK);
    assert_true(is_refused(&head));
    make_request(&head);
    assert_int_equal(http_head_add(&head, BYTES_LITERAL("a"), BYTES_LITERAL("bc")), HTTP_HEAD_OK);
    head.data[head.fields[0].value.offset] = '\n';
    assert_true(is_refused(&head));
    make_request(&head);
    assert_int_equal(http_head_add(&head, BYTES_LITERAL("aa"), BYTES_LITERAL("b")), HTTP_HEAD_OK);
    head.data[head.fields[0].name.offset] = 'A';
    assert_true(is_refused(&head));
    make_request(&head);
    assert_int_equal(
        http_head_add(&head, BYTES_LITERAL("transfer-encoding"), BYTES_LITERAL("chunked")),
        HTTP_HEAD_OK);
    assert_true(is_refused(&head));
    http_head_init(&head, HTTP_RESPONSE);
    head.status = 101;
    assert_true(is_refused(&head));
    http_head_init(&head, HTTP_RESPONSE);
    head.status = 204;
    head.body = HTTP_BODY_STREAM;
    assert_true(is_refused(&head));
    http_head_init(&head, HTTP_TRAILERS);
    assert_int_equal(http_head_add(&head, BYTES_LITERAL("cookie"), BYTES_LITERAL("b")),
                     HTTP_HEAD_OK);
    assert_true(is_refused(&head));
}

static void assert_pair(const struct http2_pair_list *list, size_t index, const char *name,
                        const char *value, bool is_secret)
{
    assert_true(index < list->count);
    assert_bytes(list->pairs[index].name, name);
    assert_bytes(list->pairs[index].value, value);
    assert_int_equal(list->pairs[index].is_secret, is_secret);
}

static void writes_a_request(void **state)
{
    struct http_head head;
    struct http2_pair_list list;
    make_request(&head);
    head.body = HTTP_BODY_LENGTH;
    head.body_bytes = 12;
    head.accepts_trailers = true;
    head.expects_continue = true;
    assert_int_equal(
        http_head_add(&head, BYTES_LITERAL("Authorization"), BYTES_LITERAL("Bearer x")),
        HTTP_HEAD_OK);
    assert_true(http2_head_write(&head, &list));
    assert_int_equal(list.count, 8);
    assert_pair(&list, 0, ":method", "POST", false);
    assert_pair(&list, 1, ":scheme", "https", false);
    assert_pair(&list, 2, ":authority", "a.com", false);
    assert_pair(&list, 3, ":path", "/x", false);
    assert_pair(&list, 4, "authorization", "Bearer x", true);
    assert_pair(&list, 5, "content-length", "12", false);
    assert_pair(&list, 6, "te", "trailers", false);
    assert_pair(&list, 7, "expect", "100-continue", false);
    assert_false(http2_head_is_whole(&head));
    http_head_done(&head);
}

static void writes_responses(void **state)
{
    struct http_head head;
    struct http2_pair_list list;
    http_head_init(&head, HTTP_RESPONSE);
    head.status = 103;
    assert_true(http2_head_write(&head, &list));
    assert_int_equal(list.count, 1);
    assert_pair(&list, 0, ":status", "103", false);
    assert_false(http2_head_is_whole(&head));
    head.status = 304;
    head.announced_bytes = 9;
    assert_true(http2_head_write(&head, &list));
    assert_int_equal(list.count, 2);
    assert_pair(&list, 1, "content-length", "9", false);
    assert_true(http2_head_is_whole(&head));
    head.status = 200;
    head.announced_bytes = -1;
    head.body = HTTP_BODY_EMPTY;
    assert_true(http2_head_write(&head, &list));
    assert_int_equal(list.count, 1);
    assert_true(http2_head_is_whole(&head));
    head.body = HTTP_BODY_STREAM;
    assert_false(http2_head_is_whole(&head));
    http_head_done(&head);
}

static void http1_gives_an_empty_response_its_length(void **state)
{
    struct http_head head;
    struct buffer out;
    http_head_init(&head, HTTP_RESPONSE);
    buffer_init(&out, 4096);
    head.status = 200;
    head.body = HTTP_BODY_EMPTY;
    assert_int_equal(http1_write_head(&out, &head, HTTP1_KEEP_ALIVE, 1), HTTP1_WRITTEN);
    assert_bytes(buffer_bytes(&out), "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    buffer_done(&out);
    http_head_done(&head);
}

RUN_TESTS(cmocka_unit_test(refuses_requests), cmocka_unit_test(refuses_responses),
          cmocka_unit_test(refuses_trailers), cmocka_unit_test(refuses_heads_beyond_their_limits),
          cmocka_unit_test(keeps_the_first_reason), cmocka_unit_test(every_reason_has_a_text),
          cmocka_unit_test(reads_a_request), cmocka_unit_test(takes_the_host_where_no_authority_is),
          cmocka_unit_test(joins_cookie_crumbs_in_order),
          cmocka_unit_test(says_what_follows_a_response),
          cmocka_unit_test(does_not_write_what_may_not_be_sent), cmocka_unit_test(writes_a_request),
          cmocka_unit_test(writes_responses),
          cmocka_unit_test(http1_gives_an_empty_response_its_length))
