#ifndef TESTS_UNIT_TEST_H
#define TESTS_UNIT_TEST_H

/* cmocka wants these before its own header, in this order. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdbool.h>
#include <string.h>
#include <cmocka.h>

#include "base/bytes.h"

/** The bytes equal a NUL-terminated text. */
#define assert_bytes(actual, text)                                                                 \
    do {                                                                                           \
        struct bytes actual_bytes = (actual);                                                      \
        assert_int_equal(actual_bytes.length, strlen(text));                                       \
        if (actual_bytes.length)                                                                   \
            assert_memory_equal(actual_bytes.data, text, actual_bytes.length);                     \
    } while (0)

#define RUN_TESTS(...)                                                                             \
    int main(void)                                                                                 \
    {                                                                                              \
        const struct CMUnitTest tests[] = {__VA_ARGS__};                                           \
        return cmocka_run_group_tests(tests, NULL, NULL);                                          \
    }

#endif
