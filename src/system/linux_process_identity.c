#include "system/process_identity.h"

#include "base/buffer.h"
#include "base/number.h"
#include "system/file.h"

#include <stdio.h>

enum { STAT_CAP = 4096, FIELD_STATE = 0, FIELD_START_TIME = 19 };

bool boot_identity_read(char identity[BOOT_IDENTITY_SIZE])
{
    struct buffer text;
    struct error error;
    buffer_init(&text, BOOT_IDENTITY_SIZE - 1);
    bool is_read = file_read("/proc/sys/kernel/random/boot_id", &text, &error);
    struct bytes word, rest = buffer_bytes(&text);
    is_read = is_read && bytes_next_token(&rest, '\n', &word) && word.length > 0;
    if (is_read)
        snprintf(identity, BOOT_IDENTITY_SIZE, "%.*s", (int)word.length, (const char *)word.data);
    buffer_done(&text);
    return is_read;
}

/* proc(5): the fields of stat after the last `)`, because the name before it may hold anything. */
static bool stat_fields(pid_t process, struct buffer *text, struct bytes *fields)
{
    char path[64];
    struct error error;
    snprintf(path, sizeof(path), "/proc/%ld/stat", (long)process);
    if (!file_read(path, text, &error))
        return false;
    struct bytes all = buffer_bytes(text);
    size_t position = all.length;
    while (position > 0 && all.data[position - 1] != ')')
        position--;
    *fields = bytes_from(all, position + 1);
    return position > 0;
}

bool process_identity_read(pid_t process, char identity[PROCESS_IDENTITY_SIZE])
{
    char boot[BOOT_IDENTITY_SIZE];
    struct buffer text;
    struct bytes rest, field, start_time = BYTES_EMPTY;
    buffer_init(&text, STAT_CAP);
    bool is_alive = process > 0 && boot_identity_read(boot) && stat_fields(process, &text, &rest);
    for (int i = 0; is_alive && i <= FIELD_START_TIME; i++) {
        is_alive = bytes_next_token(&rest, ' ', &field);
        if (i == FIELD_STATE && field.length == 1 && (*field.data == 'Z' || *field.data == 'X'))
            is_alive = false;
        if (i == FIELD_START_TIME)
            start_time = field;
    }
    if (is_alive)
        snprintf(identity, PROCESS_IDENTITY_SIZE, "%s/%.*s", boot, (int)start_time.length,
                 (const char *)start_time.data);
    buffer_done(&text);
    return is_alive;
}
