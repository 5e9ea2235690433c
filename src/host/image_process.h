#ifndef HOST_IMAGE_PROCESS_H
#define HOST_IMAGE_PROCESS_H

#include "base/error.h"
#include "system/argument_list.h"

/** A long-running program of an image build: its output goes to a log, and we look in at times. */
struct image_process_request {
    const struct argument_list *arguments;   /* borrowed; the first is looked up in PATH */
    const struct argument_list *environment; /* NAME=VALUE texts added to ours */
    const char *log;                         /* both output streams are written here */
    void (*on_tick)(void *context);          /* a few times a second */
    void *context;
};

/** Run it to its end. When it fails, the error is the last line of the log that tells of one. */
bool image_process_run(const struct image_process_request *request, struct error *error);

#endif
