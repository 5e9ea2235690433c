#include "../test.h"

#include "system/tls_memory.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>

static bool is_in_slots(const void *block, const void *first)
{
    size_t distance = (size_t)((uintptr_t)block - (uintptr_t)first);
    return distance < (size_t)TLS_MEMORY_SLOTS * TLS_MEMORY_SLOT_BYTES;
}

static void never_hands_out_a_slot_twice(void **state)
{
    static uint8_t *blocks[TLS_MEMORY_SLOTS + 2];
    size_t count = sizeof(blocks) / sizeof(blocks[0]);
    for (size_t i = 0; i < count; i++) {
        blocks[i] = tls_memory_allocate(TLS_MEMORY_SLOT_BYTES);
        assert_non_null(blocks[i]);
        memcpy(blocks[i], &i, sizeof(i));
        memcpy(blocks[i] + TLS_MEMORY_SLOT_BYTES - sizeof(i), &i, sizeof(i));
    }
    assert_false(is_in_slots(blocks[count - 1], blocks[0])); /* all are taken: malloc's */
    for (size_t i = 0; i < count; i++) {
        assert_memory_equal(blocks[i], &i, sizeof(i));
        assert_memory_equal(blocks[i] + TLS_MEMORY_SLOT_BYTES - sizeof(i), &i, sizeof(i));
        tls_memory_release(blocks[i]);
    }
    for (size_t i = 0; i < count; i++)
        blocks[i] = tls_memory_allocate(TLS_MEMORY_BLOCK_MIN);
    for (size_t i = 0; i + 1 < count; i++)
        assert_ptr_not_equal(blocks[i], blocks[i + 1]);
    for (size_t i = 0; i < count; i++)
        tls_memory_release(blocks[i]);
}

static void gives_the_latest_slot_first(void **state)
{
    void *first = tls_memory_allocate(TLS_MEMORY_BLOCK_MIN);
    void *second = tls_memory_allocate(TLS_MEMORY_BLOCK_MIN);
    tls_memory_release(first);
    tls_memory_release(second);
    assert_ptr_equal(tls_memory_allocate(TLS_MEMORY_BLOCK_MIN), second);
    assert_ptr_equal(tls_memory_allocate(TLS_MEMORY_BLOCK_MIN), first);
    tls_memory_release(first);
    tls_memory_release(second);
}

static void leaves_small_and_larger_blocks_to_malloc(void **state)
{
    void *slot = tls_memory_allocate(TLS_MEMORY_BLOCK_MIN);
    size_t sizes[] = {1, TLS_MEMORY_BLOCK_MIN - 1, TLS_MEMORY_SLOT_BYTES + 1};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        void *block = tls_memory_allocate(sizes[i]);
        assert_false(is_in_slots(block, slot));
        free(block);
    }
    tls_memory_release(slot);
}

static void keeps_the_contents_when_a_block_grows_out_of_its_slot(void **state)
{
    uint8_t *block = tls_memory_allocate(TLS_MEMORY_BLOCK_MIN);
    memset(block, 'a', TLS_MEMORY_SLOT_BYTES);
    assert_ptr_equal(tls_memory_resize(block, TLS_MEMORY_SLOT_BYTES), block);
    uint8_t *larger = tls_memory_resize(block, 2 * TLS_MEMORY_SLOT_BYTES);
    assert_ptr_not_equal(larger, block);
    for (size_t i = 0; i < TLS_MEMORY_SLOT_BYTES; i++)
        assert_int_equal(larger[i], 'a');
    tls_memory_release(larger);
    assert_null(tls_memory_resize(tls_memory_resize(NULL, TLS_MEMORY_BLOCK_MIN), 0));
    tls_memory_release(NULL);
}

/* A block for each connection, thrice over; and where there is none left, no key is made. */
static void has_room_for_the_keys_of_all_connections_and_makes_no_key_elsewhere(void **state)
{
    enum { CONNECTIONS = 2048 + 512, BLOCKS_MAX = 2 * TLS_MEMORY_KEYS_BYTES / 32 };
    static void *blocks[BLOCKS_MAX];
    size_t count = 0;
    assert_true(tls_memory_keep_keys_apart());
    while (count < BLOCKS_MAX &&
           (blocks[count] = OPENSSL_secure_malloc(TLS_MEMORY_KEY_BLOCK_BYTES)) != NULL) {
        assert_true(CRYPTO_secure_allocated(blocks[count]));
        count++;
    }
    assert_in_range(count, 3 * CONNECTIONS, TLS_MEMORY_KEYS_BYTES / TLS_MEMORY_KEY_BLOCK_BYTES);
    assert_null(EVP_PKEY_Q_keygen(NULL, NULL, "X25519"));
    ERR_clear_error();
    while (count > 0)
        OPENSSL_secure_free(blocks[--count]);
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
    assert_non_null(key);
    EVP_PKEY_free(key);
}

RUN_TESTS(cmocka_unit_test(has_room_for_the_keys_of_all_connections_and_makes_no_key_elsewhere),
          cmocka_unit_test(gives_the_latest_slot_first),
          cmocka_unit_test(never_hands_out_a_slot_twice),
          cmocka_unit_test(leaves_small_and_larger_blocks_to_malloc),
          cmocka_unit_test(keeps_the_contents_when_a_block_grows_out_of_its_slot))
