#include "test.h"

#include "spy/screen_cells.h"

#include <locale.h>

enum { COLUMNS = 12 };

static struct screen_cells cells;
static char row[12 * COLUMNS + 12];

static int make_cells(void **state)
{
    screen_cells_init(&cells, COLUMNS, 3);
    return 0;
}

static int end_cells(void **state)
{
    screen_cells_done(&cells);
    return 0;
}

static const char *drawn(const char *text, int columns)
{
    screen_cells_clear(&cells);
    struct screen_pen pen = screen_pen_at(&cells, 1, 1, columns);
    screen_pen_text(&pen, SCREEN_PLAIN, bytes_from_text(text));
    return screen_cells_row(&cells, 1, row, sizeof(row));
}

static void no_control_character_gets_into_a_cell(void **state)
{
    assert_string_equal(drawn("a\x1b[2J", 11), " a\\x1b[2J   ");
    assert_string_equal(drawn("\r\x07", 11), " \\x0d\\x07   ");
    assert_string_equal(drawn("\xc2\x9b", 11), " \\u{9b}     "); /* CSI of C1 */
    assert_string_equal(drawn("\xff", 11), " \\xff       ");
    assert_int_equal(screen_cells_at(&cells, 1, 1)->style, SCREEN_ESCAPED);
    assert_string_equal(drawn("\xe2\x80\xae", 12), " \\u{202e}   ");           /* reorders */
    assert_string_equal(drawn("\xef\xb8\x81", 4), " \\u{\xe2\x80\xa6       "); /* hidden bytes */
    assert_non_null(setlocale(LC_CTYPE, "C"));
    assert_string_equal(drawn("\xc3\xaf", 11), " \\u{ef}     "); /* whose width it does not know */
    assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
    for (uint32_t byte = 0; byte < 256; byte++) {
        char text[] = {(char)byte, 'x', '\0'};
        drawn(text, 11);
        for (const char *at = row; *at; at++)
            assert_true((uint8_t)*at >= 0x20 && (uint8_t)*at != 0x7f);
    }
}

static void cuts_with_a_mark(void **state)
{
    assert_string_equal(drawn("abcdef", 6), " abcdef     ");
    assert_string_equal(drawn("abcdefg", 6), " abcde…     ");
    assert_string_equal(drawn("abcdefghijklmnop", 50), " abcdefghij…");
    assert_string_equal(drawn("abc", 0), "            ");
}

static void wide_glyphs_take_two_columns_and_are_not_halved(void **state)
{
    assert_string_equal(drawn("日本語", 6), " 日本語     ");
    assert_string_equal(drawn("日本語", 5), " 日本…      ");
    assert_string_equal(drawn("日本語", 4), " 日 …       ");
    assert_int_equal(screen_cells_at(&cells, 2, 1)->code_points[0], 0);
}

static void accents_join_their_letter(void **state)
{
    assert_string_equal(drawn("e\xcc\x81x", 6), " e\xcc\x81x         ");
    assert_string_equal(drawn("e\xcc\x81\xcc\x82\xcc\x83x", 6), " e\xcc\x81\xcc\x82x         ");
    assert_string_equal(drawn("\xcc\x81x", 6), " x          ");
}

static void tabs_and_line_ends_are_spaces(void **state)
{
    assert_string_equal(drawn("a\tb", 11), " a       b  ");
    assert_string_equal(drawn("a\nb", 11), " a b        ");
}

static void runs_out_of_the_grid_draw_nothing(void **state)
{
    screen_cells_clear(&cells);
    struct screen_pen pen = screen_pen_at(&cells, 0, 3, 5);
    screen_pen_text(&pen, SCREEN_PLAIN, BYTES_LITERAL("abc"));
    pen = screen_pen_at(&cells, 0, -1, 5);
    screen_pen_text(&pen, SCREEN_PLAIN, BYTES_LITERAL("abc"));
    pen = screen_pen_at(&cells, 40, 1, 5);
    screen_pen_text(&pen, SCREEN_PLAIN, BYTES_LITERAL("abc"));
    for (int i = 0; i < 3; i++)
        assert_string_equal(screen_cells_row(&cells, i, row, sizeof(row)), "            ");
}

static void numbers_stand_at_the_right(void **state)
{
    screen_cells_clear(&cells);
    struct screen_pen pen = screen_pen_at(&cells, 0, 0, COLUMNS);
    screen_pen_right(&pen, SCREEN_PLAIN, "12", 5);
    screen_pen_right(&pen, SCREEN_PLAIN, "1234567", 5);
    screen_pen_right(&pen, SCREEN_PLAIN, "9", 2);
    assert_string_equal(screen_cells_row(&cells, 0, row, sizeof(row)), "   121234… 9");
}

#define CELL_TEST(name) cmocka_unit_test_setup_teardown(name, make_cells, end_cells)

int main(void)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    const struct CMUnitTest tests[] = {
        CELL_TEST(no_control_character_gets_into_a_cell),
        CELL_TEST(cuts_with_a_mark),
        CELL_TEST(wide_glyphs_take_two_columns_and_are_not_halved),
        CELL_TEST(accents_join_their_letter),
        CELL_TEST(tabs_and_line_ends_are_spaces),
        CELL_TEST(runs_out_of_the_grid_draw_nothing),
        CELL_TEST(numbers_stand_at_the_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
