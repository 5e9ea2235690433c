#include "test.h"

#include "spy/screen_detail.h"

#include <locale.h>
#include <stdio.h>

enum { COLUMNS = 60, ROWS = 60 };

static struct screen_detail detail;
static struct screen_pane pane;
static struct screen_cells cells;
static struct llm_call *call, *previous, *next;
static struct spy_summary summary;
static const struct screen_rectangle place = {0, 0, COLUMNS, ROWS};

static int make(void **state)
{
    screen_detail_init(&detail);
    screen_cells_init(&cells, COLUMNS, ROWS);
    call = llm_call_new(2);
    previous = llm_call_new(1);
    next = llm_call_new(3);
    summary = (struct spy_summary){.cost_nano = -1};
    detail.call = call;
    detail.summary = &summary;
    return 0;
}

static int end(void **state)
{
    screen_pane_done(&pane);
    screen_detail_done(&detail);
    screen_cells_done(&cells);
    llm_call_free(call);
    llm_call_free(previous);
    llm_call_free(next);
    return 0;
}

static struct llm_event block(enum llm_side side, uint32_t number, enum llm_role role,
                              enum llm_block_kind kind, const char *text)
{
    struct llm_event event = llm_event_make(LLM_BLOCK, 1);
    event.side = side;
    event.section = LLM_SECTION_MESSAGES;
    event.role = role;
    event.block_kind = kind;
    event.block = event.message = number;
    event.text = bytes_from_text(text);
    return event;
}

static void say(struct llm_call *to, uint32_t number, enum llm_role role, const char *text)
{
    struct llm_event event = block(LLM_SIDE_REQUEST, number, role, LLM_BLOCK_TEXT, text);
    llm_call_apply(to, &event);
}

static void tool(struct llm_call *to, enum llm_side side, uint32_t number, enum llm_block_kind kind,
                 const char *text)
{
    bool is_call = kind == LLM_BLOCK_TOOL_CALL;
    struct llm_event event =
        block(side, number, is_call ? LLM_ROLE_ASSISTANT : LLM_ROLE_USER, kind, text);
    event.id = BYTES_LITERAL("toolu_1");
    event.name = is_call ? BYTES_LITERAL("bash") : BYTES_EMPTY;
    llm_call_apply(to, &event);
}

static void finish(struct llm_call *of)
{
    struct llm_event event = llm_event_make(LLM_END, 1);
    llm_call_apply(of, &event);
}

/* The lines from the first with `text` on, without spaces at their ends. */
static const char *lines_from(const char *text, int count)
{
    static char shown[8192];
    char line[12 * COLUMNS + 12];
    size_t length = 0;
    bool is_found = false;
    screen_detail_make(&detail, &pane);
    screen_cells_clear(&cells);
    screen_pane_draw(&pane, &cells, &place);
    shown[0] = '\0';
    for (int i = 0; i < ROWS && count > 0; i++) {
        screen_cells_row(&cells, i, line, sizeof(line));
        size_t end_of_line = strlen(line);
        while (end_of_line > 0 && line[end_of_line - 1] == ' ')
            line[--end_of_line] = '\0';
        is_found = is_found || strstr(line, text);
        if (!is_found)
            continue;
        length += (size_t)snprintf(shown + length, sizeof(shown) - length, "%s\n", line);
        count--;
    }
    return shown;
}

static void nothing_is_shown_of_nothing(void **state)
{
    detail.call = NULL;
    assert_string_equal(lines_from("▾", 1), "");
    screen_pane_move(&pane, 1);
    screen_pane_scroll(&pane, 1);
    screen_pane_toggle(&pane);
    screen_pane_fold(&pane);
    screen_pane_fold_all(&pane, SCREEN_OPEN);
    screen_pane_click(&pane, &place, 0, 0);
    assert_false(screen_pane_find(&pane, 1));
    assert_null(screen_pane_section(&pane));
}

