#include "test.h"
#include "test_folder.h"

#include "host/runtime_folder.h"

#include "base/memory.h"
#include "system/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int make_folder(void **state)
{
    return test_folder_make(state) == 0 ? setenv("XDG_RUNTIME_DIR", test_folder, 1) : -1;
}

static void refuses_a_folder_that_others_may_enter(void **state)
{
    struct error error;
    CLEANUP_FREE char *path = runtime_folder_path("/home/u/.rootcell/instances/default");
    CLEANUP_FREE char *above = memory_format("%s/rootcell", test_folder);
    assert_int_equal(mkdir(above, 0755), 0);
    assert_false(runtime_folder_make(path, &error));
    assert_non_null(strstr(error.text, "not a folder of yours alone"));
}

static void refuses_a_link_in_the_folder_s_place(void **state)
{
    struct error error;
    CLEANUP_FREE char *path = runtime_folder_path("/home/u/.rootcell/instances/default");
    CLEANUP_FREE char *above = memory_format("%s/rootcell", test_folder);
    CLEANUP_FREE char *elsewhere = memory_format("%s/elsewhere", test_folder);
    assert_int_equal(mkdir(elsewhere, 0700), 0);
    assert_int_equal(symlink(elsewhere, above), 0);
    assert_false(runtime_folder_make(path, &error));
}

static void refuses_a_path_too_long_for_sockets(void **state)
{
    struct error error;
    char path[200] = "/";
    memset(path + 1, 'x', 100);
    path[101] = '\0';
    assert_false(runtime_folder_make(path, &error));
    assert_non_null(strstr(error.text, "too long"));
}

static void gives_each_instance_a_folder_of_its_own(void **state)
{
    struct error error;
    CLEANUP_FREE char *a = runtime_folder_path("/home/u/.rootcell/instances/default");
    CLEANUP_FREE char *b = runtime_folder_path("/home/u/.rootcell/instances/work");
    assert_string_not_equal(a, b);
    assert_true(runtime_folder_make(a, &error));
    assert_true(runtime_folder_make(a, &error));
    assert_true(runtime_folder_is_ours(a, &error));
}

RUN_TESTS(cmocka_unit_test_setup_teardown(refuses_a_folder_that_others_may_enter, make_folder,
                                          test_folder_remove),
          cmocka_unit_test_setup_teardown(refuses_a_link_in_the_folder_s_place, make_folder,
                                          test_folder_remove),
          cmocka_unit_test_setup_teardown(refuses_a_path_too_long_for_sockets, make_folder,
                                          test_folder_remove),
          cmocka_unit_test_setup_teardown(gives_each_instance_a_folder_of_its_own, make_folder,
                                          test_folder_remove))
