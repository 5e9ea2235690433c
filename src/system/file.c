#include "system/file.h"

#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { COPY_BLOCK_SIZE = 64 * 1024, TREE_DEPTH_LIMIT = 64 };

void file_close_cleanup(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

bool file_exists(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0;
}

bool file_is_directory(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

int64_t file_size(const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0 || !S_ISREG(status.st_mode))
        return -1;
    return status.st_size;
}

static bool open_regular(const char *path, int *fd, struct error *error)
{
    /* Without O_NONBLOCK a fifo that stands in the file's place would hold us for ever. */
    int opened = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (opened < 0)
        return error_set_errno(error, errno, "%s", path);
    struct stat status;
    if (fstat(opened, &status) != 0 || !S_ISREG(status.st_mode)) {
        close(opened);
        return error_set(error, "%s: not a regular file", path);
    }
    *fd = opened;
    return true;
}

bool file_read(const char *path, struct buffer *contents, struct error *error)
{
    CLEANUP_FD int fd = -1;
    if (!open_regular(path, &fd, error))
        return false;
    for (;;) {
        size_t room;
        uint8_t *space = buffer_reserve(contents, COPY_BLOCK_SIZE, &room);
        uint8_t probe;
        ssize_t got = room > 0 ? read(fd, space, room) : read(fd, &probe, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_set_errno(error, errno, "%s", path);
        if (got == 0)
            return true;
        if (room == 0)
            return error_set(error, "%s: larger than %zu bytes", path, contents->cap);
        buffer_commit(contents, (size_t)got);
    }
}

bool file_write_all(int fd, struct bytes contents, struct error *error)
{
    while (contents.length > 0) {
        ssize_t written = write(fd, contents.data, contents.length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return error_set_errno(error, errno, "write");
        contents = bytes_from(contents, (size_t)written);
    }
    return true;
}

/* The rename is safe on disk only once the folder that holds the name is. */
static void sync_folder_of(const char *path)
{
    CLEANUP_FREE char *folder = memory_copy_text(path);
    char *slash = strrchr(folder, '/');
    if (slash == NULL)
        return;
    slash[slash == folder] = '\0';
    CLEANUP_FD int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0)
        fsync(fd);
}

static bool finish_replacement(int fd, const char *beside, const char *path, mode_t mode,
                               struct error *error)
{
    if (fchmod(fd, mode) != 0 || fsync(fd) != 0 || rename(beside, path) != 0)
        return error_set_errno(error, errno, "%s", path);
    sync_folder_of(path);
    return true;
}

/* A name of this process alone: what is left there by an earlier one of the same number is dead. */
static char *replacement_path(const char *path)
{
    return memory_format("%s.new-%ld", path, (long)getpid());
}

static bool open_replacement(const char *path, const char *beside, int *fd, struct error *error)
{
    unlink(beside);
    *fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (*fd < 0)
        return error_set_errno(error, errno, "%s", path);
    return true;
}

bool file_write_atomic(const char *path, struct bytes contents, mode_t mode, struct error *error)
{
    CLEANUP_FREE char *beside = replacement_path(path);
    CLEANUP_FD int fd = -1;
    if (!open_replacement(path, beside, &fd, error))
        return false;
    bool is_written = file_write_all(fd, contents, error)
                          ? finish_replacement(fd, beside, path, mode, error)
                          : error_add_context(error, "%s", path);
    if (!is_written)
        unlink(beside);
    return is_written;
}

static bool is_as_wanted(const char *path, struct bytes contents, mode_t mode)
{
    struct stat status;
    struct error ignored;
    struct buffer present;
    if (lstat(path, &status) != 0 || (status.st_mode & 07777) != mode ||
        (uint64_t)status.st_size != contents.length)
        return false;
    buffer_init(&present, contents.length);
    bool is_same =
        file_read(path, &present, &ignored) && bytes_equal(buffer_bytes(&present), contents);
    buffer_done(&present);
    return is_same;
}

bool file_update_atomic(const char *path, struct bytes contents, mode_t mode, struct error *error)
{
    return is_as_wanted(path, contents, mode) || file_write_atomic(path, contents, mode, error);
}

/* NAME.new-PROCESS, as replacement_path makes it. */
static bool is_leftover(const char *name)
{
    const char *ending = strstr(name, ".new-");
    return ending && ending[5] != '\0' && strspn(ending + 5, "0123456789") == strlen(ending + 5);
}

void file_remove_leftovers(const char *folder)
{
    DIR *entries = opendir(folder);
    for (struct dirent *entry; entries && (entry = readdir(entries)) != NULL;) {
        if (is_leftover(entry->d_name))
            unlinkat(dirfd(entries), entry->d_name, 0);
    }
    if (entries)
        closedir(entries);
}

bool file_make_directories(const char *path, mode_t mode, struct error *error)
{
    CLEANUP_FREE char *partial = memory_copy_text(path);
    for (char *slash = partial + 1;; slash++) {
        slash = strchr(slash, '/');
        if (slash)
            *slash = '\0';
        if (mkdir(partial, mode) != 0 && errno != EEXIST)
            return error_set_errno(error, errno, "make folder %s", partial);
        if (slash == NULL)
            break;
        *slash = '/';
        if (slash[1] == '\0')
            break;
    }
    if (!file_is_directory(path))
        return error_set(error, "make folder %s: something else stands there", path);
    return true;
}

static bool is_all_zero(const uint8_t *block, size_t length)
{
    return block[0] == 0 && memcmp(block, block + 1, length - 1) == 0;
}

static bool copy_contents(int from, int to, struct error *error)
{
    static uint8_t block[COPY_BLOCK_SIZE];
    off_t length = 0;
    for (;;) {
        ssize_t got = read(from, block, sizeof(block));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_set_errno(error, errno, "read");
        if (got == 0)
            break;
        length += got;
        if ((size_t)got == sizeof(block) && is_all_zero(block, sizeof(block))) {
            if (lseek(to, got, SEEK_CUR) < 0)
                return error_set_errno(error, errno, "seek");
        } else if (!file_write_all(to, (struct bytes){block, (size_t)got}, error)) {
            return false;
        }
    }
    if (ftruncate(to, length) != 0)
        return error_set_errno(error, errno, "set length");
    return true;
}

bool file_copy(const char *from, const char *to, mode_t mode, struct error *error)
{
    CLEANUP_FD int source = -1;
    if (!open_regular(from, &source, error))
        return false;
    CLEANUP_FREE char *beside = replacement_path(to);
    CLEANUP_FD int target = -1;
    if (!open_replacement(to, beside, &target, error))
        return false;
    bool is_copied = copy_contents(source, target, error)
                         ? finish_replacement(target, beside, to, mode, error)
                         : error_add_context(error, "copy %s to %s", from, to);
    if (!is_copied)
        unlink(beside);
    return is_copied;
}

static bool copy_link(const char *from, const char *to, struct error *error)
{
    char target[4096];
    ssize_t length = readlink(from, target, sizeof(target) - 1);
    if (length < 0)
        return error_set_errno(error, errno, "%s", from);
    target[length] = '\0';
    if (symlink(target, to) != 0 && errno != EEXIST)
        return error_set_errno(error, errno, "%s", to);
    return true;
}

static bool copy_tree_below(const char *from, const char *to, int depth, struct error *error)
{
    struct stat status;
    if (lstat(from, &status) != 0)
        return error_set_errno(error, errno, "%s", from);
    if (S_ISLNK(status.st_mode))
        return copy_link(from, to, error);
    if (S_ISREG(status.st_mode))
        return file_exists(to) || file_copy(from, to, status.st_mode & 0777, error);
    if (!S_ISDIR(status.st_mode))
        return true; /* sockets and devices are no user data */
    if (depth == 0)
        return error_set(error, "%s: folders nested too deeply", from);
    if (!file_make_directories(to, (status.st_mode & 0777) | 0700, error))
        return false;
    DIR *folder = opendir(from);
    if (folder == NULL)
        return error_set_errno(error, errno, "%s", from);
    bool is_copied = true;
    for (struct dirent *entry; is_copied && (entry = readdir(folder)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        CLEANUP_FREE char *inner_from = memory_format("%s/%s", from, entry->d_name);
        CLEANUP_FREE char *inner_to = memory_format("%s/%s", to, entry->d_name);
        is_copied = copy_tree_below(inner_from, inner_to, depth - 1, error);
    }
    closedir(folder);
    return is_copied;
}

bool file_copy_tree(const char *from, const char *to, struct error *error)
{
    return copy_tree_below(from, to, TREE_DEPTH_LIMIT, error);
}

static bool remove_below(int folder_fd, const char *name, int depth, struct error *error);

static bool remove_entries(int fd, const char *name, int depth, struct error *error)
{
    DIR *folder = fdopendir(fd);
    if (folder == NULL) {
        close(fd);
        return error_set_errno(error, errno, "%s", name);
    }
    bool is_removed = true;
    for (struct dirent *entry; is_removed && (entry = readdir(folder)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        is_removed = remove_below(dirfd(folder), entry->d_name, depth - 1, error);
    }
    closedir(folder);
    return is_removed;
}

static bool remove_below(int folder_fd, const char *name, int depth, struct error *error)
{
    struct stat status;
    if (fstatat(folder_fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT || error_set_errno(error, errno, "%s", name);
    bool is_folder = S_ISDIR(status.st_mode);
    if (is_folder) {
        if (depth == 0)
            return error_set(error, "%s: folders nested too deeply", name);
        int fd = openat(folder_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0) /* ENOENT: somebody else removes the same */
            return errno == ENOENT || error_set_errno(error, errno, "%s", name);
        if (!remove_entries(fd, name, depth, error))
            return false;
    }
    if (unlinkat(folder_fd, name, is_folder ? AT_REMOVEDIR : 0) != 0 && errno != ENOENT)
        return error_set_errno(error, errno, "%s", name);
    return true;
}

bool file_remove_tree(const char *path, struct error *error)
{
    if (!remove_below(AT_FDCWD, path, TREE_DEPTH_LIMIT, error))
        return error_add_context(error, "remove %s", path);
    return true;
}

bool file_free_bytes(const char *path, uint64_t *free_bytes, struct error *error)
{
    struct statvfs status;
    if (statvfs(path, &status) != 0)
        return error_set_errno(error, errno, "%s", path);
    *free_bytes = (uint64_t)status.f_bavail * status.f_frsize;
    return true;
}
