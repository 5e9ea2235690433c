#include "host/cell.h"

#include "base/memory.h"
#include "base/number.h"
#include "base/printable.h"
#include "host/accelerator.h"
#include "host/audit_file.h"
#include "host/boot_files.h"
#include "host/machine_image.h"
#include "host/message.h"
#include "host/pki.h"
#include "host/provision.h"
#include "host/runtime_folder.h"
#include "host/ssh_keys.h"
#include "host/ssh_session.h"
#include "system/file.h"
#include "system/free_port.h"
#include "system/progress.h"
#include "system/wall_clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    QUIET_MS = 400, /* a step that is done by then says nothing */
    DOOR_POLL_MS = 100,
    BOOT_TIMEOUT_MS = 180000, /* emulation on a busy host */
    STOP_TIMEOUT_MS = 30000,
    STOP_BOOTING_TIMEOUT_MS = 5000,
    STOP_POLL_MS = 20,
    PRESS_INTERVAL_MS = 1000,
    CONSOLE_CAP = 64 * 1024,
    RESUME_WATCH_MS = 500, /* what waited to be written is tried at once */
    RESUME_POLL_MS = 50,
    CPU_LIMIT = 4,
    START_ATTEMPTS = 3
};

static const char *const boot_file_names[] = {
    [VM_ROLE_FIREWALL] = "firewall.initramfs",
    [VM_ROLE_AGENT] = "agent.initramfs",
};

void cell_vm_init(struct cell_vm *vm, const struct instance *instance, enum vm_role role)
{
    CLEANUP_FREE char *monitor = memory_format("%s.monitor", vm_role_name(role));
    vm->pid_file = instance_vm_path(instance, role, "pid");
    vm->log_file = instance_vm_path(instance, role, "runner.log");
    vm->monitor_socket = instance_runtime_path(instance, monitor);
    vm->handle = (struct vm_handle){vm->pid_file, vm->monitor_socket, vm->log_file};
}

void cell_vm_done(struct cell_vm *vm)
{
    free(vm->pid_file);
    free(vm->log_file);
    free(vm->monitor_socket);
}

/* Texts of a plan, which borrows them. */
struct plan_texts {
    char *name, *kernel, *initramfs, *disk, *link, *peer, *audit;
    char *layers[MACHINE_IMAGE_LAYER_LIMIT];
    struct cell_vm vm;
};

static void plan_texts_done(struct plan_texts *texts)
{
    char *const all[] = {texts->name, texts->kernel, texts->initramfs, texts->disk,
                         texts->link, texts->peer,   texts->audit};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        free(all[i]);
    for (size_t i = 0; i < MACHINE_IMAGE_LAYER_LIMIT; i++)
        free(texts->layers[i]);
    cell_vm_done(&texts->vm);
}

static unsigned agent_cpus(const struct instance *instance)
{
    if (instance->settings.agent_cpus > 0)
        return instance->settings.agent_cpus;
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online < 1 ? 1 : online > CPU_LIMIT ? CPU_LIMIT : (unsigned)online;
}

static const char *runner_of(const struct instance *instance)
{
    if (*instance->settings.qemu)
        return instance->settings.qemu;
    return strcmp(machine_image_architecture(), "aarch64") == 0 ? "qemu-system-aarch64"
                                                                : "qemu-system-x86_64";
}

static void plan_common(struct vm_plan *plan, struct plan_texts *texts,
                        const struct instance *instance, enum vm_role role)
{
    bool is_firewall = role == VM_ROLE_FIREWALL;
    cell_vm_init(&texts->vm, instance, role);
    texts->name = instance_vm_name(instance, role);
    texts->link = instance_runtime_path(instance, is_firewall ? "firewall.link" : "agent.link");
    texts->peer = instance_runtime_path(instance, is_firewall ? "agent.link" : "firewall.link");
    texts->initramfs = instance_runtime_path(instance, boot_file_names[role]);
    *plan = (struct vm_plan){
        .role = role,
        .name = texts->name,
        .architecture = strcmp(machine_image_architecture(), "aarch64") == 0
                            ? VM_ARCHITECTURE_AARCH64
                            : VM_ARCHITECTURE_X86_64,
        .program = runner_of(instance),
        .initramfs = texts->initramfs,
        .command_line = "console=ttyS0 panic=-1 net.ifnames=0 quiet cryptomgr.notests",
        .link_socket = texts->link,
        .link_peer_socket = texts->peer,
        .monitor_socket = texts->vm.monitor_socket,
        .pid_file = texts->vm.pid_file,
        .log_file = texts->vm.log_file,
    };
    vm_plan_mac(instance->folder, is_firewall ? VM_CARD_FIREWALL_LINK : VM_CARD_AGENT_LINK,
                plan->link_mac);
}

