#include "test.h"
#include "test_folder.h"

#include "host/image_folder.h"

#include "base/memory.h"
#include "system/file.h"
#include "system/path_exchange.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* Whether the file system is one that can; it may be none, and then both ways are the same. */
static bool can_exchange;

bool path_exchange(const char *one, const char *other)
{
    return can_exchange && renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE) == 0;
}

/* A folder with a file of that content. */
static char *make_image(const char *name, const char *content)
{
    struct error error;
    char *folder = test_folder_path(name);
    CLEANUP_FREE char *file = memory_format("%s/manifest.json", folder);
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_true(file_write_atomic(file, bytes_from_text(content), 0600, &error));
    return folder;
}

static void assert_content(const char *folder, const char *content)
{
    struct buffer text;
    struct error error;
    CLEANUP_FREE char *file = memory_format("%s/manifest.json", folder);
    buffer_init(&text, 100);
    assert_true(file_read(file, &text, &error));
    assert_bytes(buffer_bytes(&text), content);
    buffer_done(&text);
}

static void a_folder_that_is_missing_changes_nothing(void **state)
{
    struct error error;
    CLEANUP_FREE char *folder = make_image("x86_64", "old");
    CLEANUP_FREE char *finished = test_folder_path("x86_64.partial");
    for (int i = 0; i < 2; i++) {
        can_exchange = i == 0;
        assert_false(image_folder_publish(finished, folder, &error));
        assert_content(folder, "old");
    }
}

static void assert_published(const char *name)
{
    struct error error;
    CLEANUP_FREE char *folder = test_folder_path(name);
    CLEANUP_FREE char *partial = memory_format("%s.partial", name);
    CLEANUP_FREE char *old = memory_format("%s/%s.old", test_folder, name);
    const char *const contents[] = {"first", "second", "third"};
    for (int i = 0; i < 3; i++) {
        CLEANUP_FREE char *finished = make_image(partial, contents[i]);
        assert_true(image_folder_publish(finished, folder, &error));
        assert_content(folder, contents[i]);
        assert_false(file_exists(finished));
        assert_false(file_exists(old));
    }
}

static void a_finished_folder_takes_its_place_on_every_file_system(void **state)
{
    can_exchange = true;
    assert_published("one");
    can_exchange = false;
    assert_published("other");
}

RUN_TESTS(cmocka_unit_test_setup_teardown(a_folder_that_is_missing_changes_nothing,
                                          test_folder_make, test_folder_remove),
          cmocka_unit_test_setup_teardown(a_finished_folder_takes_its_place_on_every_file_system,
                                          test_folder_make, test_folder_remove))
