#include "init/control_listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/number.h"
#include "init/guest_file.h"
#include "init/service.h"
#include "system/child.h"
#include "system/file.h"

enum { SSH_PORT = 22, BACKLOG = 128 };

static const char dropbear_key[] = "/etc/dropbear/host_key";

bool control_listener_open(struct control_listener *listener,
                           const struct boot_interface *interface, const char *device,
                           struct error *error)
{
    *listener = (struct control_listener){.fd = -1};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return error_set_errno(error, errno, "socket");
    int on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(SSH_PORT),
                                  .sin_addr.s_addr = htonl(interface->address)};
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, (socklen_t)strlen(device)) != 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(fd, BACKLOG) != 0) {
        error_set_errno(error, errno, "listen on port 22 of %s", device);
        close(fd);
        return false;
    }
    listener->fd = fd;
    return true;
}

static bool install_authorized_keys(const char *path, uint32_t agent_address, struct error *error)
{
    struct buffer keys;
    struct buffer limited;
    buffer_init(&keys, GUEST_FILE_LIMIT);
    buffer_init(&limited, GUEST_FILE_LIMIT);
    char agent[16];
    number_format_ipv4(agent_address, agent);
    bool is_good = file_read(path, &keys, error);
    struct bytes rest = buffer_bytes(&keys);
    struct bytes line;
    while (is_good && bytes_next_token(&rest, '\n', &line)) {
        if (bytes_trim(line).length == 0)
            continue;
        is_good = buffer_append_format(&limited,
                                       "permitopen=\"%s:%d\",no-agent-forwarding,"
                                       "no-X11-forwarding %.*s\n",
                                       agent, SSH_PORT, (int)line.length, line.data) ||
                  error_set(error, "%s: too long", path);
    }
    is_good = is_good &&
              guest_file_write("/root/.ssh/authorized_keys", 0600, buffer_bytes(&limited), error);
    buffer_done(&limited);
    buffer_done(&keys);
    return is_good;
}

bool control_listener_install_keys(const char *host_key, const char *authorized_keys,
                                   uint32_t agent_address, struct error *error)
{
    mkdir("/etc/dropbear", 0700);
    mkdir("/root", 0700);
    mkdir("/root/.ssh", 0700);
    struct argument_list convert CLEANUP_ARGUMENTS;
    argument_list_init(&convert);
    argument_list_add_all(&convert, "/usr/bin/dropbearconvert", "openssh", "dropbear", host_key,
                          dropbear_key, NULL);
    bool is_good = child_run_quietly(&convert, NULL, error);
    unlink(host_key);
    return is_good && install_authorized_keys(authorized_keys, agent_address, error);
}

_Noreturn static void run_server(int connection)
{
    static char *const arguments[] = {
        "/usr/sbin/dropbear", "-i", "-m", "-s", "-k", "-K", "60", "-W", "262144", "-r",
        (char *)dropbear_key, NULL};
    static char *const environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", NULL};
    service_prepare_child();
    if (dup2(connection, STDIN_FILENO) >= 0 && dup2(connection, STDOUT_FILENO) >= 0)
        execve(arguments[0], arguments, environment);
    _exit(127);
}

void control_listener_accept(struct control_listener *listener)
{
    int connection = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC);
    if (connection < 0)
        return;
    int on = 1;
    setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    pid_t child = -1;
    if (listener->child_count < CONTROL_LISTENER_CHILD_LIMIT)
        child = fork();
    if (child == 0)
        run_server(connection);
    if (child > 0)
        listener->children[listener->child_count++] = child;
    close(connection);
}

void control_listener_forget(struct control_listener *listener, pid_t child)
{
    for (size_t i = 0; i < listener->child_count; i++) {
        if (listener->children[i] == child) {
            listener->children[i] = listener->children[--listener->child_count];
            return;
        }
    }
}
