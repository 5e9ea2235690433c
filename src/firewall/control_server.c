#include "firewall/control_server.h"

#include <errno.h>
#include <malloc.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/memory.h"
#include "firewall/policy_bundle.h"
#include "firewall/policy_reload.h"
#include "firewall/supervisor.h"
#include "record/control_message.h"
#include "system/file.h"
#include "system/wall_clock.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    READ_BYTES = 64 * 1024,
};

enum client_state { CLIENT_NONE, CLIENT_READING, CLIENT_ANSWERING };

struct control_server {
    char *path;   /* owned */
    int listener; /* owned */
    enum client_state state;
    int client; /* owned; -1 in CLIENT_NONE */
    int64_t deadline_ms;
    struct buffer request;
    struct buffer answer;
};

static bool fill_address(const char *path, struct sockaddr_un *address, struct error *error)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(address->sun_path))
        return error_set(error, "the path is longer than %zu bytes", sizeof(address->sun_path) - 1);
    memcpy(address->sun_path, path, strlen(path) + 1);
    return true;
}

/* A backlog that is full (EAGAIN) is somebody's: only a refusal says that there is nobody. */
static bool is_listened_on(const struct sockaddr_un *address)
{
    CLEANUP_FD int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return connect(probe, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
           errno != ECONNREFUSED;
}

/* Only a socket is ever deleted, and only one that nobody listens on: after a
 * kill -9 the kernel may still be ending the processes that did. */
static bool remove_leftover(const char *path, const struct sockaddr_un *address,
                            struct error *error)
{
    struct stat status;
    if (lstat(path, &status) != 0)
        return errno == ENOENT || error_set_errno(error, errno, "%s", path);
    if (!S_ISSOCK(status.st_mode))
        return error_set(error, "%s: stands already and is no socket", path);
    int64_t end_ms = wall_clock_monotonic_ms() + CONTROL_SERVER_LEFTOVER_MS;
    while (is_listened_on(address)) {
        if (wall_clock_monotonic_ms() >= end_ms)
            return error_set(error, "%s: another firewall listens there", path);
        wall_clock_sleep_ms(10);
    }
    if (unlink(path) != 0)
        return error_set_errno(error, errno, "%s", path);
    return true;
}

struct control_server *control_server_new(const char *path, struct error *error)
{
    struct sockaddr_un address;
    if (!fill_address(path, &address, error) || !remove_leftover(path, &address, error))
        return NULL;
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    /* The mode is right from the first moment, not mended after it. */
    mode_t mask_before = umask(0177);
    bool is_bound =
        listener >= 0 && bind(listener, (struct sockaddr *)&address, sizeof(address)) == 0;
    int number = errno;
    umask(mask_before);
    if (!is_bound || listen(listener, 8) != 0) {
        error_set_errno(error, is_bound ? errno : number, "%s", path);
        file_close_cleanup(&listener);
        return NULL;
    }
    struct control_server *server = memory_new(sizeof(*server));
    server->path = memory_copy_text(path);
    server->listener = listener;
    server->client = -1;
    buffer_init(&server->request, CONTROL_REQUEST_BYTES_MAX);
    buffer_init(&server->answer, CONTROL_ANSWER_BYTES_MAX);
    return server;
}

static void end_client(struct control_server *server)
{
    file_close_cleanup(&server->client);
    server->client = -1;
    server->state = CLIENT_NONE;
    buffer_done(&server->request);
    buffer_done(&server->answer);
    malloc_trim(0); /* requests may be large, and are rare */
}

void control_server_free(struct control_server *server)
{
    if (server == NULL)
        return;
    end_client(server);
    close(server->listener);
    unlink(server->path);
    free(server->path);
    free(server);
}

void control_server_prepare(struct control_server *server, struct pollfd *polled, int *timeout_ms)
{
    for (int i = 0; i < CONTROL_SERVER_POLLED; i++)
        polled[i] = (struct pollfd){.fd = -1};
    if (server == NULL)
        return;
    if (server->state == CLIENT_NONE) {
        polled[0] = (struct pollfd){.fd = server->listener, .events = POLLIN};
        return;
    }
    short events = server->state == CLIENT_READING ? POLLIN : POLLOUT;
    polled[1] = (struct pollfd){.fd = server->client, .events = events};
    int64_t left_ms = server->deadline_ms - wall_clock_monotonic_ms();
    left_ms = left_ms < 0 ? 0 : left_ms;
    if (*timeout_ms < 0 || left_ms < *timeout_ms)
        *timeout_ms = (int)left_ms;
}

/* --- requests ------------------------------------------------------------------------------- */

static bool bundle_of(const struct control_policy *policy, struct buffer *bundle)
{
    const struct bytes texts[POLICY_KIND_COUNT] = {
        [POLICY_HTTPS] = policy->https, [POLICY_SSH] = policy->ssh, [POLICY_DNS] = policy->dns};
    for (int kind = 0; kind < POLICY_KIND_COUNT; kind++)
        if (!policy_bundle_append(bundle, bytes_from_text(policy_kind_text((enum policy_kind)kind)),
                                  texts[kind]))
            return false;
    for (size_t i = 0; i < policy->group_count; i++)
        if (!policy_bundle_append(bundle, policy->groups[i].name, policy->groups[i].text))
            return false;
    return true;
}

static bool answer_policy(struct control_server *server, struct supervisor *supervisor,
                          struct bytes payload, struct error *error)
{
    struct control_policy *policy = memory_new(sizeof(*policy));
    struct control_policy_answer answer = {0};
    struct buffer bundle;
    buffer_init(&bundle, POLICY_BUNDLE_BYTES_MAX);
    bool is_good = control_policy_parse(payload, policy, error);
    if (is_good) {
        is_good = bundle_of(policy, &bundle) || error_set(error, "the policy is too long");
        is_good =
            is_good && policy_reload_bundle(supervisor, buffer_bytes(&bundle), &answer, error);
        control_policy_done(policy);
    }
    free(policy);
    buffer_done(&bundle);
    if (!is_good)
        return false;
    is_good = control_answer_write_policy(&answer, &server->answer) ||
              error_set(error, "in force; the answer is too long to show");
    control_policy_answer_done(&answer);
    return is_good;
}

static struct control_role role_status(const struct role *role)
{
    return (struct control_role){role->name, role->process, role->restart_count,
                                 role->process ? role_memory(role->process) : 0};
}

static bool answer_status(struct control_server *server, struct supervisor *supervisor,
                          struct error *error)
{
    supervisor_refresh_counters(supervisor, CONTROL_SERVER_COUNTERS_MS);
    struct control_status status = {
        .epoch = supervisor->epoch,
        .uptime_ms = (uint64_t)(wall_clock_monotonic_ms() - supervisor->started_ms),
        .agent_connections = supervisor->dialogue.agent_connections,
        .records_dropped = supervisor->records_dropped + supervisor->dialogue.records_dropped,
        .roles = {{"supervisor", getpid(), 0, role_memory(getpid())},
                  role_status(&supervisor->proxy),
                  role_status(&supervisor->recorder)},
        .role_count = 3,
    };
    return control_answer_write_status(&status, &server->answer) ||
           error_set(error, "the answer is too long");
}

/* The client becomes a viewer: it is the recorder that answers, when it has taken it over. */
static bool hand_over(struct control_server *server, struct supervisor *supervisor,
                      struct bytes payload, struct error *error)
{
    struct control_capture wishes;
    if (!control_capture_parse(payload, &wishes, error) ||
        !supervisor_capture_attach(supervisor, server->client, &wishes, error))
        return false;
    server->client = -1;
    return true;
}

static bool answer_request(struct control_server *server, struct supervisor *supervisor,
                           struct error *error)
{
    struct bytes all = buffer_bytes(&server->request);
    size_t line = bytes_index_of(all, '\n');
    enum control_request request;
    if (line == all.length || !control_request_find(bytes_first(all, line), &request))
        return error_set(error, "unknown request: policy, status and capture are known");
    if (request == CONTROL_CAPTURE)
        return hand_over(server, supervisor, bytes_from(all, line + 1), error);
    if (request == CONTROL_STATUS)
        return answer_status(server, supervisor, error);
    return answer_policy(server, supervisor, bytes_from(all, line + 1), error);
}

static void send_answer(struct control_server *server)
{
    struct bytes rest = buffer_bytes(&server->answer);
    ssize_t sent = send(server->client, rest.data, rest.length, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0)
        buffer_consume(&server->answer, (size_t)sent);
    if (buffer_length(&server->answer) == 0 || (sent < 0 && errno != EAGAIN && errno != EINTR))
        end_client(server);
}

static void finish_request(struct control_server *server, struct supervisor *supervisor)
{
    struct error error;
    if (!answer_request(server, supervisor, &error) &&
        !control_answer_write_error(error.text, &server->answer)) {
        end_client(server);
        return;
    }
    if (server->client < 0) {
        end_client(server);
        return;
    }
    server->state = CLIENT_ANSWERING;
    server->deadline_ms = wall_clock_monotonic_ms() + CONTROL_SERVER_CLIENT_MS;
    send_answer(server);
}

static void read_request(struct control_server *server, struct supervisor *supervisor)
{
    size_t room = 0;
    uint8_t *into = buffer_reserve(&server->request, READ_BYTES, &room);
    /* A request that fills the cap is refused without being read to its end. */
    ssize_t got = room ? recv(server->client, into, room, MSG_DONTWAIT) : -1;
    if (got > 0)
        buffer_commit(&server->request, (size_t)got);
    else if (got == 0)
        finish_request(server, supervisor);
    else if (room == 0 || (errno != EAGAIN && errno != EINTR))
        end_client(server);
}

void control_server_handle(struct control_server *server, struct supervisor *supervisor,
                           const struct pollfd *polled)
{
    if (server == NULL)
        return;
    if (polled[0].revents) {
        server->client = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (server->client >= 0) {
            server->state = CLIENT_READING;
            server->deadline_ms = wall_clock_monotonic_ms() + CONTROL_SERVER_CLIENT_MS;
        }
    } else if (polled[1].revents && server->state == CLIENT_READING) {
        read_request(server, supervisor);
    } else if (polled[1].revents && server->state == CLIENT_ANSWERING) {
        send_answer(server);
    }
    if (server->state != CLIENT_NONE && wall_clock_monotonic_ms() >= server->deadline_ms)
        end_client(server);
}
