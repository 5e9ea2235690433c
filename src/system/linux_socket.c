#include "system/linux_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BIND_TRIES = 25, BIND_PAUSE_MS = 20 };

static bool set_flag(int descriptor, int level, int name, const char *what, struct error *error)
{
    int one = 1;
    if (setsockopt(descriptor, level, name, &one, sizeof(one)) != 0)
        return error_set_errno(error, errno, "%s", what);
    return true;
}

static bool prepare(int descriptor, const char *interface, uint16_t port, struct error *error)
{
    if (!set_flag(descriptor, SOL_SOCKET, SO_REUSEADDR, "SO_REUSEADDR", error) ||
        !set_flag(descriptor, SOL_IP, IP_TRANSPARENT, "IP_TRANSPARENT", error))
        return false;
    if (setsockopt(descriptor, SOL_SOCKET, SO_BINDTODEVICE, interface,
                   (socklen_t)strlen(interface) + 1) != 0)
        return error_set_errno(error, errno, "bind to device %s", interface);
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(port)};
    /* After a kill -9 the kernel may still be ending the processes that held the port. */
    for (int tries_left = BIND_TRIES; tries_left > 0; tries_left--) {
        if (bind(descriptor, (struct sockaddr *)&any, sizeof(any)) == 0)
            return true;
        if (errno != EADDRINUSE)
            return error_set_errno(error, errno, "bind");
        poll(NULL, 0, BIND_PAUSE_MS);
    }
    return error_set_errno(error, EADDRINUSE, "bind");
}

int linux_socket_listen(const char *interface, uint16_t port, int backlog, struct error *error)
{
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool is_good = descriptor >= 0 || error_set_errno(error, errno, "socket");
    is_good = is_good && prepare(descriptor, interface, port, error);
    if (is_good && listen(descriptor, backlog) != 0)
        is_good = error_set_errno(error, errno, "listen");
    if (is_good)
        return descriptor;
    if (descriptor >= 0)
        close(descriptor);
    error_add_context(error, "TCP port %u on %s", port, interface);
    return -1;
}

int linux_socket_datagram(const char *interface, uint16_t port, struct error *error)
{
    int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool is_good = descriptor >= 0 || error_set_errno(error, errno, "socket");
    is_good = is_good && prepare(descriptor, interface, port, error) &&
              set_flag(descriptor, SOL_IP, IP_PKTINFO, "IP_PKTINFO", error);
    if (is_good)
        return descriptor;
    if (descriptor >= 0)
        close(descriptor);
    error_add_context(error, "UDP port %u on %s", port, interface);
    return -1;
}

/*
 * A packet socket sends on any interface and past every packet rule; there is no way to forbid it
 * that. With a ring for sending, though, the kernel takes frames from the ring alone, whatever a
 * caller hands it (Documentation/networking/packet_mmap.rst). Nobody maps the ring: it stays empty.
 */
static bool mute(int descriptor, struct error *error)
{
    unsigned page = (unsigned)sysconf(_SC_PAGESIZE);
    struct tpacket_req ring = {page, 1, page, 1};
    if (setsockopt(descriptor, SOL_PACKET, PACKET_TX_RING, &ring, sizeof(ring)) != 0)
        return error_set_errno(error, errno, "PACKET_TX_RING");
    return true;
}

static bool bind_packet_socket(int descriptor, const char *interface,
                               const struct sock_fprog *program, struct error *error)
{
    if (setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_FILTER, program, sizeof(*program)) != 0)
        return error_set_errno(error, errno, "attach filter");
    if (!mute(descriptor, error))
        return false;
    struct sockaddr_ll address = {.sll_family = AF_PACKET,
                                  .sll_protocol = htons(ETH_P_ALL),
                                  .sll_ifindex = (int)if_nametoindex(interface)};
    /* Bound to a protocol only now: nothing unfiltered was queued before. */
    if (bind(descriptor, (struct sockaddr *)&address, sizeof(address)) != 0)
        return error_set_errno(error, errno, "bind");
    int buffer_bytes = 128 * 1024;
    if (setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof(buffer_bytes)) != 0)
        return error_set_errno(error, errno, "SO_RCVBUF");
    return true;
}

