#include "init/session.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "base/number.h"
#include "init/machine_clock.h"
#include "system/file.h"

enum { COMMAND_LINE_CAP = 4096, STATUS_NOT_EXECUTABLE = 126, STATUS_NOT_FOUND = 127 };

static const struct {
    const char *name;
    int number;
} passed_signals[] = {
    {"INT", SIGINT},   {"TERM", SIGTERM}, {"HUP", SIGHUP},
    {"QUIT", SIGQUIT}, {"USR1", SIGUSR1}, {"USR2", SIGUSR2},
};
enum { PASSED_SIGNAL_COUNT = sizeof(passed_signals) / sizeof(passed_signals[0]) };

/* The program below us; read by the signal handler. */
static volatile sig_atomic_t program_process;
static volatile sig_atomic_t has_terminal;

/* A guest's clock stands still while the host sleeps. Setting it takes root: our user may sudo. */
static void correct_clock(uint64_t host_ms)
{
    uint64_t now_ms;
    if (!machine_clock_is_off(host_ms, &now_ms))
        return;
    pid_t child = fork();
    if (child == 0) {
        CLEANUP_FREE char *seconds = memory_format("%llu", (unsigned long long)(now_ms / 1000));
        execl("/usr/bin/sudo", "sudo", "-n", "/usr/lib/rootcell/rootcell-init", "set-clock",
              seconds, (char *)NULL);
        _exit(STATUS_NOT_FOUND);
    }
    int status;
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
}

static int fail_to_execute(const char *program)
{
    int number = errno;
    fprintf(stderr, "rootcell: %s: %s\n", program,
            number == ENOENT ? "command not found" : strerror(number));
    return number == ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_EXECUTABLE;
}

static int become_login_shell(void)
{
    const char *named = getenv("SHELL"); /* sshd sets it from the user's entry */
    const char *shell = named && *named == '/' ? named : "/bin/sh";
    const char *base = strrchr(shell, '/');
    CLEANUP_FREE char *name = memory_format("-%s", base ? base + 1 : shell);
    execl(shell, name, (char *)NULL);
    return fail_to_execute(shell);
}

/*
 * Without a terminal the program has a group of its own, and an interrupt is for all of it. With
 * one it shares ours, as the kernel wants it for a session that nobody can continue from a stop:
 * what the keys send has reached it already, and comes from the kernel.
 */
static void pass_signal(int number, siginfo_t *info, void *context)
{
    (void)context;
    int saved = errno;
    pid_t program = (pid_t)program_process;
    bool is_for_all = !has_terminal && (number == SIGINT || number == SIGQUIT);
    if (program > 0 && !(has_terminal && info->si_code == SI_KERNEL))
        kill(is_for_all ? -program : program, number);
    errno = saved;
}

static void note_child(int number)
{
    (void)number; /* poll is interrupted, which is all that is wanted */
}

static void set_handlers(void)
{
    struct sigaction pass = {.sa_sigaction = pass_signal, .sa_flags = SA_SIGINFO};
    struct sigaction note = {.sa_handler = note_child};
    sigemptyset(&pass.sa_mask);
    sigemptyset(&note.sa_mask);
    for (int i = 0; i < PASSED_SIGNAL_COUNT; i++)
        sigaction(passed_signals[i].number, &pass, NULL);
    sigaction(SIGCHLD, &note, NULL);
}

_Noreturn static void become_program(char *const *arguments, const sigset_t *before)
{
    for (int i = 0; i < PASSED_SIGNAL_COUNT; i++)
        signal(passed_signals[i].number, SIG_DFL);
    signal(SIGCHLD, SIG_DFL);
    if (!has_terminal)
        setpgid(0, 0);
    sigprocmask(SIG_SETMASK, before, NULL);
    execvp(arguments[0], arguments);
    _exit(fail_to_execute(arguments[0]));
}

/*
 * Until the program ends. Its output is a pipe or socket of sshd's; when that is closed the host's
 * side is gone, and the program shall not run on for nobody.
 */
static int wait_for_program(pid_t program, const sigset_t *before)
{
    struct pollfd output = {.fd = STDOUT_FILENO, .events = 0};
    for (;;) {
        int status;
        pid_t ended = waitpid(program, &status, WNOHANG);
        if (ended == program) {
            program_process = 0;
            return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
        }
        if (ended < 0 && errno != EINTR)
            return STATUS_NOT_EXECUTABLE;
        if (ppoll(&output, 1, NULL, before) > 0) {
            kill(has_terminal ? program : -program, SIGHUP);
            output.fd = -1;
        }
    }
}

static int run_program(char *const *arguments)
{
    sigset_t all, before;
    has_terminal = isatty(STDIN_FILENO);
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before);
    pid_t program = fork();
    if (program < 0)
        return fail_to_execute(arguments[0]);
    if (program == 0)
        become_program(arguments, &before);
    if (!has_terminal)
        setpgid(program, program);
    program_process = program;
    set_handlers();
    return wait_for_program(program, &before);
}

int session_run(int count, char *const *arguments)
{
    uint64_t host_ms;
    if (count < 4 || strcmp(arguments[0], "--token") != 0 || strcmp(arguments[2], "--time") != 0 ||
        !number_parse_decimal(bytes_from_text(arguments[3]), INT64_MAX, &host_ms) ||
        (count > 4 && (count < 6 || strcmp(arguments[4], "--") != 0))) {
        fprintf(stderr, "usage: rootcell-init session --token TOKEN --time MILLISECONDS "
                        "[-- PROGRAM ARGUMENT...]\n");
        return 2;
    }
    correct_clock(host_ms);
    return count > 4 ? run_program(arguments + 5) : become_login_shell();
}

/* The words of a command line as the kernel gives them, each ended by NUL. */
static bool is_session(struct bytes command_line, const char *token)
{
    struct bytes program, word;
    return bytes_next_token(&command_line, '\0', &program) &&
           bytes_next_token(&command_line, '\0', &word) && bytes_equal_text(word, "session") &&
           bytes_next_token(&command_line, '\0', &word) && bytes_equal_text(word, "--token") &&
           bytes_next_token(&command_line, '\0', &word) && bytes_equal_text(word, token);
}

static pid_t find_session(const char *token)
{
    DIR *processes = opendir("/proc");
    pid_t found = 0;
    for (struct dirent *entry; processes && found == 0 && (entry = readdir(processes)) != NULL;) {
        uint64_t number;
        struct error ignored;
        struct buffer text;
        if (!number_parse_decimal(bytes_from_text(entry->d_name), INT32_MAX, &number))
            continue;
        CLEANUP_FREE char *path = memory_format("/proc/%s/cmdline", entry->d_name);
        buffer_init(&text, COMMAND_LINE_CAP);
        /* A longer command line is cut by the cap, after the words that matter. */
        file_read(path, &text, &ignored);
        if (is_session(buffer_bytes(&text), token))
            found = (pid_t)number;
        buffer_done(&text);
    }
    if (processes)
        closedir(processes);
    return found;
}

int session_signal_run(int count, char *const *arguments)
{
    int number = 0;
    for (int i = 0; count == 2 && i < PASSED_SIGNAL_COUNT; i++) {
        if (strcmp(arguments[1], passed_signals[i].name) == 0)
            number = passed_signals[i].number;
    }
    if (number == 0) {
        fprintf(stderr, "usage: rootcell-init session-signal TOKEN NAME\n");
        return 2;
    }
    pid_t session = find_session(arguments[0]);
    return session > 0 && kill(session, number) == 0 ? 0 : 1;
}
