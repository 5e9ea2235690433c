#include "test.h"
#include "test_folder.h"

#include "firewall/provider_folder.h"

#include <stdlib.h>

/* Whose calls the files that come with rootcell capture. */
static const struct {
    const char *host, *method, *target, *provider, *api;
} shipped[] = {
    {"api.anthropic.com", "POST", "/v1/messages?beta=true", "anthropic", "anthropic-messages"},
    {"api.anthropic.com", "POST", "/v1/messages/count_tokens", "anthropic",
     "anthropic-count-tokens"},
    {"api.anthropic.com", "POST", "/v1/messages/batches", "anthropic", "other"},
    {"api.anthropic.com", "POST", "/api/event_logging/v2/batch", "anthropic", "other"},
    {"aws-external-anthropic.us-west-2.api.aws", "POST", "/v1/messages", "anthropic",
     "anthropic-messages"},
    {"api.openai.com", "POST", "/v1/responses", "openai", "openai-responses"},
    {"api.openai.com", "GET", "/v1/responses", "openai", "openai-responses"},
    {"api.openai.com", "POST", "/v1/chat/completions", "openai", "openai-chat"},
    {"api.openai.com", "POST", "/v1/embeddings", "openai", "other"},
    {"chatgpt.com", "POST", "/backend-api/codex/responses", "openai", "openai-responses"},
    {"chatgpt.com", "GET", "/backend-api/codex/responses", "openai", "openai-responses"},
    {"codex-cloud-backend.chatgpt.com", "POST", "/backend-api/codex/responses", "openai",
     "openai-responses"},
    {"chatgpt.com", "POST", "/backend-api/codex/analytics-events/events", "openai", "other"},
    {"bedrock-runtime.us-east-1.amazonaws.com", "POST",
     "/model/us.anthropic.claude-sonnet-4-5-v1%3A0/converse-stream", "bedrock",
     "bedrock-converse-stream"},
    {"bedrock-runtime.eu-central-1.amazonaws.com", "POST",
     "/model/us.anthropic.claude-haiku-4-5-v1:0/invoke", "bedrock", "bedrock-invoke"},
    {"bedrock-runtime.us-gov-west-1.amazonaws.com", "POST",
     "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fx/"
     "invoke-with-response-stream",
     "bedrock", "bedrock-invoke-stream"},
    {"bedrock-runtime.us-east-1.amazonaws.com", "POST",
     "/model/arn:aws:bedrock:us-east-1:1:inference-profile/x/converse", "bedrock",
     "bedrock-converse"},
    {"bedrock-runtime-fips.us-east-1.amazonaws.com", "POST", "/model/m/count-tokens", "bedrock",
     "bedrock-count-tokens"},
    {"bedrock-runtime.us-east-1.api.aws", "POST", "/model/m/converse", "bedrock",
     "bedrock-converse"},
    {"vpce-0123.bedrock-runtime.us-east-1.vpce.amazonaws.com", "POST", "/model/m/converse",
     "bedrock", "bedrock-converse"},
    {"bedrock-runtime.us-east-1.amazonaws.com", "POST", "/guardrail/g/version/1/apply", "bedrock",
     "other"},
    {"bedrock-mantle.us-east-1.api.aws", "POST", "/anthropic/v1/messages", "bedrock",
     "anthropic-messages"},
    {"bedrock-mantle.us-east-1.api.aws", "POST", "/openai/v1/responses", "bedrock",
     "openai-responses"},
    {"bedrock.us-east-1.amazonaws.com", "GET", "/inference-profiles?type=SYSTEM_DEFINED", "bedrock",
     "other"},
    /* Logins, tokens, keys, and what is none of theirs. */
    {"platform.claude.com", "POST", "/v1/oauth/token", NULL, NULL},
    {"api.anthropic.com", "POST", "/v1/oauth/token", NULL, NULL},
    {"api.anthropic.com", "GET", "/api/oauth/profile", NULL, NULL},
    {"api.anthropic.com", "POST", "/V1/OAUTH/token", NULL, NULL},
    {"api.anthropic.com", "POST", "/v1/organizations/api_keys", NULL, NULL},
    {"console.anthropic.com", "POST", "/v1/oauth/token", NULL, NULL},
    {"auth.openai.com", "POST", "/oauth/token", NULL, NULL},
    {"auth.openai.com", "POST", "/api/accounts/deviceauth/usercode", NULL, NULL},
    {"chatgpt.com", "GET", "/api/auth/session", NULL, NULL},
    {"chatgpt.com", "GET", "/backend-api/wham/accounts/check", NULL, NULL},
    {"api.openai.com", "POST", "/v1/realtime/client_secrets", NULL, NULL},
    {"api.openai.com", "POST", "/v1/realtime/translations/client_secrets", NULL, NULL},
    {"api.openai.com", "POST", "/v1/vaults/vault_1/credentials", NULL, NULL},
    {"api.anthropic.com", "POST", "/v1/vaults/vlt_1/credentials", NULL, NULL},
    {"api.anthropic.com", "POST", "/v1/vaults/vlt_1/credentials/c_1", NULL, NULL},
    {"aws-external-anthropic.us-east-1.api.aws", "POST", "/v1/vaults/v/credentials", NULL, NULL},
    {"api.openai.com", "GET", "/v1/organization/admin_api_keys", NULL, NULL},
    {"github.com", "GET", "/", NULL, NULL},
    {"ab.chatgpt.com", "POST", "/otlp/v1/metrics", NULL, NULL},
};

