#include "test.h"

#include "base/base64.h"

static void check_refused(const char *text, enum base64_alphabet alphabet)
{
    struct buffer out;
    buffer_init(&out, 64);
    assert_false(base64_decode(&out, bytes_from_text(text), alphabet));
    assert_int_equal(buffer_length(&out), 0);
    buffer_done(&out);
}

static void refuses_what_is_not_the_one_text_of_some_bytes(void **state)
{
    static const char *const texts[] = {
        "A",    "AA",    "AAA",  "AA=",        "A===",      "====",  "==",
        "=",    "AB==",  "AAB=", "AA==AA==",   "AA=A",      "AAAA=", "AAAA====",
        "A A=", "AAA\n", "AA-_", "\xc3\xa4==", "AAAA\nAAA",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        check_refused(texts[i], BASE64_STANDARD);
    check_refused("AA+/", BASE64_URL);
    check_refused("A", BASE64_URL);
    check_refused("AA=", BASE64_URL);
    check_refused("AB", BASE64_URL);
    check_refused("AAB", BASE64_URL);
}

static void refuses_what_has_no_room(void **state)
{
    struct buffer out;
    buffer_init(&out, 3);
    assert_false(base64_encode(&out, BYTES_LITERAL("f"), BASE64_STANDARD));
    assert_false(base64_decode(&out, BYTES_LITERAL("Zm9vYg=="), BASE64_STANDARD));
    assert_int_equal(buffer_length(&out), 0);
    assert_true(base64_encode(&out, BYTES_LITERAL("f"), BASE64_URL));
    assert_bytes(buffer_bytes(&out), "Zg");
    buffer_done(&out);
}

static void reads_and_writes_the_vectors_of_the_rfc(void **state)
{
    static const struct {
        const char *bytes;
        const char *text;
        const char *bare;
    } vectors[] = {
        {"", "", ""},
        {"f", "Zg==", "Zg"},
        {"fo", "Zm8=", "Zm8"},
        {"foo", "Zm9v", "Zm9v"},
        {"foob", "Zm9vYg==", "Zm9vYg"},
        {"fooba", "Zm9vYmE=", "Zm9vYmE"},
        {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
        {"\xff\xef\xbe", "/+++", "_---"},
    };
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        struct buffer out;
        buffer_init(&out, 64);
        assert_true(base64_encode(&out, bytes_from_text(vectors[i].bytes), BASE64_STANDARD));
        assert_bytes(buffer_bytes(&out), vectors[i].text);
        assert_true(strlen(vectors[i].text) == base64_encoded_length(strlen(vectors[i].bytes)));
        buffer_clear(&out);
        assert_true(base64_encode(&out, bytes_from_text(vectors[i].bytes), BASE64_URL));
        assert_bytes(buffer_bytes(&out), vectors[i].bare);
        buffer_clear(&out);
        assert_true(base64_decode(&out, bytes_from_text(vectors[i].text), BASE64_STANDARD));
        assert_true(base64_decode(&out, bytes_from_text(vectors[i].bare), BASE64_URL));
        assert_int_equal(buffer_length(&out), 2 * strlen(vectors[i].bytes));
        assert_memory_equal(buffer_bytes(&out).data, vectors[i].bytes, strlen(vectors[i].bytes));
        buffer_done(&out);
    }
}

static void takes_padding_in_the_alphabet_of_addresses_too(void **state)
{
    struct buffer out;
    buffer_init(&out, 8);
    assert_true(base64_decode(&out, BYTES_LITERAL("Zm9vYg=="), BASE64_URL));
    assert_bytes(buffer_bytes(&out), "foob");
    buffer_done(&out);
}

static void gives_back_every_byte(void **state)
{
    uint8_t all[256];
    struct buffer text;
    struct buffer again;
    for (size_t i = 0; i < sizeof(all); i++)
        all[i] = (uint8_t)i;
    buffer_init(&text, 512);
    buffer_init(&again, 256);
    for (size_t length = 0; length <= sizeof(all); length++) {
        buffer_clear(&text);
        buffer_clear(&again);
        enum base64_alphabet alphabet = length % 2 ? BASE64_URL : BASE64_STANDARD;
        assert_true(base64_encode(&text, (struct bytes){all, length}, alphabet));
        assert_true(base64_decode(&again, buffer_bytes(&text), alphabet));
        assert_true(bytes_equal(buffer_bytes(&again), (struct bytes){all, length}));
    }
    buffer_done(&text);
    buffer_done(&again);
}

RUN_TESTS(cmocka_unit_test(refuses_what_is_not_the_one_text_of_some_bytes),
          cmocka_unit_test(refuses_what_has_no_room),
          cmocka_unit_test(reads_and_writes_the_vectors_of_the_rfc),
          cmocka_unit_test(takes_padding_in_the_alphabet_of_addresses_too),
          cmocka_unit_test(gives_back_every_byte))
