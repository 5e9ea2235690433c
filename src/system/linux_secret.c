#include "system/linux_secret.h"

#include "system/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static bool take_pages(struct linux_secret *secret, struct error *error)
{
    void *pages = mmap(NULL, LINUX_SECRET_BYTES_MAX, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED)
        return error_set_errno(error, errno, "memory for a secret");
    secret->pages = pages;
    /* The limit may be 0: then nothing but swapping is against it. */
    mlock(pages, LINUX_SECRET_BYTES_MAX);
    if (madvise(pages, LINUX_SECRET_BYTES_MAX, MADV_DONTDUMP) != 0)
        return error_set_errno(error, errno, "memory for a secret");
    return linux_secret_share(secret, false, error);
}

static bool read_all(int descriptor, const char *path, struct linux_secret *secret,
                     struct error *error)
{
    for (;;) {
        uint8_t surplus;
        size_t room = LINUX_SECRET_BYTES_MAX - secret->length;
        ssize_t got = room ? read(descriptor, secret->pages + secret->length, room)
                           : read(descriptor, &surplus, 1);
        if (got == 0)
            return true;
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_set_errno(error, errno, "%s", path);
        if (room == 0)
            return error_set(error, "%s: longer than %d bytes", path, LINUX_SECRET_BYTES_MAX);
        secret->length += (size_t)got;
    }
}

bool linux_secret_read(const char *path, struct linux_secret *secret, struct error *error)
{
    *secret = (struct linux_secret){.pages = NULL};
    /* Without O_NONBLOCK a fifo that stands in the file's place would hold us for ever. */
    CLEANUP_FD int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0)
        return error_set_errno(error, errno, "%s", path);
    struct stat status;
    if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode))
        return error_set(error, "%s: not a regular file", path);
    if (take_pages(secret, error) && read_all(descriptor, path, secret, error))
        return true;
    linux_secret_done(secret);
    return false;
}

bool linux_secret_share(const struct linux_secret *secret, bool is_shared, struct error *error)
{
    int advice = is_shared ? MADV_KEEPONFORK : MADV_WIPEONFORK;
    if (madvise(secret->pages, LINUX_SECRET_BYTES_MAX, advice) != 0)
        return error_set_errno(error, errno, "memory for a secret");
    return true;
}

struct bytes linux_secret_bytes(const struct linux_secret *secret)
{
    return (struct bytes){secret->pages, secret->length};
}

void linux_secret_done(struct linux_secret *secret)
{
    if (secret->pages)
        munmap(secret->pages, LINUX_SECRET_BYTES_MAX); /* the kernel clears pages before reuse */
    *secret = (struct linux_secret){.pages = NULL};
}
