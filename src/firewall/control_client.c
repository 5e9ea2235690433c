#include "firewall/control_client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"
#include "record/control_message.h"
#include "system/file.h"

enum { BLOCK_BYTES = 64 * 1024, EXIT_NO_ANSWER = 2 };

static int connect_to(const char *path, struct error *error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(address.sun_path)) {
        error_set(error, "%s: the path is too long", path);
        return -1;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    int connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection >= 0 && connect(connection, (struct sockaddr *)&address, sizeof(address)) == 0)
        return connection;
    error_set_errno(error, errno, "%s", path);
    file_close_cleanup(&connection);
    return -1;
}

static bool send_request(int connection, const char *request, struct error *error)
{
    uint8_t block[BLOCK_BYTES];
    if (!file_write_all(connection, bytes_from_text(request), error) ||
        !file_write_all(connection, BYTES_LITERAL("\n"), error))
        return false;
    enum control_request known;
    bool has_payload =
        control_request_find(bytes_from_text(request), &known) && known != CONTROL_STATUS;
    while (has_payload) {
        ssize_t got = read(STDIN_FILENO, block, sizeof(block));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_set_errno(error, errno, "standard input");
        if (got == 0)
            break;
        if (!file_write_all(connection, (struct bytes){block, (size_t)got}, error))
            return false;
    }
    if (shutdown(connection, SHUT_WR) != 0)
        return error_set_errno(error, errno, "end of the request");
    return true;
}

static bool read_answer(int connection, struct buffer *answer, struct error *error)
{
    for (;;) {
        size_t room = 0;
        uint8_t *into = buffer_reserve(answer, BLOCK_BYTES, &room);
        ssize_t got = room ? read(connection, into, room) : 0;
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_set_errno(error, errno, "answer");
        if (got == 0)
            return buffer_length(answer) > 0 || error_set(error, "the firewall gave no answer");
        buffer_commit(answer, (size_t)got);
    }
}

int control_client_run(const char *path, const char *request)
{
    struct error error;
    struct buffer answer;
    buffer_init(&answer, CONTROL_ANSWER_BYTES_MAX);
    CLEANUP_FD int connection = connect_to(path, &error);
    int status = EXIT_NO_ANSWER;
    if (connection >= 0 && send_request(connection, request, &error) &&
        read_answer(connection, &answer, &error)) {
        status = control_answer_is_ok(buffer_bytes(&answer)) ? 0 : 1;
        if (!file_write_all(STDOUT_FILENO, buffer_bytes(&answer), &error))
            status = EXIT_NO_ANSWER;
    }
    if (status == EXIT_NO_ANSWER)
        fprintf(stderr, "rootcell-firewall: control: %s\n", error.text);
    buffer_done(&answer);
    return status;
}
