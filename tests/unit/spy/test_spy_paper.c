#include "test.h"

#include "base/buffer.h"
#include "spy/spy_paper.h"
#include "spy/spy_pretty.h"
#include "spy/spy_width.h"

static struct buffer written;

static bool keep(void *context, struct bytes bytes)
{
    (void)context;
    assert_true(buffer_append(&written, bytes));
    return true;
}

static struct spy_paper paper_of(int width, int indent)
{
    struct spy_paper paper;
    buffer_done(&written);
    buffer_init(&written, 1 << 20);
    spy_paper_init(&paper, keep, NULL);
    paper.width = width;
    spy_paper_set(&paper, SPY_STYLE_PLAIN, indent);
    return paper;
}

static void assert_shown(int width, int indent, const char *text, const char *shown)
{
    /* Whole, and byte by byte where that is a character by itself. */
    for (size_t piece = 1; piece <= 2; piece++) {
        struct spy_paper paper = paper_of(width, indent);
        struct bytes rest = bytes_from_text(text);
        while (rest.length > 0) {
            size_t length = piece == 2 ? rest.length : 1;
            while (length < rest.length && (rest.data[length] & 0xc0) == 0x80)
                length++;
            spy_paper_add(&paper, bytes_first(rest, length));
            rest = bytes_from(rest, length);
        }
        spy_paper_end_line(&paper);
        assert_bytes(buffer_bytes(&written), shown);
    }
    buffer_done(&written);
}

static void nothing_that_a_terminal_obeys_gets_through(void **state)
{
    assert_shown(0, 0, "\033[31mred\033]52;c;AAAA\007", "\\x1b[31mred\\x1b]52;c;AAAA\\x07\n");
    assert_shown(0, 0,
                 "\xc2\x9b"
                 "31m",
                 "\\u{9b}31m\n");
    assert_shown(0, 0,
                 "a\xe2\x80\xae"
                 "b",
                 "a\\u{202e}b\n");
    assert_shown(0, 0,
                 "a\xe2\x80\x8b"
                 "b\xef\xbb\xbf",
                 "a\\u{200b}b\\u{feff}\n");
    assert_shown(0, 0, "\xff\xc3(", "\\xff\\xc3(\n");
    assert_shown(0, 0, "\xf3\xa0\x81\x81", "\\u{e0041}\n");
    assert_shown(0, 0, "a\rb\177", "a\\x0db\\x7f\n");
    assert_shown(0, 0, "back\\slash", "back\\slash\n");
}

static void lines_are_as_long_as_they_are_without_a_width(void **state)
{
    assert_shown(0, 2, "one two\n\nthree  four\tfive ", "  one two\n\n  three  four\tfive \n");
}

static void lines_break_between_words(void **state)
{
    assert_shown(20, 2, "one two three four five six", "  one two three four\n  five six\n");
    assert_shown(20, 2, "one two three four  five", "  one two three four\n  five\n");
    assert_shown(20, 0, "aaaaaaaaaaaaaaaaaaaa bb", "aaaaaaaaaaaaaaaaaaaa\nbb\n");
}

static void a_word_longer_than_a_line_is_cut(void **state)
{
    assert_shown(10, 0, "abcdefghijklmno", "abcdefghij\nklmno\n");
    assert_shown(10, 2, "x abcdefghijklmno", "  x\n  abcdefgh\n  ijklmno\n");
}

static void indents_of_a_code_stay(void **state)
{
    assert_shown(40, 2, "if x:\n    return\n", "  if x:\n      return\n");
    assert_shown(40, 0, "\tx", "        x\n");
}

