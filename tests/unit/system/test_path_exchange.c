#include "test.h"
#include "test_folder.h"

#include "system/path_exchange.h"

#include <sys/stat.h>

static ino_t number_of(const char *path)
{
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    return status.st_ino;
}

static void a_missing_path_changes_nothing(void **state)
{
    CLEANUP_FREE char *one = test_folder_path("one");
    CLEANUP_FREE char *missing = test_folder_path("missing");
    assert_int_equal(mkdir(one, 0700), 0);
    ino_t number = number_of(one);
    assert_false(path_exchange(one, missing));
    assert_false(path_exchange(missing, one));
    assert_int_equal(number_of(one), number);
}

/* Not every file system can. */
static void two_folders_change_places_or_stay_where_they_are(void **state)
{
    CLEANUP_FREE char *one = test_folder_path("a");
    CLEANUP_FREE char *other = test_folder_path("b");
    assert_int_equal(mkdir(one, 0700), 0);
    assert_int_equal(mkdir(other, 0700), 0);
    ino_t first = number_of(one), second = number_of(other);
    bool is_done = path_exchange(one, other);
    assert_int_equal(number_of(one), is_done ? second : first);
    assert_int_equal(number_of(other), is_done ? first : second);
}

RUN_TESTS(cmocka_unit_test_setup_teardown(a_missing_path_changes_nothing, test_folder_make,
                                          test_folder_remove),
          cmocka_unit_test_setup_teardown(two_folders_change_places_or_stay_where_they_are,
                                          test_folder_make, test_folder_remove))
