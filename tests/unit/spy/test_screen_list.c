#include "events.h"

#include "spy/screen_list.h"

#include <locale.h>
#include <stdio.h>
#include <time.h>

static struct spy_store *store;
static struct screen_list list;
static struct screen_cells cells;
static char row[4096];

static int make_list(void **state)
{
    struct error error;
    store = spy_store_new(&error);
    assert_non_null(store);
    screen_list_init(&list, store);
    screen_cells_init(&cells, 100, 10);
    return 0;
}

static int end_list(void **state)
{
    screen_list_done(&list);
    spy_store_free(store);
    screen_cells_done(&cells);
    return 0;
}

static void add_call(uint64_t number, const char *session, bool is_failed)
{
    char said[40];
    snprintf(said, sizeof(said), "%s says %llu", session, (unsigned long long)number);
    events_begin(store, number, session);
    events_say(store, number, 0, LLM_ROLE_USER, said);
    if (is_failed) {
        struct llm_event event = llm_event_make(LLM_ERROR, number);
        event.time_ms = EVENTS_TIME_MS;
        event.name = BYTES_LITERAL("overloaded_error");
        events_add(store, &event);
    }
    events_end(store, number);
}

static const char *drawn(int line)
{
    struct screen_rectangle place = {0, 0, 100, 10};
    struct screen_list_view view = {false};
    screen_cells_clear(&cells);
    screen_list_draw(&list, &cells, &place, &view);
    return screen_cells_row(&cells, line, row, sizeof(row));
}

static void an_empty_list_does_nothing(void **state)
{
    assert_true(screen_list_update(&list, 10));
    screen_list_move(&list, 1);
    screen_list_select_first(&list);
    screen_list_select_last(&list);
    screen_list_move_conversation(&list, 1);
    screen_list_fold(&list);
    assert_false(screen_list_next_error(&list));
    assert_int_equal(list.selected, SPY_STORE_NONE);
    assert_int_equal(screen_list_selected_row(&list), SIZE_MAX);
    assert_string_equal(drawn(1), "                                                  "
                                  "                                                  ");
}

static void follows_until_somebody_moves(void **state)
{
    add_call(1, "one", false);
    screen_list_update(&list, 10);
    assert_int_equal(list.selected, 0);
    add_call(2, "one", false);
    screen_list_update(&list, 10);
    assert_int_equal(list.selected, 1);
    screen_list_move(&list, -1);
    assert_int_equal(list.selected, 0);
    add_call(3, "one", false);
    screen_list_update(&list, 10);
    assert_int_equal(list.selected, 0);
    screen_list_follow(&list, true);
    assert_int_equal(list.selected, 2);
    screen_list_move(&list, 5);
    assert_int_equal(list.selected, 2);
}

static void draws_what_is_known_of_a_call(void **state)
{
    add_call(1, "one", false);
    screen_list_update(&list, 10);
    assert_string_equal(drawn(0),
                        " time     provider  model                         kind    stat    in "
                        " cach   out first  took cost $ ");
    assert_non_null(strstr(drawn(1), " 00:16:41 anthropic claude-sonnet-4-5"));
    assert_non_null(strstr(drawn(1), " stream  200   1000   800    50 120ms 500ms "));
    assert_int_equal(screen_cells_at(&cells, 0, 1)->style, SCREEN_SELECTED);
    add_call(2, "one", true);
    screen_list_update(&list, 10);
    assert_non_null(strstr(drawn(2), "!00:16:42 "));
    assert_non_null(strstr(drawn(2), " err "));
    events_begin(store, 3, "one");
    screen_list_update(&list, 10);
    assert_non_null(strstr(drawn(3), "*00:16:43 "));
}

static void pausing_holds_back_what_comes(void **state)
{
    add_call(1, "one", false);
    screen_list_update(&list, 10);
    list.limit = spy_store_end(store);
    add_call(2, "one", false);
    screen_list_update(&list, 10);
    assert_int_equal(screen_list_count(&list), 1);
    list.limit = SPY_STORE_NONE;
    screen_list_update(&list, 10);
    assert_int_equal(screen_list_count(&list), 2);
}

static void groups_conversations(void **state)
{
    add_call(1, "one", false);
    add_call(2, "two", false);
    add_call(3, "one", false);
    add_call(4, "two", false);
    screen_list_set_grouped(&list, true);
    screen_list_update(&list, 10);
    assert_int_equal(screen_list_calls(&list), 4);
    static const int64_t expected[] = {-1, 0, 2, -1, 1, 3};
    assert_int_equal(screen_list_count(&list), 6);
    for (size_t i = 0; i < 6; i++) {
        struct screen_row found = screen_list_row(&list, i);
        assert_int_equal(found.is_heading, expected[i] < 0);
        if (expected[i] >= 0)
            assert_int_equal(found.position, expected[i]);
    }
    assert_non_null(strstr(drawn(1), "one"));
    assert_non_null(strstr(drawn(1), "2 calls in 2000 (80%) out 100"));
    /* Headings are passed over, */
    screen_list_select_first(&list);
    screen_list_move(&list, 2);
    assert_int_equal(list.selected, 1);
    screen_list_move_conversation(&list, -1);
    assert_int_equal(list.selected, 0);
    screen_list_move_conversation(&list, 1);
    assert_int_equal(list.selected, 1);
    /* but stand for what is folded. */
    screen_list_fold(&list);
    assert_int_equal(screen_list_count(&list), 4);
    assert_int_equal(screen_list_selected_row(&list), 3);
    screen_list_move(&list, -1);
    assert_int_equal(list.selected, 2);
    screen_list_move(&list, 1);
    assert_int_equal(list.selected, 3);
    screen_list_fold(&list);
    assert_int_equal(screen_list_count(&list), 6);
}

