/*
 * Theory of operation.
 *
 * The program runs below a helper in the guest (`rootcell-init session`), which gets a token, the
 * host's time and the program's arguments. ssh itself passes no signals on and tells 255 for its
 * own failures; so we stay between the user and ssh:
 *
 *  - A signal that we get goes by a second call over the same connection to the helper with that
 *    token, and from there to the program (an interrupt to its whole process group, as a terminal
 *    would do). Without a terminal in the guest, ssh runs with these signals blocked: a Ctrl-C of
 *    the user's terminal reaches it too, and it would drop the session.
 *  - Status 255 is the program's own while the connection stands, and ours (125) when it is gone.
 *
 * The firewall's clock is set by a third call beside the session.
 */

#include "host/ssh_enter.h"

#include "base/memory.h"
#include "host/exit_status.h"
#include "host/message.h"
#include "host/ssh_session.h"
#include "system/child.h"
#include "system/wall_clock.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CONNECTION_LOST = 255, SIGNAL_TIMEOUT_MS = 10000, CLOCK_TIMEOUT_MS = 10000 };

static const int passed_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};
enum { PASSED_SIGNAL_COUNT = sizeof(passed_signals) / sizeof(passed_signals[0]) };

static volatile sig_atomic_t pending_signal;

static void note_signal(int number)
{
    pending_signal = number;
}

struct session {
    const struct instance *instance;
    char token[48];
    bool has_terminal;
    pid_t ssh;
    pid_t clock;
};

static char *make_command(const struct session *session, const struct argument_list *arguments)
{
    CLEANUP_ARGUMENTS struct argument_list command = {0};
    argument_list_add_all(&command, "exec", SSH_SESSION_HELPER, "session", "--token",
                          session->token, "--time", NULL);
    argument_list_add_format(&command, "%lld", (long long)wall_clock_now_ms());
    if (arguments->count > 0)
        argument_list_add(&command, "--");
    for (size_t i = 0; i < arguments->count; i++)
        argument_list_add(&command, arguments->texts[i]);
    return argument_list_quote(&command);
}

/* Signals are blocked from here on in the parent; it takes them where it waits. */
static void set_signals(sigset_t *passed, sigset_t *before)
{
    struct sigaction action = {.sa_handler = note_signal};
    sigemptyset(passed);
    sigemptyset(&action.sa_mask);
    for (int i = 0; i < PASSED_SIGNAL_COUNT; i++) {
        sigaddset(passed, passed_signals[i]);
        sigaction(passed_signals[i], &action, NULL);
    }
    struct sigaction child = {.sa_handler = note_signal};
    sigemptyset(&child.sa_mask);
    sigaction(SIGCHLD, &child, NULL);
    sigaddset(passed, SIGCHLD);
    sigprocmask(SIG_BLOCK, passed, before);
}

/* The caller's own region goes before the instance's; ssh carries either into the session. */
static void choose_region(const struct settings *settings)
{
    const char *given = getenv("AWS_REGION");
    if (*settings->aws_region && (given == NULL || *given == '\0'))
        setenv("AWS_REGION", settings->aws_region, 1);
}

_Noreturn static void become_ssh(const struct session *session, const char *command,
                                 const sigset_t *before)
{
    CLEANUP_ARGUMENTS struct argument_list arguments = {0};
    ssh_session_add_program(&arguments, session->instance);
    argument_list_add_all(&arguments, session->has_terminal ? "-t" : "-T", "-o", "ControlMaster=no",
                          "-o", "EscapeChar=none", ssh_session_host(VM_ROLE_AGENT), "--", command,
                          NULL);
    choose_region(&session->instance->settings);
    for (int i = 0; i < PASSED_SIGNAL_COUNT; i++)
        signal(passed_signals[i], SIG_DFL);
    signal(SIGCHLD, SIG_DFL);
    if (session->has_terminal)
        sigprocmask(SIG_SETMASK, before, NULL);
    execvp(arguments.texts[0], arguments.texts);
    fprintf(stderr, "rootcell: start %s: %s\n", arguments.texts[0], strerror(errno));
    _exit(CONNECTION_LOST);
}

