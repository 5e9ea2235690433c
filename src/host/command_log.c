#include "host/command.h"

#include "base/memory.h"
#include "host/audit_file.h"
#include "host/audit_line.h"
#include "host/instance.h"
#include "system/file.h"
#include "system/wall_clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINE_CAP = 64 * 1024, READ_SIZE = 64 * 1024, FOLLOW_POLL_MS = 200 };

/* One file being read: whole lines are shown, the rest waits for its end. */
struct log_reader {
    int fd; /* owned, -1 none */
    ino_t inode;
    struct buffer pending;
    struct buffer shown;
    struct audit_line_view *view;
    bool is_skipping; /* in a line that was too long */
    bool is_broken;   /* nobody reads what we print */
};

static void print_line(struct log_reader *reader, struct bytes line)
{
    audit_line_append(&reader->shown, line, reader->view);
    struct bytes text = buffer_bytes(&reader->shown);
    if (text.length > 0 && fwrite(text.data, 1, text.length, stdout) != text.length)
        reader->is_broken = true;
    buffer_clear(&reader->shown);
}

static void take_bytes(struct log_reader *reader, struct bytes part)
{
    while (part.length > 0) {
        size_t length = bytes_index_of(part, '\n');
        bool has_end = length < part.length;
        if (!reader->is_skipping && !buffer_append(&reader->pending, bytes_first(part, length)))
            reader->is_skipping = true;
        if (has_end) {
            if (!reader->is_skipping)
                print_line(reader, buffer_bytes(&reader->pending));
            buffer_clear(&reader->pending);
            reader->is_skipping = false;
        }
        part = bytes_from(part, has_end ? length + 1 : length);
    }
}

static bool read_to_end(struct log_reader *reader, struct error *error)
{
    static uint8_t block[READ_SIZE];
    while (!reader->is_broken) {
        ssize_t got = read(reader->fd, block, sizeof(block));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_set_errno(error, errno, "read the log");
        if (got == 0)
            break;
        take_bytes(reader, (struct bytes){block, (size_t)got});
    }
    fflush(stdout);
    return true;
}

static bool open_file(struct log_reader *reader, const char *path, struct error *error)
{
    struct stat status;
    file_close_cleanup(&reader->fd);
    reader->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (reader->fd < 0)
        return errno == ENOENT || error_set_errno(error, errno, "%s", path);
    if (fstat(reader->fd, &status) != 0 || !S_ISREG(status.st_mode))
        return error_set(error, "%s: not a regular file", path);
    reader->inode = status.st_ino;
    return true;
}

static bool show_all(struct log_reader *reader, const struct instance *instance,
                     struct error *error)
{
    for (int age = AUDIT_FILE_KEPT; age >= 0; age--) {
        CLEANUP_FREE char *path = audit_file_path(instance, age);
        if (!open_file(reader, path, error) || (reader->fd >= 0 && !read_to_end(reader, error)))
            return false;
    }
    return true;
}

/* The live file may be rotated away, or be there only later. */
static bool follow(struct log_reader *reader, const struct instance *instance, struct error *error)
{
    CLEANUP_FREE char *path = audit_file_path(instance, 0);
    while (!reader->is_broken) {
        struct stat status;
        if (reader->fd >= 0 && !read_to_end(reader, error))
            return false;
        bool is_there = stat(path, &status) == 0;
        if (is_there && (reader->fd < 0 || status.st_ino != reader->inode)) {
            if (!open_file(reader, path, error))
                return false;
            continue;
        }
        wall_clock_sleep_ms(FOLLOW_POLL_MS);
    }
    return true;
}

static bool show(const struct invocation *invocation, const struct instance *instance,
                 struct error *error)
{
    struct audit_line_view view = {
        .instance_name = instance->name,
        .is_denied_only = invocation_has(invocation, "denied"),
        .is_json = invocation_has(invocation, "json"),
    };
    struct log_reader reader = {.fd = -1, .view = &view};
    buffer_init(&reader.pending, LINE_CAP);
    buffer_init(&reader.shown, LINE_CAP * 10);
    bool is_shown = show_all(&reader, instance, error) &&
                    (!invocation_has(invocation, "follow") || follow(&reader, instance, error));
    file_close_cleanup(&reader.fd);
    buffer_done(&reader.pending);
    buffer_done(&reader.shown);
    return is_shown;
}

int command_log(const struct invocation *invocation)
{
    struct home home;
    struct instance instance = {0};
    struct error error;
    if (!home_find(&home, &error))
        return command_finish(false, "log", &error);
    bool is_done = instance_read(&instance, &home, invocation->instance, &error) &&
                   show(invocation, &instance, &error);
    instance_done(&instance);
    home_done(&home);
    return command_finish(is_done, "log", &error);
}