static void plan_firewall(struct vm_plan *plan, struct plan_texts *texts,
                          const struct instance *instance, const struct machine_image *image)
{
    plan_common(plan, texts, instance, VM_ROLE_FIREWALL);
    texts->kernel = memory_format("%s/vmlinuz", image->folder);
    texts->audit = instance_path(instance, "log/audit.jsonl");
    plan->kernel = texts->kernel;
    plan->cpus = 1;
    plan->memory_bytes = instance->settings.firewall_memory_bytes;
    plan->has_control = true;
    plan->control_port = instance->state.ssh_port;
    vm_plan_mac(instance->folder, VM_CARD_FIREWALL_CONTROL, plan->control_mac);
    plan->audit_file = texts->audit;
    plan->file_size_limit = AUDIT_FILE_LIMIT;
}

static void plan_agent(struct vm_plan *plan, struct plan_texts *texts,
                       const struct instance *instance, const struct machine_image *image)
{
    plan_common(plan, texts, instance, VM_ROLE_AGENT);
    texts->kernel = memory_format("%s/vmlinuz", image->base);
    texts->disk = instance_vm_path(instance, VM_ROLE_AGENT, "disk.qcow2");
    plan->kernel = texts->kernel;
    plan->cpus = agent_cpus(instance);
    plan->memory_bytes = instance->settings.agent_memory_bytes;
    plan->disks[plan->disk_count++] = (struct vm_disk){texts->disk, "root", VM_DISK_QCOW2, false};
    for (size_t i = 0; i < image->layer_count; i++) {
        texts->layers[i] = memory_format("%s/layers/%s.img", image->folder, image->layers[i]);
        plan->disks[plan->disk_count++] =
            (struct vm_disk){texts->layers[i], image->layers[i], VM_DISK_RAW, true};
    }
    /* The overlay can grow past the guest's disk by its own tables; nothing else is written. */
    plan->file_size_limit = instance->settings.agent_disk_bytes / 8 * 9 + ((uint64_t)1 << 30);
}

static bool write_boot_files(const struct instance *instance, enum vm_role role,
                             const struct machine_image *image, const char *path,
                             struct error *error)
{
    const char *layers[MACHINE_IMAGE_LAYER_LIMIT];
    for (size_t i = 0; i < image->layer_count; i++)
        layers[i] = image->layers[i];
    CLEANUP_FREE char *initramfs = role == VM_ROLE_FIREWALL
                                       ? memory_format("%s/firewall.initramfs", image->folder)
                                       : memory_format("%s/agent.initramfs", image->base);
    return boot_files_write(instance, role, initramfs, layers, image->layer_count, path, error);
}

/* A port that was free a moment ago can be gone: choose another and try again. */
static bool start_firewall_once(struct instance *instance, const struct machine_image *image,
                                enum vm_accelerator accelerator, struct error *error)
{
    struct plan_texts texts = {0};
    struct vm_plan plan;
    bool is_started = free_port_choose(&instance->state.ssh_port, error) &&
                      instance_save_state(instance, error) &&
                      ssh_session_write_config(instance, error);
    plan_firewall(&plan, &texts, instance, image);
    plan.accelerator = accelerator;
    is_started = is_started && audit_file_rotate(instance, error) &&
                 write_boot_files(instance, VM_ROLE_FIREWALL, image, texts.initramfs, error) &&
                 vm_provider_default()->start(&plan, error);
    if (!is_started)
        unlink(texts.initramfs);
    plan_texts_done(&texts);
    return is_started;
}

static bool start_firewall(struct instance *instance, const struct machine_image *image,
                           enum vm_accelerator accelerator, struct error *error)
{
    ssh_session_disconnect(instance, VM_ROLE_AGENT);
    ssh_session_disconnect(instance, VM_ROLE_FIREWALL);
    for (int attempt = 1;; attempt++) {
        if (start_firewall_once(instance, image, accelerator, error))
            return true;
        if (attempt == START_ATTEMPTS || strstr(error->text, "host forwarding") == NULL)
            return error_add_context(error, "start the firewall VM");
        instance->state.ssh_port = 0;
    }
}

