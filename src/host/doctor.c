#include "host/doctor.h"

#include "base/memory.h"
#include "host/accelerator.h"
#include "host/audit_file.h"
#include "host/boot_files.h"
#include "host/cell.h"
#include "host/image_folder.h"
#include "host/machine_image.h"
#include "host/policy_files.h"
#include "host/runtime_folder.h"
#include "system/child.h"
#include "system/file.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GIGABYTE UINT64_C(1000000000)

enum { SPACE_NEEDED_GB = 8, SPACE_LOW_GB = 2, OUTPUT_CAP = 64 * 1024 };

const char *doctor_verdict_name(enum doctor_verdict verdict)
{
    static const char *const names[] = {
        [DOCTOR_GOOD] = "good",
        [DOCTOR_NOTE] = "note",
        [DOCTOR_BAD] = "bad",
    };
    static_assert(sizeof(names) / sizeof(names[0]) == DOCTOR_BAD + 1, "a name for each verdict");
    return names[verdict];
}

static struct doctor_finding *add(struct doctor_report *report, enum doctor_verdict verdict,
                                  const char *name, const char *remedy)
{
    static struct doctor_finding overflow;
    struct doctor_finding *finding =
        report->count < DOCTOR_FINDING_LIMIT ? &report->findings[report->count++] : &overflow;
    *finding = (struct doctor_finding){.verdict = verdict};
    snprintf(finding->name, sizeof(finding->name), "%s", name);
    snprintf(finding->remedy, sizeof(finding->remedy), "%s", remedy);
    return finding;
}

__attribute__((format(printf, 5, 6))) static void add_finding(struct doctor_report *report,
                                                              enum doctor_verdict verdict,
                                                              const char *name, const char *remedy,
                                                              const char *format, ...)
{
    struct doctor_finding *finding = add(report, verdict, name, remedy);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(finding->text, sizeof(finding->text), format, arguments);
    va_end(arguments);
}

/* A program that is needed: where it is and, for some, its first line of --version. */
static void check_program(struct doctor_report *report, const char *name, const char *set_to,
                          const char *default_name, const char *remedy)
{
    CLEANUP_FREE char *path = child_find_program(*set_to ? set_to : default_name);
    if (path == NULL) {
        add_finding(report, DOCTOR_BAD, name, remedy, "%s: not found",
                    *set_to ? set_to : default_name);
        return;
    }
    add_finding(report, DOCTOR_GOOD, name, "", "%s", path);
}

static void check_qemu_version(struct doctor_report *report, const char *program)
{
    CLEANUP_ARGUMENTS struct argument_list arguments = {0};
    struct buffer output;
    struct error error;
    struct bytes rest, line = BYTES_EMPTY;
    argument_list_add_all(&arguments, program, "--version", NULL);
    buffer_init(&output, OUTPUT_CAP);
    if (child_run_quietly(&arguments, &output, &error)) {
        rest = buffer_bytes(&output);
        bytes_next_token(&rest, '\n', &line);
        add_finding(report, DOCTOR_GOOD, "qemu version", "", "%.*s", (int)line.length,
                    (const char *)line.data);
    } else {
        add_finding(report, DOCTOR_BAD, "qemu version",
                    "apt-get install qemu-system-x86 (7.2 or later)", "%s", error.text);
    }
    buffer_done(&output);
}

static void check_programs(struct doctor_report *report, const struct settings *settings)
{
    const char *qemu = strcmp(machine_image_architecture(), "aarch64") == 0 ? "qemu-system-aarch64"
                                                                            : "qemu-system-x86_64";
    check_program(report, "qemu", settings->qemu, qemu, "apt-get install qemu-system-x86");
    check_program(report, "qemu-img", settings->qemu_img, "qemu-img", "apt-get install qemu-utils");
    check_program(report, "ssh", settings->ssh, "ssh", "apt-get install openssh-client");
    check_program(report, "ssh-keygen", "", "ssh-keygen", "apt-get install openssh-client");
    check_program(report, "tar", "", "tar", "apt-get install tar");
    check_qemu_version(report, *settings->qemu ? settings->qemu : qemu);
}

