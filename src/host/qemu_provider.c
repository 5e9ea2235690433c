/* The VM provider that runs QEMU. */

#include "host/vm_provider.h"

#include "base/printable.h"
#include "host/qemu_arguments.h"
#include "host/qmp.h"
#include "system/detached_process.h"
#include "system/file.h"
#include "system/wall_clock.h"

#include <string.h>
#include <unistd.h>

enum {
    START_TIMEOUT_MS = 20000,
    MONITOR_TIMEOUT_MS = 3000,
    START_POLL_MS = 10,
    LOG_CAP = 64 * 1024
};

const char *vm_state_name(enum vm_state state)
{
    static const char *const names[] = {
        [VM_STATE_STOPPED] = "stopped",       [VM_STATE_RUNNING] = "running",
        [VM_STATE_PAUSED] = "paused",         [VM_STATE_DISK_ERROR] = "paused (disk error)",
        [VM_STATE_UNKNOWN] = "not answering",
    };
    return names[state];
}

/* What QEMU said before it ended, as the error. */
static bool fail_with_log(const char *log_file, struct error *error)
{
    struct buffer log;
    struct error ignored;
    struct bytes line, last = BYTES_EMPTY;
    buffer_init(&log, LOG_CAP);
    if (!file_read(log_file, &log, &ignored))
        buffer_clear(&log);
    struct bytes rest = buffer_bytes(&log);
    while (bytes_next_token(&rest, '\n', &line)) {
        if (bytes_trim(line).length > 0)
            last = bytes_trim(line);
    }
    char shown[500];
    printable_text(last, shown, sizeof(shown));
    buffer_done(&log);
    return error_set(error, "the VM runner ended at once: %s",
                     *shown ? shown : "it gave no reason");
}

static bool start(const struct vm_plan *plan, struct error *error)
{
    CLEANUP_ARGUMENTS struct argument_list arguments = {0};
    qemu_arguments_append(&arguments, plan);
    struct detached_request request = {
        .arguments = &arguments,
        .pid_file = plan->pid_file,
        .log_file = plan->log_file,
        .file_size_limit = plan->file_size_limit,
    };
    /* What an earlier runner left there would make us believe that this one answers. */
    unlink(plan->monitor_socket);
    unlink(plan->link_socket);
    if (!detached_process_start(&request, error))
        return false;
    int64_t end_ms = wall_clock_monotonic_ms() + START_TIMEOUT_MS;
    while (wall_clock_monotonic_ms() < end_ms) {
        struct error not_yet;
        struct qmp *qmp = qmp_open(plan->monitor_socket, MONITOR_TIMEOUT_MS, &not_yet);
        if (qmp) {
            qmp_close(qmp);
            return true;
        }
        if (detached_process_find(plan->pid_file) == 0)
            return fail_with_log(plan->log_file, error);
        wall_clock_sleep_ms(START_POLL_MS);
    }
    return error_set(error, "the VM runner does not answer after %d s", START_TIMEOUT_MS / 1000);
}

static struct qmp *open_monitor(const struct vm_handle *vm, struct error *error)
{
    return qmp_open(vm->monitor_socket, MONITOR_TIMEOUT_MS, error);
}

static bool query(const struct vm_handle *vm, enum vm_state *state, struct error *error)
{
    if (detached_process_find(vm->pid_file) == 0) {
        *state = VM_STATE_STOPPED;
        return true;
    }
    struct qmp *qmp = open_monitor(vm, error);
    char status[40];
    bool is_known = qmp && qmp_query_status(qmp, status, sizeof(status), error);
    qmp_close(qmp);
    if (!is_known)
        return false;
    if (strcmp(status, "io-error") == 0)
        *state = VM_STATE_DISK_ERROR;
    else if (strcmp(status, "paused") == 0)
        *state = VM_STATE_PAUSED;
    else if (strcmp(status, "shutdown") == 0)
        *state = VM_STATE_STOPPED;
    else
        *state = VM_STATE_RUNNING;
    return true;
}

static bool execute(const struct vm_handle *vm, const char *command, struct error *error)
{
    struct qmp *qmp = open_monitor(vm, error);
    bool is_done = qmp && qmp_execute(qmp, command, error);
    qmp_close(qmp);
    return is_done;
}

static bool resume(const struct vm_handle *vm, struct error *error)
{
    return execute(vm, "cont", error);
}

static bool press_power_button(const struct vm_handle *vm, struct error *error)
{
    return execute(vm, "system_powerdown", error);
}

static bool read_console(const struct vm_handle *vm, struct buffer *text, struct error *error)
{
    struct qmp *qmp = open_monitor(vm, error);
    bool is_read = qmp && qmp_read_ring(qmp, VM_CONSOLE_DEVICE, text, error);
    qmp_close(qmp);
    return is_read;
}

const struct vm_provider *vm_provider_default(void)
{
    static const struct vm_provider qemu = {
        .name = "qemu",
        .start = start,
        .query = query,
        .resume = resume,
        .press_power_button = press_power_button,
        .read_console = read_console,
    };
    return &qemu;
}

bool vm_wait_end(const struct vm_handle *vm, int timeout_ms)
{
    return detached_process_wait(vm->pid_file, timeout_ms);
}

bool vm_end(const struct vm_handle *vm, struct error *error)
{
    return detached_process_kill(vm->pid_file, error);
}
