#include "init/network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <net/route.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "system/file.h"

static int open_control_socket(struct error *error)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        error_set_errno(error, errno, "socket");
    return fd;
}

static void set_name(struct ifreq *request, const char *name)
{
    memset(request, 0, sizeof(*request));
    snprintf(request->ifr_name, sizeof(request->ifr_name), "%s", name);
}

static void set_address(struct sockaddr *out, uint32_t address)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};
    memcpy(out, &in, sizeof(in));
}

static bool bring_up(int fd, const char *name, struct error *error)
{
    struct ifreq request;
    set_name(&request, name);
    if (ioctl(fd, SIOCGIFFLAGS, &request) != 0)
        return error_set_errno(error, errno, "flags of %s", name);
    request.ifr_flags = (short)(request.ifr_flags | IFF_UP);
    if (ioctl(fd, SIOCSIFFLAGS, &request) != 0)
        return error_set_errno(error, errno, "bring up %s", name);
    return true;
}

bool network_start_loopback(struct error *error)
{
    CLEANUP_FD int fd = open_control_socket(error);
    return fd >= 0 && bring_up(fd, "lo", error);
}

bool network_set_parameter(const char *path, const char *value, struct error *error)
{
    CLEANUP_FD int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set_errno(error, errno, "%s", path);
    return file_write_all(fd, bytes_from_text(value), error) ||
           error_add_context(error, "%s", path);
}

static bool has_mac(int fd, const char *name, const char *mac)
{
    struct ifreq request;
    set_name(&request, name);
    if (ioctl(fd, SIOCGIFHWADDR, &request) != 0 || request.ifr_hwaddr.sa_family != ARPHRD_ETHER)
        return false;
    const unsigned char *octets = (const unsigned char *)request.ifr_hwaddr.sa_data;
    char text[BOOT_CONFIG_MAC_SIZE];
    snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", octets[0], octets[1], octets[2],
             octets[3], octets[4], octets[5]);
    return strcmp(text, mac) == 0;
}

static bool rename_card(int fd, const char *mac, const char *name, struct error *error)
{
    struct if_nameindex *cards = if_nameindex();
    if (cards == NULL)
        return error_set_errno(error, errno, "list the network cards");
    const char *found = NULL;
    for (size_t i = 0; cards[i].if_index != 0 && found == NULL; i++) {
        if (has_mac(fd, cards[i].if_name, mac))
            found = cards[i].if_name;
    }
    bool is_good = found != NULL || error_set(error, "no network card has the address %s", mac);
    if (is_good && strcmp(found, name) != 0) {
        struct ifreq request;
        set_name(&request, found);
        snprintf(request.ifr_newname, sizeof(request.ifr_newname), "%s", name);
        if (ioctl(fd, SIOCSIFNAME, &request) != 0)
            is_good = error_set_errno(error, errno, "rename %s", found);
    }
    if_freenameindex(cards);
    return is_good;
}

static bool set_addresses(int fd, const struct boot_interface *interface, const char *name,
                          struct error *error)
{
    uint32_t mask = ~UINT32_C(0) << (32 - interface->prefix);
    struct ifreq request;
    set_name(&request, name);
    set_address(&request.ifr_addr, interface->address);
    if (ioctl(fd, SIOCSIFADDR, &request) != 0)
        return error_set_errno(error, errno, "address of %s", name);
    set_name(&request, name);
    set_address(&request.ifr_netmask, mask);
    if (ioctl(fd, SIOCSIFNETMASK, &request) != 0)
        return error_set_errno(error, errno, "network mask of %s", name);
    return true;
}

static bool add_default_route(int fd, uint32_t gateway, struct error *error)
{
    struct rtentry route = {.rt_flags = RTF_UP | RTF_GATEWAY};
    set_address(&route.rt_dst, 0);
    set_address(&route.rt_genmask, 0);
    set_address(&route.rt_gateway, gateway);
    if (ioctl(fd, SIOCADDRT, &route) != 0)
        return error_set_errno(error, errno, "default route");
    return true;
}

static bool start(int fd, const struct boot_interface *interface, const char *name,
                  bool is_default_route, struct error *error)
{
    if (!rename_card(fd, interface->mac, name, error))
        return false;
    /* Before it is up, so that not one router solicitation leaves. */
    CLEANUP_FREE char *ipv6 = memory_format("/proc/sys/net/ipv6/conf/%s/disable_ipv6", name);
    return network_set_parameter(ipv6, "1", error) && set_addresses(fd, interface, name, error) &&
           bring_up(fd, name, error) &&
           (!is_default_route || add_default_route(fd, interface->gateway, error));
}

bool network_start_interface(const struct boot_interface *interface, const char *name,
                             bool is_default_route, struct error *error)
{
    CLEANUP_FD int fd = open_control_socket(error);
    return (fd >= 0 && start(fd, interface, name, is_default_route, error)) ||
           error_add_context(error, "network card %s", name);
}
