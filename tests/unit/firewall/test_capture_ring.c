#include "test.h"

#include "base/body_budget.h"
#include "firewall/capture_ring.h"
#include "firewall/capture_watch.h"

#include <stdio.h>

enum { RING_BYTES = 1024, LINE_BYTES = 40 };

static struct bytes line_of(char text[LINE_BYTES + 1], int number)
{
    snprintf(text, LINE_BYTES + 1, "%-*d\n", LINE_BYTES - 1, number);
    return (struct bytes){(const uint8_t *)text, LINE_BYTES};
}

static void append(struct capture_ring *ring, int number, enum capture_line kind)
{
    char text[LINE_BYTES + 1];
    assert_true(capture_ring_append(ring, line_of(text, number), kind));
}

/* The next line is that number. */
static void assert_next(const struct capture_ring *ring, struct capture_cursor *cursor,
                        bool wants_bodies, int number, uint64_t lost)
{
    char text[LINE_BYTES + 1];
    struct bytes line;
    uint64_t found_lost = 0;
    assert_true(capture_ring_next(ring, cursor, wants_bodies, &line, &found_lost));
    assert_true(bytes_equal(line, line_of(text, number)));
    assert_int_equal(found_lost, lost);
}

static void assert_none(const struct capture_ring *ring, struct capture_cursor *cursor)
{
    struct bytes line;
    uint64_t lost = 0;
    assert_false(capture_ring_next(ring, cursor, true, &line, &lost));
    assert_int_equal(lost, 0);
}

static void refuses_a_line_longer_than_its_part(void **state)
{
    static uint8_t bytes[RING_BYTES];
    struct capture_ring *ring = capture_ring_new(RING_BYTES);
    size_t most = capture_ring_line_max(ring);
    assert_in_range(most, RING_BYTES / CAPTURE_RING_LINE_PART - 32,
                    RING_BYTES / CAPTURE_RING_LINE_PART);
    assert_false(capture_ring_append(ring, (struct bytes){bytes, most + 1}, CAPTURE_LINE_EVENT));
    assert_true(capture_ring_append(ring, (struct bytes){bytes, most}, CAPTURE_LINE_EVENT));
    capture_ring_free(ring);
}

static void a_reader_that_was_overtaken_learns_how_many_lines_it_lost(void **state)
{
    struct capture_ring *ring = capture_ring_new(RING_BYTES);
    struct capture_cursor cursor = capture_ring_newest(ring);
    for (int i = 0; i < 1000; i++)
        append(ring, i, CAPTURE_LINE_EVENT);
    uint64_t dropped = capture_ring_dropped(ring);
    assert_in_range(dropped, 950, 999);
    assert_next(ring, &cursor, false, (int)dropped, dropped);
    for (int i = (int)dropped + 1; i < 1000; i++)
        assert_next(ring, &cursor, false, i, 0);
    assert_none(ring, &cursor);
    capture_ring_free(ring);
}

/* Every place in the ring that a line can begin at, many times round. */
static void a_reader_that_keeps_up_loses_nothing_wherever_the_ring_wraps(void **state)
{
    for (size_t length = 0; length < 100; length++) {
        uint8_t bytes[100];
        struct capture_ring *ring = capture_ring_new(RING_BYTES);
        struct capture_cursor cursor = capture_ring_newest(ring);
        for (int i = 0; i < 200; i++) {
            struct bytes line;
            uint64_t lost = 0;
            memset(bytes, i, sizeof(bytes));
            assert_true(
                capture_ring_append(ring, (struct bytes){bytes, length}, CAPTURE_LINE_EVENT));
            assert_true(capture_ring_next(ring, &cursor, false, &line, &lost));
            assert_int_equal(lost, 0);
            assert_true(bytes_equal(line, (struct bytes){bytes, length}));
        }
        capture_ring_free(ring);
    }
}

static void bodies_are_for_those_who_want_them(void **state)
{
    struct capture_ring *ring = capture_ring_new(RING_BYTES);
    struct capture_cursor with = capture_ring_newest(ring), without = with;
    append(ring, 1, CAPTURE_LINE_BODY);
    append(ring, 2, CAPTURE_LINE_EVENT);
    append(ring, 3, CAPTURE_LINE_BODY);
    assert_next(ring, &with, true, 1, 0);
    assert_next(ring, &with, true, 2, 0);
    assert_next(ring, &with, true, 3, 0);
    assert_next(ring, &without, false, 2, 0);
    struct bytes line;
    uint64_t lost = 0;
    assert_false(capture_ring_next(ring, &without, false, &line, &lost));
    capture_ring_free(ring);
}

static void bodies_that_nobody_wanted_are_not_counted_as_lost(void **state)
{
    struct capture_ring *ring = capture_ring_new(RING_BYTES);
    struct capture_cursor with = capture_ring_newest(ring), without = with;
    append(ring, 0, CAPTURE_LINE_EVENT);
    for (int i = 1; i < 200; i++)
        append(ring, i, CAPTURE_LINE_BODY);
    append(ring, 200, CAPTURE_LINE_EVENT);
    assert_next(ring, &without, false, 200, 1);
    uint64_t dropped = capture_ring_dropped(ring);
    assert_next(ring, &with, true, (int)dropped, dropped);
    capture_ring_free(ring);
}

static void a_late_reader_begins_with_the_oldest_or_the_newest(void **state)
{
    struct capture_ring *ring = capture_ring_new(RING_BYTES);
    for (int i = 0; i < 3; i++)
        append(ring, i, CAPTURE_LINE_EVENT);
    struct capture_cursor oldest = capture_ring_oldest(ring);
    struct capture_cursor newest = capture_ring_newest(ring);
    assert_next(ring, &oldest, false, 0, 0);
    assert_none(ring, &newest);
    append(ring, 3, CAPTURE_LINE_EVENT);
    assert_next(ring, &newest, false, 3, 0);
    capture_ring_free(ring);
}

static void has_eight_mebibytes_in_the_smallest_machine_and_more_in_a_larger_one(void **state)
{
    assert_int_equal(capture_watch_ring_bytes((size_t)96 << 20), (size_t)8 << 20);
    assert_int_equal(capture_watch_ring_bytes((size_t)384 << 20), (size_t)32 << 20);
    assert_int_equal(capture_watch_ring_bytes((size_t)8 << 30), CAPTURE_RING_BYTES_MAX);
}

RUN_TESTS(cmocka_unit_test(refuses_a_line_longer_than_its_part),
          cmocka_unit_test(a_reader_that_was_overtaken_learns_how_many_lines_it_lost),
          cmocka_unit_test(a_reader_that_keeps_up_loses_nothing_wherever_the_ring_wraps),
          cmocka_unit_test(bodies_are_for_those_who_want_them),
          cmocka_unit_test(bodies_that_nobody_wanted_are_not_counted_as_lost),
          cmocka_unit_test(a_late_reader_begins_with_the_oldest_or_the_newest),
          cmocka_unit_test(has_eight_mebibytes_in_the_smallest_machine_and_more_in_a_larger_one))
