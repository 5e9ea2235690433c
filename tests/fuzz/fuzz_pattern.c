#include "fuzz.h"

#include "policy/pattern.h"
#include "policy/policy.h"

/* The first line is a pattern, each line after it a name: index and matcher agree on all. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes rest = {data, size};
    struct bytes text = fuzz_take_line(&rest);
    struct pattern pattern;
    const char *reason = NULL;
    if (!pattern_parse(text, &pattern, &reason)) {
        CHECK(reason);
        return 0;
    }
    struct pattern again;
    CHECK(pattern_parse(pattern_bytes(&pattern), &again, &reason));
    CHECK(bytes_equal(pattern_bytes(&pattern), pattern_bytes(&again)));
    char line[HOST_NAME_LENGTH_MAX + 64];
    struct buffer rule;
    buffer_init(&rule, sizeof(line));
    CHECK(buffer_append(&rule, pattern_bytes(&pattern)) && buffer_append_text(&rule, " +shared"));
    struct policy_sources sources = {.files = {{"allowed-https.txt", buffer_bytes(&rule)},
                                               {"allowed-ssh.txt", BYTES_EMPTY},
                                               {"allowed-dns.txt", BYTES_EMPTY}}};
    struct policy *policy = NULL;
    struct policy_error error;
    CHECK(policy_compile(&sources, &policy, &error));
    while (rest.length) {
        struct host_name name;
        if (host_name_parse(fuzz_take_line(&rest), &name) != HOST_NAME_FINE)
            continue;
        bool is_match = pattern_matches(&pattern, &name);
        CHECK(policy_decide_tls(policy, &name, 443).is_allowed == is_match);
        CHECK(policy_decide_dns(policy, &name).is_allowed == is_match);
    }
    policy_free(policy);
    buffer_done(&rule);
    return 0;
}
