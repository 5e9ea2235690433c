#include "test.h"

#include "host/instance_name.h"

static void refuses_names_that_lead_elsewhere(void **state)
{
    static const char *const bad[] = {
        "",
        "-x",
        "x-",
        ".",
        "..",
        "a/b",
        "/a",
        "a b",
        "A",
        "\xc3\xa9",
        "a.b",
        "a\n",
        "123456789012345678901234567890123",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct error error;
        assert_false(instance_name_check(bad[i], &error));
        assert_null(strchr(error.text, '\n'));
    }
}

static void takes_plain_names(void **state)
{
    struct error error;
    assert_true(instance_name_check("default", &error));
    assert_true(instance_name_check("a", &error));
    assert_true(instance_name_check("work-2", &error));
    assert_true(instance_name_check("12345678901234567890123456789012", &error));
}

RUN_TESTS(cmocka_unit_test(refuses_names_that_lead_elsewhere), cmocka_unit_test(takes_plain_names))
