#include "system/child.h"

#include "base/memory.h"
#include "base/printable.h"
#include "system/file.h"
#include "system/wall_clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ERRORS_CAP = 64 * 1024, EXEC_FAILED_STATUS = 127, READ_SIZE = 16 * 1024 };

/* The parent's ends of the pipes (-1 is closed) and what is left to write. */
struct conversation {
    int input, output, errors;
    struct bytes unsent;
};

int child_exit_status(int wait_status)
{
    return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

char *child_find_program(const char *name)
{
    if (strchr(name, '/'))
        return access(name, X_OK) == 0 ? memory_copy_text(name) : NULL;
    const char *path = getenv("PATH");
    struct bytes rest = bytes_from_text(path ? path : "/usr/local/bin:/usr/bin:/bin");
    struct bytes folder;
    while (bytes_next_token(&rest, ':', &folder)) {
        CLEANUP_FREE char *start = bytes_copy_text(folder);
        char *candidate = memory_format("%s/%s", *start ? start : ".", name);
        if (access(candidate, X_OK) == 0 && !file_is_directory(candidate))
            return candidate;
        free(candidate);
    }
    return NULL;
}

/* One stream: `pipe_ends` is filled for CAPTURE only; [0] is read from. */
static bool open_stream(enum child_stream stream, int pipe_ends[2], struct error *error)
{
    pipe_ends[0] = pipe_ends[1] = -1;
    if (stream != CHILD_STREAM_CAPTURE)
        return true;
    if (pipe(pipe_ends) != 0)
        return error_set_errno(error, errno, "pipe");
    for (int i = 0; i < 2; i++)
        fcntl(pipe_ends[i], F_SETFD, FD_CLOEXEC);
    return true;
}

static void close_both(int pipe_ends[2])
{
    file_close_cleanup(&pipe_ends[0]);
    file_close_cleanup(&pipe_ends[1]);
}

/* In the child: put the right thing at descriptor `target`. */
static void connect_stream(enum child_stream stream, int pipe_end, int file_fd, int target)
{
    int source = -1;
    switch (stream) {
    case CHILD_STREAM_NULL:
        source = open("/dev/null", O_RDWR);
        break;
    case CHILD_STREAM_INHERIT:
        return;
    case CHILD_STREAM_CAPTURE:
        source = pipe_end;
        break;
    case CHILD_STREAM_FILE:
        source = file_fd;
        break;
    }
    if (source == target)
        fcntl(target, F_SETFD, 0);
    else if (dup2(source, target) < 0)
        _exit(EXEC_FAILED_STATUS);
}

_Noreturn static void become_program(const struct child_request *request, const char *program,
                                     int report)
{
    if (request->folder && chdir(request->folder) != 0)
        goto failed;
    for (size_t i = 0; request->environment && i < request->environment->count; i++)
        putenv(request->environment->texts[i]);
    signal(SIGPIPE, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execv(program, request->arguments->texts);
failed:;
    int number = errno;
    ssize_t ignored = write(report, &number, sizeof(number));
    (void)ignored;
    _exit(EXEC_FAILED_STATUS);
}

static void send_input(struct conversation *talk)
{
    ssize_t sent = write(talk->input, talk->unsent.data, talk->unsent.length);
    if (sent > 0)
        talk->unsent = bytes_from(talk->unsent, (size_t)sent);
    /* A child that reads no further is no error by itself: its status tells. */
    if (talk->unsent.length == 0 || (sent < 0 && errno != EAGAIN && errno != EINTR))
        file_close_cleanup(&talk->input);
}

/* False when `*fd` gave more than fits. */
static bool take_output(int *fd, struct buffer *into)
{
    uint8_t block[READ_SIZE];
    ssize_t got = read(*fd, block, sizeof(block));
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return true;
    if (got <= 0)
        file_close_cleanup(fd);
    return got <= 0 || into == NULL || buffer_append(into, (struct bytes){block, (size_t)got});
}

static bool converse(const struct child_request *request, struct conversation *talk,
                     struct error *error)
{
    int64_t end_ms = wall_clock_monotonic_ms() + request->timeout_ms;
    while (talk->input >= 0 || talk->output >= 0 || talk->errors >= 0) {
        struct pollfd polled[3] = {{.fd = talk->input, .events = POLLOUT},
                                   {.fd = talk->output, .events = POLLIN},
                                   {.fd = talk->errors, .events = POLLIN}};
        int64_t left_ms = request->timeout_ms > 0 ? end_ms - wall_clock_monotonic_ms() : -1;
        if (request->timeout_ms > 0 && left_ms <= 0)
            return error_set(error, "no end after %d ms", request->timeout_ms);
        if (poll(polled, 3, (int)left_ms) < 0 && errno != EINTR)
            return error_set_errno(error, errno, "poll");
        if (polled[0].revents)
            send_input(talk);
        if (polled[1].revents && !take_output(&talk->output, request->output))
            return error_set(error, "more output than %zu bytes", request->output->cap);
        if (polled[2].revents && !take_output(&talk->errors, request->errors))
            request->errors->cap = buffer_length(request->errors);
    }
    return true;
}

/* Wait for the end, until the time is over; then end it. */
static bool reap(pid_t child, int timeout_ms, int64_t start_ms, int *wait_status,
                 struct error *error)
{
    for (;;) {
        pid_t ended = waitpid(child, wait_status, timeout_ms > 0 ? WNOHANG : 0);
        if (ended == child)
            return true;
        if (ended < 0 && errno != EINTR)
            return error_set_errno(error, errno, "wait");
        if (timeout_ms > 0 && wall_clock_monotonic_ms() - start_ms >= timeout_ms) {
            kill(child, SIGKILL);
            waitpid(child, wait_status, 0);
            return error_set(error, "no end after %d ms", timeout_ms);
        }
        if (ended == 0)
            wall_clock_sleep_ms(2);
    }
}

/* errno of a failed exec, or 0: the pipe closes by itself when exec works. */
static int wait_for_exec(int report)
{
    int number = 0;
    ssize_t got;
    do {
        got = read(report, &number, sizeof(number));
    } while (got < 0 && errno == EINTR);
    return got == (ssize_t)sizeof(number) ? number : 0;
}

static bool run_program(const struct child_request *request, const char *program, int pipes[3][2],
                        int *wait_status, struct error *error)
{
    int report[2];
    if (!open_stream(CHILD_STREAM_CAPTURE, report, error))
        return false;
    int64_t start_ms = wall_clock_monotonic_ms();
    pid_t child = fork();
    if (child < 0) {
        close_both(report);
        return error_set_errno(error, errno, "fork");
    }
    if (child == 0) {
        connect_stream(request->input_stream, pipes[0][0], request->input_fd, STDIN_FILENO);
        connect_stream(request->output_stream, pipes[1][1], request->output_fd, STDOUT_FILENO);
        connect_stream(request->error_stream, pipes[2][1], request->error_fd, STDERR_FILENO);
        become_program(request, program, report[1]);
    }
    file_close_cleanup(&report[1]);
    file_close_cleanup(&pipes[0][0]);
    file_close_cleanup(&pipes[1][1]);
    file_close_cleanup(&pipes[2][1]);
    int exec_errno = wait_for_exec(report[0]);
    file_close_cleanup(&report[0]);
    if (exec_errno) {
        waitpid(child, wait_status, 0);
        return error_set_errno(error, exec_errno, "start");
    }
    struct conversation talk = {pipes[0][1], pipes[1][0], pipes[2][0], request->input};
    if (talk.input >= 0)
        fcntl(talk.input, F_SETFL, O_NONBLOCK);
    bool is_said = converse(request, &talk, error);
    pipes[0][1] = talk.input;
    pipes[1][0] = talk.output;
    pipes[2][0] = talk.errors;
    if (!is_said) {
        kill(child, SIGKILL);
        waitpid(child, wait_status, 0);
        return false;
    }
    return reap(child, request->timeout_ms, start_ms, wait_status, error);
}

bool child_run(const struct child_request *request, int *status, struct error *error)
{
    const char *name = request->arguments->texts[0];
    CLEANUP_FREE char *program = child_find_program(name);
    if (program == NULL)
        return error_set(error, "%s: program not found", name);
    int pipes[3][2] = {{-1, -1}, {-1, -1}, {-1, -1}};
    int wait_status = 0;
    /* A child that does not read its input must not end us. */
    struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
    sigaction(SIGPIPE, &ignore, &before);
    bool is_done = open_stream(request->input_stream, pipes[0], error) &&
                   open_stream(request->output_stream, pipes[1], error) &&
                   open_stream(request->error_stream, pipes[2], error) &&
                   run_program(request, program, pipes, &wait_status, error);
    sigaction(SIGPIPE, &before, NULL);
    for (int i = 0; i < 3; i++)
        close_both(pipes[i]);
    if (!is_done)
        return error_add_context(error, "%s", name);
    *status = child_exit_status(wait_status);
    return true;
}

/* The last line that says anything. */
static struct bytes last_line(struct bytes text)
{
    struct bytes line, last = BYTES_EMPTY;
    while (bytes_next_token(&text, '\n', &line)) {
        if (bytes_trim(line).length > 0)
            last = bytes_trim(line);
    }
    return last;
}

bool child_run_quietly(const struct argument_list *arguments, struct buffer *output,
                       struct error *error)
{
    struct buffer errors;
    buffer_init(&errors, ERRORS_CAP);
    struct child_request request = {
        .arguments = arguments,
        .output_stream = output ? CHILD_STREAM_CAPTURE : CHILD_STREAM_NULL,
        .output = output,
        .error_stream = CHILD_STREAM_CAPTURE,
        .errors = &errors,
    };
    int status = 0;
    bool is_done = child_run(&request, &status, error);
    if (is_done && status != 0) {
        char line[400];
        printable_text(last_line(buffer_bytes(&errors)), line, sizeof(line));
        is_done = error_set(error, "%s: status %d%s%s", arguments->texts[0], status,
                            *line ? ": " : "", line);
    }
    buffer_done(&errors);
    return is_done;
}
