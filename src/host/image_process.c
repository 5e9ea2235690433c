#include "host/image_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/printable.h"
#include "system/child.h"
#include "system/file.h"
#include "system/wall_clock.h"

enum { TICK_MS = 200, LOG_BYTES_LIMIT = 16 * 1024 * 1024, SHOWN_BYTES = 300 };

_Noreturn static void run_program(const struct image_process_request *request, int log)
{
    int nothing = open("/dev/null", O_RDONLY);
    dup2(nothing, STDIN_FILENO);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    for (size_t i = 0; request->environment != NULL && i < request->environment->count; i++)
        putenv(request->environment->texts[i]);
    execvp(request->arguments->texts[0], request->arguments->texts);
    _exit(127);
}

/* True when the other end of the pipe was closed: by the kernel, however the process ended. */
static bool is_parent_gone(int pipe_end)
{
    struct pollfd watched = {.fd = pipe_end, .events = POLLIN};
    return poll(&watched, 1, TICK_MS) > 0;
}

/*
 * Between us and the program stands a keeper with a process group of its own: when we are gone,
 * interrupted or killed, it interrupts the whole group, and mmdebstrap takes its work away.
 */
_Noreturn static void keep_program(const struct image_process_request *request, int log,
                                   int pipe_end)
{
    int status;
    setpgid(0, 0);
    pid_t program = fork();
    if (program == 0)
        run_program(request, log);
    signal(SIGINT, SIG_IGN);
    bool is_interrupted = false;
    while (program > 0 && waitpid(program, &status, WNOHANG) == 0) {
        if (!is_interrupted && is_parent_gone(pipe_end)) {
            is_interrupted = true;
            kill(0, SIGINT);
        } else if (is_interrupted) {
            wall_clock_sleep_ms(TICK_MS);
        }
    }
    _exit(program > 0 ? child_exit_status(status) : 127);
}

/* The last line that starts as errors of apt, dpkg and mmdebstrap do, else the last line. */
static void find_reason(const char *log, char *reason, size_t size)
{
    struct buffer text;
    struct error ignored;
    buffer_init(&text, LOG_BYTES_LIMIT);
    struct bytes found = BYTES_LITERAL("it said nothing");
    bool is_error = false;
    if (file_read(log, &text, &ignored)) {
        struct bytes rest = buffer_bytes(&text);
        struct bytes line;
        while (bytes_next_token(&rest, '\n', &line)) {
            bool tells = bytes_start_with(line, BYTES_LITERAL("E: ")) ||
                         bytes_start_with(line, BYTES_LITERAL("dpkg: error"));
            /* The one behind the first only says that something failed. */
            if ((tells && !is_error) || (!is_error && line.length > 0))
                found = line;
            is_error = is_error || tells;
        }
    }
    printable_text(found, reason, size);
    buffer_done(&text);
}

static int wait_for(pid_t child, const struct image_process_request *request)
{
    int status;
    while (waitpid(child, &status, WNOHANG) == 0) {
        if (request->on_tick != NULL)
            request->on_tick(request->context);
        wall_clock_sleep_ms(TICK_MS);
    }
    return child_exit_status(status);
}

bool image_process_run(const struct image_process_request *request, struct error *error)
{
    const char *name = request->arguments->texts[0];
    CLEANUP_FREE char *program = child_find_program(name);
    if (program == NULL)
        return error_set(error, "%s is not installed", name);
    CLEANUP_FD int log = open(request->log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (log < 0)
        return error_set_errno(error, errno, "%s", request->log);
    int pipe_ends[2];
    if (pipe(pipe_ends) != 0)
        return error_set_errno(error, errno, "start %s", name);
    fcntl(pipe_ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(pipe_ends[1], F_SETFD, FD_CLOEXEC);
    CLEANUP_FD int kept_end = pipe_ends[1];
    CLEANUP_FD int watched_end = pipe_ends[0];
    pid_t child = fork();
    if (child < 0)
        return error_set_errno(error, errno, "start %s", name);
    if (child == 0) {
        close(kept_end);
        keep_program(request, log, watched_end);
    }
    int status = wait_for(child, request);
    if (status == 0)
        return true;
    char reason[SHOWN_BYTES];
    find_reason(request->log, reason, sizeof(reason));
    return error_set(error, "%s ended with status %d: %s (all of it in %s)", name, status, reason,
                     request->log);
}
