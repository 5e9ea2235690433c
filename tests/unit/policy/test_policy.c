#include "test.h"

#include "base/memory.h"
#include "policy/pattern.h"
#include "policy/policy.h"
#include "policy/rule_line.h"

#include <stdio.h>
#include <stdlib.h>

static struct host_name name_of(const char *text)
{
    struct host_name name;
    assert_int_equal(host_name_parse(bytes_from_text(text), &name), HOST_NAME_FINE);
    return name;
}

static const struct policy_text npm_group = {"npm",
                                             BYTES_LITERAL("https registry.example.com GET,HEAD\n"
                                                           "dns cdn.example.com # cdn\n"
                                                           "ssh git.example.com\n")};

static struct policy_sources sources_of(struct bytes https, struct bytes ssh, struct bytes dns)
{
    return (struct policy_sources){
        .files = {{"allowed-https.txt", https}, {"allowed-ssh.txt", ssh}, {"allowed-dns.txt", dns}},
        .groups = &npm_group,
        .group_count = 1};
}

static struct policy *compiled(const char *https, const char *ssh, const char *dns)
{
    struct policy_sources sources =
        sources_of(bytes_from_text(https), bytes_from_text(ssh), bytes_from_text(dns));
    struct policy *policy = NULL;
    struct policy_error error;
    if (!policy_compile(&sources, &policy, &error))
        fail_msg("%s", error.text);
    return policy;
}

struct refusal {
    struct bytes https;
    const char *text; /* a part of the error */
};

