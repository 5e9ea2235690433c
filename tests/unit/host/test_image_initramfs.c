#include "test.h"

#include "host/image_initramfs.h"

#define MODULES "usr/lib/modules/6.1/"

static struct image_tree new_system(void)
{
    struct image_tree system;
    image_tree_init(&system);
    image_tree_add_text(&system, MODULES "modules.dep", 0644,
                        "kernel/virtio.ko: kernel/virtio_ring.ko\n"
                        "kernel/virtio_ring.ko:\n"
                        "kernel/virtio-rng.ko: kernel/virtio.ko kernel/virtio_ring.ko\n"
                        "kernel/gone.ko:\n");
    image_tree_add_text(&system, MODULES "modules.builtin", 0644, "kernel/fs/ext4.ko\n");
    image_tree_add_text(&system, MODULES "kernel/virtio.ko", 0644, "v");
    image_tree_add_text(&system, MODULES "kernel/virtio_ring.ko", 0644, "r");
    image_tree_add_text(&system, MODULES "kernel/virtio-rng.ko", 0644, "n");
    image_tree_sort(&system, 1);
    return system;
}

static void refuses_modules_that_are_not_there(void **state)
{
    static const char *const bad[] = {"nonsense\n", "gone\n"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct image_tree system = new_system();
        struct image_tree initramfs;
        struct error error = {""};
        image_tree_init(&initramfs);
        assert_false(image_initramfs_add_modules(&initramfs, &system, "6.1",
                                                 bytes_from_text(bad[i]), &error));
        image_tree_done(&initramfs);
        image_tree_done(&system);
    }
}

static void lists_each_module_once_behind_those_it_needs(void **state)
{
    struct image_tree system = new_system();
    struct image_tree initramfs;
    struct error error = {""};
    image_tree_init(&initramfs);
    assert_true(image_initramfs_add_modules(
        &initramfs, &system, "6.1",
        bytes_from_text("# comment\nvirtio_rng\next4  # built in\n\nvirtio\n"), &error));
    image_tree_sort(&initramfs, 1);
    assert_bytes(image_tree_find(&initramfs, "modules/list")->content,
                 "/modules/virtio_ring.ko\n/modules/virtio.ko\n/modules/virtio_rng.ko\n");
    assert_bytes(image_tree_find(&initramfs, "modules/virtio_rng.ko")->content, "n");
    image_tree_done(&initramfs);
    image_tree_done(&system);
}

static void puts_files_below_usr_and_refuses_missing_ones(void **state)
{
    struct image_tree system;
    struct image_tree initramfs;
    struct error error = {""};
    image_tree_init(&system);
    image_tree_init(&initramfs);
    image_tree_add_symlink(&system, "lib64/ld-linux-x86-64.so.2", "/lib/x86_64-linux-gnu/ld.so");
    image_tree_add_text(&system, "lib/x86_64-linux-gnu/ld.so", 0755, "loader");
    image_tree_sort(&system, 1);
    assert_true(image_initramfs_add_files(
        &initramfs, &system, "x86_64", bytes_from_text("@LOADER@\nlib/@TRIPLE@/ld.so\n"), &error));
    assert_false(image_initramfs_add_files(&initramfs, &system, "x86_64",
                                           bytes_from_text("bin/none\n"), &error));
    image_tree_sort(&initramfs, 1);
    assert_bytes(image_tree_find(&initramfs, "usr/lib64/ld-linux-x86-64.so.2")->content, "loader");
    assert_non_null(image_tree_find(&initramfs, "usr/lib/x86_64-linux-gnu/ld.so"));
    image_tree_done(&initramfs);
    image_tree_done(&system);
}

RUN_TESTS(cmocka_unit_test(refuses_modules_that_are_not_there),
          cmocka_unit_test(lists_each_module_once_behind_those_it_needs),
          cmocka_unit_test(puts_files_below_usr_and_refuses_missing_ones))
