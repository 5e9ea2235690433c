#include "test.h"

#include "wire/http1.h"

#include <stdio.h>

static struct http_head request_of(const char *method, const char *path)
{
    struct http_head head;
    http_head_init(&head, HTTP_REQUEST);
    assert_int_equal(http_head_set_method(&head, bytes_from_text(method)), HTTP_HEAD_OK);
    assert_int_equal(http_head_set_path(&head, bytes_from_text(path)), HTTP_HEAD_OK);
    assert_int_equal(http_head_set_scheme(&head, BYTES_LITERAL("https")), HTTP_HEAD_OK);
    assert_int_equal(http_head_set_authority(&head, BYTES_LITERAL("a.com")), HTTP_HEAD_OK);
    return head;
}

static struct http_head response_of(uint16_t status)
{
    struct http_head head;
    http_head_init(&head, HTTP_RESPONSE);
    head.status = status;
    return head;
}

static void add(struct http_head *head, const char *name, const char *value)
{
    assert_int_equal(http_head_add(head, bytes_from_text(name), bytes_from_text(value)), 0);
}

static void check_refused(struct http_head *head, enum http1_persistence persistence,
                          uint8_t minor_version)
{
    struct buffer out;
    buffer_init(&out, 4096);
    assert_int_equal(http1_write_head(&out, head, persistence, minor_version), HTTP1_WRITE_REFUSED);
    assert_int_equal(buffer_length(&out), 0);
    buffer_done(&out);
    http_head_done(head);
}

static void refuses_heads_that_say_what_they_may_not(void **state)
{
    static const char *const names[] = {
        "host",       "content-length", "transfer-encoding",  "connection", "te", "upgrade",
        "keep-alive", "expect",         "proxy-authorization"};
    struct http_head head;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        head = request_of("GET", "/");
        add(&head, names[i], "1");
        check_refused(&head, HTTP1_KEEP_ALIVE, 1);
    }
    head = request_of("CONNECT", "/");
    check_refused(&head, HTTP1_KEEP_ALIVE, 1);
    head = request_of("GET", "*");
    check_refused(&head, HTTP1_KEEP_ALIVE, 1);
    http_head_init(&head, HTTP_REQUEST);
    check_refused(&head, HTTP1_KEEP_ALIVE, 1);
    http_head_init(&head, HTTP_TRAILERS);
    check_refused(&head, HTTP1_KEEP_ALIVE, 1);
    /* The model's bytes are looked at again: here one was changed behind its back. */
    head = request_of("GET", "/aaaa");
    head.data[head.path.offset + 2] = '\n';
    check_refused(&head, HTTP1_KEEP_ALIVE, 1);
    head = request_of("GET", "/");
    add(&head, "x", "value");
    head.data[head.fields[0].value.offset] = '\r';
    check_refused(&head, HTTP1_KEEP_ALIVE, 1);
    head = request_of("GET", "/");
    add(&head, "x", "value");
    head.data[head.fields[0].name.offset] = ':';
    check_refused(&head, HTTP1_KEEP_ALIVE, 1);
    head = request_of("GET", "/");
    head.upgrade = HTTP_UPGRADE_WEBSOCKET;
    head.body = HTTP_BODY_STREAM;
    check_refused(&head, HTTP1_KEEP_ALIVE, 1);
    head = response_of(99);
    check_refused(&head, HTTP1_KEEP_ALIVE, 1);
    head = response_of(1000);
    check_refused(&head, HTTP1_KEEP_ALIVE, 1);
    head = response_of(204);
    head.body = HTTP_BODY_LENGTH;
    check_refused(&head, HTTP1_KEEP_ALIVE, 1);
    head = response_of(101);
    check_refused(&head, HTTP1_KEEP_ALIVE, 1);
    head = response_of(200);
    head.upgrade = HTTP_UPGRADE_WEBSOCKET;
    check_refused(&head, HTTP1_KEEP_ALIVE, 1);
    head = response_of(200);
    check_refused(&head, HTTP1_KEEP_ALIVE, 0);
    head = response_of(103);
    check_refused(&head, HTTP1_CLOSE, 0);
}

static void check_written(struct http_head *head, enum http1_persistence persistence,
                          uint8_t minor_version, const char *text)
{
    struct buffer out;
    buffer_init(&out, 4096);
    assert_int_equal(http1_write_head(&out, head, persistence, minor_version), HTTP1_WRITTEN);
    assert_bytes(buffer_bytes(&out), text);
    buffer_done(&out);
    http_head_done(head);
}

