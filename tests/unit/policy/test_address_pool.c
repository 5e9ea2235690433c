#include "test.h"

#include "policy/address_pool.h"

#include <stdio.h>

enum { NETWORK = 0xc6120000, PREFIX = 15 };

static uint32_t address_of(const struct address_pool *pool, const char *key)
{
    uint32_t address = 0;
    assert_true(address_pool_address(pool, bytes_from_text(key), &address));
    return address;
}

static void knows_no_address_of_a_key_out_of_force(void **state)
{
    struct address_pool *pool = address_pool_new(NETWORK, PREFIX);
    struct bytes keys[] = {BYTES_LITERAL("a.com"), BYTES_LITERAL("b.com")};
    uint32_t address = 0;
    assert_int_equal(address_pool_update(pool, keys, 2, 0), 0);
    uint32_t of_a = address_of(pool, "a.com");
    assert_false(address_pool_address(pool, BYTES_LITERAL("c.com"), &address));
    assert_int_equal(address_pool_update(pool, keys + 1, 1, 1000), 0);
    assert_false(address_pool_address(pool, keys[0], &address));
    assert_int_equal(address_pool_key(pool, of_a).length, 0);
    assert_int_equal(address_pool_key(pool, NETWORK).length, 0);
    assert_int_equal(address_pool_key(pool, NETWORK - 1).length, 0);
    assert_int_equal(address_pool_key(pool, NETWORK + (1U << 17)).length, 0);
    assert_bytes(address_pool_key(pool, address_of(pool, "b.com")), "b.com");
    address_pool_free(pool);
}

static void holds_a_released_address_for_ten_minutes(void **state)
{
    /* Two usable addresses: what one key gives up is the only one for the next. */
    struct address_pool *pool = address_pool_new(NETWORK, 30);
    struct bytes before[] = {BYTES_LITERAL("a"), BYTES_LITERAL("b")};
    struct bytes after[] = {BYTES_LITERAL("b"), BYTES_LITERAL("c")};
    assert_int_equal(address_pool_update(pool, before, 2, 1000), 0);
    uint32_t of_a = address_of(pool, "a");
    assert_int_equal(address_pool_update(pool, after, 2, 2000), 1);
    assert_int_equal(address_pool_update(pool, after, 2, 2000 + ADDRESS_POOL_HOLD_MS - 1), 1);
    assert_int_equal(address_pool_update(pool, after, 2, 2000 + ADDRESS_POOL_HOLD_MS), 0);
    assert_int_equal(address_of(pool, "c"), of_a);
    address_pool_free(pool);
}

static void gives_a_key_that_comes_back_its_old_address(void **state)
{
    struct address_pool *pool = address_pool_new(NETWORK, 30);
    struct bytes keys[] = {BYTES_LITERAL("a"), BYTES_LITERAL("b")};
    assert_int_equal(address_pool_update(pool, keys, 2, 0), 0);
    uint32_t of_a = address_of(pool, "a");
    assert_int_equal(address_pool_update(pool, keys + 1, 1, 10), 0);
    assert_int_equal(address_pool_update(pool, keys, 2, 20), 0);
    assert_int_equal(address_of(pool, "a"), of_a);
    address_pool_free(pool);
}

enum { MANY = 10000 };

static void gives_every_key_its_own_address_the_same_after_a_restart(void **state)
{
    static char texts[MANY][32];
    static struct bytes keys[MANY];
    for (int i = 0; i < MANY; i++) {
        snprintf(texts[i], sizeof(texts[i]), "host-%05d.example.com", i);
        keys[i] = bytes_from_text(texts[i]);
    }
    struct address_pool *pool = address_pool_new(NETWORK, PREFIX);
    struct address_pool *again = address_pool_new(NETWORK, PREFIX);
    assert_int_equal(address_pool_update(pool, keys, MANY, 0), 0);
    assert_int_equal(address_pool_update(again, keys, MANY, 99), 0);
    assert_int_equal(address_pool_update(again, keys, MANY, 100), 0);
    for (int i = 0; i < MANY; i++) {
        uint32_t address = address_of(pool, texts[i]);
        assert_true(address > NETWORK && address < NETWORK + (1U << 17) - 1);
        assert_bytes(address_pool_key(pool, address), texts[i]);
        assert_int_equal(address_of(again, texts[i]), address);
    }
    address_pool_free(pool);
    address_pool_free(again);
}

static void survives_every_key_changing(void **state)
{
    struct address_pool *pool = address_pool_new(NETWORK, 24);
    char texts[200][16];
    struct bytes keys[200];
    for (uint64_t round = 0; round < 20; round++) {
        for (int i = 0; i < 200; i++) {
            snprintf(texts[i], sizeof(texts[i]), "%02d-%03d", (int)round, i);
            keys[i] = bytes_from_text(texts[i]);
        }
        /* The round before still holds its 200 of the 254; the one before that is gone. */
        size_t left_out = address_pool_update(pool, keys, 200, round * ADDRESS_POOL_HOLD_MS);
        assert_int_equal(left_out, round ? 146 : 0);
        left_out = address_pool_update(pool, keys, 200,
                                       round * ADDRESS_POOL_HOLD_MS + ADDRESS_POOL_HOLD_MS);
        assert_int_equal(left_out, 0);
        for (int i = 0; i < 200; i++)
            assert_bytes(address_pool_key(pool, address_of(pool, texts[i])), texts[i]);
    }
    address_pool_free(pool);
}

RUN_TESTS(cmocka_unit_test(knows_no_address_of_a_key_out_of_force),
          cmocka_unit_test(holds_a_released_address_for_ten_minutes),
          cmocka_unit_test(gives_a_key_that_comes_back_its_old_address),
          cmocka_unit_test(gives_every_key_its_own_address_the_same_after_a_restart),
          cmocka_unit_test(survives_every_key_changing))
