#include "init/module_list.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/memory.h"
#include "system/file.h"

enum { LIST_BYTES_LIMIT = 64 * 1024 };

static bool load(const char *path, struct error *error)
{
    CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set_errno(error, errno, "%s", path);
    if (syscall(SYS_finit_module, fd, "", 0) != 0 && errno != EEXIST)
        return error_set_errno(error, errno, "%s", path);
    return true;
}

bool module_list_load(const char *path, struct error *error)
{
    struct buffer list;
    buffer_init(&list, LIST_BYTES_LIMIT);
    bool is_good = file_read(path, &list, error);
    struct bytes rest = buffer_bytes(&list);
    struct bytes line;
    while (is_good && bytes_next_token(&rest, '\n', &line)) {
        if (line.length == 0)
            continue;
        CLEANUP_FREE char *module = bytes_copy_text(line);
        is_good = load(module, error);
    }
    buffer_done(&list);
    return is_good || error_add_context(error, "load module");
}
