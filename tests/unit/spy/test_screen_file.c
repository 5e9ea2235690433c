#include "test.h"

#include "spy/screen_file.h"
#include "test_folder.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct bytes text = {(const uint8_t *)"what was said\n", 14};

static const char *path_in(const char *folder, const char *name)
{
    static char path[512];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static const char *content_of(const char *path)
{
    static char content[100];
    memset(content, 0, sizeof(content));
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    assert_true(read(fd, content, sizeof(content) - 1) >= 0);
    close(fd);
    return content;
}

static void never_overwrites_without_being_asked(void **state)
{
    struct error error;
    const char *folder = test_folder;
    const char *path = path_in(folder, "a.txt");
    assert_int_equal(screen_file_save(path, text, false, &error), SCREEN_FILE_SAVED);
    assert_int_equal(screen_file_save(path, BYTES_LITERAL("x"), false, &error), SCREEN_FILE_EXISTS);
    assert_string_equal(content_of(path), "what was said\n");
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(screen_file_save(path, BYTES_LITERAL("x"), true, &error), SCREEN_FILE_SAVED);
    assert_string_equal(content_of(path), "x");
    unlink(path);
}

static void never_follows_a_link_or_fills_what_is_no_file(void **state)
{
    struct error error;
    const char *folder = test_folder;
    char target[512];
    snprintf(target, sizeof(target), "%s", path_in(folder, "target"));
    assert_int_equal(screen_file_save(target, text, false, &error), SCREEN_FILE_SAVED);
    const char *link = path_in(folder, "link");
    assert_int_equal(symlink(target, link), 0);
    assert_int_equal(screen_file_save(link, text, false, &error), SCREEN_FILE_EXISTS);
    assert_int_equal(screen_file_save(link, BYTES_LITERAL("x"), true, &error), SCREEN_FILE_FAILED);
    unlink(link);
    assert_string_equal(content_of(target), "what was said\n");
    unlink(target);
    const char *pipe = path_in(folder, "pipe");
    assert_int_equal(mkfifo(pipe, 0600), 0);
    assert_int_equal(screen_file_save(pipe, text, true, &error), SCREEN_FILE_FAILED);
    unlink(pipe);
    assert_int_equal(screen_file_save(folder, text, true, &error), SCREEN_FILE_FAILED);
    assert_int_equal(screen_file_save(path_in(folder, "no/such"), text, false, &error),
                     SCREEN_FILE_FAILED);
}

static void proposed_names_are_harmless(void **state)
{
    char name[128];
    screen_file_name(12, BYTES_LITERAL("tool call bash"), name, sizeof(name));
    assert_string_equal(name, "call-12-tool-call-bash.txt");
    screen_file_name(12, BYTES_LITERAL("../../etc/passwd\n\x1b[2J"), name, sizeof(name));
    assert_string_equal(name, "call-12-etc-passwd-2J.txt");
    screen_file_name(7, BYTES_LITERAL("///"), name, sizeof(name));
    assert_string_equal(name, "call-7.txt");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(never_overwrites_without_being_asked),
        cmocka_unit_test(never_follows_a_link_or_fills_what_is_no_file),
        cmocka_unit_test(proposed_names_are_harmless),
    };
    return cmocka_run_group_tests(tests, test_folder_make, test_folder_remove);
}
