#ifndef HOST_ACCELERATOR_H
#define HOST_ACCELERATOR_H

#include "base/buffer.h"
#include "base/error.h"
#include "host/home.h"
#include "host/settings.h"
#include "host/vm_plan.h"

/**
 * How the VMs can run on this host, and why not faster.
 *
 * /dev/kvm can exist, open, run a firmware and still never boot Linux (broken nested
 * virtualisation). So `auto` boots the firewall's own kernel under KVM once, waits at most five
 * seconds for its first process to say a word on the serial line, and remembers the verdict until
 * the host boots again.
 */
struct accelerator {
    enum vm_accelerator kind;
    char reason[256]; /* why it is not hardware; empty when it is */
    char remedy[128]; /* what would mend that; empty when there is nothing to mend */
    bool is_tried;    /* it has booted a kernel since this host booted */
};

/** What is tried: the kernel and initramfs of an image. */
struct accelerator_trial {
    const char *program, *kernel, *initramfs; /* borrowed */
};

/**
 * Choose. False only when the settings ask for one that does not work. `trial` may be NULL: then
 * nothing is booted, and without a verdict of this boot `*accelerator` is what would be tried.
 */
bool accelerator_choose(const struct home *home, enum settings_accelerator wanted,
                        const struct accelerator_trial *trial, struct accelerator *accelerator,
                        struct error *error);

/** The remembered verdict as a line of text, and its reading; for the file and its test. */
bool accelerator_verdict_parse(struct bytes text, const char *boot, struct accelerator *verdict);

#endif