static void what_is_new_stands_apart(void **state)
{
    say(call, 0, LLM_ROLE_USER, "first question");
    say(call, 1, LLM_ROLE_ASSISTANT, "first answer");
    say(call, 2, LLM_ROLE_USER, "second question");
    summary.as_before[LLM_SECTION_MESSAGES] = 2;
    assert_string_equal(lines_from("seen before", 3), "▸ seen before  2, 26 B\n"
                                                      "▾ user  15 B\n"
                                                      "  second question\n");
    assert_string_equal(lines_from("first question", 1), "");
    screen_pane_move(&pane, 1);
    screen_pane_unfold(&pane);
    assert_string_equal(lines_from("seen before", 5), "▾ seen before  2, 26 B\n"
                                                      "  ▾ user  14 B\n"
                                                      "    first question\n"
                                                      "  ▾ assistant  12 B\n"
                                                      "    first answer\n");
}

static void results_stand_below_their_calls(void **state)
{
    say(call, 0, LLM_ROLE_USER, "do it");
    tool(call, LLM_SIDE_REQUEST, 1, LLM_BLOCK_TOOL_CALL, "{\"command\":\"ls\\npwd\"}");
    tool(call, LLM_SIDE_REQUEST, 2, LLM_BLOCK_TOOL_RESULT, "a.txt");
    assert_string_equal(lines_from("assistant", 9), "▾ assistant\n"
                                                    "  ▾ tool call bash  toolu_1 21 B\n"
                                                    "    {\n"
                                                    "      \"command\": \"ls\n"
                                                    "      pwd\"\n"
                                                    "    }\n"
                                                    "    ▾ ↳ result  toolu_1 5 B\n"
                                                    "      a.txt\n"
                                                    "  response  waiting\n");
}

static void a_new_result_names_the_call_that_was_seen_before(void **state)
{
    tool(call, LLM_SIDE_REQUEST, 0, LLM_BLOCK_TOOL_CALL, "{}");
    tool(call, LLM_SIDE_REQUEST, 1, LLM_BLOCK_TOOL_RESULT, "a.txt");
    summary.as_before[LLM_SECTION_MESSAGES] = 1;
    assert_string_equal(lines_from("result", 2), "  ▾ ↳ result of bash  toolu_1 5 B\n"
                                                 "    a.txt\n");
}

static void a_result_alone_is_named_by_the_call_before(void **state)
{
    tool(previous, LLM_SIDE_RESPONSE, 0, LLM_BLOCK_TOOL_CALL, "{}");
    tool(call, LLM_SIDE_REQUEST, 0, LLM_BLOCK_TOOL_RESULT, "a.txt");
    assert_string_equal(lines_from("result", 1), "  ▾ ↳ result  toolu_1 5 B\n");
    detail.previous = previous;
    assert_string_equal(lines_from("result", 1), "  ▾ ↳ result of bash  toolu_1 5 B\n");
}

static void the_result_of_a_response_comes_from_the_next_call(void **state)
{
    tool(call, LLM_SIDE_RESPONSE, 0, LLM_BLOCK_TOOL_CALL, "{}");
    tool(next, LLM_SIDE_REQUEST, 5, LLM_BLOCK_TOOL_RESULT, "a.txt");
    detail.next = next;
    assert_string_equal(lines_from("tool call", 4), "  ▾ tool call bash  toolu_1 2 B\n"
                                                    "    {}\n"
                                                    "    ▾ ↳ result  in the next call\n"
                                                    "      a.txt\n");
}

static void a_streamed_text_grows_in_its_place(void **state)
{
    struct llm_event event = block(LLM_SIDE_RESPONSE, 0, LLM_ROLE_ASSISTANT, LLM_BLOCK_TEXT, "");
    event.is_open = true;
    llm_call_apply(call, &event);
    static const char line[] = "    ten bytes\n";
    char expected[40 * sizeof(line)] = "";
    for (size_t i = 0; i < 40; i++) {
        struct llm_event delta = llm_event_make(LLM_DELTA, 1);
        delta.side = LLM_SIDE_RESPONSE;
        delta.text = BYTES_LITERAL("ten bytes\n");
        llm_call_apply(call, &delta);
        memcpy(expected + i * (sizeof(line) - 1), line, sizeof(line));
        assert_string_equal(lines_from("    ten bytes", (int)i + 1), expected);
    }
    assert_string_equal(lines_from("text", 1), "  ▾ text  arriving\n");
}

