#include "test.h"

#include "host/policy_edit.h"

static const char text[] = "# Models\n"
                           "api.anthropic.com   # mine\n"
                           "\n"
                           "pypi.org GET,HEAD\r\n"
                           "pypi.org POST /upload # one more\n"
                           "#old.example.com\n"
                           "last.example.com";

static void assert_removed(const char *rule, bool is_changed, const char *after)
{
    struct buffer out;
    bool changed;
    buffer_init(&out, 4096);
    assert_true(policy_edit_remove(bytes_from_text(text), bytes_from_text(rule), &out, &changed));
    assert_int_equal(changed, is_changed);
    assert_bytes(buffer_bytes(&out), after);
    buffer_done(&out);
}

static void assert_added(const char *before, const char *rule, bool is_changed, const char *after)
{
    struct buffer out;
    bool changed;
    buffer_init(&out, 4096);
    assert_true(policy_edit_add(bytes_from_text(before), bytes_from_text(rule), &out, &changed));
    assert_int_equal(changed, is_changed);
    assert_bytes(buffer_bytes(&out), after);
    buffer_done(&out);
}

static void leaves_all_as_it_is_when_no_rule_is_meant(void **state)
{
    assert_removed("other.example.com", false, text);
    assert_removed("pypi.org GET", false, text);
    assert_removed("old.example.com", false, text);
    assert_removed("example.com", false, text);
}

static void removes_all_rules_of_a_host(void **state)
{
    assert_removed("PyPI.org", true,
                   "# Models\napi.anthropic.com   # mine\n\n#old.example.com\nlast.example.com");
    assert_removed("last.example.com", true,
                   "# Models\napi.anthropic.com   # mine\n\npypi.org GET,HEAD\r\n"
                   "pypi.org POST /upload # one more\n#old.example.com\n");
}

static void removes_only_the_rule_that_is_written_out(void **state)
{
    assert_removed("pypi.org  POST /upload", true,
                   "# Models\napi.anthropic.com   # mine\n\npypi.org GET,HEAD\r\n"
                   "#old.example.com\nlast.example.com");
}

static void adds_a_line_at_the_end(void **state)
{
    assert_added("a.example", " b.example  GET ", true, "a.example\nb.example  GET\n");
    assert_added("", "b.example", true, "b.example\n");
    assert_added("b.example GET\n", "b.example", true, "b.example GET\nb.example\n");
}

static void adds_nothing_that_is_there(void **state)
{
    assert_added("B.example\tGET # x\n", "b.example GET", false, "B.example\tGET # x\n");
}

static void refuses_to_grow_past_the_cap(void **state)
{
    struct buffer out;
    bool changed;
    buffer_init(&out, 10);
    assert_false(
        policy_edit_add(BYTES_LITERAL("a.example\n"), BYTES_LITERAL("b.example"), &out, &changed));
    buffer_done(&out);
}

RUN_TESTS(cmocka_unit_test(leaves_all_as_it_is_when_no_rule_is_meant),
          cmocka_unit_test(removes_all_rules_of_a_host),
          cmocka_unit_test(removes_only_the_rule_that_is_written_out),
          cmocka_unit_test(adds_a_line_at_the_end), cmocka_unit_test(adds_nothing_that_is_there),
          cmocka_unit_test(refuses_to_grow_past_the_cap))
