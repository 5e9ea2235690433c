#include "test.h"

#include "firewall/link_packet.h"

static const uint16_t open_ports[] = {22, 53, 443, 8080};
static const struct link_packet_view view = {0xc0a86402, 0xffffff00, open_ports, 4};

/* An IPv4 packet from 192.168.100.3 with the first bytes of its payload. */
struct packet {
    uint8_t bytes[64];
    size_t length;
};

static struct packet packet_of(uint8_t protocol, uint32_t destination, const uint8_t *payload,
                               size_t length)
{
    struct packet packet = {
        .bytes = {0x45, 0, 0, 40, 0, 1, 0x40, 0, 64, protocol, 0, 0, 192, 168, 100, 3},
        .length = 20 + length,
    };
    for (int i = 0; i < 4; i++)
        packet.bytes[16 + i] = (uint8_t)(destination >> (24 - 8 * i));
    memcpy(packet.bytes + 20, payload, length);
    return packet;
}

static struct packet tcp_packet(uint16_t port, uint8_t flags)
{
    const uint8_t header[20] = {0xc0,          0,           (uint8_t)(port >> 8),
                                (uint8_t)port, [12] = 0x50, [13] = flags};
    return packet_of(6, 0xc6120102, header, sizeof(header));
}

static struct packet udp_packet(uint16_t port)
{
    const uint8_t header[8] = {0xc0, 0, (uint8_t)(port >> 8), (uint8_t)port, 0, 8};
    return packet_of(17, 0x08080808, header, sizeof(header));
}

static struct link_packet classify(const struct packet *packet)
{
    return link_packet_classify(&view, 0x0800, (struct bytes){packet->bytes, packet->length});
}

static void notices_closed_ports(void **state)
{
    struct packet syn = tcp_packet(80, 0x02), udp = udp_packet(443);
    assert_int_equal(classify(&syn).kind, LINK_PACKET_TCP);
    assert_int_equal(classify(&syn).port, 80);
    assert_int_equal(classify(&syn).destination, 0xc6120102);
    assert_int_equal(classify(&udp).kind, LINK_PACKET_UDP);
    assert_int_equal(classify(&udp).port, 443);
}

static void notices_spoofed_sources(void **state)
{
    static const uint8_t sources[][4] = {
        {10, 0, 0, 1},        /* another network */
        {192, 168, 100, 2},   /* ours */
        {192, 168, 100, 0},   /* the network */
        {192, 168, 100, 255}, /* its broadcast */
        {127, 0, 0, 1},
    };
    for (size_t i = 0; i < sizeof(sources) / sizeof(*sources); i++) {
        struct packet packet = tcp_packet(443, 0x02);
        memcpy(packet.bytes + 12, sources[i], 4);
        assert_int_equal(classify(&packet).kind, LINK_PACKET_SPOOFED);
    }
}

static void notices_fragments_and_options(void **state)
{
    struct packet first = tcp_packet(443, 0x02), later = tcp_packet(443, 0x02),
                  options = tcp_packet(443, 0x02);
    first.bytes[6] = 0x20;
    later.bytes[7] = 1;
    options.bytes[0] = 0x46;
    assert_int_equal(classify(&first).kind, LINK_PACKET_FRAGMENT);
    assert_int_equal(classify(&later).kind, LINK_PACKET_FRAGMENT);
    assert_int_equal(classify(&options).kind, LINK_PACKET_OPTIONS);
}

static void notices_other_protocols(void **state)
{
    static const uint8_t nothing[8] = {0};
    struct packet gre = packet_of(47, 0x08080808, nothing, 8);
    assert_int_equal(classify(&gre).kind, LINK_PACKET_PROTOCOL);
    assert_int_equal(classify(&gre).port, 47);
    struct bytes bytes = {gre.bytes, gre.length};
    assert_int_equal(link_packet_classify(&view, 0x86dd, bytes).kind, LINK_PACKET_IPV6);
    assert_int_equal(link_packet_classify(&view, 0x8847, bytes).kind, LINK_PACKET_ETHERNET);
}

static void notices_icmp_except_echo_of_the_gateway(void **state)
{
    static const uint8_t echo[8] = {8, 0}, timestamp[8] = {13, 0};
    struct packet gateway = packet_of(1, view.address, echo, 8);
    struct packet foreign = packet_of(1, 0x08080808, echo, 8);
    struct packet other = packet_of(1, view.address, timestamp, 8);
    assert_int_equal(classify(&gateway).kind, LINK_PACKET_ORDINARY);
    assert_int_equal(classify(&foreign).kind, LINK_PACKET_ICMP);
    assert_int_equal(classify(&other).kind, LINK_PACKET_ICMP);
}

static void notices_every_truncation(void **state)
{
    struct packet syn = tcp_packet(80, 0x02), udp = udp_packet(9);
    for (size_t length = 0; length < 34; length++)
        assert_int_equal(
            link_packet_classify(&view, 0x0800, (struct bytes){syn.bytes, length}).kind,
            LINK_PACKET_MALFORMED);
    assert_int_equal(link_packet_classify(&view, 0x0800, (struct bytes){udp.bytes, 23}).kind,
                     LINK_PACKET_MALFORMED);
    syn.bytes[0] = 0x44;
    assert_int_equal(classify(&syn).kind, LINK_PACKET_MALFORMED);
    syn.bytes[0] = 0x65;
    assert_int_equal(classify(&syn).kind, LINK_PACKET_MALFORMED);
}

static void passes_over_what_the_open_services_get(void **state)
{
    struct packet syn = tcp_packet(443, 0x02), data = tcp_packet(80, 0x10), dns = udp_packet(53);
    assert_int_equal(classify(&syn).kind, LINK_PACKET_ORDINARY);
    assert_int_equal(classify(&data).kind, LINK_PACKET_ORDINARY);
    assert_int_equal(classify(&dns).kind, LINK_PACKET_ORDINARY);
    assert_int_equal(link_packet_classify(&view, 0x0806, BYTES_EMPTY).kind, LINK_PACKET_ORDINARY);
}

RUN_TESTS(cmocka_unit_test(notices_closed_ports), cmocka_unit_test(notices_spoofed_sources),
          cmocka_unit_test(notices_fragments_and_options),
          cmocka_unit_test(notices_other_protocols),
          cmocka_unit_test(notices_icmp_except_echo_of_the_gateway),
          cmocka_unit_test(notices_every_truncation),
          cmocka_unit_test(passes_over_what_the_open_services_get))
