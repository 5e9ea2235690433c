#include "test.h"

#include "base/buffer.h"
#include "wire/client_hello.h"

/* Extensions used to build hellos: type, length, content. */
#define SNI_EXAMPLE                                                                                \
    "\0\0\0\x10\0\x0e\0\0\x0b"                                                                     \
    "example.com"
#define ALPN_H2_H1 "\0\x10\0\x0e\0\x0c\2h2\10http/1.1"
#define VERSIONS_13_12 "\0\x2b\0\5\4\3\4\3\3"

static void put(struct buffer *out, struct bytes bytes)
{
    assert_true(buffer_append(out, bytes));
}

/* A handshake message with the extensions, without record headers. */
static struct buffer hello_message(struct bytes extensions)
{
    struct buffer body, message;
    uint8_t random[32] = {7};
    buffer_init(&body, 1 << 20);
    put(&body, BYTES_LITERAL("\3\3"));
    put(&body, (struct bytes){random, sizeof(random)});
    put(&body, BYTES_LITERAL("\0\0\4\x13\1\x13\2\1\0"));
    assert_true(buffer_append_u16(&body, (uint16_t)extensions.length));
    put(&body, extensions);
    buffer_init(&message, 1 << 20);
    assert_true(buffer_append_u32(&message, 0x01000000u | (uint32_t)buffer_length(&body)));
    put(&message, buffer_bytes(&body));
    buffer_done(&body);
    return message;
}

/* The message cut into records of at most `size` bytes. */
static struct buffer in_records(struct bytes message, size_t size)
{
    struct buffer out;
    buffer_init(&out, 1 << 20);
    while (message.length) {
        struct bytes piece = bytes_first(message, size);
        put(&out, BYTES_LITERAL("\x16\3\1"));
        assert_true(buffer_append_u16(&out, (uint16_t)piece.length));
        put(&out, piece);
        message = bytes_from(message, piece.length);
    }
    return out;
}

static void check_refused_bytes(struct bytes received, enum client_hello_reason reason)
{
    struct client_hello hello;
    client_hello_init(&hello);
    assert_int_equal(client_hello_push(&hello, received), PARSE_BAD);
    assert_string_equal(client_hello_reason_text(hello.reason), client_hello_reason_text(reason));
    client_hello_done(&hello);
}

static void check_refused(struct bytes extensions, enum client_hello_reason reason)
{
    struct buffer message = hello_message(extensions);
    struct buffer received = in_records(buffer_bytes(&message), 16384);
    check_refused_bytes(buffer_bytes(&received), reason);
    buffer_done(&received);
    buffer_done(&message);
}

static void refuses_what_is_no_tls_with_its_first_bytes(void **state)
{
    check_refused_bytes(BYTES_LITERAL("G"), CLIENT_HELLO_NOT_TLS);
    check_refused_bytes(BYTES_LITERAL("\x80\x2e\1\3\1"), CLIENT_HELLO_NOT_TLS); /* SSLv2 */
    check_refused_bytes(BYTES_LITERAL("\x17\3\3"), CLIENT_HELLO_NOT_TLS);
    check_refused_bytes(BYTES_LITERAL("\x16\2"), CLIENT_HELLO_NOT_TLS);
    check_refused_bytes(BYTES_LITERAL("\x16\3\1\0\0"), CLIENT_HELLO_RECORD);
    check_refused_bytes(BYTES_LITERAL("\x16\3\1\x40\1"), CLIENT_HELLO_RECORD);
    check_refused_bytes(BYTES_LITERAL("\x16\3\1\0\x50\2"), CLIENT_HELLO_NOT_HELLO);
    check_refused_bytes(BYTES_LITERAL("\x16\3\1\0\4\1\1\0\0"), CLIENT_HELLO_TOO_LONG);
    check_refused_bytes(BYTES_LITERAL("\x16\3\1\0\1\1\x15"), CLIENT_HELLO_RECORD);
}

static void refuses_malformed_extensions(void **state)
{
    check_refused(BYTES_LITERAL("\0\0\0\x11\0\x0e\0\0\x0b"
                                "example.com"),
                  CLIENT_HELLO_MALFORMED);
    check_refused(BYTES_LITERAL("\0\0\0\x10\0\x0d\0\0\x0b"
                                "example.com"),
                  CLIENT_HELLO_SERVER_NAME);
    check_refused(BYTES_LITERAL("\0\0\0\x10\0\x0e\1\0\x0b"
                                "example.com"),
                  CLIENT_HELLO_SERVER_NAME);
    check_refused(BYTES_LITERAL("\0\0\0\5\0\3\0\0\0"), CLIENT_HELLO_SERVER_NAME);
    check_refused(BYTES_LITERAL("\0\0\0\0"), CLIENT_HELLO_SERVER_NAME);
    check_refused(BYTES_LITERAL("\0\0\0\x0a\0\x08\0\0\1a\0\0\1b"), CLIENT_HELLO_SERVER_NAME);
    check_refused(BYTES_LITERAL(SNI_EXAMPLE SNI_EXAMPLE), CLIENT_HELLO_REPEATED);
    check_refused(BYTES_LITERAL("\0\x10\0\2\0\0"), CLIENT_HELLO_ALPN);
    check_refused(BYTES_LITERAL("\0\x10\0\3\0\1\0"), CLIENT_HELLO_ALPN);
    check_refused(BYTES_LITERAL("\0\x2b\0\1\0"), CLIENT_HELLO_MALFORMED);
    check_refused(BYTES_LITERAL("\0\x2b\0\4\3\3\4\3"), CLIENT_HELLO_MALFORMED);
}

