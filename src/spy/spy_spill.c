#include "spy/spy_spill.h"

#include "base/memory.h"
#include "system/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct half {
    int fd;         /* owned */
    uint64_t start; /* offset of its first byte */
    uint64_t end;   /* one past its last */
};

struct spy_spill {
    struct half halves[2]; /* only the first of a file of the user's */
    unsigned current;
    uint64_t half_maximum; /* 0: a file of the user's */
};

static int open_temporary(struct error *error)
{
    const char *given = getenv("TMPDIR");
    const char *folder = given && *given ? given : "/var/tmp";
    /* mkostemp wants six of that letter at the end. */
    CLEANUP_FREE char *path = memory_format("%s/rootcell-spy.%s%s", folder,
                                            "XX"
                                            "XX",
                                            "XX");
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0)
        error_set_errno(error, errno, "a temporary file in %s", folder);
    else
        unlink(path);
    return fd;
}

struct spy_spill *spy_spill_new(uint64_t maximum, struct error *error)
{
    int first = open_temporary(error);
    int second = first < 0 ? -1 : open_temporary(error);
    if (second < 0) {
        file_close_cleanup(&first);
        return NULL;
    }
    struct spy_spill *spill = memory_new(sizeof(*spill));
    *spill =
        (struct spy_spill){.halves = {{.fd = first}, {.fd = second}}, .half_maximum = maximum / 2};
    return spill;
}

struct spy_spill *spy_spill_new_over(int fd, struct error *error)
{
    struct stat status;
    if (fstat(fd, &status) != 0 || status.st_size < 0) {
        error_set_errno(error, errno, "the recording");
        file_close_cleanup(&fd);
        return NULL;
    }
    struct spy_spill *spill = memory_new(sizeof(*spill));
    spill->halves[0] = (struct half){.fd = fd, .end = (uint64_t)status.st_size};
    spill->halves[1].fd = -1;
    return spill;
}

void spy_spill_free(struct spy_spill *spill)
{
    if (spill == NULL)
        return;
    file_close_cleanup(&spill->halves[0].fd);
    file_close_cleanup(&spill->halves[1].fd);
    free(spill);
}

uint64_t spy_spill_end(const struct spy_spill *spill)
{
    return spill->halves[spill->current].end;
}

static bool turn(struct spy_spill *spill, struct error *error)
{
    uint64_t end = spy_spill_end(spill);
    struct half *next = &spill->halves[!spill->current];
    if (ftruncate(next->fd, 0) != 0)
        return error_set_errno(error, errno, "the temporary file");
    next->start = next->end = end;
    spill->current = !spill->current;
    return true;
}

static bool write_at(const struct half *half, uint64_t offset, struct bytes bytes,
                     struct error *error)
{
    while (bytes.length > 0) {
        ssize_t written = pwrite(half->fd, bytes.data, bytes.length, (off_t)(offset - half->start));
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return error_set_errno(error, written < 0 ? errno : ENOSPC, "keep what was captured");
        bytes = bytes_from(bytes, (size_t)written);
        offset += (uint64_t)written;
    }
    return true;
}

bool spy_spill_append(struct spy_spill *spill, struct bytes first, struct bytes second,
                      struct error *error)
{
    uint64_t length = (uint64_t)first.length + second.length;
    const struct half *before = &spill->halves[spill->current];
    bool is_full = spill->half_maximum && before->end > before->start &&
                   before->end - before->start + length > spill->half_maximum;
    if (is_full && !turn(spill, error))
        return false;
    struct half *half = &spill->halves[spill->current];
    if (!write_at(half, half->end, first, error) ||
        !write_at(half, half->end + first.length, second, error)) {
        (void)!ftruncate(half->fd, (off_t)(half->end - half->start));
        return false;
    }
    half->end += length;
    return true;
}

static const struct half *half_of(const struct spy_spill *spill, uint64_t offset, size_t length)
{
    for (size_t i = 0; i < 2; i++) {
        const struct half *half = &spill->halves[i];
        if (half->fd >= 0 && offset >= half->start && offset <= half->end &&
            length <= half->end - offset)
            return half;
    }
    return NULL;
}

bool spy_spill_read(const struct spy_spill *spill, uint64_t offset, uint8_t *into, size_t length)
{
    const struct half *half = half_of(spill, offset, length);
    if (half == NULL)
        return false;
    while (length > 0) {
        ssize_t got = pread(half->fd, into, length, (off_t)(offset - half->start));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        into += got;
        offset += (uint64_t)got;
        length -= (size_t)got;
    }
    return true;
}
