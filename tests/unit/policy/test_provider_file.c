#include "test.h"

#include "base/buffer.h"
#include "policy/provider_file.h"

#include <stdio.h>
#include <stdlib.h>

static bool is_api(struct bytes name)
{
    return bytes_equal_text(name, "messages") || bytes_equal_text(name, "other");
}

static void assert_refused(const char *text, const char *reason)
{
    struct provider_set *set = provider_set_new(is_api);
    struct error error = {""};
    assert_false(provider_set_add(set, "x.provider", bytes_from_text(text), &error));
    assert_string_equal(error.text, reason);
    assert_int_equal(provider_set_count(set), 0);
    provider_set_free(set);
}

static struct provider_set *set_of(const char *text)
{
    struct provider_set *set = provider_set_new(is_api);
    struct error error = {""};
    if (!provider_set_add(set, "x.provider", bytes_from_text(text), &error))
        fail_msg("%s", error.text);
    return set;
}

/* The API's name, "" for none. */
static void assert_found(const struct provider_set *set, const char *host, const char *method,
                         const char *target, const char *api)
{
    struct host_name name;
    struct provider_match match = {BYTES_EMPTY, BYTES_EMPTY};
    assert_int_equal(host_name_parse(bytes_from_text(host), &name), HOST_NAME_FINE);
    bool is_found =
        provider_set_find(set, &name, bytes_from_text(method), bytes_from_text(target), &match);
    if (is_found != (api[0] != '\0'))
        fail_msg("%s %s %s: %s", method, host, target, is_found ? "found" : "not found");
    if (is_found)
        assert_bytes(match.api, api);
}

static const char example[] = "# the example\n"
                              "provider example\n"
                              "api messages POST api.example.com /v1/messages   # calls\n"
                              "api other * api.example.com /v1/**\n"
                              "api messages POST run.{aws-region}.example.com /model/*/invoke\n"
                              "never * api.example.com /v1/oauth/**\n"
                              "never POST api.example.com /v1/Token\n"
                              "never * login.example.com /**\n"
                              "api other * login.example.com /**\n";

static void refuses_a_statement_that_is_none(void **state)
{
    assert_refused("provider a\nsecret x\n",
                   "x.provider:2: `secret` is no statement: provider, api and never are known");
}

static void refuses_too_few_and_too_many_words(void **state)
{
    assert_refused("provider\n", "x.provider:1: the statement is `provider NAME`");
    assert_refused("provider a b\n", "x.provider:1: the statement is `provider NAME`");
    assert_refused("provider a\n\napi messages POST a.com\n",
                   "x.provider:3: the statement is `api API METHOD HOST PATH`");
    assert_refused("provider a\napi messages POST a.com /x /y\n",
                   "x.provider:2: the statement is `api API METHOD HOST PATH`");
    assert_refused("provider a\nnever a.com /x\n",
                   "x.provider:2: the statement is `never METHOD HOST PATH`");
}

static void refuses_a_file_without_a_name(void **state)
{
    assert_refused("", "x.provider:0: `provider NAME` is missing");
    assert_refused("# nothing\n", "x.provider:1: `provider NAME` is missing");
    assert_refused("never * a.com /x\n", "x.provider:1: `provider NAME` comes first");
}

static void refuses_bad_names_methods_hosts_and_paths(void **state)
{
    static const char name_reason[] =
        "x.provider:1: a provider's name has lower case letters, digits and `-`, a letter first, "
        "at most 32";
    assert_refused("provider Open\n", name_reason);
    assert_refused("provider 9\n", name_reason);
    assert_refused("provider ../x\n", name_reason);
    assert_refused("provider aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n", name_reason);
    assert_refused("provider a\nprovider b\n", "x.provider:2: `provider` stands twice");
    assert_refused("provider a\napi unheard POST a.com /x\n",
                   "x.provider:2: `unheard` is no API that is known");
    assert_refused("provider a\nnever post a.com /x\n",
                   "x.provider:2: a method has capital letters, or is `*`");
    assert_refused("provider a\nnever * a.com x\n", "x.provider:2: a path starts with `/`");
    assert_refused("provider a\nnever * a.com /x?service=git-upload-pack\n",
                   "x.provider:2: a provider's path has no query");
}

static void refuses_bytes_that_are_no_text(void **state)
{
    struct provider_set *set = provider_set_new(is_api);
    struct error error;
    assert_false(provider_set_add(set, "x.provider", BYTES_LITERAL("provider a\n\0"), &error));
    assert_string_equal(error.text, "x.provider:2: the line has a NUL byte");
    static uint8_t long_text[PROVIDER_FILE_BYTES_MAX + 1];
    assert_false(
        provider_set_add(set, "x.provider", (struct bytes){long_text, sizeof(long_text)}, &error));
    assert_string_equal(error.text, "x.provider: the file is longer than 64 KiB");
    provider_set_free(set);
}

static void a_refused_file_leaves_the_set_as_it_was(void **state)
{
    struct provider_set *set = set_of(example);
    struct error error;
    assert_false(provider_set_add(
        set, "y.provider",
        BYTES_LITERAL("provider other\napi other * new.example.com /**\nwrong\n"), &error));
    assert_int_equal(provider_set_count(set), 1);
    assert_found(set, "new.example.com", "GET", "/x", "");
    assert_false(provider_set_add(set, "z.provider", BYTES_LITERAL("provider example\n"), &error));
    assert_string_equal(error.text, "z.provider:1: provider example stands in another file");
    assert_true(provider_set_add(set, "y.provider", BYTES_LITERAL("provider other\n"), &error));
    assert_int_equal(provider_set_count(set), 2);
    provider_set_free(set);
}