static bool start_agent(struct instance *instance, const struct machine_image *image,
                        enum vm_accelerator accelerator, struct error *error)
{
    struct plan_texts texts = {0};
    struct vm_plan plan;
    ssh_session_disconnect(instance, VM_ROLE_AGENT);
    plan_agent(&plan, &texts, instance, image);
    plan.accelerator = accelerator;
    bool is_started = write_boot_files(instance, VM_ROLE_AGENT, image, texts.initramfs, error) &&
                      vm_provider_default()->start(&plan, error);
    if (!is_started)
        unlink(texts.initramfs);
    plan_texts_done(&texts);
    return is_started || error_add_context(error, "start the agent VM");
}

static bool choose_accelerator(const struct instance *instance, const struct machine_image *image,
                               enum vm_accelerator *kind, struct error *error)
{
    CLEANUP_FREE char *kernel = memory_format("%s/vmlinuz", image->folder);
    CLEANUP_FREE char *initramfs = memory_format("%s/firewall.initramfs", image->folder);
    struct accelerator_trial trial = {runner_of(instance), kernel, initramfs};
    struct accelerator accelerator;
    if (!accelerator_choose(instance->home, instance->settings.accelerator, &trial, &accelerator,
                            error))
        return false;
    if (accelerator.kind == VM_ACCELERATOR_TCG)
        message_note("the VMs run under emulation, which is slower (%s)", accelerator.reason);
    *kind = accelerator.kind;
    return true;
}

/* The end of what the VM said, for the user who has to find out why it does not come up. */
static bool fail_with_console(const struct instance *instance, enum vm_role role, const char *why,
                              struct error *error)
{
    struct cell_vm vm;
    struct buffer text;
    struct error ignored;
    buffer_init(&text, CONSOLE_CAP);
    cell_vm_init(&vm, instance, role);
    if (!vm_provider_default()->read_console(&vm.handle, &text, &ignored))
        buffer_clear(&text);
    struct bytes rest = buffer_bytes(&text), line, last = BYTES_EMPTY;
    while (bytes_next_token(&rest, '\n', &line)) {
        struct bytes trimmed = bytes_trim(line);
        if (trimmed.length > 1)
            last = trimmed;
    }
    char shown[400];
    printable_text(last, shown, sizeof(shown));
    error_set(error, "%s VM: %s%s%s%s", vm_role_name(role), why, *shown ? " (its console: \"" : "",
              shown, *shown ? "\")" : "");
    cell_vm_done(&vm);
    buffer_done(&text);
    return false;
}

/* Wait for one VM until `is_up` says so. */
static bool wait_for(const struct instance *instance, enum vm_role role,
                     bool (*is_up)(const struct instance *instance), int64_t end_ms,
                     struct progress *progress, struct error *error)
{
    while (!is_up(instance)) {
        if (instance_vm_process(instance, role) == 0)
            return fail_with_console(instance, role,
                                     "ended while it booted; `rootcell` starts it again", error);
        if (wall_clock_monotonic_ms() >= end_ms)
            return fail_with_console(instance, role,
                                     "does not answer; try `rootcell stop` and enter again", error);
        wall_clock_sleep_ms(DOOR_POLL_MS);
        progress_tick(progress);
    }
    return true;
}

static bool is_firewall_up(const struct instance *instance)
{
    struct error ignored;
    return ssh_session_is_connected(instance, VM_ROLE_FIREWALL) ||
           (ssh_session_is_door_open(instance, 2000) &&
            ssh_session_connect(instance, VM_ROLE_FIREWALL, &ignored));
}

static bool is_agent_up(const struct instance *instance)
{
    struct error ignored;
    return ssh_session_is_connected(instance, VM_ROLE_AGENT) ||
           ssh_session_connect(instance, VM_ROLE_AGENT, &ignored);
}

/* What a VM has read at its start has no place on the host any longer: keys are in it. */
static void remove_boot_files(const struct instance *instance)
{
    for (int role = 0; role < VM_ROLE_COUNT; role++) {
        CLEANUP_FREE char *path = instance_runtime_path(instance, boot_file_names[role]);
        unlink(path);
    }
}

