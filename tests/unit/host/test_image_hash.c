#include "test.h"
#include "test_folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "host/image_hash.h"

/* RFC 8032, section 7.1, test 2. */
static const char key_pem[] = "-----BEGIN PUBLIC KEY-----\n"
                              "MCowBQYDK2VwAyEAPUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=\n"
                              "-----END PUBLIC KEY-----\n";
static const char private_pem[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEIEzNCJso/5banbbDRuwRTg9bijGfNaumJNqM9u1PuKb7\n"
    "-----END PRIVATE KEY-----\n";
static const uint8_t signature[64] = {
    0x92, 0xa0, 0x09, 0xa9, 0xf0, 0xd4, 0xca, 0xb8, 0x72, 0x0e, 0x82, 0x0b, 0x5f, 0x64, 0x25, 0x40,
    0xa2, 0xb2, 0x7b, 0x54, 0x16, 0x50, 0x3f, 0x8f, 0xb3, 0x76, 0x22, 0x23, 0xeb, 0xdb, 0x69, 0xda,
    0x08, 0x5a, 0xc1, 0xe4, 0x3e, 0x15, 0x99, 0x6e, 0x45, 0x8f, 0x36, 0x13, 0xd0, 0xf1, 0x1d, 0x8c,
    0x38, 0x7b, 0x2e, 0xae, 0xb4, 0x30, 0x2a, 0xee, 0xb0, 0x0d, 0x29, 0x16, 0x12, 0xbb, 0x0c, 0x00};

static char *write_key(const char *text)
{
    struct error error;
    char *path = test_folder_path("key.pem");
    assert_true(file_write_atomic(path, bytes_from_text(text), 0600, &error));
    return path;
}

static void refuses_a_signature_of_other_bytes(void **state)
{
    struct error error = {""};
    CLEANUP_FREE char *path = write_key(key_pem);
    struct bytes good = {signature, sizeof(signature)};
    assert_false(image_hash_check_signature(BYTES_LITERAL("\x73"), good, path, &error));
    assert_false(image_hash_check_signature(BYTES_EMPTY, good, path, &error));
    assert_false(
        image_hash_check_signature(BYTES_LITERAL("\x72"), bytes_first(good, 63), path, &error));
    assert_false(image_hash_check_signature(BYTES_LITERAL("\x72"), good, "/nonexistent", &error));
}

static void accepts_the_signature_of_the_rfc(void **state)
{
    struct error error = {""};
    CLEANUP_FREE char *path = write_key(key_pem);
    struct bytes good = {signature, sizeof(signature)};
    assert_true(image_hash_check_signature(BYTES_LITERAL("\x72"), good, path, &error));
}

static void signs_as_the_rfc_does_and_with_private_keys_only(void **state)
{
    struct error error = {""};
    uint8_t made[IMAGE_HASH_SIGNATURE_BYTES];
    CLEANUP_FREE char *path = write_key(private_pem);
    assert_true(image_hash_sign(BYTES_LITERAL("\x72"), path, made, &error));
    assert_memory_equal(made, signature, sizeof(made));
    free(write_key(key_pem));
    assert_false(image_hash_sign(BYTES_LITERAL("\x72"), path, made, &error));
    assert_non_null(strstr(error.text, "no Ed25519 private key"));
}

static void refuses_another_integrity(void **state)
{
    struct error error = {""};
    /* SHA-512 of "abc", FIPS 180-2 appendix C.1. */
    static const char abc[] = "sha512-3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/"
                              "uu9RU1EI2Q86A4qmslPpUyknw==";
    assert_true(image_hash_check_integrity(BYTES_LITERAL("abc"), abc, &error));
    assert_false(image_hash_check_integrity(BYTES_LITERAL("abd"), abc, &error));
    assert_false(image_hash_check_integrity(BYTES_LITERAL("abc"), "sha1-x", &error));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_a_signature_of_other_bytes),
        cmocka_unit_test(accepts_the_signature_of_the_rfc),
        cmocka_unit_test(signs_as_the_rfc_does_and_with_private_keys_only),
        cmocka_unit_test(refuses_another_integrity),
    };
    return cmocka_run_group_tests(tests, test_folder_make, test_folder_remove);
}