int linux_socket_packet(const char *interface, const struct sock_filter *filter,
                        unsigned short filter_length, struct error *error)
{
    struct sock_fprog program = {filter_length, (struct sock_filter *)filter};
    int descriptor = socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) {
        error_set_errno(error, errno, "packet socket on %s", interface);
        return -1;
    }
    if (bind_packet_socket(descriptor, interface, &program, error))
        return descriptor;
    close(descriptor);
    error_add_context(error, "packet socket on %s", interface);
    return -1;
}

static uint32_t address_of(const struct sockaddr *address)
{
    const struct sockaddr_in *internet = (const struct sockaddr_in *)address;
    return ntohl(internet->sin_addr.s_addr);
}

static bool has_ipv4(const struct ifaddrs *entry)
{
    return entry->ifa_addr && entry->ifa_addr->sa_family == AF_INET && entry->ifa_netmask;
}

bool linux_interface_read(const char *interface, struct linux_interface *facts, struct error *error)
{
    unsigned index = if_nametoindex(interface);
    if (index == 0)
        return error_set(error, "there is no interface '%s'", interface);
    struct ifaddrs *list = NULL;
    if (getifaddrs(&list) != 0)
        return error_set_errno(error, errno, "addresses of %s", interface);
    const struct ifaddrs *found = NULL;
    bool is_up = false;
    for (const struct ifaddrs *entry = list; entry; entry = entry->ifa_next) {
        if (strcmp(entry->ifa_name, interface) != 0)
            continue;
        is_up = entry->ifa_flags & IFF_UP;
        if (found == NULL && has_ipv4(entry))
            found = entry;
    }
    bool is_good = is_up || error_set(error, "interface '%s' is down", interface);
    if (is_good && found == NULL)
        is_good = error_set(error, "interface '%s' has no IPv4 address", interface);
    if (is_good)
        *facts = (struct linux_interface){index, address_of(found->ifa_addr),
                                          address_of(found->ifa_netmask)};
    freeifaddrs(list);
    return is_good;
}

bool linux_interface_bring_up(const char *interface, struct error *error)
{
    struct ifreq request = {0};
    if (strlen(interface) >= sizeof(request.ifr_name))
        return error_set(error, "there is no interface '%s'", interface);
    memcpy(request.ifr_name, interface, strlen(interface));
    int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool is_good = descriptor >= 0 && ioctl(descriptor, SIOCGIFFLAGS, &request) == 0;
    if (is_good && !(request.ifr_flags & IFF_UP)) {
        request.ifr_flags |= IFF_UP;
        is_good = ioctl(descriptor, SIOCSIFFLAGS, &request) == 0;
    }
    if (!is_good)
        error_set_errno(error, errno, "bring up %s", interface);
    if (descriptor >= 0)
        close(descriptor);
    return is_good;
}

bool linux_socket_dialled_address(int descriptor, uint32_t *address, uint16_t *port)
{
    struct sockaddr_in local = {0};
    socklen_t length = sizeof(local);
    if (getsockname(descriptor, (struct sockaddr *)&local, &length) != 0 ||
        local.sin_family != AF_INET)
        return false;
    *address = ntohl(local.sin_addr.s_addr);
    *port = ntohs(local.sin_port);
    return true;
}

void linux_socket_reset(int descriptor)
{
    struct linger at_once = {.l_onoff = 1};
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close(descriptor);
}

size_t linux_socket_unsent(int descriptor)
{
    int bytes = 0;
    return ioctl(descriptor, SIOCOUTQNSD, &bytes) == 0 && bytes > 0 ? (size_t)bytes : 0;
}

int linux_socket_watch_addresses(struct error *error)
{
    struct sockaddr_nl address = {.nl_family = AF_NETLINK,
                                  .nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR};
    int descriptor = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (descriptor >= 0 && bind(descriptor, (struct sockaddr *)&address, sizeof(address)) == 0)
        return descriptor;
    error_set_errno(error, errno, "watch addresses");
    if (descriptor >= 0)
        close(descriptor);
    return -1;
}

bool linux_socket_take_changes(int descriptor)
{
    uint8_t message[4096];
    bool is_changed = false;
    for (;;) {
        ssize_t got = recv(descriptor, message, sizeof(message), MSG_DONTWAIT);
        /* More came than the queue holds: something has changed, too. */
        if (got < 0 && errno != ENOBUFS && errno != EINTR)
            return is_changed;
        is_changed = true;
    }
}
