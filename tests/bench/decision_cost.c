/*
 * What a decision costs. usage: decision-cost RULES
 *
 * Compiles a policy of so many rules (exact names, wildcards, methods and paths in turn), decides
 * requests to names that stand in it and to names that do not, and prints nanoseconds of processor
 * time a decision.
 */
#include "base/buffer.h"
#include "base/memory.h"
#include "policy/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { NAMES = 1024, DECISIONS = 1000000, LINE_MAX_BYTES = 128 };

static uint64_t processor_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static struct policy *compile(unsigned rules)
{
    static const char *const forms[] = {"host-%u.example.com\n", "*.zone-%u.example.com\n",
                                        "api-%u.example.com GET,POST /v1/**\n"};
    struct buffer text;
    buffer_init(&text, POLICY_FILE_BYTES_MAX);
    for (unsigned i = 0; i < rules; i++) {
        char line[LINE_MAX_BYTES];
        int length = snprintf(line, sizeof(line), forms[i % 3], i);
        if (!buffer_append(&text, (struct bytes){(const uint8_t *)line, (size_t)length}))
            exit(1);
    }
    struct policy_sources sources = {
        .files = {{"allowed-https.txt", buffer_bytes(&text)},
                  {"allowed-ssh.txt", BYTES_EMPTY},
                  {"allowed-dns.txt", BYTES_EMPTY}},
    };
    struct policy *policy;
    struct policy_error error;
    if (!policy_compile(&sources, &policy, &error)) {
        fprintf(stderr, "decision-cost: %s\n", error.text);
        exit(1);
    }
    buffer_done(&text);
    return policy;
}

/* Three of four stand in the policy. */
static void make_names(struct host_name *names, unsigned rules)
{
    static const char *const forms[] = {"host-%u.example.com", "x.zone-%u.example.com",
                                        "api-%u.example.com", "nobody-%u.example.org"};
    for (unsigned i = 0; i < NAMES; i++) {
        char name[LINE_MAX_BYTES];
        unsigned rule = i * 2654435761u % rules;
        unsigned form = i % 4 == 3 ? 3 : rule % 3;
        snprintf(name, sizeof(name), forms[form], rule);
        if (host_name_parse(bytes_from_text(name), &names[i]) != HOST_NAME_FINE)
            exit(1);
    }
}

int main(int count, char **words)
{
    unsigned rules = count == 2 ? (unsigned)strtoul(words[1], NULL, 10) : 0;
    if (rules == 0)
        return 2;
    struct policy *policy = compile(rules);
    struct host_name *names = memory_new(NAMES * sizeof(*names));
    make_names(names, rules);
    unsigned allowed = 0;
    uint64_t started_ns = processor_ns();
    for (unsigned i = 0; i < DECISIONS; i++)
        allowed += policy_decide_http(policy, &names[i % NAMES], 443, BYTES_LITERAL("GET"),
                                      BYTES_LITERAL("/v1/messages?beta=true"))
                       .is_allowed;
    uint64_t spent_ns = processor_ns() - started_ns;
    if (allowed != DECISIONS / NAMES * (NAMES / 4 * 3) + DECISIONS % NAMES / 4 * 3)
        fprintf(stderr, "decision-cost: %u were allowed\n", allowed);
    printf("%.1f\n", (double)spent_ns / DECISIONS);
    free(names);
    policy_free(policy);
    return 0;
}
