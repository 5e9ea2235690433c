#include "init/guest_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "system/file.h"

static bool holds(const char *path, mode_t mode, struct bytes content)
{
    struct stat status;
    if (lstat(path, &status) != 0 || !S_ISREG(status.st_mode) || (status.st_mode & 07777) != mode ||
        (size_t)status.st_size != content.length)
        return false;
    struct buffer now;
    struct error ignored;
    buffer_init(&now, GUEST_FILE_LIMIT);
    bool is_same = file_read(path, &now, &ignored) && bytes_equal(buffer_bytes(&now), content);
    buffer_done(&now);
    return is_same;
}

bool guest_file_write(const char *path, mode_t mode, struct bytes content, struct error *error)
{
    if (holds(path, mode, content))
        return true;
    /* A new file renamed over the old: the agent may have put a link there. */
    CLEANUP_FREE char *fresh = memory_format("%s.rootcell-new", path);
    unlink(fresh);
    CLEANUP_FD int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return error_set_errno(error, errno, "%s", fresh);
    if (!file_write_all(fd, content, error))
        return error_add_context(error, "%s", fresh);
    if (fchmod(fd, mode) != 0 || rename(fresh, path) != 0)
        return error_set_errno(error, errno, "%s", path);
    return true;
}

bool guest_file_write_format(const char *path, mode_t mode, struct error *error, const char *format,
                             ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = NULL;
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    bool is_good = length >= 0 ? guest_file_write(path, mode, bytes_from_text(text), error)
                               : error_set(error, "%s: out of memory", path);
    free(text);
    return is_good;
}

bool guest_file_copy(const char *from, const char *to, mode_t mode, struct error *error)
{
    struct buffer content;
    buffer_init(&content, GUEST_FILE_LIMIT);
    bool is_good = file_read(from, &content, error) &&
                   guest_file_write(to, mode, buffer_bytes(&content), error);
    buffer_done_secret(&content);
    return is_good;
}

int guest_file_take_secret(const char *path, struct error *error)
{
    struct buffer content;
    buffer_init(&content, GUEST_FILE_LIMIT);
    int fd = -1;
    if (file_read(path, &content, error)) {
        fd = memfd_create("secret", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        if (fd < 0)
            error_set_errno(error, errno, "memfd");
    }
    int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
    if (fd >= 0 && (!file_write_all(fd, buffer_bytes(&content), error) ||
                    fcntl(fd, F_ADD_SEALS, seals) != 0)) {
        close(fd);
        fd = -1;
        error_set_errno(error, errno, "%s", path);
    }
    unlink(path);
    buffer_done_secret(&content);
    return fd;
}
