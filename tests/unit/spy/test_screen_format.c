#include "test.h"

#include "spy/screen_format.h"

static char text[SCREEN_FORMAT_SIZE];

static void what_is_not_told_is_empty(void **state)
{
    assert_string_equal(screen_format_count(-1, text), "");
    assert_string_equal(screen_format_duration(-1, text), "");
    assert_string_equal(screen_format_cost(-1, text), "");
    assert_string_equal(screen_format_cached(0, 0, text), "");
    assert_string_equal(screen_format_cached(2, 1, text), "");
    assert_string_equal(screen_format_number(-1, text), "?");
}

static void counts_fit_five_columns(void **state)
{
    assert_string_equal(screen_format_count(0, text), "0");
    assert_string_equal(screen_format_count(99999, text), "99999");
    assert_string_equal(screen_format_count(100000, text), "100k");
    assert_string_equal(screen_format_count(999999, text), "999k");
    assert_string_equal(screen_format_count(1250000, text), "1.2M");
    assert_string_equal(screen_format_count(99990000, text), "99.9M");
    assert_string_equal(screen_format_count(100000000, text), "100M");
    assert_string_equal(screen_format_count(12000000000, text), "12G");
    assert_string_equal(screen_format_number(1234567, text), "1,234,567");
    assert_string_equal(screen_format_number(999, text), "999");
    assert_string_equal(screen_format_number(INT64_MAX, text), "9,223,372,036,854,775,807");
}

static void durations_fit_five_columns(void **state)
{
    assert_string_equal(screen_format_duration(0, text), "0ms");
    assert_string_equal(screen_format_duration(999, text), "999ms");
    assert_string_equal(screen_format_duration(1000, text), "1.0s");
    assert_string_equal(screen_format_duration(99999, text), "99.9s");
    assert_string_equal(screen_format_duration(100000, text), "1m40");
    assert_string_equal(screen_format_duration(5999999, text), "99m59");
    assert_string_equal(screen_format_duration(6000000, text), "1h40");
    screen_format_duration(INT64_MAX, text);
}

static void sizes_and_money(void **state)
{
    assert_string_equal(screen_format_bytes(999, text), "999 B");
    assert_string_equal(screen_format_bytes(1234, text), "1.2 kB");
    assert_string_equal(screen_format_bytes(1234567, text), "1.2 MB");
    screen_format_bytes(UINT64_MAX, text);
    assert_string_equal(screen_format_cost(4200000, text), "0.0042");
    assert_string_equal(screen_format_cost(1230000000, text), "1.23");
    assert_string_equal(screen_format_cost(123000000000, text), "123");
    assert_string_equal(screen_format_cached(800, 1000, text), "80%");
    assert_string_equal(screen_format_cached(0, 10, text), "0%");
}

static void times_are_utc_unless_asked(void **state)
{
    assert_string_equal(screen_format_time(1767355445678, false, text), "12:04:05");
    assert_string_equal(screen_format_moment(1767355445678, false, text),
                        "2026-01-02 12:04:05.678 UTC");
    screen_format_time(UINT64_MAX, false, text);
    screen_format_moment(UINT64_MAX, true, text);
}

RUN_TESTS(cmocka_unit_test(what_is_not_told_is_empty), cmocka_unit_test(counts_fit_five_columns),
          cmocka_unit_test(durations_fit_five_columns), cmocka_unit_test(sizes_and_money),
          cmocka_unit_test(times_are_utc_unless_asked))
