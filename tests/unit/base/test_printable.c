#include "test.h"

#include "base/printable.h"

static void check(struct bytes remote, const char *expected)
{
    char text[200];
    assert_string_equal(printable_text(remote, text, sizeof(text)), expected);
}

static void escapes_what_moves_or_hides_text(void **state)
{
    check(BYTES_LITERAL("a\033[2Jb\n\r\0c"), "a\\x1b[2Jb\\x0a\\x0d\\x00c");
    check(BYTES_LITERAL("\x7f"), "\\x7f");
    check(BYTES_LITERAL("\xc2\x9b"), "\\xc2\\x9b");                   /* C1 CSI */
    check(BYTES_LITERAL("\xe2\x80\xae"), "\\xe2\\x80\\xae");          /* right-to-left override */
    check(BYTES_LITERAL("\xf3\xa0\x80\x81"), "\\xf3\\xa0\\x80\\x81"); /* tag character */
    check(BYTES_LITERAL("\\x1b"), "\\\\x1b");
}

static void escapes_bytes_that_are_no_utf8(void **state)
{
    check(BYTES_LITERAL("\xc0\xaf"), "\\xc0\\xaf");
    check(BYTES_LITERAL("\xed\xa0\x80"), "\\xed\\xa0\\x80");
    check(BYTES_LITERAL("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
    check(BYTES_LITERAL("\xe2\x82"), "\\xe2\\x82");
}

static void passes_visible_text(void **state)
{
    check(BYTES_LITERAL("Gr\xc3\xbc\xc3\x9f"
                        "e \xe4\xbd\xa0 \xf0\x9f\x99\x82"),
          "Gr\xc3\xbc\xc3\x9f"
          "e \xe4\xbd\xa0 \xf0\x9f\x99\x82");
}

static void marks_what_was_cut(void **state)
{
    char text[8];
    assert_string_equal(printable_text(BYTES_LITERAL("abcdefghij"), text, sizeof(text)), "abcd...");
    assert_string_equal(printable_text(BYTES_LITERAL("abcdefg"), text, sizeof(text)), "abcdefg");
    assert_string_equal(printable_text(BYTES_LITERAL("abc\033\033"), text, sizeof(text)), "abc...");
}

RUN_TESTS(cmocka_unit_test(escapes_what_moves_or_hides_text),
          cmocka_unit_test(escapes_bytes_that_are_no_utf8), cmocka_unit_test(passes_visible_text),
          cmocka_unit_test(marks_what_was_cut))