static void refuses_lines_with_file_line_and_reason(void **state)
{
    static const struct refusal rows[] = {
        {BYTES_LITERAL("a.com\n\na b c.com\n"), "allowed-https.txt:3: `b`"},
        {BYTES_LITERAL("*.com\n"), "allowed-https.txt:1: anyone can register"},
        {BYTES_LITERAL("# x\n*.s3.amazonaws.com\n"), "allowed-https.txt:2: anyone can"},
        {BYTES_LITERAL("a.com get\n"), "`get` is no method"},
        {BYTES_LITERAL("a.com GET,\n"), "`` is no method"},
        {BYTES_LITERAL("a.com GET, HEAD\n"), "is no method"},
        {BYTES_LITERAL("a.com GET HEAD\n"), "order is"},
        {BYTES_LITERAL("a.com CONNECT\n"), "CONNECT"},
        {BYTES_LITERAL("a.com /x GET\n"), "order is"},
        {BYTES_LITERAL("a.com /x /y\n"), "order is"},
        {BYTES_LITERAL("a.com +private GET\n"), "order is"},
        {BYTES_LITERAL("a.com +private /x\n"), "order is"},
        {BYTES_LITERAL("a.com +foo\n"), "unknown flag `+foo`"},
        {BYTES_LITERAL("a.com +\n"), "unknown flag `+`"},
        {BYTES_LITERAL("a.com:0\n"), "port `0`"},
        {BYTES_LITERAL("a.com:65536\n"), "port `65536`"},
        {BYTES_LITERAL("a.com:\n"), "port ``"},
        {BYTES_LITERAL("a.com:443:443\n"), "port `443:443`"},
        {BYTES_LITERAL("a.com:0443\n"), "port `0443`"},
        {BYTES_LITERAL("a.com:53\n"), "port 53"},
        {BYTES_LITERAL("a.com:8080\n"), "port 8080"},
        {BYTES_LITERAL("https://a.com\n"), "port `//a.com`"},
        {BYTES_LITERAL("a.com#x\n"), "a byte other than"},
        {BYTES_LITERAL("1.2.3.4\n"), "an address"},
        {BYTES_LITERAL("@foo\n"), "unknown group `@foo`"},
        {BYTES_LITERAL("@\n"), "unknown group"},
        {BYTES_LITERAL("@npm GET\n"), "stands alone"},
        {BYTES_LITERAL("a.com /a/../b\n"), "empty or dot segments"},
        {BYTES_LITERAL("a.com /a?x=y\n"), "?service="},
        {BYTES_LITERAL("\xef\xbb\xbf"
                       "a.com\n"),
         "allowed-https.txt:1: the line has a byte-order"},
        {BYTES_LITERAL("a.com\nb\xff.com\n"), "allowed-https.txt:2: the line is not UTF-8"},
        {BYTES_LITERAL("a.com # \xed\xa0\x80\n"), "not UTF-8"},
        {BYTES_LITERAL("a.com\0\n"), "NUL"},
        {BYTES_LITERAL("a.com\rb.com\n"), "carriage return"},
        {BYTES_LITERAL("a.com \x1b[0m\n"), "control"},
        {BYTES_LITERAL("a.com # \xc2\x85\n"), "control"},
        {BYTES_LITERAL("a.com\v\n"), "control"},
        {BYTES_LITERAL("a.com A B C D E F G H I\n"), "too many words"},
        {BYTES_LITERAL("a.com A,B,C,D,E,F,G,H,I,J,K,L,M,N,O,P,Q\n"), "more than 16 methods"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct policy_sources sources = sources_of(rows[i].https, BYTES_EMPTY, BYTES_EMPTY);
        struct policy *policy = (struct policy *)&sources;
        struct policy_error error = {0};
        if (policy_compile(&sources, &policy, &error))
            fail_msg("row %zu is accepted", i);
        if (strstr(error.text, rows[i].text) == NULL)
            fail_msg("row %zu: %s", i, error.text);
        assert_ptr_equal(policy, &sources);
    }
}

static void refuses_lines_of_ssh_dns_and_groups(void **state)
{
    static const char *const rows[][3] = {
        {"*.example.com", "", "allowed-ssh.txt:1: an ssh rule needs an exact name"},
        {"a.{aws-region}.com", "", "allowed-ssh.txt:1: an ssh rule needs"},
        {"a.com +shared", "", "allowed-ssh.txt:1: +shared has no meaning"},
        {"a.com GET", "", "allowed-ssh.txt:1: a method or path"},
        {"a.com /x", "", "allowed-ssh.txt:1: a method or path"},
        {"", "a.com:443", "allowed-dns.txt:1: a dns rule has no port"},
        {"", "a.com +encoded-slash", "allowed-dns.txt:1: +encoded-slash has no meaning"},
        {"", "github.io", "allowed-dns.txt:1: anyone can register"},
        {"", "com", "allowed-dns.txt:1: anyone can register"},
        {"", "amazonaws.com", "allowed-dns.txt:1: anyone can register"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct policy_sources sources =
            sources_of(BYTES_EMPTY, bytes_from_text(rows[i][0]), bytes_from_text(rows[i][1]));
        struct policy *policy = NULL;
        struct policy_error error = {0};
        assert_false(policy_compile(&sources, &policy, &error));
        if (strstr(error.text, rows[i][2]) == NULL)
            fail_msg("row %zu: %s", i, error.text);
    }
    static const char *const groups[][2] = {
        {"a.com", "groups/x.txt:1: a line of a group starts with"},
        {"https", "groups/x.txt:1: a name or pattern is missing"},
        {"dns a.com\nhttps *.com", "groups/x.txt:2: anyone can register"},
        {"https @npm", "groups/x.txt:1: `@npm`"},
        {"ssh *.a.com", "groups/x.txt:1: an ssh rule"},
    };
    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
        struct policy_sources sources = sources_of(BYTES_EMPTY, BYTES_EMPTY, BYTES_EMPTY);
        struct policy_text group = {"x", bytes_from_text(groups[i][0])};
        sources.groups = &group;
        struct policy *policy = NULL;
        struct policy_error error = {0};
        assert_false(policy_compile(&sources, &policy, &error));
        if (strstr(error.text, groups[i][1]) == NULL)
            fail_msg("group %zu: %s", i, error.text);
    }
    struct policy_sources sources = sources_of(BYTES_EMPTY, BYTES_EMPTY, BYTES_EMPTY);
    struct policy_text group = {"../x", BYTES_EMPTY};
    sources.groups = &group;
    struct policy *policy = NULL;
    struct policy_error error = {0};
    assert_false(policy_compile(&sources, &policy, &error));
}

static void refuses_an_overlong_line_and_too_many_ports(void **state)
{
    static char text[8192];
    memset(text, '#', sizeof(text));
    struct policy_sources sources = sources_of(
        (struct bytes){(uint8_t *)text, POLICY_LINE_BYTES_MAX + 1}, BYTES_EMPTY, BYTES_EMPTY);
    struct policy *policy = NULL;
    struct policy_error error = {0};
    assert_false(policy_compile(&sources, &policy, &error));
    assert_string_equal(error.text, "allowed-https.txt:1: the line is longer than 2048 bytes");
    sources.files[POLICY_HTTPS].bytes.length--;
    assert_true(policy_compile(&sources, &policy, &error));
    policy_free(policy);
    size_t length = 0;
    for (int i = 0; i <= POLICY_PORTS_MAX; i++)
        length += (size_t)snprintf(text + length, sizeof(text) - length, "a.com:%d\n", 9000 + i);
    sources.files[POLICY_HTTPS].bytes = (struct bytes){(uint8_t *)text, length};
    assert_false(policy_compile(&sources, &policy, &error));
    assert_string_equal(error.text, "allowed-https.txt:65: more than 64 different ports");
}

static void check_too_much(const char *text, size_t length, const char *reason)
{
    struct policy_sources sources =
        sources_of((struct bytes){(const uint8_t *)text, length}, BYTES_EMPTY, BYTES_EMPTY);
    struct policy *policy = NULL;
    struct policy_error error = {0};
    assert_false(policy_compile(&sources, &policy, &error));
    assert_non_null(strstr(error.text, reason));
}

static void refuses_a_rule_of_too_many_methods_or_words(void **state)
{
    char text[1024] = "a.com MM";
    size_t length = strlen(text);
    for (int i = 1; i <= POLICY_METHODS_MAX; i++)
        length += (size_t)snprintf(text + length, sizeof(text) - length, ",M%c", 'A' + i);
    check_too_much(text, length, "more than 16 methods");
    length = 0;
    for (int i = 0; i <= RULE_LINE_TOKENS_MAX; i++)
        length += (size_t)snprintf(text + length, sizeof(text) - length, "a ");
    check_too_much(text, length, "allowed-https.txt:1: ");
}

static void refuses_too_many_rules_and_too_long_a_file(void **state)
{
    char *text = memory_new(POLICY_FILE_BYTES_MAX + 1);
    size_t length = 0;
    for (int i = 0; i <= POLICY_RULES_MAX; i++)
        length +=
            (size_t)snprintf(text + length, POLICY_FILE_BYTES_MAX - length, "a%d.example.com\n", i);
    check_too_much(text, length, "more than 250000 rules");
    memset(text, '\n', POLICY_FILE_BYTES_MAX + 1);
    check_too_much(text, POLICY_FILE_BYTES_MAX + 1, "the file is longer than 16 MiB");
    free(text);
}

static void denies_everything_when_empty(void **state)
{
    struct policy *policies[] = {compiled("", "", ""), policy_new_empty(),
                                 compiled("# nothing\n\n   \t\n", "\r\n", "#")};
    struct host_name name = name_of("a.com");
    for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
        assert_false(policy_decide_dns(policies[i], &name).is_allowed);
        assert_false(policy_decide_tls(policies[i], &name, 443).is_allowed);
        assert_false(policy_decide_ssh(policies[i], &name, 22).is_allowed);
        assert_int_equal(policy_rule_count(policies[i]), 0);
        struct policy_ports ports = policy_ports(policies[i]);
        assert_int_equal(ports.https_count, 1);
        assert_int_equal(ports.https[0], 443);
        assert_int_equal(ports.ssh_count, 1);
        assert_int_equal(ports.ssh[0], 22);
        policy_free(policies[i]);
    }
}

