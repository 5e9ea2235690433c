#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdbool.h>
#include <stddef.h>

enum { ERROR_TEXT_SIZE = 1024 };

/**
 * Why an operation failed: one line that gains context on its way up
 * (`start firewall VM: qemu: /dev/kvm: Permission denied`). Set exactly when a function that
 * takes one returns false. Functions with an error leave their outputs untouched on failure.
 */
struct error {
    char text[ERROR_TEXT_SIZE]; /* NUL-terminated, one line */
};

/** Set the text; returns false, so that `return error_set(...)` reads well. */
bool error_set(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Set the text to `CONTEXT: strerror(number)`; returns false. */
bool error_set_errno(struct error *error, int number, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** Put `CONTEXT: ` before the text that is there; returns false. */
bool error_add_context(struct error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