static void a_filter_waits_for_what_it_asks(void **state)
{
    struct error error;
    screen_list_set_filter(&list, spy_filter_parse(BYTES_LITERAL("error"), &error));
    add_call(1, "one", false);
    add_call(2, "one", true);
    events_begin(store, 3, "one");
    screen_list_update(&list, 10);
    assert_int_equal(screen_list_count(&list), 1);
    assert_int_equal(list.selected, 1);
    struct llm_event event = llm_event_make(LLM_ERROR, 3);
    event.time_ms = EVENTS_TIME_MS;
    event.name = BYTES_LITERAL("overloaded_error");
    events_add(store, &event);
    events_end(store, 3);
    screen_list_update(&list, 10);
    assert_int_equal(screen_list_count(&list), 2);
    screen_list_set_filter(&list, NULL);
    screen_list_update(&list, 10);
    assert_int_equal(screen_list_count(&list), 3);
}

static void errors_are_found_in_a_circle(void **state)
{
    for (uint64_t i = 1; i <= 6; i++)
        add_call(i, "one", i == 2 || i == 5);
    screen_list_update(&list, 10);
    screen_list_select_first(&list);
    static const uint64_t expected[] = {1, 4, 1};
    for (size_t i = 0; i < 3; i++) {
        assert_true(screen_list_next_error(&list));
        assert_int_equal(list.selected, expected[i]);
    }
}

static void a_click_selects_what_is_there(void **state)
{
    struct screen_rectangle place = {0, 1, 100, 9};
    for (uint64_t i = 1; i <= 4; i++)
        add_call(i, "one", false);
    screen_list_update(&list, 10);
    drawn(0);
    screen_list_click(&list, &place, 3);
    assert_int_equal(list.selected, 1);
    screen_list_click(&list, &place, 1); /* titles */
    screen_list_click(&list, &place, 9); /* nothing */
    assert_int_equal(list.selected, 1);
    screen_list_set_grouped(&list, true);
    screen_list_update(&list, 10);
    screen_list_click(&list, &place, 2); /* the heading */
    assert_int_equal(screen_list_count(&list), 1);
}

static void fifty_thousand_calls_cost_a_frame_as_much_as_fifty(void **state)
{
    enum { CALLS = 50000 };
    char line[512];
    struct error error;
    for (int i = 1; i <= CALLS; i++) {
        int length = snprintf(line, sizeof(line),
                              "{\"v\":1,\"event\":\"call\",\"call\":%d,"
                              "\"time\":\"2026-01-02T03:04:05.678Z\",\"provider\":\"anthropic\","
                              "\"api\":\"anthropic-messages\",\"transport\":\"h1\"}",
                              i);
        assert_true(spy_store_add(store, (struct bytes){(uint8_t *)line, (size_t)length}, &error));
    }
    screen_list_update(&list, 10);
    assert_int_equal(screen_list_count(&list), CALLS);
    struct timespec start, end;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
    for (int i = 0; i < 200; i++) {
        screen_list_move(&list, i % 2 ? -1 : -100);
        screen_list_update(&list, 10);
        drawn(0);
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    /* 200 frames in 0.02 s here, under sanitizers: the bound is for any machine. */
    double seconds =
        (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9;
    assert_true(seconds < 4);
    screen_list_set_grouped(&list, true);
    screen_list_update(&list, 10);
    assert_true(screen_list_count(&list) > CALLS);
    screen_list_select_first(&list);
    assert_int_equal(list.selected, 0);
    screen_list_select_last(&list);
    assert_int_equal(list.selected, CALLS - 1);
}

#define LIST_TEST(name) cmocka_unit_test_setup_teardown(name, make_list, end_list)

int main(void)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    const struct CMUnitTest tests[] = {
        LIST_TEST(an_empty_list_does_nothing),
        LIST_TEST(follows_until_somebody_moves),
        LIST_TEST(draws_what_is_known_of_a_call),
        LIST_TEST(pausing_holds_back_what_comes),
        LIST_TEST(groups_conversations),
        LIST_TEST(a_filter_waits_for_what_it_asks),
        LIST_TEST(errors_are_found_in_a_circle),
        LIST_TEST(a_click_selects_what_is_there),
        LIST_TEST(fifty_thousand_calls_cost_a_frame_as_much_as_fifty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
