#include "test.h"

#include "host/image_tree.h"

static void adds_missing_parents_and_keeps_the_last_of_equal_paths(void **state)
{
    struct image_tree tree;
    image_tree_init(&tree);
    image_tree_add_text(&tree, "etc/apt/sources.list", 0644, "old");
    image_tree_add_text(&tree, "etc-other", 0644, "x");
    image_tree_add_text(&tree, "etc/apt/sources.list", 0600, "new");
    image_tree_sort(&tree, 1000);
    assert_int_equal(tree.count, 4);
    assert_string_equal(tree.nodes[0].path, "etc");
    assert_string_equal(tree.nodes[1].path, "etc/apt");
    assert_string_equal(tree.nodes[2].path, "etc/apt/sources.list");
    assert_bytes(tree.nodes[2].content, "new");
    assert_int_equal(tree.nodes[2].mode, 0600);
    assert_int_equal(tree.nodes[2].time_seconds, 1000);
    assert_string_equal(tree.nodes[3].path, "etc-other");
    assert_null(image_tree_find(&tree, "etc/apt/none"));
    image_tree_done(&tree);
}

static void follows_links_as_the_guest_would(void **state)
{
    struct image_tree tree;
    image_tree_init(&tree);
    image_tree_add_symlink(&tree, "lib", "usr/lib");
    image_tree_add_symlink(&tree, "usr/lib/libx.so.1", "libx.so.1.2");
    image_tree_add_text(&tree, "usr/lib/libx.so.1.2", 0644, "library");
    image_tree_add_symlink(&tree, "usr/lib/up", "../../etc/file");
    image_tree_add_text(&tree, "etc/file", 0644, "up");
    image_tree_add_symlink(&tree, "loop", "loop");
    image_tree_add_symlink(&tree, "absolute", "/etc/file");
    image_tree_sort(&tree, 1);
    assert_bytes(image_tree_resolve(&tree, "lib/libx.so.1")->content, "library");
    assert_bytes(image_tree_resolve(&tree, "usr/lib/up")->content, "up");
    assert_bytes(image_tree_resolve(&tree, "absolute")->content, "up");
    assert_int_equal(image_tree_resolve(&tree, "loop")->type, TAR_SYMLINK);
    assert_null(image_tree_resolve(&tree, "lib/none"));
    image_tree_done(&tree);
}

static void takes_out_a_folder_but_not_its_neighbour(void **state)
{
    struct image_tree tree;
    image_tree_init(&tree);
    image_tree_add_text(&tree, "a/b/c", 0644, "1");
    image_tree_add_text(&tree, "a/bc", 0644, "2");
    image_tree_remove(&tree, "a/b");
    image_tree_set_owner(&tree, "a", 1000, 1001);
    image_tree_sort(&tree, 1);
    assert_null(image_tree_find(&tree, "a/b/c"));
    assert_int_equal(image_tree_find(&tree, "a/bc")->user, 1000);
    image_tree_done(&tree);
}

RUN_TESTS(cmocka_unit_test(adds_missing_parents_and_keeps_the_last_of_equal_paths),
          cmocka_unit_test(follows_links_as_the_guest_would),
          cmocka_unit_test(takes_out_a_folder_but_not_its_neighbour))
