#include "fuzz.h"

#include "base/memory.h"
#include "policy/address_pool.h"
#include "policy/policy.h"

#include <stdlib.h>
#include <string.h>

static bool compile(const struct bytes *texts, struct policy **policy)
{
    struct policy_text group = {"g", texts[3]};
    struct policy_sources sources = {.files = {{"allowed-https.txt", texts[0]},
                                               {"allowed-ssh.txt", texts[1]},
                                               {"allowed-dns.txt", texts[2]}},
                                     .groups = &group,
                                     .group_count = 1};
    struct policy_error error = {.line = 1};
    if (policy_compile(&sources, policy, &error))
        return true;
    CHECK(strlen(error.text) > 0 && strchr(error.text, '\n') == NULL);
    CHECK(strlen(error.reason) > 0);
    return false;
}

/* The canonical texts of all rules make the same policy. */
static void check_texts(const struct policy *policy)
{
    struct buffer files[POLICY_KIND_COUNT];
    for (size_t i = 0; i < POLICY_KIND_COUNT; i++)
        buffer_init(&files[i], SIZE_MAX / 2);
    for (size_t i = 0; i < policy_rule_count(policy); i++) {
        const struct policy_rule *rule = policy_rule_at(policy, i);
        CHECK(buffer_append_text(&files[rule->kind], rule->text));
        CHECK(buffer_append_text(&files[rule->kind], "\n"));
    }
    struct bytes texts[] = {buffer_bytes(&files[0]), buffer_bytes(&files[1]),
                            buffer_bytes(&files[2]), BYTES_EMPTY};
    struct policy *again = NULL;
    CHECK(compile(texts, &again));
    struct policy_difference difference;
    policy_difference_init(&difference, policy, again);
    CHECK(difference.added_count == 0 && difference.removed_count == 0);
    policy_difference_done(&difference);
    policy_free(again);
    for (size_t i = 0; i < POLICY_KIND_COUNT; i++)
        buffer_done(&files[i]);
}

/* Every key has an address, and every exact key is a name that resolves to itself. */
static void check_keys(const struct policy *policy)
{
    size_t count = 0;
    const struct bytes *keys = policy_pool_keys(policy, &count);
    struct address_pool *pool = address_pool_new(0xc6120000, 15);
    CHECK(address_pool_update(pool, keys, count, 0) == 0);
    for (size_t i = 0; i < count; i++) {
        uint32_t address = 0;
        CHECK(address_pool_address(pool, keys[i], &address));
        CHECK(bytes_equal(address_pool_key(pool, address), keys[i]));
        struct host_name name;
        if (host_name_parse(keys[i], &name) != HOST_NAME_FINE)
            continue;
        struct policy_decision decision = policy_decide_dns(policy, &name);
        CHECK(decision.is_allowed && decision.is_pool_key_exact);
        CHECK(bytes_equal(decision.pool_key, keys[i]));
    }
    address_pool_free(pool);
}

/* Four files apart by \x1c bytes: https, ssh, dns and the group `g`. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes texts[4] = {BYTES_EMPTY, BYTES_EMPTY, BYTES_EMPTY, BYTES_EMPTY};
    struct bytes rest = {data, size};
    for (size_t i = 0; i < 4 && size; i++)
        if (!bytes_next_token(&rest, 0x1c, &texts[i]))
            break;
    struct policy *policy = NULL;
    if (!compile(texts, &policy)) {
        CHECK(policy == NULL);
        return 0;
    }
    check_texts(policy);
    check_keys(policy);
    policy_free(policy);
    return 0;
}
