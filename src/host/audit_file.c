#include "host/audit_file.h"

#include "base/memory.h"
#include "system/file.h"

#include <errno.h>
#include <stdio.h>

enum { ROTATE_BYTES = 32 << 20 };

char *audit_file_path(const struct instance *instance, int age)
{
    if (age == 0)
        return instance_path(instance, "log/audit.jsonl");
    return memory_format("%s/log/audit.jsonl.%d", instance->folder, age);
}

bool audit_file_rotate(const struct instance *instance, struct error *error)
{
    CLEANUP_FREE char *live = audit_file_path(instance, 0);
    if (file_size(live) < ROTATE_BYTES)
        return true;
    for (int age = AUDIT_FILE_KEPT; age > 0; age--) {
        CLEANUP_FREE char *from = audit_file_path(instance, age - 1);
        CLEANUP_FREE char *to = audit_file_path(instance, age);
        if (rename(from, to) != 0 && errno != ENOENT)
            return error_set_errno(error, errno, "rotate %s", from);
    }
    return true;
}
