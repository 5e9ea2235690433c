#include "test.h"

#include "policy/path_pattern.h"

static void refuses_what_is_no_path_pattern(void **state)
{
    static const char *const rows[] = {
        "",
        "v1",
        "*",
        "/a*",
        "/*a",
        "/a/**b",
        "/**/a",
        "/a/**/b",
        "/a//b",
        "/a/../b",
        "/a/.",
        "/a/..",
        "/a%2eb",
        "/a%25b",
        "/a%5cb",
        "/a\\b",
        "/a%00",
        "/a#b",
        "/a b",
        "/\xc3\xbc",
        "/a?x=y",
        "/a?",
        "/a?service=",
        "/a?service=git-foo",
        "/a?service=git-upload-pack&x",
        "/a%2",
        "/a%zz",
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct path_pattern pattern;
        const char *reason = NULL;
        if (path_pattern_parse(bytes_from_text(rows[i]), &pattern, &reason))
            fail_msg("%s is accepted", rows[i]);
        assert_non_null(reason);
    }
}

struct row {
    const char *pattern;
    const char *target;
    bool is_match;
};

static void matches_segments_and_services(void **state)
{
    static const struct row rows[] = {
        {"/v1/messages", "/v1/messages", true},
        {"/v1/messages", "/v1/messages?beta=true", true},
        {"/v1/messages", "/v1/messages/", false},
        {"/v1/messages", "/v1/messagesx", false},
        {"/v1/messages", "/v1/message", false},
        {"/v1/messages", "/V1/messages", false},
        {"/v1/messages", "/x?/v1/messages", false},
        {"/v1/messages", "*", false},
        {"/", "/", true},
        {"/", "/a", false},
        {"/", "/?q", true},
        {"/*", "/a", true},
        {"/*", "/", false},
        {"/*", "/a/b", false},
        {"/*", "/@scope%2fname", true},
        {"/*/", "/a/", true},
        {"/*/", "/a", false},
        {"/repos/*/pulls", "/repos/x/pulls", true},
        {"/repos/*/pulls", "/repos//pulls", false},
        {"/repos/*/pulls", "/repos/x/y/pulls", false},
        {"/repos/*/*", "/repos/x/y", true},
        {"/**", "/a", true},
        {"/**", "/a/b/c", true},
        {"/**", "/", false},
        {"/v1/**", "/v1/a/b?c", true},
        {"/v1/**", "/v1/", false},
        {"/v1/**", "/v1", false},
        {"/v1/**", "/v1x/a", false},
        {"/v1/**", "/v1?/a", false},
        {"/v1/*/**", "/v1/a/b", true},
        {"/v1/*/**", "/v1/a", false},
        {"/o/r.git?service=git-upload-pack", "/o/r.git/info/refs?service=git-upload-pack", true},
        {"/o/r.git?service=git-upload-pack", "/o/r.git/git-upload-pack", true},
        {"/o/r.git?service=git-upload-pack", "/o/r.git/info/refs?service=git-receive-pack", false},
        {"/o/r.git?service=git-upload-pack", "/o/r.git/git-receive-pack", false},
        {"/o/r.git?service=git-upload-pack", "/o/r.git/git-receive-pack?service=git-upload-pack",
         false},
        {"/o/r.git?service=git-upload-pack",
         "/o/r.git/info/refs?service=git-upload-pack&service=git-receive-pack", false},
        {"/o/r.git?service=git-upload-pack",
         "/o/r.git/info/refs?service=git-receive-pack&service=git-upload-pack", false},
        {"/o/r.git?service=git-upload-pack", "/o/r.git/info/refs?service=git%2dupload-pack", false},
        {"/o/r.git?service=git-upload-pack", "/o/r.git/info/refs", false},
        {"/o/r.git?service=git-upload-pack", "/o/r.git/git-upload-pack?x", false},
        {"/o/r.git?service=git-upload-pack", "/o/r.git", false},
        {"/o/r.git?service=git-upload-pack", "/o/q.git/git-upload-pack", false},
        {"/o/r.git?service=git-upload-pack", "/o/r.git/HEAD", false},
        {"/o/**?service=git-upload-pack", "/o/r.git/git-upload-pack", true},
        {"/o/**?service=git-upload-pack", "/o/r.git/git-receive-pack?service=git-upload-pack",
         false},
        {"/o/**?service=git-upload-pack", "/o/r/info/refs?service=git-upload-pack", true},
        {"/o/*?service=git-upload-pack", "/o/r/info/refs?service=git-upload-pack", true},
        {"/**?service=git-upload-pack", "/o/r.git/git-upload-pack", true},
        {"/o/r/info/refs?service=git-upload-pack", "/o/r/info/refs?service=git-upload-pack", true},
        {"/o/r/info/refs?service=git-upload-pack", "/o/r/git-upload-pack", false},
        {"/o/r/git-upload-pack", "/o/r/git-upload-pack", true},
        {"/o/r?service=git-receive-pack", "/o/r/git-receive-pack", true},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct path_pattern pattern;
        const char *reason = "";
        if (!path_pattern_parse(bytes_from_text(rows[i].pattern), &pattern, &reason))
            fail_msg("%s: %s", rows[i].pattern, reason);
        if (path_pattern_matches(&pattern, bytes_from_text(rows[i].target)) != rows[i].is_match)
            fail_msg("%s, %s", rows[i].pattern, rows[i].target);
    }
}

