#include "firewall/own_addresses.h"

#include <errno.h>
#include <ifaddrs.h>
#include <string.h>

#include "firewall/address_floor.h"

enum { USER_NETWORK = 0x0a0002 /* 10.0.2.0/24, QEMU's */ };

static unsigned bits_of(const uint8_t *mask, size_t length)
{
    unsigned bits = 0;
    for (size_t i = 0; i < length; i++)
        bits += (unsigned)__builtin_popcount(mask[i]);
    return bits;
}

static bool is_private(uint32_t address)
{
    return address >> 24 == 10 || address >> 20 == 0xac1 || address >> 16 == 0xc0a8 ||
           address >> 22 == 0x191;
}

static bool is_user_network(uint32_t address, uint32_t netmask, uint32_t resolver)
{
    return address >> 8 == USER_NETWORK ||
           (is_private(resolver) && (resolver & netmask) == (address & netmask));
}

static void read_ipv4(const struct ifaddrs *entry, uint32_t resolver, struct own_address *own)
{
    struct sockaddr_in address, mask = {.sin_addr.s_addr = UINT32_MAX};
    memcpy(&address, entry->ifa_addr, sizeof(address));
    if (entry->ifa_netmask)
        memcpy(&mask, entry->ifa_netmask, sizeof(mask));
    own->is_ipv4 = true;
    own->address.s6_addr[10] = own->address.s6_addr[11] = 0xff;
    memcpy(own->address.s6_addr + 12, &address.sin_addr, 4);
    own->bits = bits_of((const uint8_t *)&mask.sin_addr, 4);
    own->is_network_closed =
        is_user_network(ntohl(address.sin_addr.s_addr), ntohl(mask.sin_addr.s_addr), resolver);
}

static void read_ipv6(const struct ifaddrs *entry, struct own_address *own)
{
    struct sockaddr_in6 address, mask;
    memset(&mask, 0xff, sizeof(mask));
    memcpy(&address, entry->ifa_addr, sizeof(address));
    if (entry->ifa_netmask)
        memcpy(&mask, entry->ifa_netmask, sizeof(mask));
    own->address = address.sin6_addr;
    own->bits = bits_of(mask.sin6_addr.s6_addr, 16);
}

static bool is_of_interest(const struct ifaddrs *entry)
{
    const struct sockaddr *address = entry->ifa_addr;
    if (address == NULL || (address->sa_family != AF_INET && address->sa_family != AF_INET6))
        return false;
    struct sockaddr_in ipv4;
    memcpy(&ipv4, address, sizeof(ipv4));
    if (address->sa_family == AF_INET)
        return ntohl(ipv4.sin_addr.s_addr) >> 24 != IN_LOOPBACKNET;
    struct address_floor fixed = {.own_count = 0};
    return address_floor_check(&fixed, address) != ADDRESS_FORBIDDEN;
}

bool own_addresses_read(const struct options *options, struct own_addresses *own_out,
                        struct error *error)
{
    const struct sockaddr_in *dns = (const struct sockaddr_in *)&options->upstream_dns;
    struct ifaddrs *interfaces = NULL;
    if (getifaddrs(&interfaces) != 0)
        return error_set_errno(error, errno, "own addresses");
    struct own_addresses found;
    memset(&found, 0, sizeof(found)); /* padding too: they are compared as memory */
    bool is_good = true;
    for (const struct ifaddrs *entry = interfaces; entry && is_good; entry = entry->ifa_next) {
        if (!is_of_interest(entry))
            continue;
        is_good = found.count < OWN_ADDRESSES_MAX ||
                  error_set(error, "more than %d addresses on this machine", OWN_ADDRESSES_MAX);
        if (!is_good)
            break;
        struct own_address *own = &found.list[found.count++];
        if (entry->ifa_addr->sa_family == AF_INET)
            read_ipv4(entry, ntohl(dns->sin_addr.s_addr), own);
        else
            read_ipv6(entry, own);
        own->is_link = strcmp(entry->ifa_name, options->agent_interface) == 0;
        own->is_network_closed = own->is_network_closed || own->is_link;
    }
    freeifaddrs(interfaces);
    if (is_good)
        *own_out = found;
    return is_good;
}

uint32_t own_address_ipv4(const struct own_address *own)
{
    uint32_t address;
    memcpy(&address, own->address.s6_addr + 12, sizeof(address));
    return ntohl(address);
}

bool own_addresses_equal(const struct own_addresses *a, const struct own_addresses *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}
