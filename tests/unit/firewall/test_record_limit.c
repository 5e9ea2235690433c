#include "test.h"

#include <stdio.h>

#include "firewall/record_limit.h"

static struct audit_record denied(const char *name)
{
    return (struct audit_record){.time_ms = 1,
                                 .kind = AUDIT_DNS,
                                 .decision = AUDIT_DENY,
                                 .name = bytes_from_text(name),
                                 .reason = BYTES_LITERAL("no rule")};
}

static void suppresses_repeats_and_tells_how_many(void **state)
{
    struct record_limit *limit = record_limit_new(1);
    struct audit_record record = denied("a.example"), summary;
    for (int i = 0; i < RECORD_LIMIT_REPEATS; i++)
        assert_true(record_limit_admit(limit, &record, 100));
    for (int i = 0; i < 70; i++)
        assert_false(record_limit_admit(limit, &record, 200));
    assert_true(record_limit_has_summary(limit));
    assert_false(record_limit_next_summary(limit, 300, &summary));
    assert_true(record_limit_next_summary(limit, 100 + RECORD_LIMIT_WINDOW_MS, &summary));
    assert_bytes(summary.name, "a.example");
    assert_int_equal(summary.count, 70);
    assert_false(record_limit_has_summary(limit));
    assert_false(record_limit_next_summary(limit, 100 + RECORD_LIMIT_WINDOW_MS, &summary));
    assert_true(record_limit_admit(limit, &record, 100 + RECORD_LIMIT_WINDOW_MS));
    record_limit_free(limit);
}

static void suppresses_a_flood_of_different_records_and_loses_no_count(void **state)
{
    enum { FLOOD = 20000 };
    struct record_limit *limit = record_limit_new(1);
    uint64_t told = 0;
    struct audit_record summary;
    for (int i = 0; i < FLOOD; i++) {
        char name[32];
        snprintf(name, sizeof(name), "n%d.example", i);
        struct audit_record record = denied(name);
        told += record_limit_admit(limit, &record, 5);
    }
    assert_int_equal(told, RECORD_LIMIT_DENY_BURST);
    while (record_limit_next_summary(limit, 1 << 20, &summary))
        told += summary.count;
    assert_int_equal(told, FLOOD);
    record_limit_free(limit);
}

static void loses_no_count_when_different_repeats_push_each_other_out(void **state)
{
    enum { NAMES = 2000, TIMES = 12 };
    struct record_limit *limit = record_limit_new(100);
    uint64_t told = 0;
    struct audit_record summary;
    for (int i = 0; i < NAMES; i++) {
        char name[32];
        snprintf(name, sizeof(name), "n%d.example", i);
        struct audit_record record = denied(name);
        for (int j = 0; j < TIMES; j++)
            told += record_limit_admit(limit, &record, 5);
    }
    while (record_limit_next_summary(limit, 1 << 20, &summary))
        told += summary.count;
    assert_int_equal(told, NAMES * TIMES);
    record_limit_free(limit);
}

static void refused_floods_leave_room_for_allowed_records(void **state)
{
    struct record_limit *limit = record_limit_new(1);
    for (int i = 0; i < 5000; i++) {
        char name[32];
        snprintf(name, sizeof(name), "n%d.example", i);
        struct audit_record record = denied(name);
        record_limit_admit(limit, &record, 5);
    }
    struct audit_record allowed = {.kind = AUDIT_HTTP, .decision = AUDIT_ALLOW};
    for (int i = 0; i < RECORD_LIMIT_ALLOW_BURST; i++)
        assert_true(record_limit_admit(limit, &allowed, 6));
    assert_false(record_limit_admit(limit, &allowed, 6));
    record_limit_free(limit);
}

static void admits_again_as_time_passes(void **state)
{
    struct record_limit *limit = record_limit_new(1);
    struct audit_record allowed = {.kind = AUDIT_HTTP, .decision = AUDIT_ALLOW};
    while (record_limit_admit(limit, &allowed, 0))
        continue;
    int admitted = 0;
    for (int i = 0; i < 2 * RECORD_LIMIT_ALLOW_RATE; i++)
        admitted += record_limit_admit(limit, &allowed, 1000);
    assert_int_equal(admitted, RECORD_LIMIT_ALLOW_RATE);
    record_limit_free(limit);
}

RUN_TESTS(cmocka_unit_test(suppresses_repeats_and_tells_how_many),
          cmocka_unit_test(suppresses_a_flood_of_different_records_and_loses_no_count),
          cmocka_unit_test(loses_no_count_when_different_repeats_push_each_other_out),
          cmocka_unit_test(refused_floods_leave_room_for_allowed_records),
          cmocka_unit_test(admits_again_as_time_passes))
