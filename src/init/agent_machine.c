#include "init/agent_machine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/number.h"
#include "init/agent_trust.h"
#include "init/guest_file.h"
#include "init/mount_table.h"
#include "init/network.h"
#include "system/file.h"

#define ROOT "/sysroot"

enum { MACHINE_ID_DIGITS = 32 };

static bool mount_disks(const struct boot_config *config, struct error *error)
{
    static const char *const root_types[] = {"ext4", NULL};
    static const char *const layer_types[] = {"ext4", "erofs", "squashfs", NULL};
    mkdir(ROOT, 0755);
    if (!mount_table_mount_disk("root", ROOT, root_types, MS_NOATIME, error))
        return false;
    for (size_t i = 0; i < config->layer_count; i++) {
        CLEANUP_FREE char *folder = memory_format(ROOT "/opt/%s", config->layers[i]);
        if (mkdir(folder, 0755) != 0 && errno != EEXIST)
            return error_set_errno(error, errno, "%s", folder);
        if (!mount_table_mount_disk(config->layers[i], folder, layer_types, MS_RDONLY | MS_NODEV,
                                    error))
            return false;
    }
    return true;
}

/* A machine id of its own before systemd looks: without one it takes this for a first boot. */
static bool write_machine_id(struct error *error)
{
    struct buffer now;
    struct error ignored;
    buffer_init(&now, 64);
    bool has_one = file_read(ROOT "/etc/machine-id", &now, &ignored) &&
                   buffer_length(&now) == MACHINE_ID_DIGITS + 1;
    buffer_done(&now);
    if (has_one)
        return true;
    uint8_t random[MACHINE_ID_DIGITS / 2];
    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
        return error_set_errno(error, errno, "getrandom");
    char text[MACHINE_ID_DIGITS + 2];
    for (size_t i = 0; i < sizeof(random); i++)
        snprintf(text + 2 * i, 3, "%02x", random[i]);
    memcpy(text + MACHINE_ID_DIGITS, "\n", 2);
    return guest_file_write(ROOT "/etc/machine-id", 0444, bytes_from_text(text), error);
}

static bool write_names(const struct boot_config *config, struct error *error)
{
    char firewall[16];
    number_format_ipv4(config->link.gateway, firewall);
    return guest_file_write_format(ROOT "/etc/hostname", 0644, error, "%s\n", config->hostname) &&
           guest_file_write_format(ROOT "/etc/hosts", 0644, error,
                                   "127.0.0.1 localhost\n127.0.1.1 %s\n"
                                   "::1 localhost ip6-localhost ip6-loopback\n",
                                   config->hostname) &&
           guest_file_write_format(ROOT "/etc/resolv.conf", 0644, error,
                                   "# The firewall VM answers for allowed names only.\n"
                                   "nameserver %s\n",
                                   firewall) &&
           write_machine_id(error);
}

/* Root's files, so that a session of the agent cannot lock its user out by a slip. */
static bool write_ssh(const struct boot_config *config, struct error *error)
{
    char firewall[16];
    char own[16];
    number_format_ipv4(config->link.gateway, firewall);
    number_format_ipv4(config->link.address, own);
    return guest_file_copy("/rootcell/ssh_host_ed25519_key", ROOT "/etc/ssh/ssh_host_ed25519_key",
                           0600, error) &&
           guest_file_copy("/rootcell/ssh_host_ed25519_key.pub",
                           ROOT "/etc/ssh/ssh_host_ed25519_key.pub", 0644, error) &&
           guest_file_copy("/rootcell/authorized_keys", ROOT "/etc/ssh/rootcell_authorized_keys",
                           0644, error) &&
           guest_file_write_format(ROOT "/etc/ssh/sshd_config.d/20-rootcell-instance.conf", 0644,
                                   error,
                                   "# Written at each start of this VM.\n"
                                   "ListenAddress %s\n"
                                   "AllowUsers agent@%s root@%s\n",
                                   own, firewall, firewall);
}

static bool write_trust(const struct boot_config *config, struct error *error)
{
    struct buffer pem;
    buffer_init(&pem, GUEST_FILE_LIMIT);
    bool is_good = file_read("/rootcell/ca.pem", &pem, error) &&
                   agent_trust_install_ca(ROOT, buffer_bytes(&pem), error) &&
                   agent_trust_write_environment(ROOT, config, error);
    buffer_done(&pem);
    return is_good;
}

/* The helper of sessions and services is the one that the host starts the machine with. */
static bool install_helper(struct error *error)
{
    if (mkdir(ROOT "/usr/lib/rootcell", 0755) != 0 && errno != EEXIST)
        return error_set_errno(error, errno, "/usr/lib/rootcell");
    return guest_file_copy("/init", ROOT "/usr/lib/rootcell/rootcell-init", 0755, error);
}

static bool start_network(const struct boot_config *config, struct error *error)
{
    return network_start_loopback(error) &&
           network_start_interface(&config->link, "link", true, error) &&
           (sethostname(config->hostname, strlen(config->hostname)) == 0 ||
            error_set_errno(error, errno, "sethostname"));
}

/* As util-linux's switch_root does: the initramfs is emptied, which frees its memory. */
static bool switch_root(struct error *error)
{
    /* The helper of sessions and services is the one that booted the machine. */
    if (!mount_table_move_to(ROOT, error) || !file_remove_tree("/rootcell", error) ||
        !file_remove_tree("/modules", error))
        return false;
    if (chdir(ROOT) != 0 || mount(".", "/", NULL, MS_MOVE, NULL) != 0 || chroot(".") != 0 ||
        chdir("/") != 0)
        return error_set_errno(error, errno, "switch to the root disk");
    static char *const arguments[] = {"/sbin/init", NULL};
    static char *const environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/", NULL};
    execve(arguments[0], arguments, environment);
    return error_set_errno(error, errno, "/sbin/init");
}

void agent_machine_run(const struct boot_config *config, struct error *error)
{
    if (mount_disks(config, error) && start_network(config, error) && write_names(config, error) &&
        write_ssh(config, error) && write_trust(config, error) && install_helper(error))
        switch_root(error);
}
