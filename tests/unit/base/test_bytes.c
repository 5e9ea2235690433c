#include "test.h"

static void refuses_to_equal_what_is_only_a_prefix(void **state)
{
    assert_false(bytes_equal(BYTES_LITERAL("abc"), BYTES_LITERAL("abcd")));
    assert_false(bytes_start_with(BYTES_LITERAL("ab"), BYTES_LITERAL("abc")));
    assert_false(bytes_end_with(BYTES_LITERAL("bc"), BYTES_LITERAL("abc")));
    assert_false(bytes_equal_ignore_case(BYTES_LITERAL("K"), BYTES_LITERAL("\xe2\x84\xaa")));
}

static void splits_tokens_and_keeps_empty_ones(void **state)
{
    struct bytes rest = BYTES_LITERAL("a,,b,"), token;
    assert_true(bytes_next_token(&rest, ',', &token));
    assert_bytes(token, "a");
    assert_true(bytes_next_token(&rest, ',', &token));
    assert_bytes(token, "");
    assert_true(bytes_next_token(&rest, ',', &token));
    assert_bytes(token, "b");
    assert_true(bytes_next_token(&rest, ',', &token));
    assert_bytes(token, "");
    assert_false(bytes_next_token(&rest, ',', &token));
}

static void orders_a_prefix_first(void **state)
{
    assert_true(bytes_compare(BYTES_LITERAL("ab"), BYTES_LITERAL("abc")) < 0);
    assert_true(bytes_compare(BYTES_LITERAL("b"), BYTES_LITERAL("abc")) > 0);
    assert_int_equal(bytes_compare(BYTES_EMPTY, BYTES_LITERAL("")), 0);
}

static void trims_spaces_and_tabs_only(void **state)
{
    assert_bytes(bytes_trim(BYTES_LITERAL(" \t a b\t ")), "a b");
    assert_bytes(bytes_trim(BYTES_LITERAL("\ra")), "\ra");
    assert_bytes(bytes_trim(BYTES_LITERAL("  ")), "");
}

static void hashes_as_fnv_1a(void **state)
{
    assert_true(bytes_hash(BYTES_EMPTY) == UINT64_C(0xcbf29ce484222325));
    assert_true(bytes_hash(BYTES_LITERAL("foobar")) == UINT64_C(0x85944171f73967e8));
}

RUN_TESTS(cmocka_unit_test(refuses_to_equal_what_is_only_a_prefix),
          cmocka_unit_test(splits_tokens_and_keeps_empty_ones),
          cmocka_unit_test(orders_a_prefix_first), cmocka_unit_test(trims_spaces_and_tabs_only),
          cmocka_unit_test(hashes_as_fnv_1a))
