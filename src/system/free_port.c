#include "system/free_port.h"

#include "system/file.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

static bool bind_port(int fd, uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    return bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
}

static bool try_port(uint16_t wanted, uint16_t *port, struct error *error)
{
    CLEANUP_FD int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0)
        return error_set_errno(error, errno, "socket");
    /* As QEMU does: connections of the last run that linger do not count. */
    int one = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    struct sockaddr_in bound;
    socklen_t length = sizeof(bound);
    if (!bind_port(fd, wanted) || getsockname(fd, (struct sockaddr *)&bound, &length) != 0)
        return error_set_errno(error, errno, "port %u of 127.0.0.1", wanted);
    *port = ntohs(bound.sin_port);
    return true;
}

bool free_port_choose(uint16_t *port, struct error *error)
{
    struct error taken;
    if (*port != 0 && try_port(*port, port, &taken))
        return true;
    return try_port(0, port, error);
}