static void finds_the_calls_of_the_shipped_providers_and_none_of_their_logins(void **state)
{
    struct error error;
    struct provider_set *set = provider_folder_read(TEST_PROVIDERS, &error);
    if (set == NULL)
        fail_msg("%s", error.text);
    assert_int_equal(provider_set_count(set), 3);
    for (size_t i = 0; i < sizeof(shipped) / sizeof(shipped[0]); i++) {
        struct host_name host;
        struct provider_match match;
        assert_int_equal(host_name_parse(bytes_from_text(shipped[i].host), &host), HOST_NAME_FINE);
        bool is_found = provider_set_find(set, &host, bytes_from_text(shipped[i].method),
                                          bytes_from_text(shipped[i].target), &match);
        if (is_found != (shipped[i].api != NULL))
            fail_msg("%s %s", shipped[i].host, shipped[i].target);
        if (is_found) {
            assert_bytes(match.provider, shipped[i].provider);
            assert_bytes(match.api, shipped[i].api);
        }
    }
    provider_set_free(set);
}

static void write_file(const char *name, const char *text)
{
    struct error error;
    CLEANUP_FREE char *path = test_folder_path(name);
    assert_true(file_write_atomic(path, bytes_from_text(text), 0600, &error));
}

static void says_which_file_and_line_is_wrong(void **state)
{
    struct error error;
    write_file("a.provider", "provider a\n");
    write_file("b.provider", "provider b\napi wrong * b.com /\n");
    write_file("README", "not a provider\n");
    assert_null(provider_folder_read(test_folder, &error));
    assert_non_null(strstr(error.text, "/b.provider:2: `wrong` is no API that is known"));
    assert_null(provider_folder_read("/nonexistent/providers", &error));
    assert_string_equal(error.text, "/nonexistent/providers: No such file or directory");
}

static void no_folder_is_no_provider(void **state)
{
    struct error error;
    struct provider_set *set = provider_folder_read(NULL, &error);
    assert_non_null(set);
    assert_int_equal(provider_set_count(set), 0);
    provider_set_free(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(says_which_file_and_line_is_wrong, test_folder_make,
                                        test_folder_remove),
        cmocka_unit_test(no_folder_is_no_provider),
        cmocka_unit_test(finds_the_calls_of_the_shipped_providers_and_none_of_their_logins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
