/*
 * A proxy in other hands, beside the real supervisor and recorder: it is confined as the real one
 * is, confirms its first policy, and then does what ROOTCELL_TESTS_HOSTILE says.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "firewall/proxy.h"
#include "firewall/proxy_role.h"
#include "firewall/role_confine.h"
#include "firewall/role_message.h"
#include "record/capture_frame.h"

static struct role_message last;
static int channel;
static int record_socket;
static int capture_socket;
static int packet_socket = -1;

/* Of the proxy that this one stands in for; without connections nobody calls them. */
void proxy_release_connection(struct proxy *proxy)
{
    CHECK(!"a proxy without connections");
}

struct stream *proxy_accept_stream(struct proxy *proxy, int descriptor, stream_event_fn *on_event,
                                   void *owner)
{
    CHECK(!"a proxy without connections");
}

static void await_policy(void)
{
    int descriptor = -1;
    do {
        CHECK(descriptor_channel_wait(channel, -1));
        CHECK(role_message_receive(channel, &last, &descriptor) == DESCRIPTOR_CHANNEL_MESSAGE);
        if (last.kind == ROLE_MESSAGE_LINK)
            packet_socket = descriptor;
    } while (last.kind != ROLE_MESSAGE_POLICY);
}

static void send_one(uint32_t kind, uint64_t number, int descriptor)
{
    struct role_message message = {.kind = kind, .number = number};
    struct error error;
    role_message_send(channel, &message, descriptor, INT64_MAX, &error);
}

static void flood_with_counters(void)
{
    for (;;)
        send_one(ROLE_MESSAGE_COUNTERS, 1, -1);
}

static void flood_with_confirmations(void)
{
    for (;;)
        send_one(ROLE_MESSAGE_IN_FORCE, last.number++, -1);
}

static void flood_with_descriptors(void)
{
    for (;;)
        send_one(ROLE_MESSAGE_COUNTERS, 1, channel);
}

static void send_wrong_sizes(void)
{
    char bytes[4096] = {0};
    for (size_t size = 1;; size = size % sizeof(bytes) + 1)
        send(channel, bytes, size, MSG_NOSIGNAL);
}

static void flood_with_records(void)
{
    char bytes[64];
    memset(bytes, 'x', sizeof(bytes));
    for (;;)
        send(record_socket, bytes, sizeof(bytes), MSG_NOSIGNAL);
}

/* One frame as a proxy of ours might send it, of an exchange that may not be there. */
static void add_frame(struct buffer *datagram, uint64_t turn)
{
    static const char gzip[] = "\x1f\x8b\x08\0\0\0\0\0\0\x03 no deflate follows";
    static const char *const apis[] = {"anthropic-messages", "bedrock-converse-stream",
                                       "openai-responses", "other"};
    struct buffer fields;
    const struct capture_field coding = {BYTES_LITERAL("content-encoding"), BYTES_LITERAL("gzip")};
    buffer_init(&fields, CAPTURE_FIELD_BYTES_MAX);
    CHECK(capture_frame_add_field(&fields, &coding));
    struct capture_frame frame = {
        .kind = (enum capture_frame_kind)(turn % 11 % CAPTURE_MISSED),
        .generation = 1 + (uint32_t)(turn / 100000),
        .exchange = 1 + turn / 11 % 1000,
        .time_ms = turn * turn,
        .provider = BYTES_LITERAL("anthropic"),
        .api = bytes_from_text(apis[turn % 4]),
        .host = BYTES_LITERAL("api.anthropic.com"),
        .method = BYTES_LITERAL("POST"),
        .path = BYTES_LITERAL("/v1/messages"),
        .status = turn % 3 ? 200 : 101,
        .fields = buffer_bytes(&fields),
        .side = (enum capture_side)(turn % 2),
        .count = UINT64_MAX - turn,
        .body = {(const uint8_t *)gzip, sizeof(gzip)},
        .text = BYTES_LITERAL("why not"),
    };
    CHECK(capture_frame_encode(&frame, datagram));
    buffer_done(&fields);
}

/* Frames that cannot be, between those that might. */
static void flood_with_captures(void)
{
    struct buffer datagram;
    buffer_init(&datagram, CAPTURE_DATAGRAM_MAX);
    for (uint64_t turn = 0;; turn++) {
        add_frame(&datagram, turn);
        struct bytes bytes = buffer_bytes(&datagram);
        size_t cut = turn % 5 == 0 ? 1 + turn % bytes.length : bytes.length;
        send(capture_socket, bytes.data, cut, MSG_NOSIGNAL);
        buffer_clear(&datagram);
    }
}

static void hear_nothing(void)
{
    for (;;)
        poll(NULL, 0, 1000);
}

/* A packet socket sends past every packet rule, on any interface. */
static void send_frames(void)
{
    static const char frame[60] = "a frame of the hostile proxy";
    for (int index = 1; index <= 64; index++) {
        struct sockaddr_ll address = {.sll_family = AF_PACKET,
                                      .sll_protocol = htons(0x88b5),
                                      .sll_ifindex = index,
                                      .sll_halen = 6,
                                      .sll_addr = {255, 255, 255, 255, 255, 255}};
        sendto(packet_socket, frame, sizeof(frame), MSG_DONTWAIT, (struct sockaddr *)&address,
               sizeof(address));
    }
    hear_nothing();
}

/* A ring that was made for another purpose, if its memory could be had. */
static void map_packets(void)
{
    mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, packet_socket, 0);
    hear_nothing();
}

static void close_channel(void)
{
    shutdown(channel, SHUT_RDWR);
    hear_nothing();
}

static void call_for_a_program(void)
{
    char *const arguments[] = {"sh", NULL};
    execve("/bin/sh", arguments, arguments + 1);
}

static const struct {
    const char *name;
    void (*run)(void);
} ways[] = {
    {"counters", flood_with_counters},
    {"confirmations", flood_with_confirmations},
    {"descriptors", flood_with_descriptors},
    {"wrong-sizes", send_wrong_sizes},
    {"records", flood_with_records},
    {"captures", flood_with_captures},
    {"deaf", hear_nothing},
    {"close", close_channel},
    {"exec", call_for_a_program},
    {"frames", send_frames},
    {"map", map_packets},
};

int proxy_role_main(void *context, int role_channel)
{
    const struct proxy_start *start = context;
    const char *wanted = getenv("ROOTCELL_TESTS_HOSTILE");
    struct error error;
    channel = role_channel;
    record_socket = start->record_socket;
    capture_socket = start->capture_socket;
    if (!role_confine(ROLE_PROXY, start->parent, &error)) {
        fprintf(stderr, "hostile proxy: %s\n", error.text);
        return PROXY_EXIT_FAILED;
    }
    await_policy();
    send_one(ROLE_MESSAGE_IN_FORCE, last.number, -1);
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
        if (!strcmp(wanted, ways[i].name))
            ways[i].run();
    return PROXY_EXIT_FAILED;
}
