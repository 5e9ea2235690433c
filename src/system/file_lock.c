#include "system/file_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Somebody may have removed the file (with its instance) while we waited: a lock on a file without
 * a name protects nothing.
 */
static bool is_still_there(int fd, const char *path)
{
    struct stat held, named;
    return fstat(fd, &held) == 0 && stat(path, &named) == 0 && held.st_ino == named.st_ino &&
           held.st_dev == named.st_dev;
}

static bool lock_once(const char *path, int operation, int *fd, struct error *error)
{
    for (;;) {
        int opened = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (opened < 0)
            return error_set_errno(error, errno, "lock %s", path);
        int result;
        do {
            result = flock(opened, operation);
        } while (result != 0 && errno == EINTR);
        if (result != 0) {
            int number = errno;
            close(opened);
            if (number == EWOULDBLOCK)
                return true; /* *fd stays -1 */
            return error_set_errno(error, number, "lock %s", path);
        }
        if (is_still_there(opened, path)) {
            *fd = opened;
            return true;
        }
        close(opened);
    }
}

bool file_lock_try(struct file_lock *lock, const char *path, bool *is_taken, struct error *error)
{
    int fd = -1;
    if (!lock_once(path, LOCK_EX | LOCK_NB, &fd, error))
        return false;
    lock->fd = fd;
    *is_taken = fd >= 0;
    return true;
}

bool file_lock_take(struct file_lock *lock, const char *path, void (*on_wait)(void *context),
                    void *context, struct error *error)
{
    bool is_taken;
    if (!file_lock_try(lock, path, &is_taken, error) || is_taken)
        return lock->fd >= 0;
    if (on_wait)
        on_wait(context);
    int fd = -1;
    if (!lock_once(path, LOCK_EX, &fd, error))
        return false;
    lock->fd = fd;
    return true;
}

void file_lock_release(struct file_lock *lock)
{
    if (lock->fd >= 0)
        close(lock->fd);
    *lock = FILE_LOCK_NONE;
}
