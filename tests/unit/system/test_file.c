#include "test.h"
#include "test_folder.h"

#include "base/memory.h"
#include "system/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void refuses_file_larger_than_cap(void **state)
{
    CLEANUP_FREE char *path = test_folder_path("large");
    struct error error;
    assert_true(file_write_atomic(path, BYTES_LITERAL("12345"), 0600, &error));
    struct buffer contents;
    buffer_init(&contents, 4);
    assert_false(file_read(path, &contents, &error));
    assert_non_null(strstr(error.text, "larger than 4 bytes"));
    buffer_done(&contents);
    buffer_init(&contents, 5);
    assert_true(file_read(path, &contents, &error));
    assert_bytes(buffer_bytes(&contents), "12345");
    buffer_done(&contents);
}

static void refuses_to_read_a_folder(void **state)
{
    struct buffer contents;
    buffer_init(&contents, 100);
    struct error error;
    assert_false(file_read(test_folder, &contents, &error));
    assert_non_null(strstr(error.text, "not a regular file"));
}

static void keeps_the_old_file_when_the_new_cannot_be_written(void **state)
{
    CLEANUP_FREE char *path = test_folder_path("missing/file");
    struct error error;
    assert_false(file_write_atomic(path, BYTES_LITERAL("x"), 0600, &error));
    assert_non_null(strstr(error.text, "No such file"));
}

static void replaces_with_the_mode_asked_for(void **state)
{
    CLEANUP_FREE char *path = test_folder_path("mode");
    struct error error;
    assert_true(file_write_atomic(path, BYTES_LITERAL("a"), 0644, &error));
    assert_true(file_write_atomic(path, BYTES_LITERAL("b"), 0600, &error));
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
}

static void writes_nothing_when_the_file_is_as_it_should_be(void **state)
{
    CLEANUP_FREE char *path = test_folder_path("same");
    struct error error;
    struct stat before, after;
    assert_true(file_update_atomic(path, BYTES_LITERAL("a"), 0600, &error));
    assert_int_equal(stat(path, &before), 0);
    assert_true(file_update_atomic(path, BYTES_LITERAL("a"), 0600, &error));
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_true(file_update_atomic(path, BYTES_LITERAL("b"), 0600, &error));
    assert_true(file_update_atomic(path, BYTES_LITERAL("b"), 0640, &error));
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(after.st_mode & 07777, 0640);
    struct buffer contents;
    buffer_init(&contents, 100);
    assert_true(file_read(path, &contents, &error));
    assert_true(bytes_equal_text(buffer_bytes(&contents), "b"));
    buffer_done(&contents);
}

static void copies_trees_and_keeps_what_is_there(void **state)
{
    CLEANUP_FREE char *from = test_folder_path("from/deep");
    CLEANUP_FREE char *inner = test_folder_path("from/deep/file");
    CLEANUP_FREE char *top = test_folder_path("from");
    CLEANUP_FREE char *to = test_folder_path("to");
    CLEANUP_FREE char *copied = test_folder_path("to/deep/file");
    struct error error;
    assert_true(file_make_directories(from, 0700, &error));
    assert_true(file_write_atomic(inner, BYTES_LITERAL("one"), 0640, &error));
    assert_true(file_copy_tree(top, to, &error));
    assert_int_equal(file_size(copied), 3);
    assert_true(file_write_atomic(copied, BYTES_LITERAL("mine, longer"), 0640, &error));
    assert_true(file_copy_tree(top, to, &error));
    assert_int_equal(file_size(copied), 12);
}

static void removes_only_what_killed_writers_left(void **state)
{
    static const char *const names[] = {"a.new-12", "a.new-", "a.new-1x", "b"};
    struct error error;
    for (size_t i = 0; i < 4; i++) {
        CLEANUP_FREE char *path = test_folder_path(names[i]);
        assert_true(file_write_atomic(path, BYTES_LITERAL("x"), 0600, &error));
    }
    file_remove_leftovers(test_folder);
    for (size_t i = 0; i < 4; i++) {
        CLEANUP_FREE char *path = test_folder_path(names[i]);
        assert_int_equal(file_exists(path), i > 0);
    }
}

static void removes_links_and_not_what_they_name(void **state)
{
    CLEANUP_FREE char *kept = test_folder_path("kept");
    CLEANUP_FREE char *tree = test_folder_path("tree");
    CLEANUP_FREE char *link_path = test_folder_path("tree/link");
    struct error error;
    assert_true(file_write_atomic(kept, BYTES_LITERAL("x"), 0600, &error));
    assert_true(file_make_directories(tree, 0700, &error));
    assert_int_equal(symlink(test_folder, link_path), 0);
    assert_true(file_remove_tree(tree, &error));
    assert_false(file_exists(tree));
    assert_true(file_exists(kept));
    assert_true(file_remove_tree(tree, &error));
}

RUN_TESTS(cmocka_unit_test_setup_teardown(refuses_file_larger_than_cap, test_folder_make,
                                          test_folder_remove),
          cmocka_unit_test_setup_teardown(refuses_to_read_a_folder, test_folder_make,
                                          test_folder_remove),
          cmocka_unit_test_setup_teardown(keeps_the_old_file_when_the_new_cannot_be_written,
                                          test_folder_make, test_folder_remove),
          cmocka_unit_test_setup_teardown(replaces_with_the_mode_asked_for, test_folder_make,
                                          test_folder_remove),
          cmocka_unit_test_setup_teardown(writes_nothing_when_the_file_is_as_it_should_be,
                                          test_folder_make, test_folder_remove),
          cmocka_unit_test_setup_teardown(copies_trees_and_keeps_what_is_there, test_folder_make,
                                          test_folder_remove),
          cmocka_unit_test_setup_teardown(removes_only_what_killed_writers_left, test_folder_make,
                                          test_folder_remove),
          cmocka_unit_test_setup_teardown(removes_links_and_not_what_they_name, test_folder_make,
                                          test_folder_remove))