static bool wait_until_up(const struct instance *instance, struct error *error)
{
    struct progress progress;
    int64_t end_ms = wall_clock_monotonic_ms() + BOOT_TIMEOUT_MS;
    progress_begin(&progress, "starting the VMs", QUIET_MS);
    bool is_up = wait_for(instance, VM_ROLE_FIREWALL, is_firewall_up, end_ms, &progress, error) &&
                 wait_for(instance, VM_ROLE_AGENT, is_agent_up, end_ms, &progress, error);
    remove_boot_files(instance);
    if (is_up)
        progress_end(&progress);
    else
        progress_abandon(&progress);
    return is_up;
}

/* Keys and folders that a start needs. */
static bool prepare_start(struct instance *instance, struct error *error)
{
    CLEANUP_FREE char *pki = instance_path(instance, "pki");
    CLEANUP_FREE char *ssh = instance_path(instance, "ssh");
    CLEANUP_FREE char *firewall = memory_format("rootcell-firewall-%s", instance->name);
    CLEANUP_FREE char *agent = memory_format("rootcell-agent-%s", instance->name);
    if (!runtime_folder_make(instance->runtime, error) ||
        !pki_ensure_ca(pki, instance->name, error) || !ssh_keys_ensure(ssh, firewall, agent, error))
        return false;
    file_remove_leftovers(instance->runtime);
    if (strlen(instance->runtime) >= sizeof(instance->state.runtime))
        return error_set(error, "%s: too long a path", instance->runtime);
    if (strcmp(instance->state.runtime, instance->runtime) == 0)
        return true;
    snprintf(instance->state.runtime, sizeof(instance->state.runtime), "%s", instance->runtime);
    return instance_save_state(instance, error);
}

static bool start_missing(struct instance *instance, bool has_firewall, bool has_agent,
                          struct error *error)
{
    struct machine_image image = {0};
    enum vm_accelerator accelerator;
    bool is_started = machine_image_ensure(instance, &image, error) &&
                      choose_accelerator(instance, &image, &accelerator, error) &&
                      (has_firewall || start_firewall(instance, &image, accelerator, error)) &&
                      (has_agent || start_agent(instance, &image, accelerator, error));
    machine_image_done(&image);
    return is_started;
}

enum vm_state cell_vm_state(const struct instance *instance, enum vm_role role)
{
    struct cell_vm vm;
    enum vm_state state;
    struct error ignored;
    cell_vm_init(&vm, instance, role);
    if (!vm_provider_default()->query(&vm.handle, &state, &ignored))
        state = VM_STATE_UNKNOWN;
    cell_vm_done(&vm);
    return state;
}

/* Whether the VM still cannot write some time after it was told to go on. */
static bool is_disk_full_again(const struct instance *instance, enum vm_role role)
{
    int64_t end_ms = wall_clock_monotonic_ms() + RESUME_WATCH_MS;
    while (wall_clock_monotonic_ms() < end_ms) {
        if (cell_vm_state(instance, role) == VM_STATE_DISK_ERROR)
            return true;
        wall_clock_sleep_ms(RESUME_POLL_MS);
    }
    return false;
}

/* A VM that a full disk has paused goes on once it can write again. */
static bool resume_paused(const struct instance *instance, enum vm_role role, struct error *error)
{
    struct cell_vm vm;
    enum vm_state state = cell_vm_state(instance, role);
    if (state != VM_STATE_DISK_ERROR && state != VM_STATE_PAUSED)
        return true;
    cell_vm_init(&vm, instance, role);
    bool is_resumed = vm_provider_default()->resume(&vm.handle, error);
    cell_vm_done(&vm);
    if (!is_resumed)
        return false;
    if (state == VM_STATE_DISK_ERROR && is_disk_full_again(instance, role))
        return error_set(error,
                         "the %s VM is paused: it cannot write its disk, because the host's disk "
                         "is full; free some space and enter again",
                         vm_role_name(role));
    message_note("the %s VM was paused (%s): it goes on", vm_role_name(role),
                 state == VM_STATE_DISK_ERROR ? "the host's disk was full" : "by hand");
    return true;
}

