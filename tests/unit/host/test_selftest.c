#include "test.h"

#include "base/buffer.h"
#include "host/selftest.h"

static size_t index_of(const char *row)
{
    for (size_t i = 0; selftest_attacks[i].row; i++)
        if (strcmp(selftest_attacks[i].row, row) == 0)
            return i;
    fail_msg("no attack %s", row);
    return 0;
}

static void takes_silence_for_no_proof(void **state)
{
    struct selftest_report report;
    selftest_read(BYTES_EMPTY, &report);
    assert_false(selftest_is_held(&report));
    assert_int_equal(report.verdicts[0], SELFTEST_MISSING);
}

static void passes_over_what_is_no_verdict(void **state)
{
    struct selftest_report report;
    selftest_read(
        BYTES_LITERAL("link-udp\nlink-udp\tHELD\tx\nlink-udp held x\n\t\t\nno-row\theld\tx\n"
                      "\xff\tfailed\n"),
        &report);
    assert_int_equal(report.verdicts[index_of("link-udp")], SELFTEST_MISSING);
}

static void takes_a_row_that_is_told_twice_for_failed(void **state)
{
    struct selftest_report report;
    selftest_read(BYTES_LITERAL("link-udp\tfailed\tan answer\nlink-udp\theld\tno answer\n"),
                  &report);
    assert_int_equal(report.verdicts[index_of("link-udp")], SELFTEST_FAILED);
    assert_string_equal(report.seen[index_of("link-udp")], "told twice");
}

static void shows_no_control_byte_of_the_vm(void **state)
{
    struct selftest_report report;
    selftest_read(BYTES_LITERAL("link-udp\theld\t\x1b]0;x\x07\xe2\x80\xae"), &report);
    const char *seen = report.seen[index_of("link-udp")];
    for (const char *at = seen; *at; at++)
        assert_true(*at >= 0x20 && *at < 0x7f);
    assert_non_null(strstr(seen, "\\x1b"));
}

static void holds_when_every_attack_held_or_could_not_be_tried(void **state)
{
    struct buffer lines;
    struct selftest_report report;
    buffer_init(&lines, 8192);
    for (size_t i = 0; selftest_attacks[i].row; i++)
        assert_true(buffer_append_format(&lines, "%s\t%s\tas it should\n", selftest_attacks[i].row,
                                         i % 2 ? "held" : "untried"));
    selftest_read(buffer_bytes(&lines), &report);
    assert_true(selftest_is_held(&report));
    assert_string_equal(selftest_verdict_name(report.verdicts[1]), "held");
    report.verdicts[2] = SELFTEST_FAILED;
    assert_false(selftest_is_held(&report));
    buffer_done(&lines);
}

static void the_script_is_the_one_of_the_data(void **state)
{
    struct bytes script = selftest_script();
    assert_true(bytes_start_with(script, BYTES_LITERAL("\"\"\"What `rootcell selftest` runs")));
    assert_int_equal(script.data[script.length - 1], '\n');
    for (size_t i = 0; i < script.length; i++)
        assert_true(script.data[i] != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_silence_for_no_proof),
        cmocka_unit_test(passes_over_what_is_no_verdict),
        cmocka_unit_test(takes_a_row_that_is_told_twice_for_failed),
        cmocka_unit_test(shows_no_control_byte_of_the_vm),
        cmocka_unit_test(holds_when_every_attack_held_or_could_not_be_tried),
        cmocka_unit_test(the_script_is_the_one_of_the_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
