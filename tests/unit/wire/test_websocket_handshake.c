#include "test.h"

#include "wire/websocket_handshake.h"

static const char key[] = "dGhlIHNhbXBsZSBub25jZQ==";

/* RFC 6455 section 1.3 works the example out; its digest stands in for a SHA-1 here. */
static void sample_sha1(const void *data, size_t length, uint8_t digest[20])
{
    static const uint8_t sample[20] = {0xb3, 0x7a, 0x4f, 0x2c, 0xc0, 0x62, 0x4f, 0x16, 0x90, 0xf6,
                                       0x46, 0x06, 0xcf, 0x38, 0x59, 0x45, 0xb2, 0xbe, 0xc4, 0xea};
    assert_int_equal(length, 60);
    assert_memory_equal(data, "dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11", 60);
    memcpy(digest, sample, sizeof(sample));
}

static void add(struct http_head *head, const char *name, const char *value)
{
    assert_int_equal(http_head_add(head, bytes_from_text(name), bytes_from_text(value)), 0);
}

static struct http_head request_of(const char *method)
{
    struct http_head head;
    http_head_init(&head, HTTP_REQUEST);
    assert_int_equal(http_head_set_method(&head, bytes_from_text(method)), HTTP_HEAD_OK);
    head.upgrade = HTTP_UPGRADE_WEBSOCKET;
    return head;
}

static struct http_head good_request(void)
{
    struct http_head head = request_of("GET");
    add(&head, "Sec-WebSocket-Key", key);
    add(&head, "Sec-WebSocket-Version", "13");
    add(&head, "Sec-WebSocket-Protocol", "chat, superchat");
    add(&head, "Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits");
    return head;
}

static struct http_head good_response(void)
{
    struct http_head head;
    http_head_init(&head, HTTP_RESPONSE);
    head.status = 101;
    head.upgrade = HTTP_UPGRADE_WEBSOCKET;
    add(&head, "Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    return head;
}

static void check_request(struct http_head head, enum websocket_reason reason)
{
    assert_string_equal(websocket_reason_text(websocket_handshake_check_request(&head)),
                        websocket_reason_text(reason));
    http_head_done(&head);
}

static void refuses_requests(void **state)
{
    static const char *const keys[] = {"",
                                       "dGhlIHNhbXBsZSBub25jZQ=",
                                       "dGhlIHNhbXBsZSBub25jZQ===",
                                       "dGhlIHNhbXBsZSBub25jZR==",
                                       "dGhlIHNhbXBsZSBub25j*Q==",
                                       "dGhlIHNhbXBsZSBub25jZQQ="};
    struct http_head head = request_of("POST");
    check_request(head, WEBSOCKET_NOT_GET);
    head = request_of("GET");
    head.upgrade = HTTP_UPGRADE_NONE;
    check_request(head, WEBSOCKET_NO_UPGRADE);
    head = good_request();
    head.body = HTTP_BODY_LENGTH;
    check_request(head, WEBSOCKET_HAS_BODY);
    head = good_request();
    head.body = HTTP_BODY_STREAM;
    check_request(head, WEBSOCKET_HAS_BODY);
    head = request_of("GET");
    add(&head, "sec-websocket-key", key);
    check_request(head, WEBSOCKET_VERSION);
    head = good_request();
    add(&head, "sec-websocket-version", "13");
    check_request(head, WEBSOCKET_VERSION);
    head = request_of("GET");
    add(&head, "sec-websocket-version", "8");
    check_request(head, WEBSOCKET_VERSION);
    assert_int_equal(websocket_reason_status(WEBSOCKET_VERSION), 426);
    head = good_request();
    add(&head, "sec-websocket-key", key);
    check_request(head, WEBSOCKET_KEY);
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        head = request_of("GET");
        add(&head, "sec-websocket-version", "13");
        add(&head, "sec-websocket-key", keys[i]);
        check_request(head, WEBSOCKET_KEY);
    }
    check_request(good_request(), WEBSOCKET_FINE);
}

static void check_response(struct http_head head, enum websocket_reason reason)
{
    struct http_head request = good_request();
    assert_string_equal(
        websocket_reason_text(websocket_handshake_check_response(&request, &head, sample_sha1)),
        websocket_reason_text(reason));
    http_head_done(&request);
    http_head_done(&head);
}

static void refuses_responses(void **state)
{
    struct http_head head = good_response();
    head.status = 200;
    check_response(head, WEBSOCKET_STATUS);
    head = good_response();
    head.upgrade = HTTP_UPGRADE_NONE;
    check_response(head, WEBSOCKET_NO_UPGRADE);
    head = good_response();
    http_head_remove(&head, "sec-websocket-accept");
    check_response(head, WEBSOCKET_ACCEPT);
    head = good_response();
    add(&head, "sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    check_response(head, WEBSOCKET_ACCEPT);
    head = good_response();
    http_head_remove(&head, "sec-websocket-accept");
    add(&head, "sec-websocket-accept", "S3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    check_response(head, WEBSOCKET_ACCEPT);
    head = good_response();
    add(&head, "sec-websocket-protocol", "other");
    check_response(head, WEBSOCKET_PROTOCOL);
    head = good_response();
    add(&head, "sec-websocket-protocol", "chat, superchat");
    check_response(head, WEBSOCKET_PROTOCOL);
    head = good_response();
    add(&head, "sec-websocket-extensions", "permessage-deflate, x-other");
    check_response(head, WEBSOCKET_EXTENSION);
    head = good_response();
    add(&head, "sec-websocket-protocol", "superchat");
    add(&head, "sec-websocket-extensions", "permessage-deflate; server_no_context_takeover");
    check_response(head, WEBSOCKET_FINE);
    check_response(good_response(), WEBSOCKET_FINE);
}

static void works_the_example_of_the_rfc_out(void **state)
{
    char accept[WEBSOCKET_ACCEPT_LENGTH + 1];
    websocket_handshake_accept(bytes_from_text(key), sample_sha1, accept);
    assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

RUN_TESTS(cmocka_unit_test(refuses_requests), cmocka_unit_test(refuses_responses),
          cmocka_unit_test(works_the_example_of_the_rfc_out))
