#include "system/linux_netlink.h"

#include "base/buffer.h"
#include "base/check.h"
#include "system/file.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { REQUEST_BYTES_MAX = 512, REPLY_BYTES_MAX = 8192 };

/* Append a part, padded to four bytes. */
static void append(struct buffer *request, const void *part, size_t length)
{
    static const uint8_t padding[NLMSG_ALIGNTO];
    size_t padded = NLMSG_ALIGN(length);
    CHECK(buffer_append(request, (struct bytes){part, length}) &&
          buffer_append(request, (struct bytes){padding, padded - length}));
}

static void begin(struct buffer *request, uint16_t type, uint16_t flags)
{
    struct nlmsghdr header = {.nlmsg_type = type,
                              .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags)};
    buffer_init(request, REQUEST_BYTES_MAX);
    append(request, &header, sizeof(header));
}

static void append_attribute(struct buffer *request, uint16_t type, const void *value,
                             size_t length)
{
    struct nlattr header = {.nla_type = type, .nla_len = (uint16_t)(NLA_HDRLEN + length)};
    append(request, &header, sizeof(header));
    append(request, value, length);
}

/* The kernel's verdict: 0, or an errno. Replies come from within the sending, and are there. */
static int exchange(int descriptor, struct bytes request)
{
    _Alignas(struct nlmsghdr) uint8_t reply[REPLY_BYTES_MAX];
    if (send(descriptor, request.data, request.length, 0) != (ssize_t)request.length)
        return errno;
    ssize_t got = recv(descriptor, reply, sizeof(reply), 0);
    if (got < 0)
        return errno;
    const struct nlmsghdr *header = (const struct nlmsghdr *)(const void *)reply;
    if (!NLMSG_OK(header, (unsigned)got))
        return EBADMSG;
    if (header->nlmsg_type != NLMSG_ERROR)
        return 0;
    return -((const struct nlmsgerr *)NLMSG_DATA(header))->error;
}

/* Send it, and let go of it. */
static int finish(struct buffer *request, int protocol)
{
    struct nlmsghdr header;
    memcpy(&header, request->data + request->start, sizeof(header));
    header.nlmsg_len = (uint32_t)buffer_length(request);
    memcpy(request->data + request->start, &header, sizeof(header));
    CLEANUP_FD int descriptor = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
    int number = descriptor < 0 ? errno : exchange(descriptor, buffer_bytes(request));
    buffer_done(request);
    return number;
}

bool linux_netlink_replace_local_route(uint32_t network, unsigned bits, uint8_t table,
                                       struct error *error)
{
    struct buffer request;
    struct rtmsg route = {
        .rtm_family = AF_INET,
        .rtm_dst_len = (uint8_t)bits,
        .rtm_table = table,
        .rtm_protocol = RTPROT_BOOT,
        .rtm_scope = RT_SCOPE_HOST,
        .rtm_type = RTN_LOCAL,
    };
    uint32_t destination = htonl(network), device = if_nametoindex("lo");
    begin(&request, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE);
    append(&request, &route, sizeof(route));
    if (bits > 0)
        append_attribute(&request, RTA_DST, &destination, sizeof(destination));
    append_attribute(&request, RTA_OIF, &device, sizeof(device));
    int number = finish(&request, NETLINK_ROUTE);
    return number == 0 || error_set_errno(error, number, "local route in table %u", table);
}

bool linux_netlink_add_rule(const char *interface, uint8_t table, uint32_t preference,
                            struct error *error)
{
    struct buffer request;
    struct fib_rule_hdr rule = {.family = AF_INET, .table = table, .action = FR_ACT_TO_TBL};
    begin(&request, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL);
    append(&request, &rule, sizeof(rule));
    append_attribute(&request, FRA_PRIORITY, &preference, sizeof(preference));
    append_attribute(&request, FRA_IIFNAME, interface, strlen(interface) + 1);
    int number = finish(&request, NETLINK_ROUTE);
    return number == 0 || number == EEXIST ||
           error_set_errno(error, number, "rule of interface %s", interface);
}

bool linux_netlink_has_filter_table(const char *name)
{
    struct buffer request;
    struct nfgenmsg message = {.nfgen_family = NFPROTO_INET, .version = NFNETLINK_V0};
    begin(&request, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETTABLE, 0);
    append(&request, &message, sizeof(message));
    append_attribute(&request, NFTA_TABLE_NAME, name, strlen(name) + 1);
    return finish(&request, NETLINK_NETFILTER) != ENOENT;
}
