#ifndef HOST_AUDIT_FILE_H
#define HOST_AUDIT_FILE_H

#include "host/instance.h"

/** The audit log of an instance: log/audit.jsonl and the older audit.jsonl.1 to .4. */

enum { AUDIT_FILE_KEPT = 4 };

/** Bytes that the firewall's VM runner may write to the log; what comes after is lost. */
#define AUDIT_FILE_LIMIT ((uint64_t)256 << 20)

/** Before the firewall VM starts: a file that has grown large becomes audit.jsonl.1. */
bool audit_file_rotate(const struct instance *instance, struct error *error);

/** The path of an older file (1 is the newest of them), or of the live one (0); owned. */
char *audit_file_path(const struct instance *instance, int age);

#endif
