#include "test.h"

#include "base/memory.h"
#include "system/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

static int make_folder(void **state)
{
    snprintf(folder, sizeof(folder), "%s",
             "/tmp/rootcell-test-file-XX"
             "XX"
             "XX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    struct error error;
    return file_remove_tree(folder, &error) ? 0 : -1;
}

static char *path_of(const char *name)
{
    return memory_format("%s/%s", folder, name);
}

static void refuses_file_larger_than_cap(void **state)
{
    CLEANUP_FREE char *path = path_of("large");
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
    assert_false(file_read(folder, &contents, &error));
    assert_non_null(strstr(error.text, "not a regular file"));
}

static void keeps_the_old_file_when_the_new_cannot_be_written(void **state)
{
    CLEANUP_FREE char *path = path_of("missing/file");
    struct error error;
    assert_false(file_write_atomic(path, BYTES_LITERAL("x"), 0600, &error));
    assert_non_null(strstr(error.text, "No such file"));
}

static void replaces_with_the_mode_asked_for(void **state)
{
    CLEANUP_FREE char *path = path_of("mode");
    struct error error;
    assert_true(file_write_atomic(path, BYTES_LITERAL("a"), 0644, &error));
    assert_true(file_write_atomic(path, BYTES_LITERAL("b"), 0600, &error));
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
}

static void copies_trees_and_keeps_what_is_there(void **state)
{
    CLEANUP_FREE char *from = path_of("from/deep");
    CLEANUP_FREE char *inner = path_of("from/deep/file");
    CLEANUP_FREE char *top = path_of("from");
    CLEANUP_FREE char *to = path_of("to");
    CLEANUP_FREE char *copied = path_of("to/deep/file");
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
        CLEANUP_FREE char *path = path_of(names[i]);
        assert_true(file_write_atomic(path, BYTES_LITERAL("x"), 0600, &error));
    }
    file_remove_leftovers(folder);
    for (size_t i = 0; i < 4; i++) {
        CLEANUP_FREE char *path = path_of(names[i]);
        assert_int_equal(file_exists(path), i > 0);
    }
}

static void removes_links_and_not_what_they_name(void **state)
{
    CLEANUP_FREE char *kept = path_of("kept");
    CLEANUP_FREE char *tree = path_of("tree");
    CLEANUP_FREE char *link_path = path_of("tree/link");
    struct error error;
    assert_true(file_write_atomic(kept, BYTES_LITERAL("x"), 0600, &error));
    assert_true(file_make_directories(tree, 0700, &error));
    assert_int_equal(symlink(folder, link_path), 0);
    assert_true(file_remove_tree(tree, &error));
    assert_false(file_exists(tree));
    assert_true(file_exists(kept));
    assert_true(file_remove_tree(tree, &error));
}

RUN_TESTS(cmocka_unit_test_setup_teardown(refuses_file_larger_than_cap, make_folder, remove_folder),
          cmocka_unit_test_setup_teardown(refuses_to_read_a_folder, make_folder, remove_folder),
          cmocka_unit_test_setup_teardown(keeps_the_old_file_when_the_new_cannot_be_written,
                                          make_folder, remove_folder),
          cmocka_unit_test_setup_teardown(replaces_with_the_mode_asked_for, make_folder,
                                          remove_folder),
          cmocka_unit_test_setup_teardown(copies_trees_and_keeps_what_is_there, make_folder,
                                          remove_folder),
          cmocka_unit_test_setup_teardown(removes_only_what_killed_writers_left, make_folder,
                                          remove_folder),
          cmocka_unit_test_setup_teardown(removes_links_and_not_what_they_name, make_folder,
                                          remove_folder))
