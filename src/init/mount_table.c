#include "init/mount_table.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "system/file.h"
#include "system/wall_clock.h"

enum { DISK_TIMEOUT_MS = 10000, DISK_POLL_MS = 10, SERIAL_SIZE = 32 };

struct kernel_mount {
    const char *type;
    const char *folder;
    const char *options;
    unsigned long flags;
};

static const struct kernel_mount kernel_mounts[] = {
    {"proc", "/proc", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC},
    {"sysfs", "/sys", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC},
    {"devtmpfs", "/dev", "mode=0755", MS_NOSUID},
    {"devpts", "/dev/pts", "mode=0620,gid=5", MS_NOSUID | MS_NOEXEC},
    {"tmpfs", "/run", "mode=0755,size=16m", MS_NOSUID | MS_NODEV},
};

bool mount_table_mount_kernel(struct error *error)
{
    /* The kernel makes the root of an initramfs as open as /tmp. */
    if (chmod("/", 0755) != 0)
        return error_set_errno(error, errno, "/");
    for (size_t i = 0; i < sizeof(kernel_mounts) / sizeof(kernel_mounts[0]); i++) {
        const struct kernel_mount *entry = &kernel_mounts[i];
        mkdir(entry->folder, 0755);
        if (mount(entry->type, entry->folder, entry->type, entry->flags, entry->options) != 0 &&
            errno != EBUSY)
            return error_set_errno(error, errno, "mount %s", entry->folder);
    }
    return true;
}

bool mount_table_move_to(const char *root, struct error *error)
{
    static const char *const moved[] = {"/dev", "/proc", "/sys"};
    if (umount2("/run", MNT_DETACH) != 0 || umount2("/dev/pts", MNT_DETACH) != 0)
        return error_set_errno(error, errno, "unmount /run");
    for (size_t i = 0; i < sizeof(moved) / sizeof(moved[0]); i++) {
        CLEANUP_FREE char *folder = memory_format("%s%s", root, moved[i]);
        if (mount(moved[i], folder, NULL, MS_MOVE, NULL) != 0)
            return error_set_errno(error, errno, "move %s", moved[i]);
    }
    return true;
}

static bool has_serial(const char *disk, const char *serial)
{
    char path[300];
    snprintf(path, sizeof(path), "/sys/block/%s/serial", disk);
    CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    char text[SERIAL_SIZE];
    ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof(text));
    if (length < 0)
        return false;
    struct bytes read_serial = {(const uint8_t *)text, strnlen(text, (size_t)length)};
    return bytes_equal_text(read_serial, serial);
}

static bool find_disk_now(const char *serial, char *device, size_t size)
{
    DIR *disks = opendir("/sys/block");
    bool is_found = false;
    struct dirent *entry;
    while (!is_found && disks != NULL && (entry = readdir(disks)) != NULL) {
        is_found = has_serial(entry->d_name, serial);
        if (is_found)
            snprintf(device, size, "/dev/%s", entry->d_name);
    }
    if (disks != NULL)
        closedir(disks);
    return is_found && file_exists(device);
}

bool mount_table_find_disk(const char *serial, int timeout_ms, char *device, size_t size,
                           struct error *error)
{
    int64_t end_ms = wall_clock_monotonic_ms() + timeout_ms;
    while (!find_disk_now(serial, device, size)) {
        if (wall_clock_monotonic_ms() >= end_ms)
            return error_set(error, "no disk has the serial number %s", serial);
        wall_clock_sleep_ms(DISK_POLL_MS);
    }
    return true;
}

bool mount_table_mount_disk(const char *serial, const char *folder, const char *const *types,
                            unsigned long flags, struct error *error)
{
    char device[300];
    if (!mount_table_find_disk(serial, DISK_TIMEOUT_MS, device, sizeof(device), error))
        return false;
    for (size_t i = 0; types[i] != NULL; i++) {
        if (mount(device, folder, types[i], flags, NULL) == 0)
            return true;
        if (errno != EINVAL && errno != ENODEV)
            break;
    }
    return error_set_errno(error, errno, "mount disk %s at %s", serial, folder);
}
