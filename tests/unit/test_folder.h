#ifndef TESTS_UNIT_TEST_FOLDER_H
#define TESTS_UNIT_TEST_FOLDER_H

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "system/file.h"

/** A folder of the test's own, between set-up and tear-down. */
static char test_folder[64];

static inline int test_folder_make(void **state)
{
    (void)state;
    snprintf(test_folder, sizeof(test_folder), "%s",
             "/tmp/rootcell-test-XX"
             "XX"
             "XX");
    return mkdtemp(test_folder) ? 0 : -1;
}

static inline int test_folder_remove(void **state)
{
    struct error error;
    (void)state;
    return file_remove_tree(test_folder, &error) ? 0 : -1;
}

/** The full path of a name in it, owned by the caller. */
static inline char *test_folder_path(const char *name)
{
    return memory_format("%s/%s", test_folder, name);
}

#endif