static void refuses_more_lines_than_it_keeps(void **state)
{
    struct provider_set *set = provider_set_new(is_api);
    struct error error;
    struct buffer text;
    buffer_init(&text, PROVIDER_FILE_BYTES_MAX);
    assert_true(buffer_append_text(&text, "provider a\n"));
    for (int i = 0; i <= PROVIDER_LINES_MAX; i++)
        assert_true(buffer_append_format(&text, "never * a%d.com /\n", i));
    assert_false(provider_set_add(set, "x.provider", buffer_bytes(&text), &error));
    assert_string_equal(error.text, "x.provider:1026: more than 1024 lines");
    buffer_done(&text);
    provider_set_free(set);
}

static void refuses_more_files_than_it_keeps(void **state)
{
    struct provider_set *set = provider_set_new(is_api);
    struct error error;
    for (int i = 0; i <= PROVIDER_FILES_MAX; i++) {
        char text[32];
        snprintf(text, sizeof(text), "provider p%d\n", i);
        assert_int_equal(provider_set_add(set, "x.provider", bytes_from_text(text), &error),
                         i < PROVIDER_FILES_MAX);
    }
    assert_string_equal(error.text, "x.provider:1: more than 64 providers");
    provider_set_free(set);
}

static void a_login_is_of_no_api_however_it_is_written(void **state)
{
    static const char *const targets[] = {
        "/v1/oauth/token",   "/v1/oauth/token?x=1", "/v1/OAuth/token",     "/V1/oauth/token",
        "/v1/%6Fauth/token", "/v1/%6fauth%2ftoken", "/v1/oauth;a=b/token", "/v1/token",
        "/v1/token/",        "/v1/tok%65n",         "/v1//oauth/token",    "/v1/./oauth/token",
        "/v1/x/../oauth/t",  "/v1/%2e/oauth/token", "/v1/%256Fauth/token", "/v1\\oauth/token",
    };
    struct provider_set *set = set_of(example);
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
        assert_found(set, "api.example.com", "POST", targets[i], "");
    assert_found(set, "login.example.com", "GET", "/anything", "");
    provider_set_free(set);
}

static void finds_nothing_for_other_hosts_methods_and_paths(void **state)
{
    struct provider_set *set = set_of(example);
    assert_found(set, "example.com", "POST", "/v1/messages", "");
    assert_found(set, "x.api.example.com", "POST", "/v1/messages", "");
    assert_found(set, "api.example.com", "POST", "/v2/messages", "");
    assert_found(set, "api.example.com", "POST", "/", "");
    assert_found(set, "run.us-east-1.example.com", "GET", "/model/x/invoke", "");
    assert_found(set, "run.useast.example.com", "POST", "/model/x/invoke", "");
    assert_found(set, "api.example.com", "OPTIONS", "*", "");
    provider_set_free(set);
}

static void finds_the_first_line_that_fits(void **state)
{
    struct provider_set *set = set_of(example);
    assert_found(set, "api.example.com", "POST", "/v1/messages", "messages");
    assert_found(set, "api.example.com", "POST", "/v1/messages?beta=true", "messages");
    assert_found(set, "api.example.com", "GET", "/v1/messages", "other");
    assert_found(set, "api.example.com", "GET", "/v1/token", "other");
    assert_found(set, "api.example.com", "POST", "/v1/tokens", "other");
    provider_set_free(set);
}

static void a_model_is_one_segment_with_escapes(void **state)
{
    static const char *const targets[] = {
        "/model/us.anthropic.claude-sonnet-4-v1%3A0/invoke",
        "/model/us.anthropic.claude-sonnet-4-v1:0/invoke",
        "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fx/invoke",
    };
    struct provider_set *set = set_of(example);
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
        assert_found(set, "run.us-east-1.example.com", "POST", targets[i], "messages");
    provider_set_free(set);
}

static void knows_the_hosts_that_some_line_names(void **state)
{
    struct provider_set *set = set_of(example);
    struct host_name name;
    assert_int_equal(host_name_parse(BYTES_LITERAL("api.example.com"), &name), HOST_NAME_FINE);
    assert_true(provider_set_has_host(set, &name));
    assert_int_equal(host_name_parse(BYTES_LITERAL("example.com"), &name), HOST_NAME_FINE);
    assert_false(provider_set_has_host(set, &name));
    provider_set_free(set);
}

RUN_TESTS(cmocka_unit_test(refuses_a_statement_that_is_none),
          cmocka_unit_test(refuses_too_few_and_too_many_words),
          cmocka_unit_test(refuses_a_file_without_a_name),
          cmocka_unit_test(refuses_bad_names_methods_hosts_and_paths),
          cmocka_unit_test(refuses_bytes_that_are_no_text),
          cmocka_unit_test(a_refused_file_leaves_the_set_as_it_was),
          cmocka_unit_test(refuses_more_lines_than_it_keeps),
          cmocka_unit_test(refuses_more_files_than_it_keeps),
          cmocka_unit_test(a_login_is_of_no_api_however_it_is_written),
          cmocka_unit_test(finds_nothing_for_other_hosts_methods_and_paths),
          cmocka_unit_test(finds_the_first_line_that_fits),
          cmocka_unit_test(a_model_is_one_segment_with_escapes),
          cmocka_unit_test(knows_the_hosts_that_some_line_names))
