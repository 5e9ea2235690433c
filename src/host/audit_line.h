#ifndef HOST_AUDIT_LINE_H
#define HOST_AUDIT_LINE_H

#include "base/buffer.h"

/** How a line of the audit log is shown. */
struct audit_line_view {
    const char *instance_name; /* for the command that would allow it */
    bool is_denied_only;
    bool is_json;
    uint64_t last_command; /* hash of the last one shown: the next equal one is left out */
};

/**
 * Append what a user sees of one record: a readable line, and under a refused one the command that
 * would allow it; or the record as JSON in plain ASCII. Appends nothing for a record that the view
 * leaves out. A line that is no record is shown as such: the firewall VM is not trusted to write
 * the file well. `out` needs room for eight times the line.
 */
void audit_line_append(struct buffer *out, struct bytes line, struct audit_line_view *view);

#endif
