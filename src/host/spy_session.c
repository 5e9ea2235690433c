/*
 * Theory of operation.
 *
 * Two children: ssh, which runs `rootcell-firewall control ... capture` in the firewall VM, and
 * the viewer, which reads what ssh writes from a pipe. The firewall's answer, one line, is read
 * here before the viewer is started, so that a refusal is told as one.
 *
 * ssh's standard input is a pipe whose other end is ours alone: however we end, it is closed then,
 * and the capture in the VM, which is told to end with its input ("attended"), leaves its place
 * there to others. ssh's errors go into a pipe, too: they come from a guest, and a screen would be
 * spoilt by them.
 *
 * The viewer is in the terminal's foreground group with us and takes the user's keys and signals;
 * ssh has a group of its own, so that a Ctrl-C ends the viewer and not what it reads.
 */

#include "host/spy_session.h"

#include "base/memory.h"
#include "base/printable.h"
#include "host/ssh_session.h"
#include "record/control_message.h"
#include "record/json_fields.h"
#include "system/child.h"
#include "system/file.h"
#include "system/wall_clock.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    ANSWER_CAP = 4096,
    ANSWER_TIMEOUT_MS = 60000, /* emulation on a busy host */
    SAID_CAP = 4096,
    CANNOT_RUN = 127,
    CONNECTION_LOST = 128 /* above it: 255 is ssh's own, others are signals that ended ssh */
};

static volatile sig_atomic_t pending_signal;

static void note_signal(int number)
{
    if (number != SIGCHLD)
        pending_signal = number;
}

static const int our_signals[] = {SIGCHLD, SIGTERM, SIGHUP, SIGINT, SIGQUIT};
enum { OUR_SIGNAL_COUNT = sizeof(our_signals) / sizeof(our_signals[0]) };

/* A pipe of which a child has one end. */
struct way {
    int reading, writing; /* -1 none */
};

struct run {
    const struct spy_session *session; /* borrowed */
    pid_t viewer, ssh;                 /* 0 none */
    int viewer_status, ssh_status;
    struct way events, attendance, said; /* said: ssh's errors */
    sigset_t before;
    bool is_told_to_end; /* while there was no viewer yet */
};

static bool open_way(struct way *way, struct error *error)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return error_set_errno(error, errno, "a pipe");
    *way = (struct way){ends[0], ends[1]};
    return true;
}

static void close_way(struct way *way)
{
    file_close_cleanup(&way->reading);
    file_close_cleanup(&way->writing);
}

/* They come while we wait, and at no other time. */
static void set_signals(struct run *run)
{
    struct sigaction action = {.sa_handler = note_signal};
    sigset_t blocked;
    pending_signal = 0;
    sigemptyset(&action.sa_mask);
    sigemptyset(&blocked);
    for (int i = 0; i < OUR_SIGNAL_COUNT; i++) {
        sigaddset(&blocked, our_signals[i]);
        sigaction(our_signals[i], &action, NULL);
    }
    sigprocmask(SIG_BLOCK, &blocked, &run->before);
    for (int i = 0; i < OUR_SIGNAL_COUNT; i++)
        sigdelset(&run->before, our_signals[i]);
}

/* In a child. */
_Noreturn static void become(const struct run *run, const struct argument_list *arguments)
{
    for (int i = 0; i < OUR_SIGNAL_COUNT; i++)
        signal(our_signals[i], SIG_DFL);
    sigprocmask(SIG_SETMASK, &run->before, NULL);
    execvp(arguments->texts[0], arguments->texts);
    dprintf(STDERR_FILENO, "%s: %s\n", arguments->texts[0], strerror(errno));
    _exit(CANNOT_RUN);
}

static bool start_viewer(struct run *run, struct error *error)
{
    pid_t child = fork();
    if (child < 0)
        return error_set_errno(error, errno, "start the viewer");
    if (child == 0) {
        dup2(run->events.reading, STDIN_FILENO);
        become(run, run->session->viewer);
    }
    run->viewer = child;
    file_close_cleanup(&run->events.reading);
    return true;
}

static void make_ssh_arguments(const struct run *run, struct argument_list *arguments)
{
    ssh_session_add_program(arguments, run->session->instance);
    argument_list_add_all(arguments, "-T", "-o", "ControlMaster=no", "-o", "LogLevel=ERROR",
                          ssh_session_host(VM_ROLE_FIREWALL), "--", NULL);
    argument_list_add_format(
        arguments, "exec rootcell-firewall control /run/firewall.sock capture backlog%s attended",
        run->session->wants_bodies ? " bodies" : "");
}

static bool start_ssh(struct run *run, struct error *error)
{
    CLEANUP_ARGUMENTS struct argument_list arguments = {0};
    make_ssh_arguments(run, &arguments);
    pid_t child = fork();
    if (child < 0)
        return error_set_errno(error, errno, "start ssh");
    if (child == 0) {
        setpgid(0, 0);
        dup2(run->attendance.reading, STDIN_FILENO);
        dup2(run->events.writing, STDOUT_FILENO);
        dup2(run->said.writing, STDERR_FILENO);
        become(run, &arguments);
    }
    run->ssh = child;
    file_close_cleanup(&run->attendance.reading);
    file_close_cleanup(&run->events.writing);
    file_close_cleanup(&run->said.writing);
    return true;
}

static void reap(pid_t *child, int *status, int flags)
{
    int wait_status;
    if (*child == 0 || waitpid(*child, &wait_status, flags) != *child)
        return;
    *child = 0;
    *status = child_exit_status(wait_status);
}

