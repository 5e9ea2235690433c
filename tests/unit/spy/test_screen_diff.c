#include "test.h"

#include "spy/screen_diff.h"

#include <stdio.h>
#include <stdlib.h>

/* The runs as a text: =3 -1 +2. */
static const char *told(const char *before, const char *after)
{
    static char text[512];
    uint64_t old[64], new[64];
    for (size_t i = 0; before[i]; i++)
        old[i] = (uint8_t)before[i];
    for (size_t i = 0; after[i]; i++)
        new[i] = (uint8_t)after[i];
    struct screen_diff diff;
    screen_diff_init(&diff, old, strlen(before), new, strlen(after));
    size_t length = 0, x = 0, y = 0;
    text[0] = '\0';
    for (size_t i = 0; i < diff.count; i++) {
        const struct screen_diff_run *run = &diff.runs[i];
        assert_int_equal(run->before, x);
        assert_int_equal(run->after, y);
        x += run->kind == SCREEN_DIFF_ADDED ? 0 : run->length;
        y += run->kind == SCREEN_DIFF_REMOVED ? 0 : run->length;
        length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%c%zu", i ? " " : "",
                                   "=-+"[run->kind], run -> length);
    }
    assert_int_equal(x, strlen(before));
    assert_int_equal(y, strlen(after));
    screen_diff_done(&diff);
    return text;
}

static void tells_the_fewest_edits(void **state)
{
    assert_string_equal(told("", ""), "");
    assert_string_equal(told("abc", "abc"), "=3");
    assert_string_equal(told("", "ab"), "+2");
    assert_string_equal(told("ab", ""), "-2");
    assert_string_equal(told("abc", "abcd"), "=3 +1");
    assert_string_equal(told("abcd", "bcd"), "-1 =3");
    assert_string_equal(told("abXcd", "abYcd"), "=2 -1 +1 =2");
    assert_string_equal(told("abcabba", "cbabac"), "-2 =1 +1 =2 -1 =1 +1");
}

static void any_two_sequences_give_the_second_from_the_first(void **state)
{
    uint32_t random = 12345;
    for (int round = 0; round < 2000; round++) {
        char before[40] = "", after[40] = "";
        for (int side = 0; side < 2; side++) {
            random = random * 1103515245 + 12345;
            size_t length = random >> 16 & 31;
            for (size_t i = 0; i < length; i++) {
                random = random * 1103515245 + 12345;
                (side ? after : before)[i] = (char)('a' + (random >> 16 & 3));
            }
        }
        told(before, after); /* asserts that the runs cover both */
    }
}

static void same_runs_are_the_same(void **state)
{
    const uint64_t before[] = {1, 2, 3, 9, 4, 5, 6, 7}, after[] = {2, 3, 4, 8, 5, 6, 1, 7};
    struct screen_diff diff;
    screen_diff_init(&diff, before, 8, after, 8);
    size_t same = 0;
    for (size_t i = 0; i < diff.count; i++)
        for (size_t j = 0; diff.runs[i].kind == SCREEN_DIFF_SAME && j < diff.runs[i].length; j++) {
            assert_int_equal(before[diff.runs[i].before + j], after[diff.runs[i].after + j]);
            same++;
        }
    assert_int_equal(same, 6);
    screen_diff_done(&diff);
}

static void what_differs_too_much_is_replaced(void **state)
{
    enum { COUNT = 5000 };
    uint64_t *before = calloc(COUNT, sizeof(*before)), *after = calloc(COUNT, sizeof(*after));
    for (uint64_t i = 0; i < COUNT; i++) {
        before[i] = i + 1;
        after[i] = i == 0 || i == COUNT - 1 ? i + 1 : i + 100000;
    }
    struct screen_diff diff;
    screen_diff_init(&diff, before, COUNT, after, COUNT);
    assert_int_equal(diff.count, 4);
    assert_int_equal(diff.runs[1].kind, SCREEN_DIFF_REMOVED);
    assert_int_equal(diff.runs[1].length, COUNT - 2);
    assert_int_equal(diff.runs[2].length, COUNT - 2);
    screen_diff_done(&diff);
    free(before);
    free(after);
}

RUN_TESTS(cmocka_unit_test(tells_the_fewest_edits),
          cmocka_unit_test(any_two_sequences_give_the_second_from_the_first),
          cmocka_unit_test(same_runs_are_the_same),
          cmocka_unit_test(what_differs_too_much_is_replaced))
