#ifndef SYSTEM_CHILD_H
#define SYSTEM_CHILD_H

#include "base/buffer.h"
#include "base/error.h"
#include "system/argument_list.h"

#include <sys/types.h>

/** What a stream of the child is connected to. */
enum child_stream {
    CHILD_STREAM_NULL,    /* /dev/null */
    CHILD_STREAM_INHERIT, /* ours */
    CHILD_STREAM_CAPTURE, /* `input` for standard input, a buffer for the others */
    CHILD_STREAM_FILE     /* a descriptor of the caller's */
};

/** A program to run to its end. Streams that are not named are /dev/null. */
struct child_request {
    const struct argument_list *arguments;   /* borrowed; the first is looked up in PATH */
    const struct argument_list *environment; /* NAME=VALUE texts added to ours; NULL for none */
    const char *folder;                      /* where it runs; NULL for here */
    enum child_stream input_stream, output_stream, error_stream;
    struct bytes input;                /* borrowed, written to its standard input */
    struct buffer *output;             /* CAPTURE: more than its cap ends the child with an error */
    struct buffer *errors;             /* CAPTURE: more than its cap is dropped */
    int input_fd, output_fd, error_fd; /* FILE */
    int timeout_ms; /* 0 is none; when it is over the child is killed and the call fails */
};

/**
 * Run the program and wait for it. `*status` is its exit status, or 128 + the signal that ended
 * it. False when it could not be started, took too long or said more than fits.
 */
bool child_run(const struct child_request *request, int *status, struct error *error);

/**
 * child_run with both streams captured, that must end with status 0: otherwise the error is the
 * program's last line of standard error. `output` may be NULL.
 */
bool child_run_quietly(const struct argument_list *arguments, struct buffer *output,
                       struct error *error);

/** The exit status, or 128 + signal, of what waitpid gave. */
int child_exit_status(int wait_status);

/** Full path of a program in PATH (or the path itself when it has a slash), or NULL; owned. */
char *child_find_program(const char *name);

#endif
