#include "host/ssh_session.h"

#include "base/memory.h"
#include "base/number.h"
#include "host/message.h"
#include "host/ssh_config.h"
#include "system/child.h"
#include "system/file.h"
#include "system/wall_clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { CONFIG_CAP = 64 * 1024, ERRORS_CAP = 16 * 1024, CONNECTION_LOST = 255 };

static const char *const host_names[] = {
    [VM_ROLE_FIREWALL] = "rootcell-firewall",
    [VM_ROLE_AGENT] = "rootcell",
};

static const char *const socket_names[] = {
    [VM_ROLE_FIREWALL] = "ssh-firewall",
    [VM_ROLE_AGENT] = "ssh-agent",
};

const char *ssh_session_host(enum vm_role role)
{
    return host_names[role];
}

static const char *program_of(const struct instance *instance)
{
    return *instance->settings.ssh ? instance->settings.ssh : "ssh";
}

/* Texts of a configuration, which borrows them. */
struct config_texts {
    char *folder, *firewall, *agent; /* owned */
};

static void config_init(struct ssh_config *config, struct config_texts *texts,
                        const struct instance *instance)
{
    texts->folder = instance_path(instance, "ssh");
    texts->firewall = memory_format("rootcell-firewall-%s", instance->name);
    texts->agent = memory_format("rootcell-agent-%s", instance->name);
    *config = (struct ssh_config){
        .ssh_folder = texts->folder,
        .runtime = instance->runtime,
        .instance_name = instance->name,
        .firewall_alias = texts->firewall,
        .agent_alias = texts->agent,
        .port = instance->state.ssh_port,
        .agent_ip = instance->state.agent_ip,
        .ssh_program = program_of(instance),
    };
}

static void config_texts_done(struct config_texts *texts)
{
    free(texts->folder);
    free(texts->firewall);
    free(texts->agent);
}

bool ssh_session_write_config(const struct instance *instance, struct error *error)
{
    CLEANUP_FREE char *path = instance_path(instance, "ssh/config");
    struct ssh_config config;
    struct config_texts texts;
    struct buffer text;
    buffer_init(&text, CONFIG_CAP);
    config_init(&config, &texts, instance);
    ssh_config_append(&text, &config);
    bool is_written = file_update_atomic(path, buffer_bytes(&text), 0600, error);
    buffer_done(&text);
    config_texts_done(&texts);
    return is_written;
}

void ssh_session_append_entry(struct buffer *out, const struct instance *instance)
{
    struct ssh_config config;
    struct config_texts texts;
    config_init(&config, &texts, instance);
    ssh_config_append_entry(out, &config);
    config_texts_done(&texts);
}

void ssh_session_add_program(struct argument_list *arguments, const struct instance *instance)
{
    CLEANUP_FREE char *config = instance_path(instance, "ssh/config");
    argument_list_add_all(arguments, program_of(instance), "-F", config, NULL);
}

bool ssh_session_is_door_open(const struct instance *instance, int timeout_ms)
{
    static const char banner[] = "SSH-2.0-";
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(instance->state.ssh_port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    CLEANUP_FD int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0)
        return false;
    struct pollfd polled = {.fd = fd, .events = POLLIN};
    char text[sizeof(banner)] = "";
    return poll(&polled, 1, timeout_ms) == 1 &&
           recv(fd, text, sizeof(banner) - 1, MSG_WAITALL) == (ssize_t)sizeof(banner) - 1 &&
           memcmp(text, banner, sizeof(banner) - 1) == 0;
}

bool ssh_session_is_connected(const struct instance *instance, enum vm_role role)
{
    CLEANUP_FREE char *path = instance_runtime_path(instance, socket_names[role]);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(address.sun_path))
        return false;
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    CLEANUP_FD int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    return fd >= 0 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0 &&
           connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
}