enum { WORDS_SIZE = 300, REASON_SIZE = WORDS_SIZE + 8 };

/* " (...)": the last line that ssh, or the program in the VM, has said of why it ended, if any. */
static void read_reason(const struct run *run, char reason[REASON_SIZE])
{
    char said[SAID_CAP], shown[WORDS_SIZE];
    size_t length = 0;
    for (;;) {
        ssize_t got = read(run->said.reading, said + length, sizeof(said) - length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0 || (length += (size_t)got) == sizeof(said))
            break;
    }
    struct bytes rest = {(const uint8_t *)said, length}, line, last = BYTES_EMPTY;
    while (bytes_next_token(&rest, '\n', &line)) {
        struct bytes trimmed = bytes_trim(line);
        last = trimmed.length > 0 ? trimmed : last;
    }
    printable_text(last, shown, sizeof(shown));
    snprintf(reason, REASON_SIZE, "%s%s%s", *shown ? " (" : "", shown, *shown ? ")" : "");
}

/* ssh has ended though nobody told it to. */
static bool fail_with_end(struct run *run, bool has_begun, struct error *error)
{
    char reason[REASON_SIZE];
    reap(&run->ssh, &run->ssh_status, 0);
    read_reason(run, reason);
    if (run->ssh_status > CONNECTION_LOST)
        return error_set(error,
                         "the connection to the firewall VM %s%s; `rootcell list` shows its "
                         "state",
                         has_begun ? "was lost" : "failed", reason);
    if (has_begun)
        return error_set(error, "the firewall has ended the capture%s; try again", reason);
    return error_set(error,
                     "the firewall VM captures nothing%s; when it is older than this "
                     "program, `rootcell stop` and then `rootcell` start it anew",
                     reason);
}

static bool read_answer(struct bytes line, struct error *error)
{
    char shown[300];
    json_t *answer = json_fields_load(line, error);
    if (answer == NULL)
        return error_add_context(error, "answer of the firewall");
    const char *why = json_string_value(json_object_get(answer, "error"));
    bool is_good = json_is_true(json_object_get(answer, "ok"));
    if (!is_good)
        error_set(
            error, "the firewall refuses: %s",
            printable_text(bytes_from_text(why ? why : "no reason given"), shown, sizeof(shown)));
    json_decref(answer);
    return is_good;
}

/* One byte of the answer: the viewer gets all that comes after it. False at the end, or in time. */
static bool read_byte(struct run *run, int64_t end_ms, char *byte, struct error *error)
{
    struct pollfd polled = {.fd = run->events.reading, .events = POLLIN};
    int64_t left = end_ms - wall_clock_monotonic_ms();
    struct timespec patience = {left > 0 ? left / 1000 : 0, left > 0 ? left % 1000 * 1000000 : 0};
    int ready = ppoll(&polled, 1, &patience, &run->before);
    run->is_told_to_end = pending_signal != 0;
    if (run->is_told_to_end)
        return error_set(error, "told to end");
    if (ready < 0 && errno == EINTR)
        return read_byte(run, end_ms, byte, error);
    if (ready <= 0)
        return error_set(error, "the firewall does not answer; `rootcell list` shows its state");
    if (read(run->events.reading, byte, 1) == 1)
        return true;
    return fail_with_end(run, false, error);
}

static bool await_answer(struct run *run, struct error *error)
{
    char answer[ANSWER_CAP];
    int64_t end_ms = wall_clock_monotonic_ms() + ANSWER_TIMEOUT_MS;
    for (size_t length = 0; length < sizeof(answer); length++) {
        if (!read_byte(run, end_ms, &answer[length], error))
            return false;
        if (answer[length] == '\n')
            return read_answer((struct bytes){(const uint8_t *)answer, length}, error);
    }
    return error_set(error, "the firewall's answer is too long");
}

static bool wait_for_viewer(struct run *run, struct error *error)
{
    while (run->viewer != 0) {
        reap(&run->ssh, &run->ssh_status, WNOHANG);
        reap(&run->viewer, &run->viewer_status, WNOHANG);
        if (run->viewer == 0)
            break;
        sigsuspend(&run->before);
        int number = pending_signal;
        pending_signal = 0;
        /* The terminal has sent its own to the viewer, too, whom one more does no harm. */
        if (number == SIGTERM || number == SIGHUP || number == SIGINT)
            kill(run->viewer, number);
    }
    /* A viewer whose user ends it leaves ssh running; the end of ssh ends most viewers. */
    return run->ssh != 0 || run->viewer_status != 0 || fail_with_end(run, true, error);
}

static void end_all(struct run *run)
{
    close_way(&run->attendance);
    close_way(&run->events);
    if (run->viewer > 0) {
        kill(run->viewer, SIGTERM);
        reap(&run->viewer, &run->viewer_status, 0);
    }
    if (run->ssh > 0) {
        kill(run->ssh, SIGTERM);
        reap(&run->ssh, &run->ssh_status, 0);
    }
    close_way(&run->said);
}

bool spy_session_run(const struct spy_session *session, int *status, struct error *error)
{
    static const struct way no_way = {-1, -1};
    struct run run = {.session = session, .events = no_way, .attendance = no_way, .said = no_way};
    set_signals(&run);
    bool is_done = open_way(&run.events, error) && open_way(&run.attendance, error) &&
                   open_way(&run.said, error) && start_ssh(&run, error) &&
                   await_answer(&run, error) && start_viewer(&run, error) &&
                   wait_for_viewer(&run, error);
    end_all(&run);
    *status = run.viewer_status;
    return is_done || run.is_told_to_end;
}