static void refuses_bytes_of_another_message_behind_it(void **state)
{
    struct buffer message = hello_message(BYTES_LITERAL(SNI_EXAMPLE));
    put(&message, BYTES_LITERAL("\1"));
    struct buffer received = in_records(buffer_bytes(&message), 16384);
    check_refused_bytes(buffer_bytes(&received), CLIENT_HELLO_TRAILING);
    buffer_done(&received);
    buffer_done(&message);
}

static void refuses_a_thousand_extensions_or_records(void **state)
{
    struct buffer extensions;
    buffer_init(&extensions, 1 << 16);
    for (uint16_t type = 0x4000; type < 0x4000 + 1000; type++) {
        assert_true(buffer_append_u16(&extensions, type));
        assert_true(buffer_append_u16(&extensions, 0));
    }
    check_refused(buffer_bytes(&extensions), CLIENT_HELLO_TOO_MANY);
    struct buffer message = hello_message(BYTES_LITERAL(SNI_EXAMPLE));
    struct buffer received = in_records(buffer_bytes(&message), 1);
    check_refused_bytes(buffer_bytes(&received), CLIENT_HELLO_TOO_MANY);
    buffer_done(&received);
    buffer_done(&message);
    buffer_done(&extensions);
}

static void refuses_too_many_protocols(void **state)
{
    struct buffer extension;
    buffer_init(&extension, 1024);
    put(&extension, BYTES_LITERAL("\0\x10"));
    assert_true(buffer_append_u16(&extension, 2 + 3 * (CLIENT_HELLO_PROTOCOLS_MAX + 1)));
    assert_true(buffer_append_u16(&extension, 3 * (CLIENT_HELLO_PROTOCOLS_MAX + 1)));
    for (int i = 0; i <= CLIENT_HELLO_PROTOCOLS_MAX; i++)
        put(&extension, BYTES_LITERAL("\2h2"));
    check_refused(buffer_bytes(&extension), CLIENT_HELLO_ALPN);
    buffer_done(&extension);
}

static void reads_name_protocols_and_versions_however_it_is_cut(void **state)
{
    struct buffer message = hello_message(BYTES_LITERAL(SNI_EXAMPLE ALPN_H2_H1 VERSIONS_13_12));
    static const size_t record_sizes[] = {2, 5, 100, 16384};
    for (size_t i = 0; i < sizeof(record_sizes) / sizeof(record_sizes[0]); i++) {
        struct buffer received = in_records(buffer_bytes(&message), record_sizes[i]);
        struct bytes all = buffer_bytes(&received);
        struct client_hello hello;
        client_hello_init(&hello);
        for (size_t length = 0; length < all.length; length++)
            assert_int_equal(client_hello_push(&hello, bytes_first(all, length)), PARSE_NEED_MORE);
        assert_int_equal(client_hello_push(&hello, all), PARSE_OK);
        assert_bytes(hello.server_name, "example.com");
        assert_true(client_hello_offers_protocol(&hello, "h2"));
        assert_true(client_hello_offers_protocol(&hello, "http/1.1"));
        assert_false(client_hello_offers_protocol(&hello, "h3"));
        assert_true(hello.offers_tls13 && hello.offers_tls12);
        assert_int_equal(hello.wire_bytes, all.length);
        client_hello_done(&hello);
        buffer_done(&received);
    }
    buffer_done(&message);
}

static void knows_when_there_is_no_server_name(void **state)
{
    struct buffer message = hello_message(BYTES_LITERAL(ALPN_H2_H1));
    struct buffer received = in_records(buffer_bytes(&message), 16384);
    struct client_hello hello;
    client_hello_init(&hello);
    assert_int_equal(client_hello_push(&hello, buffer_bytes(&received)), PARSE_OK);
    assert_false(hello.has_server_name);
    assert_false(hello.offers_tls13);
    assert_true(hello.offers_tls12);
    client_hello_done(&hello);
    buffer_done(&received);
    buffer_done(&message);
}

RUN_TESTS(cmocka_unit_test(refuses_too_many_protocols),
          cmocka_unit_test(refuses_what_is_no_tls_with_its_first_bytes),
          cmocka_unit_test(refuses_malformed_extensions),
          cmocka_unit_test(refuses_bytes_of_another_message_behind_it),
          cmocka_unit_test(refuses_a_thousand_extensions_or_records),
          cmocka_unit_test(reads_name_protocols_and_versions_however_it_is_cut),
          cmocka_unit_test(knows_when_there_is_no_server_name))
