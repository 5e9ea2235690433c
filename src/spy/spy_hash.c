#include "spy/spy_hash.h"

#include <string.h>

static uint64_t key[2];

struct state {
    uint64_t a, b, c, d;
};

static uint64_t rotate(uint64_t value, unsigned bits)
{
    return value << bits | value >> (64 - bits);
}

static void mix(struct state *state, int rounds)
{
    for (int i = 0; i < rounds; i++) {
        state->a += state->b;
        state->b = rotate(state->b, 13) ^ state->a;
        state->a = rotate(state->a, 32);
        state->c += state->d;
        state->d = rotate(state->d, 16) ^ state->c;
        state->a += state->d;
        state->d = rotate(state->d, 21) ^ state->a;
        state->c += state->b;
        state->b = rotate(state->b, 17) ^ state->c;
        state->c = rotate(state->c, 32);
    }
}

static void take(struct state *state, uint64_t word)
{
    state->d ^= word;
    mix(state, 2);
    state->a ^= word;
}

static uint64_t word_of(struct bytes bytes)
{
    uint64_t word = 0;
    for (size_t i = 0; i < bytes.length && i < 8; i++)
        word |= (uint64_t)bytes.data[i] << 8 * i;
    return word;
}

void spy_hash_set_key(uint64_t first, uint64_t second)
{
    key[0] = first;
    key[1] = second;
}

uint64_t spy_hash(struct bytes bytes)
{
    struct state state = {key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d,
                          key[0] ^ 0x6c7967656e657261, key[1] ^ 0x7465646279746573};
    uint64_t length = (uint64_t)bytes.length << 56;
    while (bytes.length >= 8) {
        take(&state, word_of(bytes));
        bytes = bytes_from(bytes, 8);
    }
    take(&state, length | word_of(bytes));
    state.c ^= 0xff;
    mix(&state, 4);
    return state.a ^ state.b ^ state.c ^ state.d;
}

uint64_t spy_hash_of(const uint64_t *hashes, size_t count)
{
    uint8_t bytes[16 * sizeof(uint64_t)];
    size_t length = 0;
    for (size_t i = 0; i < count && length < sizeof(bytes); i++, length += sizeof(hashes[0]))
        memcpy(bytes + length, &hashes[i], sizeof(hashes[0]));
    return spy_hash((struct bytes){bytes, length});
}
