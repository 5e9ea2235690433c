#include "firewall/address_floor.h"

#include <string.h>

struct fixed_range {
    struct address_prefix prefix;
    enum address_verdict verdict;
};

#define IPV4_RANGE(a, b, c, length, verdict)                                                       \
    {                                                                                              \
        {{[10] = 0xff, 0xff, a, b, c}, 96 + (length)}, verdict                                     \
    }
#define IPV6_RANGE(a, b, length, verdict)                                                          \
    {                                                                                              \
        {{a, b}, length}, verdict                                                                  \
    }

/* IANA special-purpose registries (RFC 6890), as far as they can lead back to us or nowhere. */
static const struct fixed_range fixed_ranges[] = {
    IPV4_RANGE(0, 0, 0, 8, ADDRESS_FORBIDDEN),      /* this network; Linux: this host */
    IPV4_RANGE(127, 0, 0, 8, ADDRESS_FORBIDDEN),    /* loopback */
    IPV4_RANGE(169, 254, 0, 16, ADDRESS_FORBIDDEN), /* link-local, cloud metadata */
    IPV4_RANGE(192, 0, 0, 24, ADDRESS_FORBIDDEN),   /* protocol assignments, DS-Lite */
    IPV4_RANGE(198, 18, 0, 15, ADDRESS_FORBIDDEN),  /* our own pool */
    IPV4_RANGE(224, 0, 0, 4, ADDRESS_FORBIDDEN),    /* multicast */
    IPV4_RANGE(240, 0, 0, 4, ADDRESS_FORBIDDEN),    /* reserved, broadcast */
    IPV4_RANGE(10, 0, 0, 8, ADDRESS_PRIVATE),
    IPV4_RANGE(172, 16, 0, 12, ADDRESS_PRIVATE),
    IPV4_RANGE(192, 168, 0, 16, ADDRESS_PRIVATE),
    IPV4_RANGE(100, 64, 0, 10, ADDRESS_PRIVATE),   /* carrier-grade NAT, overlay networks */
    IPV6_RANGE(0xfc, 0, 7, ADDRESS_PRIVATE),       /* unique local */
    IPV6_RANGE(0xfe, 0x80, 10, ADDRESS_FORBIDDEN), /* link-local */
    IPV6_RANGE(0xfe, 0xc0, 10, ADDRESS_FORBIDDEN), /* site-local, deprecated */
    IPV6_RANGE(0xff, 0, 8, ADDRESS_FORBIDDEN),     /* multicast */
    /* Local-use NAT64 (RFC 8215): where the IPv4 address stands in it, its owner decides. */
    {{{0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, 48}, ADDRESS_FORBIDDEN},
};

/* Where an IPv6 address under a prefix carries an IPv4 address. */
struct embedding {
    struct address_prefix prefix;
    size_t offset;
    uint8_t mask; /* exclusive-or of each byte */
};

static const struct embedding embeddings[] = {
    {{{0}, 96}, 12, 0},                         /* compatible; :: and ::1 too */
    {{{[8] = 0xff, 0xff}, 96}, 12, 0},          /* translated, RFC 2765 */
    {{{0x00, 0x64, 0xff, 0x9b}, 96}, 12, 0},    /* NAT64, RFC 6052 */
    {{{0x20, 0x02}, 16}, 2, 0},                 /* 6to4, RFC 3056 */
    {{{0x20, 0x01, 0x00, 0x00}, 32}, 4, 0},     /* Teredo server, RFC 4380 */
    {{{0x20, 0x01, 0x00, 0x00}, 32}, 12, 0xff}, /* Teredo client */
};

static bool prefix_contains(const struct address_prefix *prefix, const uint8_t bytes[16])
{
    unsigned whole = prefix->bits / 8;
    if (memcmp(prefix->bytes, bytes, whole) != 0)
        return false;
    unsigned rest = prefix->bits % 8;
    if (rest == 0)
        return true;
    uint8_t mask = (uint8_t)(0xff00 >> rest);
    return ((prefix->bytes[whole] ^ bytes[whole]) & mask) == 0;
}

static void map_ipv4(const uint8_t ipv4[4], uint8_t bytes[16])
{
    memset(bytes, 0, 16);
    bytes[10] = bytes[11] = 0xff;
    memcpy(bytes + 12, ipv4, 4);
}

/* The 16-byte form; false for families other than IPv4 and IPv6. */
static bool address_bytes(const struct sockaddr *address, uint8_t bytes[16])
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in ipv4;
        memcpy(&ipv4, address, sizeof(ipv4));
        map_ipv4((const uint8_t *)&ipv4.sin_addr, bytes);
        return true;
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 ipv6;
        memcpy(&ipv6, address, sizeof(ipv6));
        memcpy(bytes, &ipv6.sin6_addr, 16);
        return true;
    }
    return false;
}

static enum address_verdict worse(enum address_verdict a, enum address_verdict b)
{
    return a > b ? a : b;
}

static enum address_verdict check_bytes(const struct address_floor *floor, const uint8_t bytes[16])
{
    enum address_verdict verdict = ADDRESS_OPEN;
    for (size_t i = 0; i < sizeof(fixed_ranges) / sizeof(fixed_ranges[0]); i++)
        if (prefix_contains(&fixed_ranges[i].prefix, bytes))
            verdict = worse(verdict, fixed_ranges[i].verdict);
    for (size_t i = 0; i < floor->own_count; i++)
        if (prefix_contains(&floor->own[i], bytes))
            return ADDRESS_FORBIDDEN;
    return verdict;
}

static enum address_verdict check_embedded(const struct address_floor *floor,
                                           const uint8_t bytes[16])
{
    static const uint8_t isatap[] = {0x00, 0x00, 0x5e, 0xfe}; /* RFC 5214; first byte 0 or 2 */
    enum address_verdict verdict = ADDRESS_OPEN;
    for (size_t i = 0; i < sizeof(embeddings) / sizeof(embeddings[0]); i++) {
        if (!prefix_contains(&embeddings[i].prefix, bytes))
            continue;
        uint8_t ipv4[4];
        for (size_t j = 0; j < sizeof(ipv4); j++)
            ipv4[j] = bytes[embeddings[i].offset + j] ^ embeddings[i].mask;
        uint8_t mapped[16];
        map_ipv4(ipv4, mapped);
        verdict = worse(verdict, check_bytes(floor, mapped));
    }
    if ((bytes[8] & 0xfd) == isatap[0] && memcmp(bytes + 9, isatap + 1, 3) == 0) {
        uint8_t mapped[16];
        map_ipv4(bytes + 12, mapped);
        verdict = worse(verdict, check_bytes(floor, mapped));
    }
    return verdict;
}

bool address_floor_forbid(struct address_floor *floor, const struct sockaddr *address,
                          unsigned bits)
{
    struct address_prefix prefix = {.bits = bits + (address->sa_family == AF_INET ? 96 : 0)};
    if (!address_bytes(address, prefix.bytes) || prefix.bits > 128 ||
        floor->own_count == ADDRESS_FLOOR_OWN_MAX)
        return false;
    floor->own[floor->own_count++] = prefix;
    return true;
}

enum address_verdict address_floor_check(const struct address_floor *floor,
                                         const struct sockaddr *address)
{
    uint8_t bytes[16];
    if (!address_bytes(address, bytes))
        return ADDRESS_FORBIDDEN;
    return worse(check_bytes(floor, bytes), check_embedded(floor, bytes));
}
