#include "test.h"

#include "spy/screen_wrap.h"

#include <locale.h>
#include <stdio.h>

static const char *lines_of(const char *text, int columns)
{
    static char joined[1024];
    struct screen_wrap wrap = {0};
    screen_wrap_update(&wrap, bytes_from_text(text), columns, false);
    size_t length = 0;
    joined[0] = '\0';
    for (size_t i = 0; i < wrap.count; i++) {
        struct bytes line = screen_wrap_line(&wrap, bytes_from_text(text), i);
        length += (size_t)snprintf(joined + length, sizeof(joined) - length, "%.*s|",
                                   (int)line.length, line.data ? (const char *)line.data : "");
    }
    screen_wrap_done(&wrap);
    return joined;
}

static void breaks_between_words(void **state)
{
    assert_string_equal(lines_of("", 10), "");
    assert_string_equal(lines_of("one two three", 8), "one two |three|");
    assert_string_equal(lines_of("one\ntwo\n", 8), "one|two|");
    assert_string_equal(lines_of("one\r\n\ntwo", 8), "one||two|");
    assert_string_equal(lines_of("abcdefghijkl", 5), "abcde|fghij|kl|");
    assert_string_equal(lines_of("ab cdefghijkl", 5), "ab |cdefg|hijkl|");
    assert_string_equal(lines_of("12345 78", 5), "12345 |78|");
}

static void counts_columns_not_bytes(void **state)
{
    assert_string_equal(lines_of("äöüäöü", 3), "äöü|äöü|");
    assert_string_equal(lines_of("日本語", 4), "日本|語|");
    assert_string_equal(lines_of("日本語", 1), "日|本|語|");
    /* An accent stays with its letter. */
    assert_string_equal(lines_of("ae\xcc\x81"
                                 "b",
                                 2),
                        "ae\xcc\x81|b|");
    /* What may not be shown takes the four columns of its escape. */
    assert_string_equal(lines_of("\x1b[m", 4), "\x1b|[m|");
    assert_string_equal(lines_of("a\tb", 8), "a\t|b|");
}

static void a_text_that_grows_has_the_lines_of_the_whole(void **state)
{
    const char text[] = "The quick brown fox\njumps over\n\nthe lazy dog, 日本語 and so on.\n";
    for (int columns = 1; columns < 30; columns++) {
        struct screen_wrap whole = {0}, grown = {0};
        struct bytes bytes = bytes_from_text(text);
        screen_wrap_update(&whole, bytes, columns, false);
        for (size_t i = 0; i <= bytes.length; i++)
            screen_wrap_update(&grown, bytes_first(bytes, i), columns, true);
        assert_int_equal(whole.count, grown.count);
        assert_memory_equal(whole.starts, grown.starts, whole.count * sizeof(*whole.starts));
        screen_wrap_done(&whole);
        screen_wrap_done(&grown);
    }
}

static void other_columns_wrap_anew(void **state)
{
    struct bytes text = BYTES_LITERAL("one two three four");
    struct screen_wrap wrap = {0};
    screen_wrap_update(&wrap, text, 5, false);
    assert_int_equal(wrap.count, 4);
    screen_wrap_update(&wrap, text, 80, true);
    assert_int_equal(wrap.count, 1);
    screen_wrap_done(&wrap);
}

static void finds_the_line_of_an_offset(void **state)
{
    struct bytes text = BYTES_LITERAL("one\ntwo\nthree");
    struct screen_wrap wrap = {0};
    screen_wrap_update(&wrap, text, 80, false);
    assert_int_equal(screen_wrap_line_of(&wrap, 0), 0);
    assert_int_equal(screen_wrap_line_of(&wrap, 3), 0);
    assert_int_equal(screen_wrap_line_of(&wrap, 4), 1);
    assert_int_equal(screen_wrap_line_of(&wrap, 12), 2);
    screen_wrap_done(&wrap);
}

int main(void)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(breaks_between_words),
        cmocka_unit_test(counts_columns_not_bytes),
        cmocka_unit_test(a_text_that_grows_has_the_lines_of_the_whole),
        cmocka_unit_test(other_columns_wrap_anew),
        cmocka_unit_test(finds_the_line_of_an_offset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
