#include "host/vm_plan.h"

#include <assert.h>
#include <stdio.h>

const char *vm_role_name(enum vm_role role)
{
    static const char *const names[] = {
        [VM_ROLE_FIREWALL] = "firewall",
        [VM_ROLE_AGENT] = "agent",
    };
    static_assert(sizeof(names) / sizeof(names[0]) == VM_ROLE_COUNT, "a name for each role");
    return names[role];
}

const char *vm_accelerator_name(enum vm_accelerator accelerator)
{
    static const char *const names[] = {
        [VM_ACCELERATOR_KVM] = "kvm",
        [VM_ACCELERATOR_HVF] = "hvf",
        [VM_ACCELERATOR_TCG] = "tcg",
    };
    return names[accelerator];
}

void vm_plan_mac(const char *instance_folder, enum vm_card card, char mac[VM_MAC_SIZE])
{
    uint64_t hash = bytes_hash(bytes_from_text(instance_folder));
    /* 02: locally administered, for one station. */
    snprintf(mac, VM_MAC_SIZE, "02:%02x:%02x:%02x:%02x:%02x", (unsigned)(hash >> 56) & 0xff,
             (unsigned)(hash >> 40) & 0xff, (unsigned)(hash >> 24) & 0xff,
             (unsigned)(hash >> 8) & 0xff, (unsigned)card + 1);
}
