#include "test.h"

#include "firewall/role_dialogue.h"

static struct role_dialogue dialogue;

static bool hear(enum role_message_kind kind, uint64_t number)
{
    struct role_message message = {.kind = kind, .number = number, .second = 7};
    return role_dialogue_hear(&dialogue, &message);
}

static void tell(enum role_message_kind kind, uint64_t number)
{
    struct role_message message = {.kind = kind, .number = number};
    role_dialogue_tell(&dialogue, &message);
}

static void refuses_every_message_before_anything_was_asked(void **state)
{
    role_dialogue_begin(&dialogue);
    for (int kind = 0; kind < ROLE_MESSAGE_KIND_COUNT; kind++)
        for (uint64_t number = 0; number < 3; number++)
            assert_false(hear((enum role_message_kind)kind, number));
    assert_int_equal(dialogue.epoch_in_force, 0);
}

static void refuses_a_policy_confirmed_twice_or_never_told_or_of_the_past(void **state)
{
    role_dialogue_begin(&dialogue);
    tell(ROLE_MESSAGE_POLICY, 4);
    tell(ROLE_MESSAGE_POLICY, 5);
    assert_false(hear(ROLE_MESSAGE_IN_FORCE, 6));
    assert_false(hear(ROLE_MESSAGE_IN_FORCE, UINT64_MAX));
    assert_true(hear(ROLE_MESSAGE_IN_FORCE, 4));
    assert_false(hear(ROLE_MESSAGE_IN_FORCE, 4));
    assert_true(hear(ROLE_MESSAGE_IN_FORCE, 5));
    assert_false(hear(ROLE_MESSAGE_IN_FORCE, 5));
    assert_false(hear(ROLE_MESSAGE_IN_FORCE, 4));
    assert_int_equal(dialogue.epoch_in_force, 5);
}

static void takes_one_answer_for_each_question(void **state)
{
    role_dialogue_begin(&dialogue);
    tell(ROLE_MESSAGE_STATUS, 0);
    assert_true(dialogue.are_counters_due);
    assert_true(hear(ROLE_MESSAGE_COUNTERS, 12));
    assert_false(hear(ROLE_MESSAGE_COUNTERS, 13));
    assert_int_equal(dialogue.agent_connections, 12);
    assert_int_equal(dialogue.records_dropped, 7);
}

static void what_the_proxy_before_was_asked_counts_for_nothing(void **state)
{
    role_dialogue_begin(&dialogue);
    tell(ROLE_MESSAGE_POLICY, 9);
    tell(ROLE_MESSAGE_STATUS, 0);
    role_dialogue_begin(&dialogue);
    assert_false(hear(ROLE_MESSAGE_IN_FORCE, 9));
    assert_false(hear(ROLE_MESSAGE_COUNTERS, 1));
}

/* Returns what the beats that are due by then bring; those before must bring a rest. */
static enum role_beat beat_at(int64_t now_ms)
{
    assert_int_equal(role_dialogue_beat(&dialogue, now_ms - 1), ROLE_BEAT_REST);
    return role_dialogue_beat(&dialogue, now_ms);
}

static void a_proxy_that_misses_three_beats_hangs(void **state)
{
    int64_t now_ms = 5000;
    role_dialogue_begin(&dialogue);
    assert_int_equal(role_dialogue_beat(&dialogue, now_ms), ROLE_BEAT_ASK);
    tell(ROLE_MESSAGE_STATUS, 0);
    for (int i = 1; i < ROLE_DIALOGUE_BEATS_MAX; i++)
        assert_int_equal(beat_at(now_ms + i * ROLE_DIALOGUE_BEAT_MS), ROLE_BEAT_REST);
    assert_int_equal(beat_at(now_ms + ROLE_DIALOGUE_BEATS_MAX * ROLE_DIALOGUE_BEAT_MS),
                     ROLE_BEAT_HUNG);
    /* Its successor is asked anew. */
    role_dialogue_begin(&dialogue);
    assert_int_equal(role_dialogue_beat(&dialogue, now_ms), ROLE_BEAT_ASK);
}

static void a_proxy_that_is_slow_to_answer_does_not_hang(void **state)
{
    int64_t now_ms = 5000;
    role_dialogue_begin(&dialogue);
    for (int round = 0; round < 10; round++) {
        assert_int_equal(role_dialogue_beat(&dialogue, now_ms), ROLE_BEAT_ASK);
        tell(ROLE_MESSAGE_STATUS, 0);
        for (int i = 1; i < ROLE_DIALOGUE_BEATS_MAX; i++)
            assert_int_equal(beat_at(now_ms += ROLE_DIALOGUE_BEAT_MS), ROLE_BEAT_REST);
        assert_true(hear(ROLE_MESSAGE_COUNTERS, 1));
        now_ms += ROLE_DIALOGUE_BEAT_MS;
    }
}

/* The whole machine, or the supervisor alone, was stopped for a day: that is one beat. */
static void time_that_nobody_saw_is_held_against_no_proxy(void **state)
{
    role_dialogue_begin(&dialogue);
    assert_int_equal(role_dialogue_beat(&dialogue, 1), ROLE_BEAT_ASK);
    tell(ROLE_MESSAGE_STATUS, 0);
    assert_int_equal(role_dialogue_beat(&dialogue, 24 * 3600 * 1000), ROLE_BEAT_REST);
    assert_true(hear(ROLE_MESSAGE_COUNTERS, 1));
}

RUN_TESTS(cmocka_unit_test(a_proxy_that_misses_three_beats_hangs),
          cmocka_unit_test(a_proxy_that_is_slow_to_answer_does_not_hang),
          cmocka_unit_test(time_that_nobody_saw_is_held_against_no_proxy),
          cmocka_unit_test(refuses_every_message_before_anything_was_asked),
          cmocka_unit_test(refuses_a_policy_confirmed_twice_or_never_told_or_of_the_past),
          cmocka_unit_test(takes_one_answer_for_each_question),
          cmocka_unit_test(what_the_proxy_before_was_asked_counts_for_nothing))
