#include "test.h"

#include "spy/screen_search.h"

static struct screen_search search;

static size_t next(const char *pattern, const char *text, size_t from)
{
    screen_search_set(&search, bytes_from_text(pattern));
    return screen_search_next(&search, bytes_from_text(text), from);
}

static size_t previous(const char *pattern, const char *text, size_t before)
{
    screen_search_set(&search, bytes_from_text(pattern));
    return screen_search_previous(&search, bytes_from_text(text), before);
}

static void nothing_is_found_of_nothing(void **state)
{
    assert_int_equal(next("", "abc", 0), 3);
    assert_int_equal(previous("", "abc", 3), 3);
    assert_int_equal(next("a", "", 0), 0);
    assert_int_equal(next("abcd", "abc", 0), 3);
    assert_int_equal(next("a", "abc", 3), 3);
    assert_int_equal(previous("a", "abc", 0), 3);
}

static void capitals_make_it_exact(void **state)
{
    assert_int_equal(next("error", "an ERROR", 0), 3);
    assert_int_equal(next("Error", "an ERROR", 0), 8);
    assert_int_equal(next("Error", "an Error", 0), 3);
    assert_int_equal(next("\xc3\xa4", "b\xc3\xa4", 0), 1);
    assert_int_equal(next(".*", "a.*b", 0), 1);
}

static void finds_every_place_both_ways(void **state)
{
    const char text[] = "aXaaXaaaXa";
    const size_t places[] = {1, 4, 8};
    size_t at = 0;
    for (size_t i = 0; i < 3; i++, at++) {
        at = next("x", text, at);
        assert_int_equal(at, places[i]);
    }
    assert_int_equal(next("x", text, at), 10);
    at = 10;
    for (size_t i = 3; i-- > 0;) {
        at = previous("x", text, at);
        assert_int_equal(at, places[i]);
    }
    assert_int_equal(previous("x", text, at), 10);
    assert_int_equal(previous("aa", "aaa", 100), 1);
}

static void long_patterns_are_cut(void **state)
{
    char pattern[1000];
    memset(pattern, 'a', sizeof(pattern));
    screen_search_set(&search, (struct bytes){(uint8_t *)pattern, sizeof(pattern)});
    assert_int_equal(search.length, sizeof(search.text));
    assert_int_equal(
        screen_search_next(&search, (struct bytes){(uint8_t *)pattern, sizeof(pattern)}, 0), 0);
}

RUN_TESTS(cmocka_unit_test(nothing_is_found_of_nothing), cmocka_unit_test(capitals_make_it_exact),
          cmocka_unit_test(finds_every_place_both_ways), cmocka_unit_test(long_patterns_are_cut))
