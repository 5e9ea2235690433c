#include "firewall/control_client.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"
#include "record/control_message.h"
#include "system/file.h"

enum { BLOCK_BYTES = 64 * 1024, EXIT_NO_ANSWER = 2 };

/* A capture that ends with standard input. */
#define ATTENDED "attended"

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

static bool send_input(int connection, struct error *error)
{
    uint8_t block[BLOCK_BYTES];
    for (;;) {
        ssize_t got = read(STDIN_FILENO, block, sizeof(block));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_set_errno(error, errno, "standard input");
        if (got == 0)
            return true;
        if (!file_write_all(connection, (struct bytes){block, (size_t)got}, error))
            return false;
    }
}

/* The first word is the request; others are its payload. */
static bool send_request(int connection, char *const *words, size_t count, bool has_input,
                         struct error *error)
{
    for (size_t i = 0; i < count; i++)
        if (!file_write_all(connection, bytes_from_text(words[i]), error) ||
            !file_write_all(connection, BYTES_LITERAL("\n"), error))
            return false;
    if (has_input && !send_input(connection, error))
        return false;
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

static int run_request(int connection, const char *word, struct error *error)
{
    struct buffer answer;
    buffer_init(&answer, CONTROL_ANSWER_BYTES_MAX);
    enum control_request known;
    char *const words[] = {(char *)word};
    bool has_input = control_request_find(bytes_from_text(word), &known) && known != CONTROL_STATUS;
    int status = EXIT_NO_ANSWER;
    if (send_request(connection, words, 1, has_input, error) &&
        read_answer(connection, &answer, error)) {
        status = control_answer_is_ok(buffer_bytes(&answer)) ? 0 : 1;
        if (!file_write_all(STDOUT_FILENO, buffer_bytes(&answer), error))
            status = EXIT_NO_ANSWER;
    }
    buffer_done(&answer);
    return status;
}

/* Skip what came on standard input. False at its end. */
static bool skip_input(void)
{
    uint8_t block[BLOCK_BYTES];
    ssize_t got = read(STDIN_FILENO, block, sizeof(block));
    return got > 0 || (got < 0 && errno == EINTR);
}

/* What copies a capture to standard output waits for. */
struct copy {
    int connection;
    int input; /* its end ends the copy; -1 none */
};

/* Wait until there is more to read, or room to write. False when the copy is to end. */
static bool await(const struct copy *copy, bool wants_room)
{
    for (;;) {
        struct pollfd polled[] = {{.fd = wants_room ? -1 : copy->connection, .events = POLLIN},
                                  {.fd = STDOUT_FILENO, .events = wants_room ? POLLOUT : 0},
                                  {.fd = copy->input, .events = POLLIN}};
        if (poll(polled, 3, -1) < 0) {
            if (errno != EINTR)
                return false;
            continue;
        }
        if ((polled[1].revents & ~POLLOUT) || (polled[2].revents && !skip_input()))
            return false;
        if (polled[0].revents || polled[1].revents)
            return true;
    }
}

/* Print all of it. A pipe with room takes PIPE_BUF bytes without blocking. */
static bool print(const struct copy *copy, struct bytes bytes)
{
    while (bytes.length > 0) {
        if (!await(copy, true))
            return false;
        struct bytes piece = bytes_first(bytes, PIPE_BUF);
        ssize_t written = write(STDOUT_FILENO, piece.data, piece.length);
        if (written < 0 && errno != EINTR)
            return false;
        bytes = bytes_from(bytes, written > 0 ? (size_t)written : 0);
    }
    return true;
}

static int copy_capture(const struct copy *copy, struct error *error)
{
    uint8_t block[BLOCK_BYTES];
    bool is_first = true;
    while (await(copy, false)) {
        ssize_t got = read(copy->connection, block, sizeof(block));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            error_set(error, "the firewall has ended the capture");
            return EXIT_NO_ANSWER;
        }
        struct bytes bytes = {block, (size_t)got};
        bool is_refused = is_first && bytes_start_with(bytes, BYTES_LITERAL("{\"ok\":false"));
        is_first = false;
        if (!print(copy, bytes))
            break;
        if (is_refused)
            return 1;
    }
    return 0;
}

static int run_capture(int connection, char *const *words, size_t count, struct error *error)
{
    bool is_attended = !strcmp(words[count - 1], ATTENDED);
    struct copy copy = {connection, is_attended ? STDIN_FILENO : -1};
    if (!send_request(connection, words, count - is_attended, false, error))
        return EXIT_NO_ANSWER;
    signal(SIGPIPE, SIG_IGN);
    return copy_capture(&copy, error);
}

int control_client_run(const char *path, char *const *words, size_t count)
{
    struct error error;
    CLEANUP_FD int connection = connect_to(path, &error);
    int status = EXIT_NO_ANSWER;
    bool is_capture = !strcmp(words[0], control_request_name(CONTROL_CAPTURE));
    if (!is_capture && count > 1)
        error_set(&error, "%s has no options", words[0]);
    else if (connection >= 0)
        status = is_capture ? run_capture(connection, words, count, &error)
                            : run_request(connection, words[0], &error);
    if (status == EXIT_NO_ANSWER)
        fprintf(stderr, "rootcell-firewall: control: %s\n", error.text);
    return status;
}
