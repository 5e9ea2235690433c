#include "system/descriptor_channel.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "system/wall_clock.h"

bool descriptor_channel_open(int ends[2], struct error *error)
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
        return error_set_errno(error, errno, "socket pair");
    return true;
}

/* Wait for room. */
static bool await_room(int channel, int64_t deadline_ms)
{
    struct pollfd polled = {.fd = channel, .events = POLLOUT};
    int64_t left_ms = deadline_ms - wall_clock_monotonic_ms();
    return left_ms > 0 && poll(&polled, 1, left_ms > INT_MAX ? INT_MAX : (int)left_ms) != 0;
}

bool descriptor_channel_send(int channel, struct bytes message, int descriptor, int64_t deadline_ms,
                             struct error *error)
{
    struct iovec part = {(void *)message.data, message.length};
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
    if (descriptor >= 0) {
        header.msg_control = control.space;
        header.msg_controllen = sizeof(control.space);
        struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(rights), &descriptor, sizeof(int));
    }
    for (;;) {
        if (sendmsg(channel, &header, MSG_NOSIGNAL) == (ssize_t)message.length)
            return true;
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN)
            return error_set_errno(error, errno, "send to role");
        if (!await_room(channel, deadline_ms))
            return error_set(error, "send to role: it takes no message");
    }
}

/* The first descriptor of the message; any further ones are closed, none is leaked. */
static int take_descriptor(struct msghdr *header)
{
    int taken = -1;
    for (struct cmsghdr *part = CMSG_FIRSTHDR(header); part; part = CMSG_NXTHDR(header, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
            continue;
        size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int descriptor;
            memcpy(&descriptor, CMSG_DATA(part) + i * sizeof(int), sizeof(int));
            if (taken < 0)
                taken = descriptor;
            else
                close(descriptor);
        }
    }
    return taken;
}

enum descriptor_channel_result descriptor_channel_receive(int channel, uint8_t *into, size_t room,
                                                          size_t *length, int *descriptor)
{
    struct iovec part = {into, room};
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(4 * sizeof(int))];
    } control = {0};
    struct msghdr header = {.msg_iov = &part,
                            .msg_iovlen = 1,
                            .msg_control = control.space,
                            .msg_controllen = sizeof(control.space)};
    ssize_t received;
    do {
        received = recvmsg(channel, &header, MSG_CMSG_CLOEXEC);
    } while (received < 0 && errno == EINTR);
    if (received < 0 && errno == EAGAIN)
        return DESCRIPTOR_CHANNEL_WAIT;
    if (received <= 0)
        return DESCRIPTOR_CHANNEL_END;
    int taken = take_descriptor(&header);
    if (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
        if (taken >= 0)
            close(taken);
        return DESCRIPTOR_CHANNEL_END;
    }
    *length = (size_t)received;
    *descriptor = taken;
    return DESCRIPTOR_CHANNEL_MESSAGE;
}

bool descriptor_channel_wait(int channel, int timeout_ms)
{
    struct pollfd polled = {.fd = channel, .events = POLLIN};
    return poll(&polled, 1, timeout_ms) > 0;
}

int descriptor_channel_memory(const char *name, struct bytes contents, struct error *error)
{
    int memory = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    size_t done = 0;
    bool is_good = memory >= 0;
    while (is_good && done < contents.length) {
        struct bytes rest = bytes_from(contents, done);
        ssize_t written = write(memory, rest.data, rest.length);
        if (written > 0)
            done += (size_t)written;
        else
            is_good = written < 0 && errno == EINTR;
    }
    is_good = is_good && fcntl(memory, F_ADD_SEALS,
                               F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) == 0;
    if (is_good)
        return memory;
    error_set_errno(error, errno, "memory file %s", name);
    if (memory >= 0)
        close(memory);
    return -1;
}
