#include "test.h"
#include "test_folder.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"
#include "host/image_ext4.h"
#include "system/child.h"
#include "system/file.h"

enum { MANY_FILES = 700, LONG_LINK = 200 };

static void fill(struct image_tree *tree)
{
    char target[LONG_LINK + 1];
    memset(target, 't', LONG_LINK);
    target[LONG_LINK] = '\0';
    image_tree_init(tree);
    image_tree_add_directory(tree, "tmp", 01777);
    image_tree_add_text(tree, "etc/secret", 0600, "secret");
    image_tree_add_text(tree, "etc/empty", 0644, "");
    image_tree_add_text(tree, "home/agent/file", 0644, "hello\n");
    image_tree_add_symlink(tree, "bin", "usr/bin");
    image_tree_add_symlink(tree, "long", target);
    /* More than one block of names in a folder. */
    for (int i = 0; i < MANY_FILES; i++) {
        CLEANUP_FREE char *path = memory_format("usr/share/many/a-rather-long-name-%04d", i);
        image_tree_add_text(tree, path, 0644, path);
    }
    uint8_t *large = memory_new(3 * 1024 * 1024 + 17);
    memset(large, 'x', 3 * 1024 * 1024 + 17);
    image_tree_keep(tree, large);
    image_tree_add_file(tree, "usr/bin/large", 0755, (struct bytes){large, 3 * 1024 * 1024 + 17});
    image_tree_set_owner(tree, "home/agent", 1000, 70000);
    image_tree_sort(tree, 1750000000);
}

static char *write_image(const char *name)
{
    struct image_tree tree;
    struct error error = {""};
    fill(&tree);
    char *path = memory_format("%s/%s", test_folder, name);
    struct image_ext4_request request = {.tree = &tree,
                                         .path = path,
                                         .label = "test",
                                         .uuid = "5d1c9f0e-3b1a-4c52-9f63-0a6f3f1f7aff",
                                         .spare_bytes = 8 * 1024 * 1024,
                                         .time_seconds = 1750000000,
                                         .has_journal = true};
    if (!image_ext4_write(&request, &error))
        fail_msg("%s", error.text);
    image_tree_done(&tree);
    return path;
}

/* What debugfs prints for a command, in a buffer of the caller's. */
static void ask(const char *image, const char *command, struct buffer *answer)
{
    struct argument_list arguments CLEANUP_ARGUMENTS;
    struct error error = {""};
    argument_list_init(&arguments);
    argument_list_add_all(&arguments, "/sbin/debugfs", "-R", command, image, NULL);
    buffer_init(answer, 8 * 1024 * 1024);
    if (!child_run_quietly(&arguments, answer, &error))
        fail_msg("%s", error.text);
}

static void assert_answer_has(const char *image, const char *command, const char *text)
{
    struct buffer answer;
    ask(image, command, &answer);
    struct bytes all = buffer_bytes(&answer);
    if (memmem(all.data, all.length, text, strlen(text)) == NULL)
        fail_msg("%s: no '%s' in: %.*s", command, text, (int)all.length, all.data);
    buffer_done(&answer);
}

static void the_checker_finds_nothing_to_mend(void **state)
{
    CLEANUP_FREE char *image = write_image("checked.img");
    struct argument_list arguments CLEANUP_ARGUMENTS;
    struct error error = {""};
    argument_list_init(&arguments);
    argument_list_add_all(&arguments, "/sbin/e2fsck", "-f", "-n", image, NULL);
    if (!child_run_quietly(&arguments, NULL, &error))
        fail_msg("%s", error.text);
}

static void files_keep_content_owner_and_mode(void **state)
{
    CLEANUP_FREE char *image = write_image("read.img");
    struct buffer content;
    ask(image, "cat /home/agent/file", &content);
    assert_bytes(buffer_bytes(&content), "hello\n");
    buffer_done(&content);
    ask(image, "cat /usr/bin/large", &content);
    assert_int_equal(buffer_length(&content), 3 * 1024 * 1024 + 17);
    buffer_done(&content);
    assert_answer_has(image, "stat /etc/secret", "Mode:  0600");
    assert_answer_has(image, "stat /tmp", "Mode:  01777");
    assert_answer_has(image, "stat /home/agent/file", "User:  1000   Group: 70000");
    assert_answer_has(image, "stat /bin", "usr/bin");
    assert_answer_has(image, "ls /usr/share/many", "a-rather-long-name-0699");
}

static void the_same_tree_gives_the_same_bytes(void **state)
{
    CLEANUP_FREE char *first = write_image("first.img");
    CLEANUP_FREE char *second = write_image("second.img");
    struct argument_list arguments CLEANUP_ARGUMENTS;
    struct error error = {""};
    argument_list_init(&arguments);
    argument_list_add_all(&arguments, "cmp", first, second, NULL);
    if (!child_run_quietly(&arguments, NULL, &error))
        fail_msg("%s", error.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_checker_finds_nothing_to_mend),
        cmocka_unit_test(files_keep_content_owner_and_mode),
        cmocka_unit_test(the_same_tree_gives_the_same_bytes),
    };
    return cmocka_run_group_tests(tests, test_folder_make, test_folder_remove);
}
