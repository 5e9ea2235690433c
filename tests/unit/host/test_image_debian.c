#include "test.h"

#include "host/image_debian.h"

static void needs_a_source(void **state)
{
    struct image_tree system;
    struct buffer sources;
    struct buffer group;
    struct error error = {""};
    image_tree_init(&system);
    buffer_init(&sources, 4096);
    buffer_init(&group, 4096);
    image_tree_add_text(&system, "etc/apt/sources.list", 0644, "# deb https://packages.test x y\n");
    image_tree_sort(&system, 1);
    assert_false(image_debian_read_sources(&system, &sources, &group, &error));
    buffer_done(&sources);
    buffer_done(&group);
    image_tree_done(&system);
}

static void turns_sources_into_https_and_one_rule_a_place(void **state)
{
    struct image_tree system;
    struct buffer sources;
    struct buffer group;
    struct error error = {""};
    image_tree_init(&system);
    buffer_init(&sources, 4096);
    buffer_init(&group, 4096);
    image_tree_add_text(
        &system, "etc/apt/sources.list", 0644,
        "deb http://packages.invalid/debian/ bookworm main\n"
        "deb [signed-by=/x y] https://packages.invalid/debian bookworm-updates main\n"
        "deb-src http://packages.invalid/debian bookworm main\n"
        "deb cdrom:[x] bookworm main\n");
    image_tree_sort(&system, 1);
    assert_true(image_debian_read_sources(&system, &sources, &group, &error));
    assert_bytes(buffer_bytes(&sources),
                 "deb https://packages.invalid/debian/ bookworm main\n"
                 "deb https://packages.invalid/debian bookworm-updates main\n");
    assert_bytes(buffer_bytes(&group), "https packages.invalid GET,HEAD /debian/**\n");
    buffer_done(&sources);
    buffer_done(&group);
    image_tree_done(&system);
}

static void lists_names_and_versions_of_packages(void **state)
{
    struct image_tree system;
    struct manifest manifest;
    struct error error = {""};
    image_tree_init(&system);
    manifest_init(&manifest);
    image_tree_add_text(&system, "var/lib/dpkg/status", 0644,
                        "Package: bash\nStatus: install ok installed\nVersion: 5.2\n\n"
                        "Package: zsh\nVersion: 5.9\n");
    image_tree_sort(&system, 1);
    assert_true(image_debian_list_packages(&system, &manifest, &error));
    assert_int_equal(manifest.package_count, 2);
    assert_string_equal(manifest.packages[1].name, "zsh");
    assert_string_equal(manifest.packages[1].version, "5.9");
    manifest_done(&manifest);
    image_tree_done(&system);
}

RUN_TESTS(cmocka_unit_test(needs_a_source),
          cmocka_unit_test(turns_sources_into_https_and_one_rule_a_place),
          cmocka_unit_test(lists_names_and_versions_of_packages))
