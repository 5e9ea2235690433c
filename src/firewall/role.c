#include "firewall/role.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/number.h"
#include "base/memory.h"
#include "system/child.h"
#include "system/descriptor_channel.h"
#include "system/file.h"
#include "system/wall_clock.h"

enum { KEPT_MAX = 16 };

static int compare_descriptors(const void *left, const void *right)
{
    return *(const int *)left - *(const int *)right;
}

/* Close all but standard error and `kept`, over gaps: nothing of the supervisor leaks. */
static void close_others(const int *kept, size_t count)
{
    int sorted[KEPT_MAX + 2] = {STDERR_FILENO};
    size_t sorted_count = 1;
    CHECK(count <= KEPT_MAX);
    for (size_t i = 0; i < count; i++)
        if (kept[i] > STDERR_FILENO)
            sorted[sorted_count++] = kept[i];
    qsort(sorted, sorted_count, sizeof(*sorted), compare_descriptors);
    for (size_t i = 0; i < sorted_count; i++) {
        unsigned first = (unsigned)sorted[i] + 1;
        unsigned last = i + 1 < sorted_count ? (unsigned)sorted[i + 1] - 1 : UINT32_MAX;
        if (first <= last)
            close_range(first, last, 0);
    }
}

static void become_role(int channel, const int *kept, size_t count)
{
    int all[KEPT_MAX];
    CHECK(count < KEPT_MAX);
    memcpy(all, kept, count * sizeof(*kept));
    all[count] = channel;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
        _exit(1);
    close_others(all, count + 1);
    for (int number = 1; number < NSIG; number++)
        if (number != SIGKILL && number != SIGSTOP)
            signal(number, number == SIGPIPE ? SIG_IGN : SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

bool role_start(struct role *role, role_main_fn *main, void *context, const int *kept,
                size_t kept_count, struct error *error)
{
    int ends[2];
    if (!descriptor_channel_open(ends, error))
        return error_add_context(error, "start %s", role->name);
    pid_t process = fork();
    if (process == 0) {
        become_role(ends[1], kept, kept_count);
        _exit(main(context, ends[1]));
    }
    close(ends[1]);
    if (process < 0) {
        close(ends[0]);
        return error_set_errno(error, errno, "start %s", role->name);
    }
    role->process = process;
    role->channel = ends[0];
    role->started_ms = wall_clock_monotonic_ms();
    return true;
}

/* True when it has ended; `*status` is then what waitpid gave. */
static bool take_end(struct role *role, int *status)
{
    if (role->process == 0 || waitpid(role->process, status, WNOHANG) != role->process)
        return false;
    role->process = 0;
    file_close_cleanup(&role->channel);
    role->channel = -1;
    return true;
}

bool role_reap(struct role *role, int64_t now_ms, char how[32])
{
    int status = 0;
    if (!take_end(role, &status))
        return false;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
        snprintf(how, 32, "a forbidden system call");
    else if (WIFSIGNALED(status))
        snprintf(how, 32, "signal %d", WTERMSIG(status));
    else
        snprintf(how, 32, "status %d", WEXITSTATUS(status));
    bool is_quick = now_ms - role->started_ms < ROLE_QUICK_DEATH_MS;
    role->restart_at_ms =
        is_quick && role->restart_count > 0 ? now_ms + ROLE_RESTART_PAUSE_MS : now_ms;
    return true;
}

int role_await_exit(struct role *role, int timeout_ms)
{
    int status = 0;
    int64_t end_ms = wall_clock_monotonic_ms() + timeout_ms;
    while (role->process != 0 && wall_clock_monotonic_ms() < end_ms) {
        if (take_end(role, &status))
            return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        wall_clock_sleep_ms(1);
    }
    return -1;
}

void role_end(struct role *role, int timeout_ms)
{
    if (role->process == 0)
        return;
    char how[32];
    int64_t end_ms = wall_clock_monotonic_ms() + timeout_ms;
    kill(role->process, SIGTERM);
    while (!role_reap(role, 0, how)) {
        if (wall_clock_monotonic_ms() >= end_ms)
            kill(role->process, SIGKILL);
        wall_clock_sleep_ms(1);
    }
}

uint64_t role_memory(pid_t process)
{
    CLEANUP_FREE char *path = memory_format("/proc/%d/smaps_rollup", (int)process);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 0;
    char line[128];
    uint64_t kilobytes = 0;
    while (fgets(line, sizeof(line), file)) {
        struct bytes text = bytes_from_text(line);
        if (!bytes_start_with(text, BYTES_LITERAL("Pss:")))
            continue;
        text = bytes_trim(bytes_from(text, 4));
        number_parse_decimal(bytes_first(text, bytes_index_of(text, ' ')), UINT32_MAX, &kilobytes);
        break;
    }
    fclose(file);
    return kilobytes * 1024;
}
