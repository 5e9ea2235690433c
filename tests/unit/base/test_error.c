#include "test.h"

#include "base/error.h"

#include <errno.h>

static void gains_context_on_its_way_up(void **state)
{
    struct error error;
    assert_false(error_set_errno(&error, EACCES, "%s", "/dev/kvm"));
    assert_false(error_add_context(&error, "qemu"));
    assert_false(error_add_context(&error, "start %s VM", "firewall"));
    assert_string_equal(error.text, "start firewall VM: qemu: /dev/kvm: Permission denied");
}

static void cuts_what_is_too_long(void **state)
{
    struct error error;
    char long_text[3000];
    memset(long_text, 'x', sizeof(long_text) - 1);
    long_text[sizeof(long_text) - 1] = 0;
    error_set(&error, "%s", long_text);
    error_add_context(&error, "%s", long_text);
    assert_int_equal(strnlen(error.text, sizeof(error.text)) < sizeof(error.text), 1);
}

RUN_TESTS(cmocka_unit_test(gains_context_on_its_way_up), cmocka_unit_test(cuts_what_is_too_long))
