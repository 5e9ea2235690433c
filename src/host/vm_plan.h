#ifndef HOST_VM_PLAN_H
#define HOST_VM_PLAN_H

#include "base/bytes.h"

/** The two machines of an instance. */
enum vm_role { VM_ROLE_FIREWALL, VM_ROLE_AGENT, VM_ROLE_COUNT };

const char *vm_role_name(enum vm_role role);

enum vm_accelerator { VM_ACCELERATOR_KVM, VM_ACCELERATOR_HVF, VM_ACCELERATOR_TCG };

const char *vm_accelerator_name(enum vm_accelerator accelerator);

enum vm_architecture { VM_ARCHITECTURE_X86_64, VM_ARCHITECTURE_AARCH64 };

enum { VM_DISK_LIMIT = 8, VM_MAC_SIZE = 18 };

enum vm_disk_format { VM_DISK_RAW, VM_DISK_QCOW2 };

struct vm_disk {
    const char *path;   /* borrowed */
    const char *serial; /* borrowed; how the guest tells its disks apart */
    enum vm_disk_format format;
    bool is_read_only;
};

/** Everything about a VM, as a value. All texts are borrowed; what is NULL the VM does not have. */
struct vm_plan {
    enum vm_role role;
    const char *name; /* shown by ps: agent, firewall-work */
    enum vm_architecture architecture;
    enum vm_accelerator accelerator;
    unsigned cpus;
    uint64_t memory_bytes;
    const char *program; /* the VM runner */
    const char *kernel, *initramfs;
    const char *command_line;
    struct vm_disk disks[VM_DISK_LIMIT];
    size_t disk_count;
    /* The cable between the two VMs: a Unix datagram socket at either end. */
    const char *link_socket, *link_peer_socket;
    char link_mac[VM_MAC_SIZE];
    /* User-mode network with one forward from 127.0.0.1:port to the guest's SSH. */
    bool has_control;
    char control_mac[VM_MAC_SIZE];
    uint16_t control_port;
    const char *audit_file; /* appended to */
    const char *monitor_socket;
    const char *pid_file, *log_file;
    uint64_t file_size_limit; /* bytes that the runner may write to one file */
};

/** The guest's address in the user-mode network, which the forward leads to. */
#define VM_CONTROL_ADDRESS "10.0.2.15"

/** The name of the virtio-serial port of the audit log. */
#define VM_AUDIT_PORT "org.rootcell.audit"

/** The name of the character device that keeps the end of what the VM wrote to its console. */
#define VM_CONSOLE_DEVICE "console"

/** Which network card of an instance. */
enum vm_card { VM_CARD_FIREWALL_CONTROL, VM_CARD_FIREWALL_LINK, VM_CARD_AGENT_LINK };

/** A locally administered MAC address, the same each time for one instance folder and card. */
void vm_plan_mac(const char *instance_folder, enum vm_card card, char mac[VM_MAC_SIZE]);

#endif
