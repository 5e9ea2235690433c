#include "test.h"

#include "wire/authority.h"

static void refuses_what_is_not_a_plain_host_and_port(void **state)
{
    static const struct bytes refused[] = {
        BYTES_LITERAL(""),       BYTES_LITERAL(":443"),      BYTES_LITERAL("a:"),
        BYTES_LITERAL("a:0"),    BYTES_LITERAL("a:65536"),   BYTES_LITERAL("a:0443"),
        BYTES_LITERAL("a:+443"), BYTES_LITERAL("a:443:443"), BYTES_LITERAL("a:443 "),
        BYTES_LITERAL("user@a"), BYTES_LITERAL("a%2eb"),     BYTES_LITERAL("[::1]"),
        BYTES_LITERAL("a,b"),    BYTES_LITERAL("a b"),       BYTES_LITERAL("a\0b"),
        BYTES_LITERAL("a/b"),    BYTES_LITERAL("b\xc3\xbc"), BYTES_LITERAL("*.a"),
        BYTES_LITERAL("a\tb"),   BYTES_LITERAL("a:443\r\n"),
    };
    struct authority authority;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        assert_false(authority_parse(refused[i], &authority));
}

static void refuses_another_host_or_port(void **state)
{
    struct bytes host = BYTES_LITERAL("api.example.com");
    assert_false(authority_matches(BYTES_LITERAL("api.example.com."), host, 443));
    assert_false(authority_matches(BYTES_LITERAL("api.example.com:444"), host, 443));
    assert_false(authority_matches(BYTES_LITERAL("api.example.co"), host, 443));
    assert_false(authority_matches(BYTES_LITERAL("xapi.example.com"), host, 443));
}

static void takes_the_host_in_any_case_with_or_without_its_port(void **state)
{
    struct bytes host = BYTES_LITERAL("api.example.com");
    assert_true(authority_matches(BYTES_LITERAL("API.example.com"), host, 443));
    assert_true(authority_matches(BYTES_LITERAL("api.example.com:443"), host, 443));
    assert_true(authority_matches(BYTES_LITERAL("api.example.com:8443"), host, 8443));
}

static void writes_a_port_that_is_not_the_default(void **state)
{
    struct buffer out;
    buffer_init(&out, 100);
    assert_true(authority_append(&out, BYTES_LITERAL("a.b"), 443, 443));
    assert_true(authority_append(&out, BYTES_LITERAL(" a.b"), 8443, 443));
    assert_bytes(buffer_bytes(&out), "a.b a.b:8443");
    buffer_done(&out);
}

RUN_TESTS(cmocka_unit_test(refuses_what_is_not_a_plain_host_and_port),
          cmocka_unit_test(refuses_another_host_or_port),
          cmocka_unit_test(takes_the_host_in_any_case_with_or_without_its_port),
          cmocka_unit_test(writes_a_port_that_is_not_the_default))
