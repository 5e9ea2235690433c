#include "init/power_button.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "system/file.h"

enum { ATTRIBUTE_EVENT = 1, MESSAGE_BYTES = 8192 };

struct message {
    struct nlmsghdr header;
    struct genlmsghdr generic;
    uint8_t attributes[MESSAGE_BYTES];
};

/* The attribute of that type in a run of attributes; empty when there is none. */
static struct bytes find_attribute(struct bytes run, unsigned type)
{
    while (run.length >= NLA_HDRLEN) {
        struct nlattr header;
        memcpy(&header, run.data, sizeof(header));
        if (header.nla_len < NLA_HDRLEN || header.nla_len > run.length)
            break;
        if ((header.nla_type & NLA_TYPE_MASK) == type)
            return bytes_from(bytes_first(run, header.nla_len), NLA_HDRLEN);
        run = bytes_from(run, NLA_ALIGN(header.nla_len));
    }
    return BYTES_EMPTY;
}

/* The next message of the socket; false when there is none or it is malformed. */
static bool receive(int fd, struct message *message, struct bytes *attributes)
{
    ssize_t length = recv(fd, message, sizeof(*message), 0);
    if (length < (ssize_t)(sizeof(message->header) + sizeof(message->generic)) ||
        message->header.nlmsg_type == NLMSG_ERROR)
        return false;
    size_t head = sizeof(message->header) + sizeof(message->generic);
    *attributes = (struct bytes){message->attributes, (size_t)length - head};
    return true;
}

static bool ask_for_family(int fd, const char *name, struct error *error)
{
    struct message message = {
        .header = {.nlmsg_type = GENL_ID_CTRL, .nlmsg_flags = NLM_F_REQUEST},
        .generic = {.cmd = CTRL_CMD_GETFAMILY, .version = 1},
    };
    size_t name_size = strlen(name) + 1;
    struct nlattr header = {.nla_type = CTRL_ATTR_FAMILY_NAME,
                            .nla_len = (uint16_t)(NLA_HDRLEN + name_size)};
    memcpy(message.attributes, &header, sizeof(header));
    memcpy(message.attributes + NLA_HDRLEN, name, name_size);
    message.header.nlmsg_len =
        (uint32_t)(sizeof(message.header) + sizeof(message.generic) + NLA_ALIGN(header.nla_len));
    if (send(fd, &message, message.header.nlmsg_len, 0) < 0)
        return error_set_errno(error, errno, "ask for %s", name);
    return true;
}

/* The number of the family's first multicast group. */
static bool find_group(int fd, uint32_t *group, struct error *error)
{
    struct message message;
    struct bytes attributes;
    if (!ask_for_family(fd, "acpi_event", error))
        return false;
    if (!receive(fd, &message, &attributes))
        return error_set(error, "the kernel tells of no ACPI events");
    struct bytes groups = find_attribute(attributes, CTRL_ATTR_MCAST_GROUPS);
    struct bytes first = find_attribute(groups, 1);
    struct bytes number = find_attribute(first, CTRL_ATTR_MCAST_GRP_ID);
    if (number.length != sizeof(*group))
        return error_set(error, "acpi_event has no multicast group");
    memcpy(group, number.data, sizeof(*group));
    return true;
}

int power_button_open(struct error *error)
{
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
    uint32_t group = 0;
    bool is_good = fd >= 0 || error_set_errno(error, errno, "socket");
    is_good = is_good && find_group(fd, &group, error);
    if (is_good && setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) != 0)
        is_good = error_set_errno(error, errno, "join");
    if (!is_good) {
        if (fd >= 0)
            close(fd);
        error_add_context(error, "power button");
        return -1;
    }
    return fd;
}

bool power_button_is_pressed(int fd)
{
    struct message message;
    struct bytes attributes;
    if (!receive(fd, &message, &attributes))
        return false;
    struct bytes event = find_attribute(attributes, ATTRIBUTE_EVENT);
    return bytes_start_with(event, BYTES_LITERAL("button/power"));
}

int power_button_run(int count, char *const *arguments)
{
    struct error error;
    if (count < 1) {
        fprintf(stderr, "usage: rootcell-init power-button PROGRAM ARG...\n");
        return 2;
    }
    CLEANUP_FD int fd = power_button_open(&error);
    if (fd < 0) {
        fprintf(stderr, "rootcell-init: %s\n", error.text);
        return 1;
    }
    while (!power_button_is_pressed(fd))
        ;
    execvp(arguments[0], arguments);
    fprintf(stderr, "rootcell-init: %s: %s\n", arguments[0], strerror(errno));
    return 1;
}
