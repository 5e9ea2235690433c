#include "test.h"

#include "policy/pattern.h"
#include "policy/shared_zone.h"

static struct host_name name_of(const char *text)
{
    struct host_name name;
    assert_int_equal(host_name_parse(bytes_from_text(text), &name), HOST_NAME_FINE);
    return name;
}

static struct pattern pattern_of(const char *text)
{
    struct pattern pattern;
    const char *reason = "";
    if (!pattern_parse(bytes_from_text(text), &pattern, &reason))
        fail_msg("%s: %s", text, reason);
    return pattern;
}

static void refuses_what_is_no_pattern(void **state)
{
    static const char *const rows[] = {
        "",
        "*",
        "**",
        "*.",
        "**.",
        "***.a.com",
        "*.*.a.com",
        "**.*.a.com",
        "a*.b.com",
        "*a.b.com",
        "a.*.com",
        "a.**.com",
        "a.b.*",
        "*a",
        ".a.com",
        "a.com.",
        "*..com",
        "1.2.3.4",
        "*.1.2.3.4",
        "a.com:443",
        "a/b",
        "{aws-region}",
        "a.{aws-region}",
        "a.{region}.com",
        "a.{aws-region.com",
        "x{aws-region}.a.com",
        "us-east-1.{aws-region}.com",
        "US-East-1.{aws-region}.a.com",
        "{aws-region}..com",
        "a.{aws-region}.",
        "b\xc3\xbc"
        "cher.de",
        "xn--a.com",
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct pattern pattern;
        const char *reason = NULL;
        if (pattern_parse(bytes_from_text(rows[i]), &pattern, &reason))
            fail_msg("%s is accepted", rows[i]);
        assert_non_null(reason);
    }
}

struct match_row {
    const char *pattern;
    const char *name;
    bool is_match;
};

static void matches_by_whole_labels(void **state)
{
    static const struct match_row rows[] = {
        {"api.github.com", "api.github.com", true},
        {"API.github.com", "api.github.com", true},
        {"api.github.com", "xapi.github.com", false},
        {"api.github.com", "x.api.github.com", false},
        {"api.github.com", "github.com", false},
        {"api.github.com", "api.github.com.evil.org", false},
        {"*.example.com", "a.example.com", true},
        {"*.example.com", "example.com", false},
        {"*.example.com", "a.b.example.com", false},
        {"*.example.com", "aexample.com", false},
        {"*.example.com", "a.example.com.evil.org", false},
        {"*.example.com", "_a.example.com", false},
        {"*._x.example.com", "a._x.example.com", true},
        {"_dmarc.example.com", "_dmarc.example.com", true},
        {"**.example.com", "a.example.com", true},
        {"**.example.com", "c.b.a.example.com", true},
        {"**.example.com", "example.com", false},
        {"**.example.com", "aexample.com", false},
        {"**.example.com", "a._b.example.com", false},
        {"**.example.com", "_a.b.example.com", false},
        {"b.{aws-region}.a.com", "b.us-east-1.a.com", true},
        {"B.{AWS-Region}.a.com", "b.us-east-1.a.com", true},
        {"b.US-east-1.a.com", "b.us-east-1.a.com", true},
        {"b.{aws-region}.a.com", "b.us-gov-west-1.a.com", true},
        {"b.{aws-region}.a.com", "b.ap-southeast-2.a.com", true},
        {"b.{aws-region}.a.com", "b.us-east-11.a.com", false},
        {"b.{aws-region}.a.com", "b.us-1.a.com", false},
        {"b.{aws-region}.a.com", "b.usa-east-1.a.com", false},
        {"b.{aws-region}.a.com", "b.u-east-1.a.com", false},
        {"b.{aws-region}.a.com", "b.us-e4st-1.a.com", false},
        {"b.{aws-region}.a.com", "b.us-east.a.com", false},
        {"b.{aws-region}.a.com", "b.us--1.a.com", false},
        {"b.{aws-region}.a.com", "b.us-east-1-x.a.com", false},
        {"b.{aws-region}.a.com", "b.us-east-1.x.a.com", false},
        {"b.{aws-region}.a.com", "b.a.com", false},
        {"*.{aws-region}.a.com", "x.us-east-1.a.com", true},
        {"*.{aws-region}.a.com", "us-east-1.a.com", false},
        {"*.{aws-region}.a.com", "x.y.us-east-1.a.com", false},
        {"**.{aws-region}.a.com", "x.y.us-east-1.a.com", true},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct pattern pattern = pattern_of(rows[i].pattern);
        struct host_name name = name_of(rows[i].name);
        if (pattern_matches(&pattern, &name) != rows[i].is_match)
            fail_msg("%s, %s", rows[i].pattern, rows[i].name);
    }
}

static void knows_zones_of_strangers(void **state)
{
    static const char *const rows[] = {
        "*.com",
        "**.com",
        "*.uk",
        "*.co.uk",
        "**.co.jp",
        "*.org.au",
        "*.s3.amazonaws.com",
        "**.amazonaws.com",
        "*.s3.us-west-2.amazonaws.com",
        "*.s3.{aws-region}.amazonaws.com",
        "*.s3-eu-west-1.amazonaws.com",
        "*.s3-website-us-east-1.amazonaws.com",
        "**.us-east-1.amazonaws.com",
        "*.execute-api.eu-central-1.amazonaws.com",
        "*.lambda-url.us-east-1.on.aws",
        "*.cloudfront.net",
        "*.githubusercontent.com",
        "*.github.io",
        "*.herokuapp.com",
        "*.web.app",
        "*.vercel.app",
        "*.netlify.app",
        "*.workers.dev",
        "*.pages.dev",
        "*.blob.core.windows.net",
        "**.windows.net",
        "*.storage.googleapis.com",
        "**.googleapis.com",
        "*.appspot.com",
        "*.r2.dev",
        "*.ngrok.io",
        "*.ngrok-free.app",
        "*.duckdns.org",
        "{aws-region}.github.io",
        "a.{aws-region}.com",
        "*.GitHub.IO",
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct pattern pattern = pattern_of(rows[i]);
        struct bytes zone = BYTES_EMPTY;
        if (!shared_zone_is_matched(&pattern, &zone))
            fail_msg("%s", rows[i]);
        assert_true(zone.length > 0);
    }
}

static void leaves_names_of_one_owner_alone(void **state)
{
    static const char *const rows[] = {
        "github.io",
        "foo.github.io",
        "*.foo.github.io",
        "bucket.s3.amazonaws.com",
        "raw.githubusercontent.com",
        "*.example.com",
        "**.example.com",
        "*.example.co.uk",
        "*.amazonaws.com",
        "bedrock-runtime.{aws-region}.amazonaws.com",
        "*.example.test",
        "*.test",
        "**.internal",
        "*.googleapis.com",
        "storage.googleapis.com",
        "**.github.com",
        "**.pypi.org",
        "*.us-east-1.amazonaws.com",
        "com",
        "co.uk",
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct pattern pattern = pattern_of(rows[i]);
        struct bytes zone;
        if (shared_zone_is_matched(&pattern, &zone))
            fail_msg("%s", rows[i]);
    }
}

RUN_TESTS(cmocka_unit_test(refuses_what_is_no_pattern), cmocka_unit_test(matches_by_whole_labels),
          cmocka_unit_test(knows_zones_of_strangers),
          cmocka_unit_test(leaves_names_of_one_owner_alone))
