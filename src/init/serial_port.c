#include "init/serial_port.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "system/file.h"
#include "system/wall_clock.h"

enum { WAIT_MS = 5000, POLL_MS = 10, NAME_LIMIT = 256 };

static bool has_name(const char *port, const char *name)
{
    CLEANUP_FREE char *path = memory_format("/sys/class/virtio-ports/%s/name", port);
    struct buffer read_name;
    struct error ignored;
    buffer_init(&read_name, NAME_LIMIT);
    bool is_same = file_read(path, &read_name, &ignored) &&
                   bytes_start_with(buffer_bytes(&read_name), bytes_from_text(name)) &&
                   bytes_equal(bytes_from(buffer_bytes(&read_name), bytes_from_text(name).length),
                               BYTES_LITERAL("\n"));
    buffer_done(&read_name);
    return is_same;
}

/* The device file of the port, owned by the caller, or NULL. */
static char *find_port(const char *name)
{
    DIR *ports = opendir("/sys/class/virtio-ports");
    char *device = NULL;
    struct dirent *entry;
    while (device == NULL && ports != NULL && (entry = readdir(ports)) != NULL) {
        if (has_name(entry->d_name, name))
            device = memory_format("/dev/%s", entry->d_name);
    }
    if (ports != NULL)
        closedir(ports);
    return device;
}

bool serial_port_link(const char *name, struct error *error)
{
    int64_t end_ms = wall_clock_monotonic_ms() + WAIT_MS;
    char *found;
    while ((found = find_port(name)) == NULL && wall_clock_monotonic_ms() < end_ms)
        wall_clock_sleep_ms(POLL_MS);
    if (found == NULL)
        return error_set(error, "no virtio serial port is named %s", name);
    CLEANUP_FREE char *device = found;
    CLEANUP_FREE char *link = memory_format("/dev/virtio-ports/%s", name);
    mkdir("/dev/virtio-ports", 0755);
    if (symlink(device, link) != 0 && errno != EEXIST)
        return error_set_errno(error, errno, "%s", link);
    return true;
}
