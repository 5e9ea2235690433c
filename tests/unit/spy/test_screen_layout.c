#include "test.h"

#include "spy/screen_layout.h"

static void says_that_a_screen_is_too_small(void **state)
{
    assert_true(screen_layout_make(79, 24, 40, SCREEN_PANES_BOTH).is_too_small);
    assert_true(screen_layout_make(80, 23, 40, SCREEN_PANES_BOTH).is_too_small);
    assert_true(screen_layout_make(1, 1, 40, SCREEN_PANES_BOTH).is_too_small);
    assert_false(screen_layout_make(80, 24, 40, SCREEN_PANES_BOTH).is_too_small);
}

static void parts_cover_every_screen_once(void **state)
{
    for (int columns = SCREEN_COLUMNS_MIN; columns <= 400; columns++) {
        for (int rows = SCREEN_ROWS_MIN; rows <= 200; rows += 11) {
            for (int panes = 0; panes < SCREEN_PANES_COUNT; panes++) {
                struct screen_layout layout = screen_layout_make(
                    columns, rows, screen_layout_default(columns), (enum screen_panes)panes);
                int cells = layout.list.columns * layout.list.rows +
                            layout.detail.columns * layout.detail.rows +
                            (layout.splitter >= 0 ? layout.list.rows : 0) + layout.tabs.columns +
                            layout.totals.columns + layout.status.columns;
                assert_int_equal(cells, columns * rows);
                assert_int_equal(layout.splitter >= 0, panes == SCREEN_PANES_BOTH);
            }
        }
    }
}

static void splitter_stays_within_its_bounds(void **state)
{
    for (int columns = SCREEN_COLUMNS_MIN; columns <= 400; columns++) {
        for (int wanted = -10; wanted < 500; wanted += 7) {
            int list = screen_layout_clamp(columns, wanted);
            assert_in_range(list, SCREEN_LIST_MIN, SCREEN_LIST_MAX);
            assert_true(columns - list - 1 >= SCREEN_DETAIL_MIN);
        }
    }
    assert_int_equal(screen_layout_default(80), 39);
    assert_int_equal(screen_layout_default(140), 58);
    assert_int_equal(screen_layout_default(200), 88);
}

RUN_TESTS(cmocka_unit_test(says_that_a_screen_is_too_small),
          cmocka_unit_test(parts_cover_every_screen_once),
          cmocka_unit_test(splitter_stays_within_its_bounds))
