#include "record/cpio_archive.h"

#include <string.h>

#include "base/check.h"

enum {
    TYPE_DIRECTORY = 0040000,
    TYPE_CHARACTER_DEVICE = 0020000,
    TYPE_FILE = 0100000,
    TYPE_SYMLINK = 0120000,
    PERMISSION_BITS = 07777,
    PATH_LIMIT = 4096, /* PATH_MAX: the kernel skips longer names */
};

struct entry {
    const char *path;
    uint32_t mode; /* with the type */
    uint32_t links;
    uint32_t device_major;
    uint32_t device_minor;
    struct bytes content;
};

static bool pad(struct cpio_archive *archive, size_t alignment)
{
    while ((buffer_length(archive->out) - archive->start) % alignment != 0) {
        if (!buffer_append_byte(archive->out, 0))
            return false;
    }
    return true;
}

static bool add(struct cpio_archive *archive, const struct entry *entry)
{
    size_t name_size = strlen(entry->path) + 1;
    CHECK(name_size <= PATH_LIMIT && entry->content.length <= UINT32_MAX);
    if (!buffer_append_format(archive->out,
                              "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
                              archive->next_inode++, entry->mode, 0U, 0U, entry->links, 0U,
                              (unsigned)entry->content.length, 0U, 0U, entry->device_major,
                              entry->device_minor, (unsigned)name_size, 0U))
        return false;
    struct bytes name = {(const uint8_t *)entry->path, name_size};
    return buffer_append(archive->out, name) && pad(archive, 4) &&
           buffer_append(archive->out, entry->content) && pad(archive, 4);
}

static bool is_plain_path(const char *path)
{
    struct bytes rest = bytes_from_text(path);
    struct bytes part;
    while (bytes_next_token(&rest, '/', &part)) {
        if (part.length == 0 || bytes_equal_text(part, ".") || bytes_equal_text(part, ".."))
            return false;
    }
    return true;
}

static bool add_checked(struct cpio_archive *archive, const struct entry *entry, uint32_t type)
{
    CHECK(is_plain_path(entry->path) && (entry->mode & ~(uint32_t)PERMISSION_BITS) == 0);
    struct entry typed = *entry;
    typed.mode |= type;
    return add(archive, &typed);
}

void cpio_archive_init(struct cpio_archive *archive, struct buffer *out)
{
    *archive = (struct cpio_archive){.out = out, .next_inode = 1, .start = buffer_length(out)};
}

bool cpio_archive_add_directory(struct cpio_archive *archive, const char *path, uint32_t mode)
{
    struct entry entry = {.path = path, .mode = mode, .links = 2};
    return add_checked(archive, &entry, TYPE_DIRECTORY);
}

bool cpio_archive_add_file(struct cpio_archive *archive, const char *path, uint32_t mode,
                           struct bytes content)
{
    struct entry entry = {.path = path, .mode = mode, .links = 1, .content = content};
    return add_checked(archive, &entry, TYPE_FILE);
}

bool cpio_archive_add_symlink(struct cpio_archive *archive, const char *path, const char *target)
{
    struct entry entry = {
        .path = path, .mode = 0777, .links = 1, .content = bytes_from_text(target)};
    return add_checked(archive, &entry, TYPE_SYMLINK);
}

bool cpio_archive_add_character_device(struct cpio_archive *archive, const char *path,
                                       uint32_t mode, uint32_t major, uint32_t minor)
{
    struct entry entry = {
        .path = path, .mode = mode, .links = 1, .device_major = major, .device_minor = minor};
    return add_checked(archive, &entry, TYPE_CHARACTER_DEVICE);
}

bool cpio_archive_finish(struct cpio_archive *archive)
{
    struct entry end = {.path = "TRAILER!!!", .links = 1};
    return add(archive, &end) && pad(archive, CPIO_ARCHIVE_ALIGNMENT);
}
