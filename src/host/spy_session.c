/*
 * Theory of operation.
 *
 * Two children: ssh, which runs `rootcell-firewall control ... capture` in the firewall VM, and
 * the viewer, which reads what ssh writes from a pipe. We hold the pipe's writing end too, so that
 * the viewer sees no end of it while ssh is started anew after a connection that broke; a line feed
 * from us ends the line that it broke off in.
 *
 * The viewer is in the terminal's foreground group with us and takes the user's keys and signals;
 * ssh has a group of its own, so that a Ctrl-C ends the viewer and not what it reads. What we are
 * sent goes on to the viewer. When the viewer ends, all ends.
 */

#include "host/spy_session.h"

#include "base/memory.h"
#include "host/exit_status.h"
#include "host/message.h"
#include "host/ssh_session.h"
#include "system/child.h"
#include "system/file.h"
#include "system/wall_clock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ATTEMPTS_MAX = 5, ATTEMPT_PAUSE_MS = 1000, VIEWER_END_MS = 500, CANNOT_RUN = 127 };

static volatile sig_atomic_t pending_signal;

static void note_signal(int number)
{
    if (number != SIGCHLD)
        pending_signal = number;
}

struct children {
    const struct spy_session *session; /* borrowed */
    pid_t viewer, ssh;                 /* 0 none */
    int viewer_status;
    int pipe[2]; /* from ssh to the viewer, -1 none */
    sigset_t before;
    unsigned attempts;
};

static bool set_signals(struct children *children)
{
    static const int numbers[] = {SIGCHLD, SIGTERM, SIGHUP, SIGINT, SIGQUIT};
    struct sigaction action = {.sa_handler = note_signal};
    sigset_t blocked;
    sigemptyset(&action.sa_mask);
    sigemptyset(&blocked);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        sigaddset(&blocked, numbers[i]);
        sigaction(numbers[i], &action, NULL);
    }
    signal(SIGPIPE, SIG_IGN);
    return sigprocmask(SIG_BLOCK, &blocked, &children->before) == 0;
}

/* In a child: signals as our caller had them. */
static void reset_signals(const struct children *children)
{
    static const int numbers[] = {SIGCHLD, SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGPIPE};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        signal(numbers[i], SIG_DFL);
    sigprocmask(SIG_SETMASK, &children->before, NULL);
}

_Noreturn static void become(const struct argument_list *arguments)
{
    execvp(arguments->texts[0], arguments->texts);
    fprintf(stderr, "rootcell: start %s: %s\n", arguments->texts[0], strerror(errno));
    _exit(CANNOT_RUN);
}

static bool start_viewer(struct children *children, struct error *error)
{
    children->viewer = fork();
    if (children->viewer < 0)
        return error_set_errno(error, errno, "start the viewer");
    if (children->viewer > 0)
        return true;
    reset_signals(children);
    dup2(children->pipe[0], STDIN_FILENO);
    become(children->session->viewer);
}

/* The request's payload, in a pipe that has room for it. Returns its reading end, or -1. */
static int open_payload(const char *payload)
{
    int ends[2];
    struct error ignored;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return -1;
    bool is_written = file_write_all(ends[1], bytes_from_text(payload), &ignored);
    file_close_cleanup(&ends[1]);
    if (!is_written)
        file_close_cleanup(&ends[0]);
    return ends[0];
}