void ssh_session_disconnect(const struct instance *instance, enum vm_role role)
{
    CLEANUP_FREE char *path = instance_runtime_path(instance, socket_names[role]);
    if (ssh_session_is_connected(instance, role)) {
        CLEANUP_ARGUMENTS struct argument_list arguments = {0};
        struct error ignored;
        int status;
        ssh_session_add_program(&arguments, instance);
        argument_list_add_all(&arguments, "-O", "exit", host_names[role], NULL);
        struct child_request request = {.arguments = &arguments, .timeout_ms = 3000};
        child_run(&request, &status, &ignored);
    }
    unlink(path);
}

/* The last line of what ssh wrote there. */
static void add_reason(const char *log, struct error *error)
{
    struct buffer text;
    struct error ignored;
    struct bytes rest, line, last = BYTES_EMPTY;
    buffer_init(&text, ERRORS_CAP);
    if (file_read(log, &text, &ignored)) {
        rest = buffer_bytes(&text);
        while (bytes_next_token(&rest, '\n', &line)) {
            if (bytes_trim(line).length > 0)
                last = bytes_trim(line);
        }
    }
    char *reason = bytes_copy_text(bytes_first(last, 300));
    error_set(error, "ssh: %s", *reason ? reason : "no connection");
    free(reason);
    buffer_done(&text);
}

bool ssh_session_connect(const struct instance *instance, enum vm_role role, struct error *error)
{
    CLEANUP_ARGUMENTS struct argument_list arguments = {0};
    CLEANUP_FREE char *log_name = memory_format("%s.log", socket_names[role]);
    CLEANUP_FREE char *log = instance_runtime_path(instance, log_name);
    CLEANUP_FREE char *path = instance_runtime_path(instance, socket_names[role]);
    /* A file and no pipe: the connection lives on in the background and would hold a pipe open. */
    CLEANUP_FD int log_fd = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (log_fd < 0)
        return error_set_errno(error, errno, "%s", log);
    unlink(path);
    ssh_session_add_program(&arguments, instance);
    argument_list_add_all(&arguments, "-f", "-N", "-o", "ControlMaster=yes", host_names[role],
                          NULL);
    struct child_request request = {.arguments = &arguments,
                                    .error_stream = CHILD_STREAM_FILE,
                                    .error_fd = log_fd,
                                    .timeout_ms = 20000};
    int status;
    if (!child_run(&request, &status, error))
        return false;
    if (status != 0)
        add_reason(log, error);
    return status == 0;
}

bool ssh_session_execute(const struct instance *instance, const struct ssh_session_command *command,
                         int *status, struct error *error)
{
    CLEANUP_ARGUMENTS struct argument_list arguments = {0};
    ssh_session_add_program(&arguments, instance);
    argument_list_add_all(&arguments, "-T", "-o", "ControlMaster=no", host_names[command->role],
                          "--", command->command, NULL);
    struct child_request request = {
        .arguments = &arguments,
        .input_stream = command->input.length ? CHILD_STREAM_CAPTURE : CHILD_STREAM_NULL,
        .input = command->input,
        .output_stream = command->output ? CHILD_STREAM_CAPTURE : CHILD_STREAM_FILE,
        .output = command->output,
        .output_fd = STDERR_FILENO,
        .error_stream = CHILD_STREAM_INHERIT,
        .timeout_ms = command->timeout_ms,
    };
    int ended;
    if (!child_run(&request, &ended, error))
        return false;
    if (ended == CONNECTION_LOST)
        return error_set(error, "the connection to the %s VM failed", vm_role_name(command->role));
    *status = ended;
    return true;
}

bool ssh_session_execute_well(const struct instance *instance,
                              const struct ssh_session_command *command, const char *what,
                              struct error *error)
{
    int status;
    if (!ssh_session_execute(instance, command, &status, error))
        return error_add_context(error, "%s", what);
    if (status != 0)
        return error_set(error, "%s: status %d in the %s VM", what, status,
                         vm_role_name(command->role));
    return true;
}