struct request_row {
    const char *name;
    uint16_t port;
    const char *method;
    const char *target;
    enum policy_reason reason;
    const char *rule;
};

static void decides_requests_by_name_port_method_and_path(void **state)
{
    struct policy *policy = compiled("API.example.com\r\n"
                                     "api.example.com:443   GET\t# the same port, written\n"
                                     "m.example.com GET,HEAD\n"
                                     "p.example.com POST /v1/**\n"
                                     "p.example.com GET /v1/a\n"
                                     "e.example.com /** +encoded-slash\n"
                                     "f.example.com /a/**\n"
                                     "f.example.com GET +encoded-slash\n"
                                     "o.example.com:8443\n"
                                     "*.w.example.com GET\n"
                                     "x.w.example.com POST\n"
                                     "**.w.example.com PUT\n"
                                     "*.github.io +shared +private\n"
                                     "b.{aws-region}.amazonaws.com POST\n",
                                     "", "");
    static const struct request_row rows[] = {
        {"example.com", 443, "GET", "/", POLICY_NAME_DENIED, NULL},
        {"xapi.example.com", 443, "GET", "/", POLICY_NAME_DENIED, NULL},
        {"api.example.com", 8443, "GET", "/", POLICY_PORT_DENIED, NULL},
        {"o.example.com", 443, "GET", "/", POLICY_PORT_DENIED, NULL},
        {"m.example.com", 443, "POST", "/", POLICY_METHOD_DENIED, NULL},
        {"m.example.com", 443, "get", "/", POLICY_METHOD_DENIED, NULL},
        {"m.example.com", 443, "GETX", "/", POLICY_METHOD_DENIED, NULL},
        {"m.example.com", 443, "", "/", POLICY_METHOD_DENIED, NULL},
        {"m.example.com", 443, "GET,HEAD", "/", POLICY_METHOD_DENIED, NULL},
        {"p.example.com", 443, "POST", "/v2/a", POLICY_PATH_DENIED, NULL},
        {"p.example.com", 443, "GET", "/v1/b", POLICY_PATH_DENIED, NULL},
        {"p.example.com", 443, "PUT", "/v1/a", POLICY_METHOD_DENIED, NULL},
        {"p.example.com", 443, "POST", "/v1/../a", POLICY_PATH_AMBIGUOUS, NULL},
        {"p.example.com", 443, "POST", "/v1/%2e%2e/a", POLICY_PATH_AMBIGUOUS, NULL},
        {"p.example.com", 443, "POST", "/v1/a%2fb", POLICY_PATH_AMBIGUOUS, NULL},
        {"p.example.com", 443, "POST", "*", POLICY_PATH_DENIED, NULL},
        {"e.example.com", 443, "GET", "/a/..%2fb", POLICY_PATH_AMBIGUOUS, NULL},
        {"f.example.com", 443, "POST", "/a/b%2fc", POLICY_PATH_AMBIGUOUS, NULL},
        {"a.b.w.example.com", 443, "GET", "/", POLICY_METHOD_DENIED, NULL},
        {"w.example.com", 443, "GET", "/", POLICY_NAME_DENIED, NULL},
        {"b.us-east-11.amazonaws.com", 443, "POST", "/", POLICY_NAME_DENIED, NULL},
        {"api.example.com", 443, "PUT", "/a//b", POLICY_ALLOWED, "api.example.com"},
        {"m.example.com", 443, "HEAD", "/", POLICY_ALLOWED, "m.example.com GET,HEAD"},
        {"p.example.com", 443, "POST", "/v1/a?x=%2e", POLICY_ALLOWED, "p.example.com POST /v1/**"},
        {"p.example.com", 443, "GET", "/v1/a", POLICY_ALLOWED, "p.example.com GET /v1/a"},
        {"e.example.com", 443, "GET", "/@a%2fb", POLICY_ALLOWED,
         "e.example.com /** +encoded-slash"},
        {"f.example.com", 443, "GET", "/x%2fb", POLICY_ALLOWED, "f.example.com GET +encoded-slash"},
        {"f.example.com", 443, "POST", "/a/b", POLICY_ALLOWED, "f.example.com /a/**"},
        {"o.example.com", 8443, "GET", "/", POLICY_ALLOWED, "o.example.com:8443"},
        {"x.w.example.com", 443, "POST", "/", POLICY_ALLOWED, "x.w.example.com POST"},
        {"x.w.example.com", 443, "GET", "/", POLICY_ALLOWED, "*.w.example.com GET"},
        {"x.w.example.com", 443, "PUT", "/", POLICY_ALLOWED, "**.w.example.com PUT"},
        {"a.b.w.example.com", 443, "PUT", "/", POLICY_ALLOWED, "**.w.example.com PUT"},
        {"me.github.io", 443, "GET", "/", POLICY_ALLOWED, "*.github.io +private +shared"},
        {"b.eu-central-1.amazonaws.com", 443, "POST", "/", POLICY_ALLOWED,
         "b.{aws-region}.amazonaws.com POST"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct host_name name = name_of(rows[i].name);
        struct policy_decision decision =
            policy_decide_http(policy, &name, rows[i].port, bytes_from_text(rows[i].method),
                               bytes_from_text(rows[i].target));
        if (decision.reason != rows[i].reason)
            fail_msg("row %zu: %s", i, policy_reason_name(decision.reason));
        assert_int_equal(decision.is_allowed, rows[i].rule != NULL);
        assert_int_equal(decision.status, rows[i].reason == POLICY_ALLOWED          ? 0
                                          : rows[i].reason == POLICY_PATH_AMBIGUOUS ? 400
                                                                                    : 403);
        if (rows[i].rule)
            assert_string_equal(decision.rule->text, rows[i].rule);
        else
            assert_null(decision.rule);
    }
    struct host_name name = name_of("p.example.com");
    struct policy_decision decision = policy_decide_tls(policy, &name, 443);
    assert_true(decision.is_allowed && decision.has_method_rules && decision.has_path_rules);
    assert_false(decision.may_be_private);
    name = name_of("me.github.io");
    decision = policy_decide_tls(policy, &name, 443);
    assert_true(decision.is_allowed && decision.may_be_private);
    assert_false(decision.has_method_rules || decision.has_path_rules);
    assert_false(policy_decide_tls(policy, &name, 22).is_allowed);
    assert_false(policy_decide_ssh(policy, &name, 443).is_allowed);
    assert_string_equal(decision.rule->file, "allowed-https.txt");
    assert_int_equal(decision.rule->line, 13);
    struct policy_ports ports = policy_ports(policy);
    assert_int_equal(ports.https_count, 2);
    assert_int_equal(ports.https[0], 443);
    assert_int_equal(ports.https[1], 8443);
    policy_free(policy);
}

struct dns_row {
    const char *name;
    const char *key; /* NULL: denied */
    bool is_exact;
};

static void resolves_what_any_rule_names(void **state)
{
    struct policy *policy = compiled("api.example.com\n*.w.example.com\n"
                                     "b.{aws-region}.amazonaws.com\n",
                                     "git.example.com:2222\n", "cdn.example.org\n*.one.org\n");
    static const struct dns_row rows[] = {
        {"example.com", NULL, false},
        {"x.api.example.com", NULL, false},
        {"x.git.example.com", NULL, false},
        {"w.example.com", NULL, false},
        {"a.b.w.example.com", NULL, false},
        {"one.org", NULL, false},
        {"_x.cdn.example.org", NULL, false},
        {"api.example.com", "api.example.com", true},
        {"git.example.com", "git.example.com", true},
        {"a.w.example.com", "*.w.example.com", false},
        {"cdn.example.org", "cdn.example.org", true},
        {"a.cdn.example.org", "**.cdn.example.org", false},
        {"b.a.cdn.example.org", "**.cdn.example.org", false},
        {"a.one.org", "*.one.org", false},
        {"b.us-west-2.amazonaws.com", "b.{aws-region}.amazonaws.com", false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct host_name name = name_of(rows[i].name);
        struct policy_decision decision = policy_decide_dns(policy, &name);
        if (decision.is_allowed != (rows[i].key != NULL))
            fail_msg("%s", rows[i].name);
        assert_bytes(decision.pool_key, rows[i].key ? rows[i].key : "");
        assert_int_equal(decision.is_pool_key_exact, rows[i].is_exact);
    }
    size_t count = 0;
    const struct bytes *keys = policy_pool_keys(policy, &count);
    assert_int_equal(count, 7);
    for (size_t i = 1; i < count; i++)
        assert_true(bytes_compare(keys[i - 1], keys[i]) < 0);
    struct host_name name = name_of("git.example.com");
    assert_true(policy_decide_ssh(policy, &name, 2222).is_allowed);
    assert_int_equal(policy_decide_ssh(policy, &name, 22).reason, POLICY_PORT_DENIED);
    assert_int_equal(policy_decide_tls(policy, &name, 2222).reason, POLICY_NAME_DENIED);
    policy_free(policy);
}

static void takes_a_group_s_lines_of_the_file_s_kind(void **state)
{
    struct policy *policy = compiled("@npm\n", "", "@npm\n");
    struct host_name name = name_of("registry.example.com");
    struct policy_decision decision =
        policy_decide_http(policy, &name, 443, BYTES_LITERAL("GET"), BYTES_LITERAL("/x"));
    assert_true(decision.is_allowed);
    assert_string_equal(decision.rule->file, "groups/npm.txt");
    assert_int_equal(decision.rule->line, 1);
    name = name_of("cdn.example.com");
    assert_true(policy_decide_dns(policy, &name).is_allowed);
    name = name_of("git.example.com");
    assert_false(policy_decide_dns(policy, &name).is_allowed);
    policy_free(policy);
}

static void tells_what_a_reload_changes(void **state)
{
    struct policy *before = compiled("a.com\nb.com GET\nb.com GET\n", "g.com\n", "");
    struct policy *after = compiled("b.com:443  GET # same\nc.com\nc.com\n", "g.com\n", "d.com\n");
    struct policy_difference difference;
    policy_difference_init(&difference, before, after);
    assert_int_equal(difference.added_count, 2);
    assert_string_equal(difference.added[0], "dns d.com");
    assert_string_equal(difference.added[1], "https c.com");
    assert_int_equal(difference.removed_count, 1);
    assert_string_equal(difference.removed[0], "https a.com");
    policy_difference_done(&difference);
    policy_difference_init(&difference, before, before);
    assert_int_equal(difference.added_count + difference.removed_count, 0);
    policy_difference_done(&difference);
    policy_free(before);
    policy_free(after);
}

static void knows_fields_that_override_the_method(void **state)
{
    assert_true(policy_is_method_override(BYTES_LITERAL("X-HTTP-Method-Override")));
    assert_true(policy_is_method_override(BYTES_LITERAL("x-http-method")));
    assert_true(policy_is_method_override(BYTES_LITERAL("X-METHOD-OVERRIDE")));
    assert_false(policy_is_method_override(BYTES_LITERAL("x-http-methods")));
    assert_false(policy_is_method_override(BYTES_LITERAL("")));
}

/* The index against the matcher itself, over all pairs of small names and patterns. */
static void finds_by_index_what_the_matcher_matches(void **state)
{
    static const char *const patterns[] = {
        "a.t.org",
        "*.t.org",
        "**.t.org",
        "*.a.t.org",
        "**.a.t.org",
        "_x.t.org",
        "*._x.t.org",
        "**._x.t.org",
        "b.a.t.org",
        "t.org",
        "{aws-region}.t.org",
        "a.{aws-region}.t.org",
        "*.{aws-region}.t.org",
        "**.{aws-region}.t.org",
        "*.us-east-1.t.org",
        "us-east-1.t.org",
    };
    static const char *const labels[] = {"a", "b", "_x", "us-east-1", "eu-west-9"};
    enum { PATTERNS = sizeof(patterns) / sizeof(patterns[0]), LABELS = 5 };
    for (int p = 0; p < PATTERNS; p++) {
        struct policy *policy = compiled(patterns[p], "", "");
        struct pattern pattern;
        const char *reason;
        assert_true(pattern_parse(bytes_from_text(patterns[p]), &pattern, &reason));
        for (int i = 0; i < (LABELS + 1) * (LABELS + 1) * (LABELS + 1); i++) {
            char text[64];
            size_t length = 0;
            for (int rest = i; rest; rest /= LABELS + 1)
                if (rest % (LABELS + 1))
                    length += (size_t)snprintf(text + length, sizeof(text) - length, "%s.",
                                               labels[rest % (LABELS + 1) - 1]);
            snprintf(text + length, sizeof(text) - length, "t.org");
            struct host_name name = name_of(text);
            if (policy_decide_tls(policy, &name, 443).is_allowed !=
                pattern_matches(&pattern, &name))
                fail_msg("%s, %s", patterns[p], text);
        }
        policy_free(policy);
    }
}

static void takes_a_hundred_thousand_rules(void **state)
{
    enum { COUNT = 100000 };
    char *text = memory_new((size_t)COUNT * 64);
    size_t length = 0;
    for (int i = 0; i < COUNT; i++)
        length += (size_t)snprintf(text + length, 64, "%shost-%d.example.com GET /v1/%d\n",
                                   i % 3 ? "" : "*.", i, i);
    struct policy *policy = compiled(text, "", "");
    struct host_name name = name_of("host-50000.example.com");
    struct policy_decision decision =
        policy_decide_http(policy, &name, 443, BYTES_LITERAL("GET"), BYTES_LITERAL("/v1/50000"));
    assert_true(decision.is_allowed);
    assert_int_equal(decision.rule->line, 50001);
    name = name_of("x.host-60000.example.com");
    assert_true(policy_decide_tls(policy, &name, 443).is_allowed);
    policy_free(policy);
    free(text);
}

RUN_TESTS(cmocka_unit_test(refuses_a_rule_of_too_many_methods_or_words),
          cmocka_unit_test(refuses_too_many_rules_and_too_long_a_file),
          cmocka_unit_test(refuses_lines_with_file_line_and_reason),
          cmocka_unit_test(refuses_lines_of_ssh_dns_and_groups),
          cmocka_unit_test(refuses_an_overlong_line_and_too_many_ports),
          cmocka_unit_test(denies_everything_when_empty),
          cmocka_unit_test(decides_requests_by_name_port_method_and_path),
          cmocka_unit_test(resolves_what_any_rule_names),
          cmocka_unit_test(takes_a_group_s_lines_of_the_file_s_kind),
          cmocka_unit_test(tells_what_a_reload_changes),
          cmocka_unit_test(knows_fields_that_override_the_method),
          cmocka_unit_test(finds_by_index_what_the_matcher_matches),
          cmocka_unit_test(takes_a_hundred_thousand_rules))
