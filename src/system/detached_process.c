#include "system/detached_process.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "base/number.h"
#include "system/child.h"
#include "system/file.h"
#include "system/process_identity.h"
#include "system/wall_clock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PID_FILE_CAP = 256, KILL_WAIT_MS = 10000, POLL_INTERVAL_MS = 10 };

static bool set_limits(const struct detached_request *request)
{
    struct rlimit none = {0, 0};
    if (setrlimit(RLIMIT_CORE, &none) != 0)
        return false;
    if (request->file_size_limit == 0)
        return true;
    struct rlimit size = {request->file_size_limit, request->file_size_limit};
    /* Past the limit a write shall fail, and not end the program. */
    signal(SIGXFSZ, SIG_IGN);
    return setrlimit(RLIMIT_FSIZE, &size) == 0;
}

static bool write_pid_file(const char *path)
{
    char identity[PROCESS_IDENTITY_SIZE], text[PID_FILE_CAP];
    struct error error;
    if (!process_identity_read(getpid(), identity)) {
        errno = ESRCH;
        return false;
    }
    snprintf(text, sizeof(text), "%ld %s\n", (long)getpid(), identity);
    return file_write_atomic(path, bytes_from_text(text), 0600, &error);
}

static bool connect_streams(const char *log_file)
{
    int input = open("/dev/null", O_RDONLY);
    int log = open(log_file, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW, 0600);
    bool is_done = input >= 0 && log >= 0 && dup2(input, STDIN_FILENO) >= 0 &&
                   dup2(log, STDOUT_FILENO) >= 0 && dup2(log, STDERR_FILENO) >= 0;
    if (input > STDERR_FILENO)
        close(input);
    if (log > STDERR_FILENO)
        close(log);
    return is_done;
}

/* Whatever else we hold (locks above all) must not live on in it. */
static void close_others(int kept)
{
    for (int fd = STDERR_FILENO + 1; fd < 1024; fd++) {
        if (fd != kept)
            close(fd);
    }
}

_Noreturn static void become(const struct detached_request *request, const char *program,
                             int report)
{
    setsid();
    close_others(report);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (int number = 1; number < 32; number++)
        signal(number, SIG_DFL);
    if (set_limits(request) && connect_streams(request->log_file) &&
        write_pid_file(request->pid_file))
        execv(program, request->arguments->texts);
    int number = errno;
    ssize_t ignored = write(report, &number, sizeof(number));
    (void)ignored;
    _exit(127);
}

bool detached_process_start(const struct detached_request *request, struct error *error)
{
    const char *name = request->arguments->texts[0];
    CLEANUP_FREE char *program = child_find_program(name);
    if (program == NULL)
        return error_set(error, "%s: program not found", name);
    int report[2];
    if (pipe(report) != 0)
        return error_set_errno(error, errno, "pipe");
    fcntl(report[1], F_SETFD, FD_CLOEXEC);
    pid_t child = fork();
    if (child == 0) {
        /* Twice, so that it is nobody's child who might not wait for it. */
        pid_t grandchild = fork();
        if (grandchild == 0)
            become(request, program, report[1]);
        _exit(grandchild < 0);
    }
    close(report[1]);
    int number = child < 0 ? errno : 0, status;
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    ssize_t got = 0;
    while (number == 0 && (got = read(report[0], &number, sizeof(number))) < 0 && errno == EINTR)
        continue;
    close(report[0]);
    if (number != 0)
        return error_set_errno(error, number, "start %s", name);
    return true;
}

static bool read_pid_file(const char *path, pid_t *process, char identity[PROCESS_IDENTITY_SIZE])
{
    struct buffer text;
    struct error error;
    struct bytes rest, line, number_text;
    uint64_t number;
    buffer_init(&text, PID_FILE_CAP);
    bool is_read = file_read(path, &text, &error);
    rest = buffer_bytes(&text);
    is_read = is_read && bytes_next_token(&rest, '\n', &line) &&
              bytes_next_token(&line, ' ', &number_text) &&
              number_parse_decimal(number_text, 0x7fffffff, &number) && number > 1 &&
              line.length > 0 && line.length < PROCESS_IDENTITY_SIZE;
    if (is_read) {
        *process = (pid_t)number;
        snprintf(identity, PROCESS_IDENTITY_SIZE, "%.*s", (int)line.length,
                 (const char *)line.data);
    }
    buffer_done(&text);
    return is_read;
}

pid_t detached_process_find(const char *pid_file)
{
    pid_t process;
    char written[PROCESS_IDENTITY_SIZE], found[PROCESS_IDENTITY_SIZE];
    if (!read_pid_file(pid_file, &process, written) || !process_identity_read(process, found) ||
        strcmp(written, found) != 0)
        return 0;
    return process;
}

bool detached_process_wait(const char *pid_file, int timeout_ms)
{
    int64_t end_ms = wall_clock_monotonic_ms() + timeout_ms;
    while (detached_process_find(pid_file) != 0) {
        if (wall_clock_monotonic_ms() >= end_ms)
            return false;
        wall_clock_sleep_ms(POLL_INTERVAL_MS);
    }
    return true;
}

bool detached_process_kill(const char *pid_file, struct error *error)
{
    pid_t process = detached_process_find(pid_file);
    if (process == 0)
        return true;
    if (kill(process, SIGKILL) != 0 && errno != ESRCH)
        return error_set_errno(error, errno, "end process %ld", (long)process);
    if (!detached_process_wait(pid_file, KILL_WAIT_MS))
        return error_set(error, "process %ld does not end; is its disk stuck?", (long)process);
    return true;
}
