#ifndef SYSTEM_FILE_LOCK_H
#define SYSTEM_FILE_LOCK_H

#include "base/error.h"

/** An advisory lock on a file that goes away with the process that holds it, however it ends. */
struct file_lock {
    int fd; /* owned; -1 is not held */
};

#define FILE_LOCK_NONE ((struct file_lock){-1})

/**
 * Take the lock, creating the file (mode 0600). `*is_taken` is false, with success, when another
 * process holds it.
 */
bool file_lock_try(struct file_lock *lock, const char *path, bool *is_taken, struct error *error);

/** Take the lock; when another process holds it, call `on_wait(context)` once, then wait. */
bool file_lock_take(struct file_lock *lock, const char *path, void (*on_wait)(void *context),
                    void *context, struct error *error);

void file_lock_release(struct file_lock *lock);

#endif