static void calls_paths_ambiguous_that_servers_read_differently(void **state)
{
    static const char *const rows[] = {
        "//",        "//a",         "/a//b",     "/a//",       "/./a",       "/../a",
        "/a/./b",    "/a/../b",     "/a/.",      "/a/..",      "/.",         "/..",
        "/%2e%2e/a", "/a%2Eb",      "/a%25b",    "/a%252f",    "/a%5cb",     "/a%5Cb",
        "/a\\b",     "/a%00",       "/a\x01",    "/a\x7f",     "/\xc3\xbc",  "/a%",
        "/a%2",      "/a%g0",       "/a%u002f",  "/a/..;/b",   "/a/.;x=1/b", "/..;",
        "/%c0%af",   "/%c0%ae",     "/%C1%9c",   "/%e0%80%af", "/%e0",       "/%f0%80%80%af",
        "/a/..%2fb", "/a%2f..%2fb", "/a%2f%2fb", "/a%2f/b",    "/a/%2fb",    "/a%2f.",
        "/a b",      "/a%2f..;x",
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (path_pattern_check_target(bytes_from_text(rows[i])) != PATH_AMBIGUOUS)
            fail_msg("%s", rows[i]);
}

static void finds_other_paths_fine(void **state)
{
    static const char *const rows[] = {
        "/",      "/a",    "/a/",  "/a.b",       "/.well-known/x", "/...",
        "/a/...", "/a..b", "/..a", "/a%20b",     "/a%C3%BC",       "/a?x=/../%2e%2f//",
        "/a;x=1", "/a?\\", "*",    "/%e0%a4%a1", "/%f0%9f%98%80",  "/~a!$&'()*+,=:@-_",
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (path_pattern_check_target(bytes_from_text(rows[i])) != PATH_FINE)
            fail_msg("%s", rows[i]);
    assert_int_equal(path_pattern_check_target(BYTES_LITERAL("/@scope%2fname")),
                     PATH_HAS_ENCODED_SLASH);
    assert_int_equal(path_pattern_check_target(BYTES_LITERAL("/a/b%2Fc%2fd")),
                     PATH_HAS_ENCODED_SLASH);
    assert_int_equal(path_pattern_check_target(BYTES_LITERAL("/a%2f")), PATH_HAS_ENCODED_SLASH);
}

RUN_TESTS(cmocka_unit_test(refuses_what_is_no_path_pattern),
          cmocka_unit_test(matches_segments_and_services),
          cmocka_unit_test(calls_paths_ambiguous_that_servers_read_differently),
          cmocka_unit_test(finds_other_paths_fine))