static bool start_ssh(struct children *children, bool wants_backlog, struct error *error)
{
    const struct spy_session *session = children->session;
    CLEANUP_FREE char *payload = memory_format("%s %s\n", wants_backlog ? "backlog" : "",
                                               session->wants_bodies ? "bodies" : "");
    CLEANUP_FD int input = open_payload(payload);
    if (input < 0)
        return error_set_errno(error, errno, "start ssh");
    children->ssh = fork();
    if (children->ssh < 0) {
        children->ssh = 0;
        return error_set_errno(error, errno, "start ssh");
    }
    if (children->ssh > 0)
        return true;
    CLEANUP_ARGUMENTS struct argument_list arguments = {0};
    ssh_session_add_program(&arguments, session->instance);
    argument_list_add_all(&arguments, "-T", "-o", "ControlMaster=no", "-o", "LogLevel=ERROR",
                          ssh_session_host(VM_ROLE_FIREWALL), "--",
                          "exec rootcell-firewall control /run/firewall.sock capture", NULL);
    setpgid(0, 0);
    reset_signals(children);
    dup2(input, STDIN_FILENO);
    dup2(children->pipe[1], STDOUT_FILENO);
    become(&arguments);
}

static bool is_ended(pid_t *child, int *status)
{
    int wait_status;
    if (*child == 0 || waitpid(*child, &wait_status, WNOHANG) != *child)
        return false;
    *child = 0;
    *status = child_exit_status(wait_status);
    return true;
}

/* True once the viewer has ended. Waits so long at most. */
static bool wait_for_viewer(struct children *children, int64_t patience_ms)
{
    int64_t end = wall_clock_monotonic_ms() + patience_ms;
    while (children->viewer != 0 && !is_ended(&children->viewer, &children->viewer_status) &&
           wall_clock_monotonic_ms() < end)
        wall_clock_sleep_ms(20);
    return children->viewer == 0;
}

/* Returns false when there is nothing more to read, ever. */
static bool connect_again(struct children *children)
{
    struct error error;
    const struct instance *instance = children->session->instance;
    /* A viewer that ends because of what it read, or of a Ctrl-C, says so itself. */
    if (wait_for_viewer(children, VIEWER_END_MS))
        return false;
    if (children->attempts++ == 0)
        message_note("spy: the connection to the firewall VM broke; trying to make it again");
    if (children->attempts > ATTEMPTS_MAX || !instance_vm_process(instance, VM_ROLE_FIREWALL) ||
        wait_for_viewer(children, ATTEMPT_PAUSE_MS))
        return false;
    (void)!write(children->pipe[1], "\n", 1);
    return start_ssh(children, false, &error);
}

static int wait_for_end(struct children *children)
{
    int ignored;
    while (!is_ended(&children->viewer, &children->viewer_status)) {
        if (is_ended(&children->ssh, &ignored) && !connect_again(children)) {
            if (children->viewer == 0)
                break;
            message_note("spy: the connection to the firewall VM was lost; `rootcell list` shows "
                         "its state");
            file_close_cleanup(&children->pipe[1]);
            waitpid(children->viewer, &ignored, 0);
            children->viewer = 0;
            return EXIT_STATUS_NOT_RUN;
        }
        if (children->viewer == 0)
            break;
        sigsuspend(&children->before);
        int number = pending_signal;
        pending_signal = 0;
        /* The terminal has sent its own signals to the viewer, too. */
        if (number == SIGTERM || number == SIGHUP)
            kill(children->viewer, number);
    }
    return children->viewer_status;
}

int spy_session_run(const struct spy_session *session)
{
    struct children children = {.session = session, .pipe = {-1, -1}};
    struct error error;
    int status = EXIT_STATUS_NOT_RUN;
    if (!set_signals(&children) || pipe2(children.pipe, O_CLOEXEC) != 0) {
        message_note("spy: %s", strerror(errno));
        return status;
    }
    if (start_viewer(&children, &error) && start_ssh(&children, true, &error)) {
        file_close_cleanup(&children.pipe[0]);
        status = wait_for_end(&children);
    } else {
        message_error(&error);
    }
    file_close_cleanup(&children.pipe[0]);
    file_close_cleanup(&children.pipe[1]);
    if (children.viewer > 0)
        waitpid(children.viewer, NULL, 0);
    if (children.ssh > 0) {
        kill(children.ssh, SIGTERM);
        waitpid(children.ssh, NULL, 0);
    }
    return status;
}
