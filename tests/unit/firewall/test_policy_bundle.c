#include "test.h"

#include "firewall/policy_bundle.h"

#include <stdio.h>

static void append(struct buffer *bundle, const char *name, const char *text)
{
    assert_true(policy_bundle_append(bundle, bytes_from_text(name), bytes_from_text(text)));
}

static void three_lists(struct buffer *bundle, const char *https)
{
    buffer_init(bundle, POLICY_BUNDLE_BYTES_MAX);
    append(bundle, "https", https);
    append(bundle, "ssh", "git.example.com\n");
    append(bundle, "dns", "");
}

static void assert_refused(struct bytes bundle, const char *reason)
{
    struct policy *policy = NULL;
    struct error error = {""};
    assert_false(policy_bundle_compile(bundle, &policy, &error));
    assert_null(policy);
    assert_string_equal(error.text, reason);
}

static void refuses_a_missing_list(void **state)
{
    struct buffer bundle;
    buffer_init(&bundle, 1000);
    append(&bundle, "https", "");
    append(&bundle, "dns", "");
    assert_refused(buffer_bytes(&bundle), "the policy bundle lacks allowed-ssh.txt");
    buffer_done(&bundle);
}

static void refuses_every_truncation(void **state)
{
    struct buffer bundle;
    three_lists(&bundle, "api.example.com\n");
    append(&bundle, "npm", "https registry.example.com\n");
    size_t without_group = buffer_length(&bundle) - (2 + 3 + 4 + 27);
    struct policy *policy = NULL;
    struct error error;
    for (size_t length = 0; length < buffer_length(&bundle); length++)
        if (length != without_group)
            assert_false(
                policy_bundle_compile(bytes_first(buffer_bytes(&bundle), length), &policy, &error));
    assert_true(policy_bundle_compile(buffer_bytes(&bundle), &policy, &error));
    policy_free(policy);
    buffer_done(&bundle);
}

static void refuses_too_many_groups(void **state)
{
    struct buffer bundle;
    three_lists(&bundle, "");
    for (int i = 0; i <= POLICY_BUNDLE_GROUPS_MAX; i++) {
        char name[16];
        snprintf(name, sizeof(name), "g%d", i);
        append(&bundle, name, "");
    }
    assert_refused(buffer_bytes(&bundle), "more than 256 groups");
    buffer_done(&bundle);
}

static void refuses_groups_whose_names_are_no_file_names(void **state)
{
    static const char *const names[] = {"", "..", "a/b", "../etc", "-a", ".a", "a b", "a.b"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        struct buffer bundle;
        three_lists(&bundle, "");
        append(&bundle, names[i], "");
        assert_refused(buffer_bytes(&bundle),
                       "a group's name may have letters, digits, '-' and '_' only");
        buffer_done(&bundle);
    }
}

static void names_file_and_line_of_a_broken_rule(void **state)
{
    struct buffer bundle;
    struct policy *policy = NULL;
    struct error error;
    three_lists(&bundle, "api.example.com\nhttp://x\n");
    assert_false(policy_bundle_compile(buffer_bytes(&bundle), &policy, &error));
    assert_true(
        bytes_start_with(bytes_from_text(error.text), BYTES_LITERAL("allowed-https.txt:2: ")));
    buffer_done(&bundle);
}

static void compiles_lists_and_groups(void **state)
{
    struct buffer bundle;
    struct policy *policy = NULL;
    struct error error;
    three_lists(&bundle, "api.example.com\n@npm\n");
    append(&bundle, "npm", "https registry.example.com\n");
    assert_true(policy_bundle_compile(buffer_bytes(&bundle), &policy, &error));
    assert_int_equal(policy_rule_count(policy), 3);
    policy_free(policy);
    buffer_done(&bundle);
}

RUN_TESTS(cmocka_unit_test(refuses_too_many_groups), cmocka_unit_test(refuses_a_missing_list),
          cmocka_unit_test(refuses_every_truncation),
          cmocka_unit_test(refuses_groups_whose_names_are_no_file_names),
          cmocka_unit_test(names_file_and_line_of_a_broken_rule),
          cmocka_unit_test(compiles_lists_and_groups))
