#include "test.h"

#include "record/control_message.h"

static void assert_policy_refused(const char *json, const char *reason)
{
    struct control_policy policy;
    struct error error = {""};
    assert_false(control_policy_parse(bytes_from_text(json), &policy, &error));
    if (reason)
        assert_string_equal(error.text, reason);
}

static void refuses_policies_that_lack_or_add_something(void **state)
{
    assert_policy_refused("", NULL);
    assert_policy_refused("[]", NULL);
    assert_policy_refused("{\"https\":\"\",\"ssh\":\"\"}", "\"dns\" must be a text");
    assert_policy_refused("{\"https\":\"\",\"ssh\":\"\",\"dns\":7}", "\"dns\" must be a text");
    assert_policy_refused("{\"https\":\"\",\"ssh\":\"\",\"dns\":\"\",\"more\":\"\"}",
                          "policy: unknown key \"more\"");
    assert_policy_refused("{\"https\":\"\",\"https\":\"\",\"ssh\":\"\",\"dns\":\"\"}", NULL);
    assert_policy_refused("{\"https\":\"\",\"ssh\":\"\",\"dns\":\"\",\"groups\":[]}",
                          "\"groups\" must be an object of at most 256 texts");
    assert_policy_refused("{\"https\":\"\",\"ssh\":\"\",\"dns\":\"\",\"groups\":{\"a\":1}}",
                          "\"a\" must be a text");
}

static void refuses_more_groups_than_there_may_be(void **state)
{
    for (int count = CONTROL_GROUPS_MAX; count <= CONTROL_GROUPS_MAX + 1; count++) {
        struct buffer json;
        struct control_policy policy;
        struct error error = {""};
        buffer_init(&json, 65536);
        assert_true(buffer_append_text(&json, "{\"https\":\"\",\"ssh\":\"\",\"dns\":\"\","));
        for (int i = 0; i < count; i++)
            assert_true(buffer_append_format(&json, "%s\"g%d\":\"\"", i ? "," : "\"groups\":{", i));
        assert_true(buffer_append_text(&json, "}}"));
        bool is_parsed = control_policy_parse(buffer_bytes(&json), &policy, &error);
        assert_int_equal(is_parsed, count == CONTROL_GROUPS_MAX);
        if (is_parsed)
            control_policy_done(&policy);
        buffer_done(&json);
    }
}

static void refuses_to_write_text_that_is_no_utf8(void **state)
{
    struct control_policy policy = {.https = BYTES_LITERAL("\xff\xfe")};
    struct buffer out;
    struct error error;
    buffer_init(&out, 1000);
    assert_false(control_policy_write(&policy, &out, &error));
    assert_string_equal(error.text, "https is no UTF-8");
    buffer_done(&out);
}

static void refuses_answers_that_make_no_sense(void **state)
{
    static const char *const lines[] = {
        "",
        "{}",
        "{\"ok\":1}",
        "{\"ok\":true}",
        "{\"ok\":true,\"epoch\":-1,\"milliseconds\":1,\"added\":[],\"removed\":[]}",
        "{\"ok\":true,\"epoch\":1,\"milliseconds\":1,\"added\":[7],\"removed\":[]}",
        "{\"ok\":true,\"epoch\":1,\"milliseconds\":1,\"added\":[\"x\"]}",
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
        struct control_policy_answer answer;
        struct error error;
        assert_false(control_answer_parse_policy(bytes_from_text(lines[i]), &answer, &error));
    }
}

static void carries_the_reason_of_a_refusal_without_control_characters(void **state)
{
    struct buffer out;
    struct control_policy_answer answer;
    struct error error;
    buffer_init(&out, 4096);
    assert_true(control_answer_write_error("allowed-ssh.txt:3: \x1b[2J", &out));
    assert_false(control_answer_is_ok(buffer_bytes(&out)));
    assert_false(control_answer_parse_policy(buffer_bytes(&out), &answer, &error));
    assert_null(strchr(error.text, '\x1b'));
    assert_non_null(strstr(error.text, "allowed-ssh.txt:3: "));
    buffer_done(&out);
}

static void carries_a_policy_with_its_groups(void **state)
{
    struct control_policy policy = {
        .https = BYTES_LITERAL("api.example.com # \"quoted\"\n"),
        .ssh = BYTES_LITERAL(""),
        .dns = BYTES_LITERAL("docs.example.com\n"),
        .groups = {{BYTES_LITERAL("npm"), BYTES_LITERAL("https x.example.com\n")}},
        .group_count = 1,
    };
    struct control_policy parsed;
    struct buffer out;
    struct error error;
    buffer_init(&out, 4096);
    assert_true(control_policy_write(&policy, &out, &error));
    assert_true(control_policy_parse(buffer_bytes(&out), &parsed, &error));
    assert_bytes(parsed.https, "api.example.com # \"quoted\"\n");
    assert_bytes(parsed.ssh, "");
    assert_bytes(parsed.dns, "docs.example.com\n");
    assert_int_equal(parsed.group_count, 1);
    assert_bytes(parsed.groups[0].name, "npm");
    assert_bytes(parsed.groups[0].text, "https x.example.com\n");
    control_policy_done(&parsed);
    buffer_done(&out);
}

static void carries_what_a_reload_changed(void **state)
{
    char *added[] = {"https a.example.com GET"},
         *removed[] = {"ssh b.example.com", "dns c.example"};
    struct control_policy_answer answer = {4, 12, added, 1, removed, 2}, parsed;
    struct buffer out;
    struct error error;
    buffer_init(&out, 4096);
    assert_true(control_answer_write_policy(&answer, &out));
    assert_true(control_answer_is_ok(buffer_bytes(&out)));
    assert_bytes(buffer_bytes(&out),
                 "{\"ok\":true,\"epoch\":4,\"added\":[\"https a.example.com GET\"],\"removed\":"
                 "[\"ssh b.example.com\",\"dns c.example\"],\"milliseconds\":12}\n");
    assert_true(control_answer_parse_policy(buffer_bytes(&out), &parsed, &error));
    assert_int_equal(parsed.epoch, 4);
    assert_int_equal(parsed.removed_count, 2);
    assert_string_equal(parsed.removed[1], "dns c.example");
    control_policy_answer_done(&parsed);
    buffer_done(&out);
}

static void finds_requests_by_their_whole_word(void **state)
{
    enum control_request request;
    assert_false(control_request_find(BYTES_LITERAL("polic"), &request));
    assert_false(control_request_find(BYTES_LITERAL(""), &request));
    assert_true(control_request_find(BYTES_LITERAL("status"), &request));
    assert_int_equal(request, CONTROL_STATUS);
}

RUN_TESTS(cmocka_unit_test(refuses_more_groups_than_there_may_be),
          cmocka_unit_test(refuses_policies_that_lack_or_add_something),
          cmocka_unit_test(refuses_to_write_text_that_is_no_utf8),
          cmocka_unit_test(refuses_answers_that_make_no_sense),
          cmocka_unit_test(carries_the_reason_of_a_refusal_without_control_characters),
          cmocka_unit_test(carries_a_policy_with_its_groups),
          cmocka_unit_test(carries_what_a_reload_changed),
          cmocka_unit_test(finds_requests_by_their_whole_word))