static void check_accelerator(struct doctor_report *report, const struct home *home,
                              const struct settings *settings)
{
    struct accelerator accelerator;
    struct error error;
    if (!accelerator_choose(home, settings->accelerator, NULL, &accelerator, &error)) {
        add_finding(report, DOCTOR_BAD, "accelerator", "set ROOTCELL_ACCEL=auto in .env", "%s",
                    error.text);
        return;
    }
    if (accelerator.kind == VM_ACCELERATOR_TCG)
        add_finding(report, DOCTOR_NOTE, "accelerator", accelerator.remedy, "emulation: %s",
                    accelerator.reason);
    else
        add_finding(report, DOCTOR_GOOD, "accelerator", "", "%s%s",
                    vm_accelerator_name(accelerator.kind),
                    accelerator.is_tried ? "" : " (to be tried at the first start)");
}

static void check_space(struct doctor_report *report, const struct home *home)
{
    uint64_t free_bytes;
    struct error error;
    if (!file_free_bytes(home->folder, &free_bytes, &error)) {
        add_finding(report, DOCTOR_BAD, "space", "", "%s", error.text);
        return;
    }
    uint64_t gigabytes = free_bytes / GIGABYTE;
    enum doctor_verdict verdict = gigabytes < SPACE_LOW_GB      ? DOCTOR_BAD
                                  : gigabytes < SPACE_NEEDED_GB ? DOCTOR_NOTE
                                                                : DOCTOR_GOOD;
    add_finding(report, verdict, "space",
                verdict == DOCTOR_GOOD ? "" : "free some space, or set ROOTCELL_HOME elsewhere",
                "%llu GB free in %s", (unsigned long long)gigabytes, home->folder);
}

static void check_image(struct doctor_report *report, const struct instance *instance)
{
    struct error error;
    CLEANUP_FREE char *folder = machine_image_folder(instance);
    CLEANUP_FREE char *data = memory_format("%s/image", instance->home->data);
    enum image_signature signature = IMAGE_SIGNATURE_NONE;
    if (!image_folder_check(folder, machine_image_architecture(), &error)) {
        add_finding(report, DOCTOR_NOTE, "image", "rootcell image build", "%s", error.text);
        return;
    }
    if (*instance->settings.image_directory &&
        (!image_folder_check_signature(folder, data, &signature, &error) ||
         signature != IMAGE_SIGNATURE_GOOD)) {
        add_finding(report, signature == IMAGE_SIGNATURE_BAD ? DOCTOR_BAD : DOCTOR_NOTE, "image",
                    "rootcell image verify", "%s: made elsewhere, %s", folder,
                    signature == IMAGE_SIGNATURE_BAD ? "with a bad signature" : "not signed");
        return;
    }
    add_finding(report, DOCTOR_GOOD, "image", "", "%s", folder);
}

static void check_upstream(struct doctor_report *report, const struct settings *settings)
{
    struct error error;
    CLEANUP_FREE char *path = boot_files_find_upstream_ca(settings, &error);
    if (path)
        add_finding(report, DOCTOR_GOOD, "ca certificates", "", "%s", path);
    else
        add_finding(report, DOCTOR_BAD, "ca certificates", "apt-get install ca-certificates", "%s",
                    error.text);
}

/* Where keys for providers can be kept; none is needed to run a cell. */
static void check_secret_tools(struct doctor_report *report)
{
    static const char *const tools[] = {"pass", "secret-tool", "op", "aws"};
    char found[256] = "";
    size_t length = 0;
    for (size_t i = 0; i < sizeof(tools) / sizeof(tools[0]); i++) {
        CLEANUP_FREE char *path = child_find_program(tools[i]);
        if (path)
            length += (size_t)snprintf(found + length, sizeof(found) - length, "%s%s",
                                       length ? ", " : "", tools[i]);
    }
    add_finding(report, DOCTOR_GOOD, "secrets tools", "", "%s",
                *found ? found : "none of pass, secret-tool, op, aws (none is needed)");
}