static pid_t start_clock(const struct instance *instance, const sigset_t *before)
{
    pid_t child = fork();
    if (child != 0)
        return child;
    for (int i = 0; i < PASSED_SIGNAL_COUNT; i++)
        signal(passed_signals[i], SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
    sigprocmask(SIG_SETMASK, before, NULL);
    CLEANUP_FREE char *command = memory_format("rootcell-init set-clock %lld >/dev/null 2>&1",
                                               (long long)((wall_clock_now_ms() + 500) / 1000));
    struct buffer nothing;
    buffer_init(&nothing, 4096);
    struct ssh_session_command request = {.role = VM_ROLE_FIREWALL,
                                          .command = command,
                                          .output = &nothing,
                                          .timeout_ms = CLOCK_TIMEOUT_MS};
    struct error ignored;
    int status;
    _exit(!ssh_session_execute(instance, &request, &status, &ignored));
}

static const char *signal_name(int number)
{
    static const char *const names[PASSED_SIGNAL_COUNT] = {"INT",  "TERM", "HUP",
                                                           "QUIT", "USR1", "USR2"};
    for (int i = 0; i < PASSED_SIGNAL_COUNT; i++) {
        if (passed_signals[i] == number)
            return names[i];
    }
    return NULL;
}

/* To the helper in the guest; to ssh itself when the guest cannot be reached. */
static void pass_signal(const struct session *session, int number)
{
    const char *name = signal_name(number);
    if (name == NULL)
        return;
    CLEANUP_FREE char *command =
        memory_format("exec %s session-signal %s %s", SSH_SESSION_HELPER, session->token, name);
    struct buffer nothing;
    buffer_init(&nothing, 4096);
    struct ssh_session_command request = {.role = VM_ROLE_AGENT,
                                          .command = command,
                                          .output = &nothing,
                                          .timeout_ms = SIGNAL_TIMEOUT_MS};
    struct error ignored;
    int status = 0;
    if (!ssh_session_execute(session->instance, &request, &status, &ignored) || status != 0)
        kill(session->ssh, SIGKILL);
    buffer_done(&nothing);
}

static int wait_for_end(const struct session *session, const sigset_t *before)
{
    for (;;) {
        int wait_status;
        pid_t ended = waitpid(session->ssh, &wait_status, WNOHANG);
        if (ended == session->ssh)
            return child_exit_status(wait_status);
        if (ended < 0 && errno != EINTR)
            return CONNECTION_LOST;
        pending_signal = 0;
        sigsuspend(before);
        if (pending_signal != 0 && pending_signal != SIGCHLD)
            pass_signal(session, pending_signal);
    }
}

static int finish(const struct session *session, int status)
{
    int ignored;
    if (session->clock > 0)
        waitpid(session->clock, &ignored, 0);
    if (status != CONNECTION_LOST)
        return status;
    if (instance_vm_process(session->instance, VM_ROLE_AGENT) != 0 &&
        ssh_session_is_connected(session->instance, VM_ROLE_AGENT))
        return status;
    message_note("the connection to the agent VM was lost; `rootcell` enters it again, "
                 "`rootcell list` shows its state");
    return EXIT_STATUS_NOT_RUN;
}

int ssh_enter_run(const struct instance *instance, const struct argument_list *arguments)
{
    struct session session = {
        .instance = instance,
        .has_terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO),
    };
    sigset_t passed, before;
    snprintf(session.token, sizeof(session.token), "%ld-%lld", (long)getpid(),
             (long long)wall_clock_now_ms());
    CLEANUP_FREE char *command = make_command(&session, arguments);
    set_signals(&passed, &before);
    session.ssh = fork();
    if (session.ssh == 0)
        become_ssh(&session, command, &before);
    if (session.ssh < 0) {
        message_note("start ssh: %s", strerror(errno));
        return EXIT_STATUS_NOT_RUN;
    }
    session.clock = start_clock(instance, &before);
    return finish(&session, wait_for_end(&session, &before));
}