static void writes_heads(void **state)
{
    struct http_head head = request_of("GET", "/a?b");
    add(&head, "Accept", "*/*");
    add(&head, "empty", "");
    check_written(&head, HTTP1_KEEP_ALIVE, 1,
                  "GET /a?b HTTP/1.1\r\nhost: a.com\r\naccept: */*\r\nempty: \r\n\r\n");
    head = request_of("POST", "/");
    head.body = HTTP_BODY_LENGTH;
    check_written(
        &head, HTTP1_CLOSE, 1,
        "POST / HTTP/1.1\r\nhost: a.com\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    head = request_of("POST", "/");
    head.body = HTTP_BODY_STREAM;
    head.accepts_trailers = true;
    head.expects_continue = true;
    check_written(&head, HTTP1_KEEP_ALIVE, 1,
                  "POST / HTTP/1.1\r\nhost: a.com\r\ntransfer-encoding: chunked\r\n"
                  "connection: te\r\nte: trailers\r\nexpect: 100-continue\r\n\r\n");
    head = request_of("GET", "/");
    head.upgrade = HTTP_UPGRADE_WEBSOCKET;
    check_written(&head, HTTP1_KEEP_ALIVE, 1,
                  "GET / HTTP/1.1\r\nhost: a.com\r\nconnection: upgrade\r\n"
                  "upgrade: websocket\r\n\r\n");
    static const char *const with_content[] = {"POST", "PUT", "PATCH"};
    for (size_t i = 0; i < 3; i++) {
        char text[64];
        head = request_of(with_content[i], "/");
        snprintf(text, sizeof(text), "%s / HTTP/1.1\r\nhost: a.com\r\ncontent-length: 0\r\n\r\n",
                 with_content[i]);
        check_written(&head, HTTP1_KEEP_ALIVE, 1, text);
    }
    head = request_of("DELETE", "/");
    check_written(&head, HTTP1_KEEP_ALIVE, 1, "DELETE / HTTP/1.1\r\nhost: a.com\r\n\r\n");
    head = request_of("OPTIONS", "*");
    check_written(&head, HTTP1_KEEP_ALIVE, 1, "OPTIONS * HTTP/1.1\r\nhost: a.com\r\n\r\n");
    head = response_of(200);
    head.body = HTTP_BODY_STREAM;
    check_written(&head, HTTP1_KEEP_ALIVE, 1,
                  "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
    head = response_of(200);
    head.body = HTTP_BODY_STREAM;
    check_written(&head, HTTP1_CLOSE, 0, "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n");
    head = response_of(200);
    head.announced_bytes = 12;
    check_written(&head, HTTP1_KEEP_ALIVE, 1, "HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\n");
    head = response_of(204);
    check_written(&head, HTTP1_KEEP_ALIVE, 1, "HTTP/1.1 204 No Content\r\n\r\n");
    head = response_of(103);
    add(&head, "link", "</a>");
    check_written(&head, HTTP1_CLOSE, 1, "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n");
    head = response_of(101);
    head.upgrade = HTTP_UPGRADE_WEBSOCKET;
    check_written(&head, HTTP1_KEEP_ALIVE, 1,
                  "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\n"
                  "upgrade: websocket\r\n\r\n");
    head = response_of(999);
    head.body = HTTP_BODY_LENGTH;
    head.body_bytes = UINT64_MAX;
    check_written(&head, HTTP1_KEEP_ALIVE, 1,
                  "HTTP/1.1 999 \r\ncontent-length: 18446744073709551615\r\n\r\n");
}

static void writes_chunks_and_trailers(void **state)
{
    struct buffer out;
    struct http_head trailers;
    buffer_init(&out, 64);
    assert_int_equal(http1_write_chunk_start(&out, 0), HTTP1_WRITE_REFUSED);
    assert_int_equal(http1_write_chunk_start(&out, 255), HTTP1_WRITTEN);
    assert_int_equal(http1_write_chunk_end(&out), HTTP1_WRITTEN);
    assert_int_equal(http1_write_last_chunk(&out, NULL), HTTP1_WRITTEN);
    assert_bytes(buffer_bytes(&out), "ff\r\n\r\n0\r\n\r\n");
    buffer_clear(&out);
    http_head_init(&trailers, HTTP_TRAILERS);
    add(&trailers, "X", "y");
    assert_int_equal(http1_write_last_chunk(&out, &trailers), HTTP1_WRITTEN);
    assert_bytes(buffer_bytes(&out), "0\r\nx: y\r\n\r\n");
    add(&trailers, "host", "y");
    assert_int_equal(http1_write_last_chunk(&out, &trailers), HTTP1_WRITE_REFUSED);
    http_head_done(&trailers);
    buffer_done(&out);
}

static void writes_nothing_where_not_all_has_room(void **state)
{
    struct http_head head = request_of("GET", "/");
    struct buffer out;
    buffer_init(&out, 20);
    assert_true(buffer_append_text(&out, "12345678901234567"));
    assert_int_equal(http1_write_head(&out, &head, HTTP1_KEEP_ALIVE, 1), HTTP1_WRITE_NO_ROOM);
    assert_int_equal(http1_write_last_chunk(&out, NULL), HTTP1_WRITE_NO_ROOM);
    assert_int_equal(http1_write_chunk_start(&out, 0x1000), HTTP1_WRITE_NO_ROOM);
    assert_int_equal(buffer_length(&out), 17);
    buffer_done(&out);
    http_head_done(&head);
}

RUN_TESTS(cmocka_unit_test(refuses_heads_that_say_what_they_may_not),
          cmocka_unit_test(writes_heads), cmocka_unit_test(writes_chunks_and_trailers),
          cmocka_unit_test(writes_nothing_where_not_all_has_room))
