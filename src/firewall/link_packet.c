#include "firewall/link_packet.h"

#include <assert.h>
#include <string.h>

#include "base/check.h"
#include "base/reader.h"

enum {
    ETHERNET_IPV4 = 0x0800,
    ETHERNET_ARP = 0x0806,
    ETHERNET_IPV6 = 0x86dd,
    PROTOCOL_ICMP = 1,
    PROTOCOL_TCP = 6,
    PROTOCOL_UDP = 17,
    PORT_DNS = 53,
    PACKET_OUTGOING_TYPE = 4, /* linux/if_packet.h */
    CAPTURED_BYTES = 64,
};

void link_packet_write_filter(const struct link_packet_view *view,
                              struct sock_filter filter[LINK_PACKET_FILTER_LENGTH])
{
    /* Jumps count instructions to skip, so the lines are numbered: 21 drops, 22 passes. */
    const struct sock_filter program[LINK_PACKET_FILTER_LENGTH] = {
        /* 0 */ BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE)),
        /* 1 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING_TYPE, 19, 0),
        /* 2 */ BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PROTOCOL)),
        /* 3 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETHERNET_ARP, 17, 0),
        /* 4 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETHERNET_IPV4, 0, 17),
        /* 5: version and header length; options pass */ BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
        /* 6 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x45, 0, 15),
        /* 7: fragments pass */ BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 6),
        /* 8 */ BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x3fff, 13, 0),
        /* 9: sources of other networks pass */ BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 12),
        /* 10 */ BPF_STMT(BPF_ALU | BPF_AND | BPF_K, view->netmask),
        /* 11 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, view->address & view->netmask, 0, 10),
        /* 12 */ BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),
        /* 13 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PROTOCOL_TCP, 0, 4),
        /* 14: SYN without ACK passes */ BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 20 + 13),
        /* 15 */ BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x12),
        /* 16 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x02, 5, 4),
        /* 17, never reached */ BPF_STMT(BPF_RET | BPF_K, 0),
        /* 18 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PROTOCOL_UDP, 0, 3),
        /* 19 */ BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 20 + 2),
        /* 20 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PORT_DNS, 0, 1),
        /* 21 */ BPF_STMT(BPF_RET | BPF_K, 0),
        /* 22 */ BPF_STMT(BPF_RET | BPF_K, CAPTURED_BYTES),
    };
    memcpy(filter, program, sizeof(program));
}

static const char *const kind_names[] = {
    [LINK_PACKET_ORDINARY] = "ordinary",
    [LINK_PACKET_TCP] = "tcp",
    [LINK_PACKET_UDP] = "udp",
    [LINK_PACKET_ICMP] = "icmp",
    [LINK_PACKET_IPV6] = "ipv6",
    [LINK_PACKET_FRAGMENT] = "fragment",
    [LINK_PACKET_OPTIONS] = "ip-options",
    [LINK_PACKET_SPOOFED] = "spoofed-source",
    [LINK_PACKET_PROTOCOL] = "ip-protocol",
    [LINK_PACKET_ETHERNET] = "ethernet-protocol",
    [LINK_PACKET_MALFORMED] = "malformed",
};
static_assert(sizeof(kind_names) / sizeof(*kind_names) == LINK_PACKET_KIND_COUNT,
              "a name for each kind");

const char *link_packet_kind_name(enum link_packet_kind kind)
{
    CHECK(kind < LINK_PACKET_KIND_COUNT);
    return kind_names[kind];
}

static bool is_open_port(const struct link_packet_view *view, uint16_t port)
{
    for (size_t i = 0; i < view->open_port_count; i++)
        if (view->open_ports[i] == port)
            return true;
    return false;
}

static bool is_agent_source(const struct link_packet_view *view, uint32_t source)
{
    uint32_t hosts = ~view->netmask;
    if ((source & view->netmask) != (view->address & view->netmask) || source == view->address)
        return false;
    bool has_broadcast = hosts > 1;
    return !has_broadcast || ((source & hosts) != 0 && (source & hosts) != hosts);
}

static void classify_transport(const struct link_packet_view *view, uint8_t protocol,
                               struct bytes segment, struct link_packet *result)
{
    struct reader reader = reader_over(segment);
    uint16_t first = reader_u16(&reader);
    uint16_t second = reader_u16(&reader);
    uint16_t flags = 0;
    switch (protocol) {
    case PROTOCOL_TCP:
        reader_take(&reader, 8);
        flags = reader_u16(&reader);
        result->port = second;
        result->kind = LINK_PACKET_ORDINARY;
        if ((flags & 0x12) == 0x02 && !is_open_port(view, second))
            result->kind = LINK_PACKET_TCP;
        break;
    case PROTOCOL_UDP:
        result->port = second;
        result->kind = second == PORT_DNS ? LINK_PACKET_ORDINARY : LINK_PACKET_UDP;
        break;
    case PROTOCOL_ICMP:
        result->kind = first == 0x0800 && result->destination == view->address
                           ? LINK_PACKET_ORDINARY
                           : LINK_PACKET_ICMP;
        break;
    default:
        result->port = protocol;
        result->kind = LINK_PACKET_PROTOCOL;
        return;
    }
    if (reader_is_failed(&reader))
        result->kind = LINK_PACKET_MALFORMED;
}

struct link_packet link_packet_classify(const struct link_packet_view *view, uint16_t ethernet_type,
                                        struct bytes packet)
{
    struct link_packet result = {.kind = LINK_PACKET_MALFORMED};
    if (ethernet_type == ETHERNET_ARP)
        return (struct link_packet){.kind = LINK_PACKET_ORDINARY};
    if (ethernet_type == ETHERNET_IPV6)
        return (struct link_packet){.kind = LINK_PACKET_IPV6};
    if (ethernet_type != ETHERNET_IPV4)
        return (struct link_packet){.kind = LINK_PACKET_ETHERNET, .port = ethernet_type};

    struct reader reader = reader_over(packet);
    uint8_t version = reader_u8(&reader);
    reader_take(&reader, 5);
    uint16_t fragment = reader_u16(&reader);
    reader_take(&reader, 1);
    uint8_t protocol = reader_u8(&reader);
    reader_take(&reader, 2);
    uint32_t source = reader_u32(&reader);
    result.destination = reader_u32(&reader);
    if (reader_is_failed(&reader) || version >> 4 != 4 || (version & 15) < 5)
        return result;
    if (!is_agent_source(view, source))
        result.kind = LINK_PACKET_SPOOFED;
    else if ((version & 15) != 5)
        result.kind = LINK_PACKET_OPTIONS;
    else if (fragment & 0x3fff)
        result.kind = LINK_PACKET_FRAGMENT;
    else
        classify_transport(view, protocol, bytes_from(packet, 20), &result);
    return result;
}
