#include "test.h"

#include "base/number.h"

static void refuses_what_is_not_plain_decimal(void **state)
{
    static const char *const refused[] = {
        "", "+1", "-1", " 1", "1 ", "01", "00", "0x1", "1,1", "18446744073709551616", "1\n",
    };
    uint64_t value = 7;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        assert_false(number_parse_decimal(bytes_from_text(refused[i]), UINT64_MAX, &value));
    assert_false(number_parse_decimal(BYTES_LITERAL("65536"), 65535, &value));
    assert_int_equal(value, 7);
}

static void reads_the_whole_range(void **state)
{
    uint64_t value;
    assert_true(number_parse_decimal(BYTES_LITERAL("18446744073709551615"), UINT64_MAX, &value));
    assert_true(value == UINT64_MAX);
    assert_true(number_parse_decimal(BYTES_LITERAL("0"), 0, &value));
    assert_true(number_parse_hexadecimal(BYTES_LITERAL("00fF"), 255, &value));
    assert_int_equal(value, 255);
    assert_false(number_parse_hexadecimal(BYTES_LITERAL("10000000000000000"), UINT64_MAX, &value));
}

static void reads_sizes_with_units(void **state)
{
    uint64_t size;
    assert_true(number_parse_size(BYTES_LITERAL("96"), 1 << 20, UINT64_MAX, &size));
    assert_int_equal(size, 96 << 20);
    assert_true(number_parse_size(BYTES_LITERAL("2G"), 1 << 20, UINT64_MAX, &size));
    assert_true(size == UINT64_C(2) << 30);
    assert_false(number_parse_size(BYTES_LITERAL("G"), 1, UINT64_MAX, &size));
    assert_false(number_parse_size(BYTES_LITERAL("2T"), 1, UINT64_MAX, &size));
    assert_false(number_parse_size(BYTES_LITERAL("17179869184G"), 1, UINT64_MAX, &size));
}

static void refuses_addresses_that_other_parsers_read_differently(void **state)
{
    static const char *const refused[] = {"1.2.3",     "1.2.3.4.5", "01.2.3.4", "1.2.3.256",
                                          "0x1.2.3.4", "1.2.3.",    ".1.2.3",   "1.2.3.4 "};
    uint32_t address;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        assert_false(number_parse_ipv4(bytes_from_text(refused[i]), &address));
    char text[16];
    assert_true(number_parse_ipv4(BYTES_LITERAL("198.18.0.254"), &address));
    number_format_ipv4(address, text);
    assert_string_equal(text, "198.18.0.254");
}

RUN_TESTS(cmocka_unit_test(refuses_what_is_not_plain_decimal),
          cmocka_unit_test(reads_the_whole_range), cmocka_unit_test(reads_sizes_with_units),
          cmocka_unit_test(refuses_addresses_that_other_parsers_read_differently))
