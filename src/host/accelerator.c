#include "host/accelerator.h"

#include "base/memory.h"
#include "base/printable.h"
#include "host/message.h"
#include "host/qemu_arguments.h"
#include "record/boot_config.h"
#include "system/child.h"
#include "system/file.h"
#include "system/process_identity.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    TRIAL_TIMEOUT_MS = 5000,
    TRIAL_MEMORY_BYTES = 96 << 20,
    OUTPUT_CAP = 1 << 20,
    VERDICT_CAP = 1024
};

static const char hardware_device[] = "/dev/kvm";

bool accelerator_verdict_parse(struct bytes text, const char *boot, struct accelerator *verdict)
{
    struct bytes line, written_boot, kind;
    if (!bytes_next_token(&text, '\n', &line) || !bytes_next_token(&line, ' ', &written_boot) ||
        !bytes_equal_text(written_boot, boot) || !bytes_next_token(&line, ' ', &kind))
        return false;
    if (bytes_equal_text(kind, "kvm"))
        verdict->kind = VM_ACCELERATOR_KVM;
    else if (bytes_equal_text(kind, "tcg"))
        verdict->kind = VM_ACCELERATOR_TCG;
    else
        return false;
    printable_text(line, verdict->reason, sizeof(verdict->reason));
    verdict->is_tried = true;
    return true;
}

static bool read_verdict(const char *path, const char *boot, struct accelerator *verdict)
{
    struct buffer text;
    struct error ignored;
    buffer_init(&text, VERDICT_CAP);
    bool is_read = file_read(path, &text, &ignored) &&
                   accelerator_verdict_parse(buffer_bytes(&text), boot, verdict);
    buffer_done(&text);
    return is_read;
}

static void write_verdict(const char *path, const char *boot, const struct accelerator *verdict)
{
    struct error ignored;
    CLEANUP_FREE char *text =
        memory_format("%s %s %s\n", boot, vm_accelerator_name(verdict->kind), verdict->reason);
    /* Without it the next start tries again: slower, never wrong. */
    file_write_atomic(path, bytes_from_text(text), 0600, &ignored);
}

static bool contains(struct bytes text, const char *word)
{
    size_t length = strlen(word);
    for (size_t i = 0; i + length <= text.length; i++) {
        if (memcmp(text.data + i, word, length) == 0)
            return true;
    }
    return false;
}

static void try_to_boot(const struct accelerator_trial *trial, struct accelerator *verdict)
{
    struct vm_plan plan = {
        .architecture = VM_ARCHITECTURE_X86_64,
        .accelerator = VM_ACCELERATOR_KVM,
        .cpus = 1,
        .memory_bytes = TRIAL_MEMORY_BYTES,
        .program = trial->program,
        .kernel = trial->kernel,
        .initramfs = trial->initramfs,
        .command_line = "console=ttyS0 panic=-1 quiet",
    };
    CLEANUP_ARGUMENTS struct argument_list arguments = {0};
    qemu_arguments_append_trial(&arguments, &plan);
    struct buffer output, errors;
    buffer_init(&output, OUTPUT_CAP);
    buffer_init(&errors, OUTPUT_CAP);
    struct child_request request = {
        .arguments = &arguments,
        .output_stream = CHILD_STREAM_CAPTURE,
        .output = &output,
        .error_stream = CHILD_STREAM_CAPTURE,
        .errors = &errors,
        .timeout_ms = TRIAL_TIMEOUT_MS,
    };
    struct error error = {""};
    int status = 0;
    message_note("trying whether KVM boots a VM on this host (5 s at most, once per boot)");
    bool is_ended = child_run(&request, &status, &error);
    *verdict = (struct accelerator){.kind = VM_ACCELERATOR_KVM, .is_tried = true};
    if (!contains(buffer_bytes(&output), BOOT_CONFIG_STARTED_LINE)) {
        char said[160];
        struct bytes rest = buffer_bytes(&errors), line = BYTES_EMPTY;
        bytes_next_token(&rest, '\n', &line);
        printable_text(line, said, sizeof(said));
        verdict->kind = VM_ACCELERATOR_TCG;
        if (is_ended)
            snprintf(verdict->reason, sizeof(verdict->reason), "the VM runner ended: %s",
                     *said ? said : "it gave no reason");
        else
            snprintf(verdict->reason, sizeof(verdict->reason),
                     "%s opens but did not boot Linux within %d s", hardware_device,
                     TRIAL_TIMEOUT_MS / 1000);
    }
    buffer_done(&output);
    buffer_done(&errors);
}

/* Whether the device is there and may be used; the reason otherwise. */
static bool is_device_open(struct accelerator *verdict)
{
    CLEANUP_FD int fd = open(hardware_device, O_RDWR | O_CLOEXEC);
    if (fd >= 0)
        return true;
    verdict->kind = VM_ACCELERATOR_TCG;
    snprintf(verdict->reason, sizeof(verdict->reason), "%s: %s%s", hardware_device, strerror(errno),
             errno == EACCES ? " (are you in the group kvm?)" : "");
    return false;
}

static void choose_hardware(const struct home *home, const struct accelerator_trial *trial,
                            struct accelerator *accelerator)
{
    char boot[BOOT_IDENTITY_SIZE];
    CLEANUP_FREE char *path = memory_format("%s/accelerator", home->folder);
    *accelerator = (struct accelerator){.kind = VM_ACCELERATOR_KVM};
    if (!is_device_open(accelerator))
        return;
    bool is_boot_known = boot_identity_read(boot);
    if ((!is_boot_known || !read_verdict(path, boot, accelerator)) && trial) {
        try_to_boot(trial, accelerator);
        if (is_boot_known)
            write_verdict(path, boot, accelerator);
    }
    if (accelerator->kind == VM_ACCELERATOR_TCG)
        snprintf(accelerator->remedy, sizeof(accelerator->remedy),
                 "rm %s, once nested virtualisation works on the outer host", path);
}

bool accelerator_choose(const struct home *home, enum settings_accelerator wanted,
                        const struct accelerator_trial *trial, struct accelerator *accelerator,
                        struct error *error)
{
    struct accelerator chosen = {.kind = VM_ACCELERATOR_TCG, .reason = "ROOTCELL_ACCEL=tcg"};
    switch (wanted) {
    case SETTINGS_ACCELERATOR_TCG:
        break;
    case SETTINGS_ACCELERATOR_HVF:
        chosen = (struct accelerator){.kind = VM_ACCELERATOR_HVF};
#ifndef __APPLE__
        return error_set(error, "ROOTCELL_ACCEL=hvf: there is hvf on macOS only; use auto, kvm or "
                                "tcg");
#endif
        break;
    case SETTINGS_ACCELERATOR_KVM:
        chosen = (struct accelerator){.kind = VM_ACCELERATOR_KVM};
        if (!is_device_open(&chosen))
            return error_set(error, "ROOTCELL_ACCEL=kvm: %s; use auto or tcg", chosen.reason);
        break;
    case SETTINGS_ACCELERATOR_AUTO:
        choose_hardware(home, trial, &chosen);
        break;
    }
    *accelerator = chosen;
    return true;
}