static void errors_are_shown_whatever_the_status(void **state)
{
    struct llm_event event = llm_event_make(LLM_ERROR, 1);
    event.name = BYTES_LITERAL("overloaded_error");
    event.text = BYTES_LITERAL("Overloaded \x1b[31m");
    llm_call_apply(call, &event);
    assert_string_equal(lines_from("error", 2), "▾ error overloaded_error\n"
                                                "  Overloaded \\x1b[31m\n");
}

static void folds_survive_what_arrives_and_sticky_ones_the_call(void **state)
{
    struct llm_event event = llm_event_make(LLM_REQUEST, 1);
    event.parameters = BYTES_LITERAL("{\"max_tokens\":5}");
    llm_call_apply(call, &event);
    say(call, 0, LLM_ROLE_USER, "hello");
    lines_from("parameters", 1);
    screen_pane_move(&pane, 1);
    screen_pane_toggle(&pane);
    assert_string_equal(lines_from("parameters", 3), "▾ parameters\n"
                                                     "  {\n"
                                                     "    \"max_tokens\": 5\n");
    screen_pane_move(&pane, 1);
    screen_pane_fold(&pane);
    say(call, 1, LLM_ROLE_USER, "more");
    screen_pane_reset(&pane); /* another call is shown */
    assert_string_equal(lines_from("parameters", 2), "▾ parameters\n"
                                                     "  {\n");
}

static void long_texts_of_requests_show_their_beginning(void **state)
{
    char text[30 * 7 + 1];
    for (size_t i = 0; i < 30; i++)
        memcpy(text + 7 * i, "a line\n", 8);
    say(call, 0, LLM_ROLE_USER, text);
    lines_from("user", 1);
    assert_non_null(strstr(lines_from("user", 20), "  … 126 B more: Enter\n"));
    screen_pane_move(&pane, 1);
    screen_pane_toggle(&pane);
    assert_null(strstr(lines_from("user", 40), "more: Enter"));
    screen_pane_toggle(&pane);
    assert_string_equal(lines_from("user", 2),
                        "▸ user  210 B  a line a line a line a line a line a line a …\n"
                        "  response  waiting\n");
}

static void search_opens_what_hides_it(void **state)
{
    say(call, 0, LLM_ROLE_USER, "a needle in hay");
    say(call, 1, LLM_ROLE_USER, "nothing");
    summary.as_before[LLM_SECTION_MESSAGES] = 2;
    screen_detail_make(&detail, &pane);
    screen_search_set(&pane.search, BYTES_LITERAL("needle"));
    assert_true(screen_pane_find(&pane, 1));
    assert_string_equal(lines_from("needle", 1), "      a needle in hay\n");
    assert_false(screen_pane_find(&pane, 1));
    screen_pane_find_from(&pane, -1);
    assert_true(screen_pane_find(&pane, -1));
    assert_false(screen_pane_find(&pane, -1));
    screen_search_set(&pane.search, BYTES_LITERAL("no such thing"));
    screen_pane_find_from(&pane, 1);
    assert_false(screen_pane_find(&pane, 1));
}

