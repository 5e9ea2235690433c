#ifndef SYSTEM_DETACHED_PROCESS_H
#define SYSTEM_DETACHED_PROCESS_H

#include "base/error.h"
#include "system/argument_list.h"

#include <sys/types.h>

/** A program that goes on without us, in a session of its own. */
struct detached_request {
    const struct argument_list *arguments; /* borrowed */
    const char *pid_file;                  /* who it is; written before the program begins */
    const char *log_file;                  /* emptied; gets its standard output and error */
    uint64_t file_size_limit;              /* bytes that it may write to one file; 0 is no limit */
};

/** Start it. The error tells when the program cannot be executed; it may still end at once. */
bool detached_process_start(const struct detached_request *request, struct error *error);

/**
 * The process of a pid file, or 0 when it does not run: the file may be missing, broken, or of an
 * earlier process or boot.
 */
pid_t detached_process_find(const char *pid_file);

/** Wait until it is gone, at most so long. True when it is. */
bool detached_process_wait(const char *pid_file, int timeout_ms);

/** SIGKILL, then wait until it is gone. Nothing there is success. */
bool detached_process_kill(const char *pid_file, struct error *error);

#endif
