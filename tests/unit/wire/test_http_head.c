#include "test.h"

#include "wire/http_head.h"

static void refuses_bytes_that_would_split_a_message(void **state)
{
    static const struct {
        struct bytes name;
        struct bytes value;
    } rows[] = {
        {BYTES_LITERAL(""), BYTES_LITERAL("v")},
        {BYTES_LITERAL("a b"), BYTES_LITERAL("v")},
        {BYTES_LITERAL("a:"), BYTES_LITERAL("v")},
        {BYTES_LITERAL(":path"), BYTES_LITERAL("v")},
        {BYTES_LITERAL("a\0"), BYTES_LITERAL("v")},
        {BYTES_LITERAL("a\x80"), BYTES_LITERAL("v")},
        {BYTES_LITERAL("a"), BYTES_LITERAL("v\r\nb: c")},
        {BYTES_LITERAL("a"), BYTES_LITERAL("v\nb")},
        {BYTES_LITERAL("a"), BYTES_LITERAL("v\rb")},
        {BYTES_LITERAL("a"), BYTES_LITERAL("v\0b")},
        {BYTES_LITERAL("a"), BYTES_LITERAL("\x7f")},
        {BYTES_LITERAL("a"), BYTES_LITERAL(" v")},
        {BYTES_LITERAL("a"), BYTES_LITERAL("v\t")},
    };
    struct http_head head;
    http_head_init(&head, HTTP_REQUEST);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(http_head_add(&head, rows[i].name, rows[i].value), HTTP_HEAD_BAD);
    assert_int_equal(http_head_field_count(&head), 0);
    static const char *const paths[] = {"", "a", "**", "/a b", "/a\n", "/a#b", "/\x7f", "?a"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        assert_int_equal(http_head_set_path(&head, bytes_from_text(paths[i])), HTTP_HEAD_BAD);
    assert_int_equal(http_head_set_method(&head, BYTES_LITERAL("")), HTTP_HEAD_BAD);
    assert_int_equal(http_head_set_method(&head, BYTES_LITERAL("G T")), HTTP_HEAD_BAD);
    assert_int_equal(http_head_set_scheme(&head, BYTES_LITERAL("http")), HTTP_HEAD_BAD);
    assert_int_equal(http_head_set_authority(&head, BYTES_LITERAL("u@a.com")), HTTP_HEAD_BAD);
    assert_int_equal(http_head_set_authority(&head, BYTES_LITERAL("")), HTTP_HEAD_BAD);
    http_head_done(&head);
}

static void refuses_more_than_its_caps(void **state)
{
    static uint8_t filler[HTTP_HEAD_BYTES_MAX + 1];
    memset(filler, 'x', sizeof(filler));
    struct http_head head;
    http_head_init(&head, HTTP_REQUEST);
    for (int i = 0; i < HTTP_HEAD_FIELDS_MAX; i++)
        assert_int_equal(http_head_add(&head, BYTES_LITERAL("a"), BYTES_EMPTY), HTTP_HEAD_OK);
    assert_int_equal(http_head_add(&head, BYTES_LITERAL("a"), BYTES_EMPTY), HTTP_HEAD_TOO_LARGE);
    http_head_clear(&head, HTTP_REQUEST);
    struct bytes most = {filler, HTTP_HEAD_BYTES_MAX - 1};
    assert_int_equal(http_head_add(&head, BYTES_LITERAL("ab"), most), HTTP_HEAD_TOO_LARGE);
    assert_int_equal(http_head_add(&head, BYTES_LITERAL("a"), most), HTTP_HEAD_OK);
    assert_int_equal(http_head_add(&head, BYTES_LITERAL("a"), BYTES_EMPTY), HTTP_HEAD_TOO_LARGE);
    filler[0] = '/';
    struct bytes path = {filler, HTTP_HEAD_PATH_MAX + 1};
    assert_int_equal(http_head_set_path(&head, path), HTTP_HEAD_TOO_LARGE);
    http_head_done(&head);
}

static void keeps_fields_in_order_with_lower_case_names(void **state)
{
    struct http_head head;
    struct http_head copy;
    struct bytes value;
    http_head_init(&head, HTTP_REQUEST);
    http_head_init(&copy, HTTP_RESPONSE);
    assert_int_equal(http_head_set_method(&head, BYTES_LITERAL("GET")), HTTP_HEAD_OK);
    assert_int_equal(http_head_set_path(&head, BYTES_LITERAL("/a?b")), HTTP_HEAD_OK);
    assert_int_equal(http_head_add(&head, BYTES_LITERAL("X-One"), BYTES_LITERAL("1")), 0);
    assert_int_equal(http_head_add(&head, BYTES_LITERAL("Two"), BYTES_LITERAL("a\tb \xff")), 0);
    assert_int_equal(http_head_add(&head, BYTES_LITERAL("x-ONE"), BYTES_LITERAL("")), 0);
    assert_int_equal(http_head_count(&head, "x-one"), 2);
    assert_true(http_head_find(&head, "x-one", &value));
    assert_bytes(value, "1");
    http_head_copy(&copy, &head);
    assert_int_equal(http_head_remove(&head, "x-one"), 2);
    assert_int_equal(http_head_remove(&head, "x-one"), 0);
    assert_false(http_head_find(&head, "x-one", &value));
    assert_bytes(http_head_field_name(&head, 0), "two");
    assert_int_equal(http_head_set(&head, "two", BYTES_LITERAL("2")), HTTP_HEAD_OK);
    assert_int_equal(http_head_field_count(&head), 1);
    assert_bytes(http_head_field_value(&head, 0), "2");
    http_head_done(&head);
    assert_int_equal(http_head_field_count(&copy), 3);
    assert_bytes(http_head_method(&copy), "GET");
    assert_bytes(http_head_path(&copy), "/a?b");
    assert_int_equal(http_head_add(&copy, BYTES_LITERAL("x"), BYTES_LITERAL("y")), HTTP_HEAD_OK);
    assert_bytes(http_head_field_value(&copy, 3), "y");
    http_head_done(&copy);
}

static void knows_names_of_connections_and_of_trailers(void **state)
{
    assert_true(http_head_is_connection_name(BYTES_LITERAL("host")));
    assert_true(http_head_is_connection_name(BYTES_LITERAL("transfer-encoding")));
    assert_true(http_head_is_connection_name(BYTES_LITERAL("proxy-authorization")));
    assert_false(http_head_is_connection_name(BYTES_LITERAL("hosts")));
    assert_false(http_head_is_connection_name(BYTES_LITERAL("authorization")));
    assert_false(http_head_is_connection_name(BYTES_EMPTY));
    assert_true(http_head_is_forbidden_trailer(BYTES_LITERAL("content-length")));
    assert_true(http_head_is_forbidden_trailer(BYTES_LITERAL("authorization")));
    assert_true(http_head_is_forbidden_trailer(BYTES_LITERAL("set-cookie")));
    assert_false(http_head_is_forbidden_trailer(BYTES_LITERAL("grpc-status")));
    assert_false(http_head_is_forbidden_trailer(BYTES_LITERAL("x-checksum")));
}

static void keeps_no_more_room_than_ordinary_messages_need(void **state)
{
    struct http_head head;
    http_head_init(&head, HTTP_RESPONSE);
    http_head_add(&head, BYTES_LITERAL("a"), BYTES_LITERAL("b"));
    size_t small = http_head_held_bytes(&head);
    http_head_clear(&head, HTTP_RESPONSE);
    http_head_trim(&head);
    assert_int_equal(http_head_held_bytes(&head), small);
    char value[HTTP_HEAD_KEPT_BYTES_MAX + 1];
    memset(value, 'v', sizeof(value) - 1);
    value[sizeof(value) - 1] = '\0';
    assert_int_equal(http_head_add(&head, BYTES_LITERAL("a"), bytes_from_text(value)),
                     HTTP_HEAD_OK);
    assert_true(http_head_held_bytes(&head) > HTTP_HEAD_KEPT_BYTES_MAX);
    http_head_clear(&head, HTTP_RESPONSE);
    http_head_trim(&head);
    assert_int_equal(http_head_held_bytes(&head), 0);
}

RUN_TESTS(cmocka_unit_test(keeps_no_more_room_than_ordinary_messages_need),
          cmocka_unit_test(refuses_bytes_that_would_split_a_message),
          cmocka_unit_test(refuses_more_than_its_caps),
          cmocka_unit_test(keeps_fields_in_order_with_lower_case_names),
          cmocka_unit_test(knows_names_of_connections_and_of_trailers))
