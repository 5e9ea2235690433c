#ifndef POLICY_POLICY_FILE_H
#define POLICY_POLICY_FILE_H

#include "base/bytes.h"

/** The lines of a policy file, checked as text before anyone looks for a rule in them. */
struct policy_file {
    struct bytes rest;
    size_t line; /* number of the last line read, from 1 */
};

enum policy_file_status { POLICY_FILE_LINE, POLICY_FILE_END, POLICY_FILE_BAD };

void policy_file_start(struct policy_file *file, struct bytes bytes);

/**
 * The next line without its end (LF, CRLF, or the end of the file). POLICY_FILE_BAD with a
 * static `*reason` for an overlong file or line, a byte-order mark, NUL and other control bytes
 * but HTAB, a CR elsewhere, and bytes that are not UTF-8.
 */
enum policy_file_status policy_file_next(struct policy_file *file, struct bytes *line,
                                         const char **reason);

#endif