static void wide_and_combining_characters_take_their_columns(void **state)
{
    assert_int_equal(spy_width_of('a'), 1);
    assert_int_equal(spy_width_of(0x301), 0);
    assert_int_equal(spy_width_of(0x4e00), 2);
    assert_int_equal(spy_width_of(0x1f600), 2);
    assert_int_equal(spy_width_of(0xac00), 2);
    assert_int_equal(spy_width_of(0xe9), 1);
    assert_int_equal(spy_width_of(0x2500), 1);
    assert_shown(8, 0, "漢字漢字漢字", "漢字漢字\n漢字\n");
    assert_shown(8, 0,
                 "e\xcc\x81"
                 "e\xcc\x81"
                 "e\xcc\x81"
                 "eeeee x",
                 "e\xcc\x81"
                 "e\xcc\x81"
                 "e\xcc\x81"
                 "eeeee\nx\n");
}

static void accents_do_not_pile_up(void **state)
{
#define EIGHT "\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301"
    assert_shown(0, 0, "e" EIGHT "\u0301\u0301e" EIGHT, "e" EIGHT "\\u{301}\\u{301}e" EIGHT "\n");
#undef EIGHT
}

static void a_width_too_narrow_for_anything_still_ends(void **state)
{
    assert_shown(1, 10, "abcdefghij", "          abcdefgh\n          ij\n");
}

static void colours_end_with_their_line(void **state)
{
    struct spy_paper paper = paper_of(0, 0);
    paper.has_colours = true;
    spy_paper_set(&paper, SPY_STYLE_ERROR, 1);
    spy_paper_add_text(&paper, "a\nb");
    spy_paper_set(&paper, SPY_STYLE_PLAIN, 0);
    spy_paper_add_text(&paper, "\x01");
    spy_paper_end_line(&paper);
    assert_bytes(buffer_bytes(&written),
                 " \033[31ma\033[0m\n \033[31mb\033[0m\n\033[7m\\x01\033[0m\n");
    buffer_done(&written);
}

static void assert_pretty(const char *json, const char *shown)
{
    for (size_t piece = 1; piece <= 64; piece *= 8) {
        struct spy_paper paper = paper_of(0, 0);
        struct spy_pretty pretty;
        spy_pretty_start(&pretty);
        for (struct bytes rest = bytes_from_text(json); rest.length > 0;
             rest = bytes_from(rest, piece))
            spy_pretty_add(&pretty, &paper, bytes_first(rest, piece));
        spy_paper_end_line(&paper);
        assert_bytes(buffer_bytes(&written), shown);
    }
    buffer_done(&written);
}

static void json_is_laid_out_without_a_change_of_its_words(void **state)
{
    assert_pretty("{}", "{}\n");
    assert_pretty(
        "{\"a\":1, \"b\" : [true,null,{}],\"c\":[]}",
        "{\n  \"a\": 1,\n  \"b\": [\n    true,\n    null,\n    {}\n  ],\n  \"c\": []\n}\n");
    assert_pretty("{\"a\":\"x, {y}: \\\"z\\\"\"}", "{\n  \"a\": \"x, {y}: \\\"z\\\"\"\n}\n");
    assert_pretty("{\"a\":\"x\\ny\\\\nz\"}", "{\n  \"a\": \"x\\n\n  y\\\\nz\"\n}\n");
    assert_pretty("ls -l {a, b}", "ls -l {a, b}\n");
    assert_pretty("}}]", "}}]\n");
    assert_pretty("{\"a\":", "{\n  \"a\": \n");
}

RUN_TESTS(cmocka_unit_test(nothing_that_a_terminal_obeys_gets_through),
          cmocka_unit_test(lines_are_as_long_as_they_are_without_a_width),
          cmocka_unit_test(lines_break_between_words),
          cmocka_unit_test(a_word_longer_than_a_line_is_cut),
          cmocka_unit_test(indents_of_a_code_stay),
          cmocka_unit_test(wide_and_combining_characters_take_their_columns),
          cmocka_unit_test(accents_do_not_pile_up),
          cmocka_unit_test(a_width_too_narrow_for_anything_still_ends),
          cmocka_unit_test(colours_end_with_their_line),
          cmocka_unit_test(json_is_laid_out_without_a_change_of_its_words))
