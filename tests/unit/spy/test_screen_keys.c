#include "test.h"

#include "spy/screen_keys.h"
#include "system/file.h"

static enum screen_action action_of(char character)
{
    struct screen_input_event event = {SCREEN_KEY_CHARACTER, (uint8_t)character, 0, 0};
    return screen_keys_find(&event);
}

static void a_key_without_a_row_does_nothing(void **state)
{
    assert_int_equal(action_of('~'), SCREEN_NOTHING);
    assert_int_equal(action_of('\0'), SCREEN_NOTHING);
    struct screen_input_event event = {SCREEN_KEY_CHARACTER, 0x20ac, 0, 0};
    assert_int_equal(screen_keys_find(&event), SCREEN_NOTHING);
    event = (struct screen_input_event){.key = SCREEN_KEY_PRESS};
    assert_int_equal(screen_keys_find(&event), SCREEN_NOTHING);
}

static void keys_that_users_of_other_viewers_know_do_the_same(void **state)
{
    assert_int_equal(action_of('q'), SCREEN_QUIT);
    assert_int_equal(action_of('['), SCREEN_PREVIOUS_CALL);
    assert_int_equal(action_of(']'), SCREEN_NEXT_CALL);
    assert_int_equal(action_of('j'), SCREEN_NEXT_SECTION);
    assert_int_equal(action_of('k'), SCREEN_PREVIOUS_SECTION);
    assert_int_equal(action_of('h'), SCREEN_FOLD);
    assert_int_equal(action_of('l'), SCREEN_UNFOLD);
    assert_int_equal(action_of('c'), SCREEN_FOLD_ALL);
    assert_int_equal(action_of('e'), SCREEN_UNFOLD_ALL);
    assert_int_equal(action_of('t'), SCREEN_TIME_ZONE);
    assert_int_equal(action_of(','), SCREEN_NARROWER);
    assert_int_equal(action_of('.'), SCREEN_WIDER);
}

static void every_action_has_one_row_and_no_key_has_two(void **state)
{
    size_t count = 0;
    const struct screen_key_row *rows = screen_keys_rows(&count);
    bool seen[SCREEN_ACTION_COUNT] = {false};
    bool taken[128] = {false};
    for (size_t i = 0; i < count; i++) {
        assert_false(seen[rows[i].action]);
        seen[rows[i].action] = true;
        for (const char *at = rows[i].characters; *at; at++) {
            assert_false(taken[(uint8_t)*at]);
            taken[(uint8_t)*at] = true;
        }
        /* What the help has room for at 80 columns. */
        assert_in_range(strlen(rows[i].shown), 1, 12);
        assert_in_range(strlen(rows[i].summary), 1, 23);
    }
    for (int action = SCREEN_NOTHING + 1; action < SCREEN_ACTION_COUNT; action++)
        assert_true(seen[action]);
}

/* After a change of the table: put the text that fails here into the page. */
static void the_manual_page_has_the_table(void **state)
{
    struct buffer out, page;
    struct error error;
    buffer_init(&out, 16384);
    buffer_init(&page, 65536);
    assert_true(screen_keys_manual(&out));
    assert_true(buffer_append_byte(&out, 0));
    assert_true(file_read(TEST_CAPTURES "/../../docs/man/rootcell-spy-screen.7", &page, &error));
    assert_true(buffer_append_byte(&page, 0));
    const char *table = (const char *)buffer_bytes(&out).data;
    if (strstr((const char *)buffer_bytes(&page).data, table) == NULL)
        fail_msg("%s", table);
    buffer_done(&page);
    buffer_done(&out);
    buffer_init(&out, 100);
    assert_false(screen_keys_manual(&out));
    buffer_done(&out);
}

RUN_TESTS(cmocka_unit_test(a_key_without_a_row_does_nothing),
          cmocka_unit_test(keys_that_users_of_other_viewers_know_do_the_same),
          cmocka_unit_test(every_action_has_one_row_and_no_key_has_two),
          cmocka_unit_test(the_manual_page_has_the_table))
