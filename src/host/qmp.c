#include "host/qmp.h"

#include "base/memory.h"
#include "record/json_fields.h"
#include "system/file.h"
#include "system/wall_clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { LINE_CAP = 512 * 1024, READ_SIZE = 16 * 1024 };

struct qmp {
    int fd; /* owned */
    int timeout_ms;
    struct buffer received; /* bytes after the last whole line */
};

static int connect_socket(const char *path, struct error *error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(address.sun_path)) {
        error_set(error, "%s: too long for a socket", path);
        return -1;
    }
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0) {
        error_set_errno(error, errno, "socket");
        return -1;
    }
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        error_set_errno(error, errno, "%s", path);
        close(fd);
        return -1;
    }
    return fd;
}

static bool receive(struct qmp *qmp, int64_t end_ms, struct error *error)
{
    struct pollfd polled = {.fd = qmp->fd, .events = POLLIN};
    int64_t left_ms = end_ms - wall_clock_monotonic_ms();
    if (left_ms <= 0 || poll(&polled, 1, (int)left_ms) == 0)
        return error_set(error, "the VM runner does not answer");
    size_t room;
    uint8_t *space = buffer_reserve(&qmp->received, READ_SIZE, &room);
    if (room == 0)
        return error_set(error, "the VM runner answers with too much");
    ssize_t got = read(qmp->fd, space, room);
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return true;
    if (got < 0)
        return error_set_errno(error, errno, "read from the VM runner");
    if (got == 0)
        return error_set(error, "the VM runner closed the connection");
    buffer_commit(&qmp->received, (size_t)got);
    return true;
}

/* The next message that is no event: a greeting, a return or an error. New reference. */
static json_t *next_answer(struct qmp *qmp, struct error *error)
{
    int64_t end_ms = wall_clock_monotonic_ms() + qmp->timeout_ms;
    for (;;) {
        struct bytes all = buffer_bytes(&qmp->received);
        size_t length = bytes_index_of(all, '\n');
        if (length == all.length) {
            if (!receive(qmp, end_ms, error))
                return NULL;
            continue;
        }
        json_t *message = json_fields_load(bytes_first(all, length), error);
        buffer_consume(&qmp->received, length + 1);
        if (message == NULL || json_object_get(message, "event") == NULL)
            return message;
        json_decref(message);
    }
}

static json_t *ask(struct qmp *qmp, const char *text, struct error *error)
{
    if (!file_write_all(qmp->fd, bytes_from_text(text), error))
        return NULL;
    json_t *answer = next_answer(qmp, error);
    if (answer == NULL)
        return NULL;
    json_t *result = json_incref(json_object_get(answer, "return"));
    if (result == NULL) {
        const char *why =
            json_string_value(json_object_get(json_object_get(answer, "error"), "desc"));
        error_set(error, "the VM runner refuses: %.200s", why ? why : "no reason given");
    }
    json_decref(answer);
    return result;
}

struct qmp *qmp_open(const char *socket_path, int timeout_ms, struct error *error)
{
    int fd = connect_socket(socket_path, error);
    if (fd < 0)
        return NULL;
    struct qmp *qmp = memory_new(sizeof(*qmp));
    *qmp = (struct qmp){.fd = fd, .timeout_ms = timeout_ms};
    buffer_init(&qmp->received, LINE_CAP);
    json_t *greeting = next_answer(qmp, error);
    json_t *ready = greeting ? ask(qmp, "{\"execute\":\"qmp_capabilities\"}\n", error) : NULL;
    json_decref(greeting);
    if (ready == NULL) {
        qmp_close(qmp);
        return NULL;
    }
    json_decref(ready);
    return qmp;
}

void qmp_close(struct qmp *qmp)
{
    if (qmp == NULL)
        return;
    close(qmp->fd);
    buffer_done(&qmp->received);
    free(qmp);
}

bool qmp_execute(struct qmp *qmp, const char *command, struct error *error)
{
    CLEANUP_FREE char *text = memory_format("{\"execute\":\"%s\"}\n", command);
    json_t *result = ask(qmp, text, error);
    if (result == NULL)
        return error_add_context(error, "%s", command);
    json_decref(result);
    return true;
}

bool qmp_query_status(struct qmp *qmp, char *state, size_t size, struct error *error)
{
    json_t *result = ask(qmp, "{\"execute\":\"query-status\"}\n", error);
    const char *status = json_string_value(json_object_get(result, "status"));
    if (result && status == NULL)
        error_set(error, "the VM runner gives no status");
    if (status)
        snprintf(state, size, "%s", status);
    json_decref(result);
    return status != NULL;
}

bool qmp_read_ring(struct qmp *qmp, const char *device, struct buffer *text, struct error *error)
{
    CLEANUP_FREE char *command =
        memory_format("{\"execute\":\"ringbuf-read\",\"arguments\":{\"device\":\"%s\","
                      "\"size\":65536,\"format\":\"utf8\"}}\n",
                      device);
    json_t *result = ask(qmp, command, error);
    if (result == NULL)
        return false;
    const char *data = json_string_value(result);
    struct bytes all = data ? bytes_from_text(data) : BYTES_EMPTY;
    bool is_kept = buffer_append(text, bytes_first(all, buffer_room(text)));
    json_decref(result);
    return is_kept;
}
