#include "test.h"

#include "spy/spy_options.h"

enum { NOW_MS = 1700000000 };

static bool parse(struct spy_options *options, struct error *error, char *const *arguments)
{
    return spy_options_parse(arguments, (uint64_t)NOW_MS * 1000, options, error);
}

#define ARGUMENTS(...) ((char *[]){__VA_ARGS__, NULL})

static void refuses_what_it_does_not_know(void **state)
{
    static char *const lines[][5] = {
        {"--nothing"},
        {"-x"},
        {"--json=yes"},
        {"--session"},
        {"--since", "ever"},
        {"--since", "5"},
        {"--since", "m"},
        {"--width", "0"},
        {"--width", "wide"},
        {"--color", "blue"},
        {"--filter", "modle=x"},
        {"one", "two"},
        {"--har", "x"},
        {"export"},
        {"export", "one", "--json"},
        {"--record", "x", "file"},
        {"--tui", "--since", "5m"},
    };
    struct spy_options options;
    struct error error;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        assert_false(parse(&options, &error, lines[i]));
}

static void takes_values_in_both_forms(void **state)
{
    struct spy_options options;
    struct error error;
    assert_true(parse(&options, &error,
                      ARGUMENTS("--session", "abc", "--provider=bedrock", "--filter=in>1",
                                "--width=100", "file")));
    assert_string_equal(options.session, "abc");
    assert_string_equal(options.provider, "bedrock");
    assert_non_null(options.filter);
    assert_int_equal(options.width, 100);
    assert_string_equal(options.file, "file");
    assert_int_equal(options.mode, SPY_MODE_TEXT);
    spy_options_done(&options);
}

static void counts_since_from_now_or_takes_a_moment(void **state)
{
    struct spy_options options;
    struct error error;
    assert_true(parse(&options, &error, ARGUMENTS("--since", "10m")));
    assert_true(options.since_ms == ((uint64_t)NOW_MS - 600) * 1000);
    assert_true(parse(&options, &error, ARGUMENTS("--since", "2026-01-02T03:04:05Z")));
    assert_true(options.since_ms == UINT64_C(1767323045000));
    assert_true(parse(&options, &error, ARGUMENTS("--since", "99999d")));
    assert_true(options.since_ms == 0);
}

static void an_export_may_go_to_several_files(void **state)
{
    struct spy_options options;
    struct error error;
    assert_true(parse(&options, &error,
                      ARGUMENTS("export", "--har", "a", "--html=b", "--", "--recording")));
    assert_int_equal(options.mode, SPY_MODE_EXPORT);
    assert_string_equal(options.exports[SPY_EXPORT_HAR], "a");
    assert_string_equal(options.exports[SPY_EXPORT_HTML], "b");
    assert_null(options.exports[SPY_EXPORT_OTEL]);
    assert_string_equal(options.file, "--recording");
}

static void a_dash_is_standard_input(void **state)
{
    struct spy_options options;
    struct error error;
    assert_true(parse(&options, &error, ARGUMENTS("-")));
    assert_null(options.file);
}

RUN_TESTS(cmocka_unit_test(refuses_what_it_does_not_know),
          cmocka_unit_test(takes_values_in_both_forms),
          cmocka_unit_test(counts_since_from_now_or_takes_a_moment),
          cmocka_unit_test(an_export_may_go_to_several_files),
          cmocka_unit_test(a_dash_is_standard_input))
