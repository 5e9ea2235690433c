#include "policy/policy_file.h"

#include "base/printable.h"
#include "policy/policy.h"

void policy_file_start(struct policy_file *file, struct bytes bytes)
{
    *file = (struct policy_file){.rest = bytes};
}

static const char *line_problem(struct bytes line)
{
    size_t position = 0;
    while (position < line.length) {
        uint32_t code_point = 0;
        size_t length = printable_next_code_point(bytes_from(line, position), &code_point);
        if (length == 0)
            return "the line is not UTF-8";
        if (code_point == 0)
            return "the line has a NUL byte";
        if (code_point == '\r')
            return "the line has a carriage return that is not at its end";
        if ((code_point < ' ' && code_point != '\t') || (code_point >= 0x7f && code_point < 0xa0))
            return "the line has a control character";
        if (code_point == 0xfeff)
            return "the line has a byte-order mark";
        position += length;
    }
    return NULL;
}

enum policy_file_status policy_file_next(struct policy_file *file, struct bytes *line,
                                         const char **reason)
{
    if (file->line == 0 && file->rest.length > POLICY_FILE_BYTES_MAX) {
        *reason = "the file is longer than 16 MiB";
        return POLICY_FILE_BAD;
    }
    if (file->rest.length == 0)
        return POLICY_FILE_END;
    file->line++;
    size_t end = bytes_index_of(file->rest, '\n');
    struct bytes whole = bytes_first(file->rest, end);
    file->rest = bytes_from(file->rest, end + 1);
    if (whole.length && whole.data[whole.length - 1] == '\r')
        whole.length--;
    if (whole.length > POLICY_LINE_BYTES_MAX) {
        *reason = "the line is longer than 2048 bytes";
        return POLICY_FILE_BAD;
    }
    *reason = line_problem(whole);
    if (*reason)
        return POLICY_FILE_BAD;
    *line = whole;
    return POLICY_FILE_LINE;
}