/* One attempt. `*may_retry`: a VM that seemed to run was ending, and can be started now. */
static bool bring_up(struct instance *instance, bool *may_retry, struct error *error)
{
    bool has_firewall = instance_vm_process(instance, VM_ROLE_FIREWALL) != 0;
    bool has_agent = instance_vm_process(instance, VM_ROLE_AGENT) != 0;
    *may_retry = false;
    if ((!has_firewall || !has_agent) && !start_missing(instance, has_firewall, has_agent, error))
        return false;
    if (resume_paused(instance, VM_ROLE_FIREWALL, error) &&
        resume_paused(instance, VM_ROLE_AGENT, error) && wait_until_up(instance, error))
        return true;
    *may_retry = (has_firewall && instance_vm_process(instance, VM_ROLE_FIREWALL) == 0) ||
                 (has_agent && instance_vm_process(instance, VM_ROLE_AGENT) == 0);
    return false;
}

bool cell_ensure_running(struct instance *instance, struct error *error)
{
    bool was_running, may_retry;
    if (!prepare_start(instance, error))
        return false;
    /* The state was lost: nobody knows the way into a firewall that runs. */
    if (instance->state.ssh_port == 0 && !cell_stop(instance, &was_running, error))
        return false;
    if (!bring_up(instance, &may_retry, error) &&
        (!may_retry || !bring_up(instance, &may_retry, error)))
        return false;
    return provision_if_needed(instance, error);
}

bool cell_is_ready(const struct instance *instance)
{
    return cell_vm_state(instance, VM_ROLE_FIREWALL) == VM_STATE_RUNNING &&
           cell_vm_state(instance, VM_ROLE_AGENT) == VM_STATE_RUNNING &&
           ssh_session_is_connected(instance, VM_ROLE_FIREWALL) &&
           ssh_session_is_connected(instance, VM_ROLE_AGENT) && !provision_is_needed(instance);
}

/* Nobody has been in since it was started: what it booted from is still there. */
static bool is_booting(const struct instance *instance, enum vm_role role)
{
    CLEANUP_FREE char *path = instance_runtime_path(instance, boot_file_names[role]);
    return file_exists(path);
}

/*
 * A guest that boots does not hear the button yet: it is pressed until the VM has ended, and not
 * for long, because nobody has anything to lose there.
 */
static void ask_to_end(const struct instance *instance, enum vm_role role, const struct cell_vm *vm,
                       struct progress *progress)
{
    struct error ignored;
    int64_t end_ms = wall_clock_monotonic_ms() +
                     (is_booting(instance, role) ? STOP_BOOTING_TIMEOUT_MS : STOP_TIMEOUT_MS);
    int64_t press_ms = 0;
    while (wall_clock_monotonic_ms() < end_ms && !vm_wait_end(&vm->handle, STOP_POLL_MS)) {
        if (wall_clock_monotonic_ms() >= press_ms) {
            vm_provider_default()->press_power_button(&vm->handle, &ignored);
            press_ms = wall_clock_monotonic_ms() + PRESS_INTERVAL_MS;
        }
        progress_tick(progress);
    }
}

static bool stop_one(const struct instance *instance, enum vm_role role, struct progress *progress,
                     struct error *error)
{
    struct cell_vm vm;
    cell_vm_init(&vm, instance, role);
    /* A guest that is paused cannot hear the button; it is ended like one that does not listen. */
    if (cell_vm_state(instance, role) == VM_STATE_RUNNING)
        ask_to_end(instance, role, &vm, progress);
    bool is_stopped = vm_end(&vm.handle, error);
    if (is_stopped)
        unlink(vm.pid_file);
    cell_vm_done(&vm);
    return is_stopped || error_add_context(error, "stop the %s VM", vm_role_name(role));
}

bool cell_stop(const struct instance *instance, bool *was_running, struct error *error)
{
    bool has_firewall = instance_vm_process(instance, VM_ROLE_FIREWALL) != 0;
    bool has_agent = instance_vm_process(instance, VM_ROLE_AGENT) != 0;
    *was_running = has_firewall || has_agent;
    struct progress progress;
    progress_begin(&progress, "stopping the VMs", QUIET_MS);
    ssh_session_disconnect(instance, VM_ROLE_AGENT);
    bool is_stopped = !has_agent || stop_one(instance, VM_ROLE_AGENT, &progress, error);
    ssh_session_disconnect(instance, VM_ROLE_FIREWALL);
    is_stopped =
        (!has_firewall || stop_one(instance, VM_ROLE_FIREWALL, &progress, error)) && is_stopped;
    remove_boot_files(instance);
    if (is_stopped)
        progress_end(&progress);
    else
        progress_abandon(&progress);
    return is_stopped;
}
