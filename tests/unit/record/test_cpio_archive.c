#include "test.h"

#include "record/cpio_archive.h"

static void says_when_the_buffer_is_full(void **state)
{
    struct buffer out;
    buffer_init(&out, 64);
    struct cpio_archive archive;
    cpio_archive_init(&archive, &out);
    assert_false(cpio_archive_add_file(&archive, "a", 0644, BYTES_LITERAL("x")));
    buffer_done(&out);
}

/* Compared with what `cpio -o -H newc --reproducible` writes for the same file, but for the
 * inode number. */
static void writes_the_header_of_a_file(void **state)
{
    struct buffer out;
    buffer_init(&out, 4096);
    struct cpio_archive archive;
    cpio_archive_init(&archive, &out);
    assert_true(cpio_archive_add_file(&archive, "etc/hi", 0600, BYTES_LITERAL("hello")));
    const char expected[] = "070701"
                            "00000001" /* inode */
                            "00008180" /* mode 0100600 */
                            "00000000" /* user */
                            "00000000" /* group */
                            "00000001" /* links */
                            "00000000" /* time */
                            "00000005" /* size */
                            "00000000" /* device */
                            "00000000"
                            "00000000" /* device that it stands for */
                            "00000000"
                            "00000007" /* name with its NUL */
                            "00000000" /* sum, unused */
                            "etc/hi\0\0\0\0hello\0\0\0";
    assert_int_equal(buffer_length(&out), sizeof(expected) - 1);
    assert_memory_equal(buffer_bytes(&out).data, expected, sizeof(expected) - 1);
    buffer_done(&out);
}

static void ends_padded_to_the_alignment(void **state)
{
    struct buffer out;
    buffer_init(&out, 4096);
    assert_true(buffer_append_text(&out, "before"));
    struct cpio_archive archive;
    cpio_archive_init(&archive, &out);
    assert_true(cpio_archive_add_directory(&archive, "etc", 0755));
    assert_true(cpio_archive_add_symlink(&archive, "etc/link", "target"));
    assert_true(cpio_archive_add_character_device(&archive, "console", 0600, 5, 1));
    assert_true(cpio_archive_finish(&archive));
    assert_int_equal((buffer_length(&out) - 6) % CPIO_ARCHIVE_ALIGNMENT, 0);
    assert_non_null(memmem(buffer_bytes(&out).data, buffer_length(&out), "TRAILER!!!", 11));
    buffer_done(&out);
}

RUN_TESTS(cmocka_unit_test(says_when_the_buffer_is_full),
          cmocka_unit_test(writes_the_header_of_a_file),
          cmocka_unit_test(ends_padded_to_the_alignment))