static void a_comparison_shows_what_changed(void **state)
{
    detail.form = SCREEN_DETAIL_DIFF;
    assert_string_equal(lines_from("first call", 1),
                        "  first call of its conversation  there is nothing to compa…\n");
    detail.previous = previous;
    struct llm_event event = llm_event_make(LLM_BLOCK, 1);
    event.section = LLM_SECTION_SYSTEM;
    event.role = LLM_ROLE_SYSTEM;
    event.block_kind = LLM_BLOCK_TEXT;
    event.text = BYTES_LITERAL("one\ntwo\nthree");
    llm_call_apply(previous, &event);
    event.text = BYTES_LITERAL("one\n2\nthree");
    llm_call_apply(call, &event);
    say(previous, 1, LLM_ROLE_USER, "question");
    say(call, 1, LLM_ROLE_USER, "question");
    struct llm_event answer =
        block(LLM_SIDE_RESPONSE, 0, LLM_ROLE_ASSISTANT, LLM_BLOCK_TEXT, "answer");
    llm_call_apply(previous, &answer);
    say(call, 2, LLM_ROLE_ASSISTANT, "answer");
    say(call, 3, LLM_ROLE_USER, "more");
    assert_string_equal(lines_from("system", 10), "▾ system  1 before, 1 now\n"
                                                  "  ▾ changed: system text\n"
                                                  "      one\n"
                                                  "    - two\n"
                                                  "    + 2\n"
                                                  "      three\n"
                                                  "▾ messages  2 before, 3 now\n"
                                                  "    2 blocks the same\n"
                                                  "  ▾ + user text\n"
                                                  "    more\n");
}

static void raw_says_when_bodies_are_not_there(void **state)
{
    detail.form = SCREEN_DETAIL_RAW;
    call->request_bytes = 2345;
    assert_string_equal(lines_from("request body", 1),
                        "  request body  2.3 kB, not captured: start with --raw\n");
    struct llm_event event = llm_event_make(LLM_BODY, 1);
    event.side = LLM_SIDE_REQUEST;
    event.text = BYTES_LITERAL("{\"a\":\x01}");
    llm_call_apply(call, &event);
    assert_string_equal(lines_from("request body", 2), "▾ request body  7 B\n"
                                                       "  {\"a\":\\x01}\n");
    detail.is_hex = true;
    assert_string_equal(lines_from("request body", 2),
                        "▾ request body  7 B\n"
                        "  00000000 7b 22 61 22 3a 01 7d     |{\"a\":.}|\n");
}

static void no_byte_of_a_call_reaches_a_cell_as_it_is(void **state)
{
    char hostile[256];
    for (int i = 0; i < 255; i++)
        hostile[i] = (char)(i + 1);
    hostile[255] = '\0';
    say(call, 0, LLM_ROLE_USER, hostile);
    tool(call, LLM_SIDE_RESPONSE, 0, LLM_BLOCK_TOOL_CALL, hostile);
    struct llm_event event = llm_event_make(LLM_CALL, 1);
    event.provider = event.host = event.path = event.method = bytes_from_text(hostile);
    llm_call_apply(call, &event);
    finish(call);
    screen_detail_make(&detail, &pane);
    screen_pane_fold_all(&pane, SCREEN_OPEN);
    screen_cells_clear(&cells);
    screen_pane_draw(&pane, &cells, &place);
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < COLUMNS; j++)
            for (int k = 0; k < 3; k++) {
                uint32_t code_point = screen_cells_at(&cells, j, i)->code_points[k];
                assert_true(code_point == 0 || (code_point >= 0x20 && code_point < 0x7f) ||
                            code_point >= 0xa0);
            }
}

#define DETAIL_TEST(name) cmocka_unit_test_setup_teardown(name, make, end)

int main(void)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    const struct CMUnitTest tests[] = {
        DETAIL_TEST(nothing_is_shown_of_nothing),
        DETAIL_TEST(what_is_new_stands_apart),
        DETAIL_TEST(results_stand_below_their_calls),
        DETAIL_TEST(a_new_result_names_the_call_that_was_seen_before),
        DETAIL_TEST(a_result_alone_is_named_by_the_call_before),
        DETAIL_TEST(the_result_of_a_response_comes_from_the_next_call),
        DETAIL_TEST(a_streamed_text_grows_in_its_place),
        DETAIL_TEST(errors_are_shown_whatever_the_status),
        DETAIL_TEST(folds_survive_what_arrives_and_sticky_ones_the_call),
        DETAIL_TEST(long_texts_of_requests_show_their_beginning),
        DETAIL_TEST(search_opens_what_hides_it),
        DETAIL_TEST(a_comparison_shows_what_changed),
        DETAIL_TEST(raw_says_when_bodies_are_not_there),
        DETAIL_TEST(no_byte_of_a_call_reaches_a_cell_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
