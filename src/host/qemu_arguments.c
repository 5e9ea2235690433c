#include "host/qemu_arguments.h"

#include "base/check.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* In an option list of QEMU a comma inside a value is written twice. */
static char *escape(const char *value)
{
    char *escaped = memory_new(2 * strlen(value) + 1);
    char *end = escaped;
    for (; *value; value++) {
        if (*value == ',')
            *end++ = ',';
        *end++ = *value;
    }
    return escaped;
}

static void append_machine(struct argument_list *list, const struct vm_plan *plan)
{
    argument_list_add(list, plan->program);
    if (plan->name) {
        CLEANUP_FREE char *name = escape(plan->name);
        argument_list_add(list, "-name");
        argument_list_add_format(list, "rootcell-%s", name);
    }
    /* microvm hangs under emulation; qboot starts a kernel without the cost of a BIOS. */
    if (plan->architecture == VM_ARCHITECTURE_X86_64)
        argument_list_add_all(list, "-M", "q35,usb=off,vmport=off", "-bios", "qboot.rom", NULL);
    else
        argument_list_add_all(list, "-M", "virt", NULL);
    argument_list_add(list, "-accel");
    if (plan->accelerator == VM_ACCELERATOR_TCG)
        argument_list_add_format(list, "tcg,thread=multi,tb-size=%d",
                                 plan->role == VM_ROLE_AGENT ? 512 : 128);
    else
        argument_list_add(list, vm_accelerator_name(plan->accelerator));
    argument_list_add_all(list, "-cpu", plan->accelerator == VM_ACCELERATOR_TCG ? "max" : "host",
                          NULL);
    argument_list_add(list, "-smp");
    argument_list_add_format(list, "%u", plan->cpus);
    argument_list_add(list, "-m");
    argument_list_add_format(list, "%lluM", (unsigned long long)(plan->memory_bytes >> 20));
    argument_list_add_all(list, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
                          "-rtc", "base=utc,clock=host", "-sandbox",
                          "on,obsolete=deny,elevateprivileges=deny,spawn=deny,"
                          "resourcecontrol=deny",
                          NULL);
    argument_list_add_all(list, "-kernel", plan->kernel, "-initrd", plan->initramfs, "-append",
                          plan->command_line, NULL);
}

static void append_disks(struct argument_list *list, const struct vm_plan *plan)
{
    CHECK(plan->disk_count <= VM_DISK_LIMIT);
    for (size_t i = 0; i < plan->disk_count; i++) {
        const struct vm_disk *disk = &plan->disks[i];
        CLEANUP_FREE char *path = escape(disk->path);
        argument_list_add(list, "-drive");
        argument_list_add_format(list, "if=none,id=disk%zu,file=%s,format=%s%s", i, path,
                                 disk->format == VM_DISK_QCOW2 ? "qcow2" : "raw",
                                 disk->is_read_only ? ",readonly=on" : ",discard=unmap");
        argument_list_add(list, "-device");
        argument_list_add_format(list, "virtio-blk-pci,drive=disk%zu,serial=%s", i, disk->serial);
    }
}

static void append_networks(struct argument_list *list, const struct vm_plan *plan)
{
    if (plan->has_control) {
        argument_list_add(list, "-netdev");
        /* No IPv6: an address of it would lead to the host's loopback. */
        argument_list_add_format(list,
                                 "user,id=control,ipv6=off,"
                                 "hostfwd=tcp:127.0.0.1:%u-" VM_CONTROL_ADDRESS ":22",
                                 plan->control_port);
        argument_list_add(list, "-device");
        argument_list_add_format(
            list, "virtio-net-pci,netdev=control,mac=%s,romfile=", plan->control_mac);
    }
    CLEANUP_FREE char *own = escape(plan->link_socket);
    CLEANUP_FREE char *peer = escape(plan->link_peer_socket);
    argument_list_add(list, "-netdev");
    argument_list_add_format(list,
                             "dgram,id=link,local.type=unix,local.path=%s,"
                             "remote.type=unix,remote.path=%s",
                             own, peer);
    argument_list_add(list, "-device");
    argument_list_add_format(list, "virtio-net-pci,netdev=link,mac=%s,romfile=", plan->link_mac);
}

static void append_characters(struct argument_list *list, const struct vm_plan *plan)
{
    CLEANUP_FREE char *monitor = escape(plan->monitor_socket);
    argument_list_add_all(list, "-chardev", "ringbuf,id=" VM_CONSOLE_DEVICE ",size=65536",
                          "-serial", "chardev:" VM_CONSOLE_DEVICE, NULL);
    argument_list_add(list, "-chardev");
    argument_list_add_format(list, "socket,id=monitor,path=%s,server=on,wait=off", monitor);
    argument_list_add_all(list, "-mon", "chardev=monitor,mode=control", NULL);
    if (plan->audit_file) {
        CLEANUP_FREE char *audit = escape(plan->audit_file);
        argument_list_add_all(list, "-device", "virtio-serial-pci", "-chardev", NULL);
        argument_list_add_format(list, "file,id=audit,path=%s,append=on", audit);
        argument_list_add_all(list, "-device", "virtserialport,chardev=audit,name=" VM_AUDIT_PORT,
                              NULL);
    }
}

void qemu_arguments_append(struct argument_list *list, const struct vm_plan *plan)
{
    append_machine(list, plan);
    argument_list_add_all(list, "-device", "virtio-rng-pci", NULL);
    append_disks(list, plan);
    append_networks(list, plan);
    append_characters(list, plan);
}

void qemu_arguments_append_trial(struct argument_list *list, const struct vm_plan *plan)
{
    append_machine(list, plan);
    argument_list_add_all(list, "-chardev", "stdio,id=" VM_CONSOLE_DEVICE ",signal=off", "-serial",
                          "chardev:" VM_CONSOLE_DEVICE, NULL);
}