static void check_policy(struct doctor_report *report, const struct instance *instance)
{
    CLEANUP_FREE char *folder = instance_path(instance, "proxy");
    struct policy_files files;
    struct policy *policy = NULL;
    struct error error;
    bool is_read = policy_files_read(folder, &files, &error);
    bool is_good = is_read && policy_files_compile(&files, folder, &policy, &error);
    if (is_good)
        add_finding(report, DOCTOR_GOOD, "policy", "", "%zu rules in %s", policy_rule_count(policy),
                    folder);
    else
        add_finding(report, DOCTOR_BAD, "policy", "mend that line, then rootcell allow", "%s",
                    error.text);
    policy_free(policy);
    if (is_read)
        policy_files_done(&files);
}

static void check_audit(struct doctor_report *report, const struct instance *instance)
{
    CLEANUP_FREE char *path = audit_file_path(instance, 0);
    int64_t size = file_size(path);
    bool is_full = size >= (int64_t)(AUDIT_FILE_LIMIT / 10 * 9);
    add_finding(report, is_full ? DOCTOR_NOTE : DOCTOR_GOOD, "audit log",
                is_full ? "rootcell stop, then enter again: it starts a new file" : "",
                "%lld kB of at most %llu kB in %s", (long long)(size > 0 ? size / 1000 : 0),
                (unsigned long long)(AUDIT_FILE_LIMIT / 1000), path);
}

static void check_machines(struct doctor_report *report, const struct instance *instance)
{
    static const char *const remedies[] = {
        [VM_STATE_PAUSED] = "rootcell (it lets the VM go on)",
        [VM_STATE_DISK_ERROR] = "free some space, then rootcell: the VM goes on",
        [VM_STATE_UNKNOWN] = "rootcell stop, then enter again",
    };
    enum vm_state agent = cell_vm_state(instance, VM_ROLE_AGENT);
    enum vm_state firewall = cell_vm_state(instance, VM_ROLE_FIREWALL);
    enum vm_state worst = agent > firewall ? agent : firewall;
    const char *remedy = worst >= VM_STATE_PAUSED ? remedies[worst] : "";
    add_finding(report, *remedy ? DOCTOR_BAD : DOCTOR_GOOD, "instance", remedy,
                "%s: agent VM %s, firewall VM %s", instance->name, vm_state_name(agent),
                vm_state_name(firewall));
}

static void check_instance(struct doctor_report *report, const struct instance *instance)
{
    struct error error;
    check_machines(report, instance);
    check_policy(report, instance);
    check_audit(report, instance);
    if (file_exists(instance->runtime) && !runtime_folder_is_ours(instance->runtime, &error))
        add_finding(report, DOCTOR_BAD, "sockets", "remove that folder", "%s", error.text);
    else
        add_finding(report, DOCTOR_GOOD, "sockets", "", "%s", instance->runtime);
}

void doctor_examine(struct doctor_report *report, const struct home *home, const char *name)
{
    struct instance instance, assumed;
    struct error error;
    report->count = 0;
    add_finding(report, DOCTOR_GOOD, "home", "", "%s", home->folder);
    if (!instance_read_settings(&assumed, home, name, &error)) {
        add_finding(report, DOCTOR_BAD, "settings", "mend that line", "%s", error.text);
        return;
    }
    check_accelerator(report, home, &assumed.settings);
    check_programs(report, &assumed.settings);
    check_space(report, home);
    check_image(report, &assumed);
    check_upstream(report, &assumed.settings);
    check_secret_tools(report);
    instance_done(&assumed);
    if (!instance_exists(home, name))
        return;
    if (!instance_read(&instance, home, name, &error)) {
        add_finding(report, DOCTOR_BAD, "instance", "rootcell (it finishes or mends it)", "%s",
                    error.text);
        return;
    }
    check_instance(report, &instance);
    instance_done(&instance);
}
