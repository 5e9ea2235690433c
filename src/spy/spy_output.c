#include "spy/spy_output.h"

#include "base/check.h"
#include "system/file.h"

#include <stdarg.h>
#include <stdio.h>

enum { PENDING_CAP = 64 * 1024, FORMAT_SIZE = 1024 };

void spy_output_init(struct spy_output *output, spy_output_fn *write, void *context)
{
    *output = (struct spy_output){.write = write, .context = context};
    buffer_init(&output->pending, PENDING_CAP);
}

bool spy_output_done(struct spy_output *output)
{
    bool is_good = spy_output_flush(output);
    buffer_done(&output->pending);
    return is_good;
}

bool spy_output_flush(struct spy_output *output)
{
    struct bytes bytes = buffer_bytes(&output->pending);
    if (bytes.length > 0 && !output->is_broken)
        output->is_broken = !output->write(output->context, bytes);
    buffer_clear(&output->pending);
    return !output->is_broken;
}

void spy_output_add(struct spy_output *output, struct bytes bytes)
{
    if (buffer_append(&output->pending, bytes))
        return;
    spy_output_flush(output);
    if (!buffer_append(&output->pending, bytes) && !output->is_broken)
        output->is_broken = !output->write(output->context, bytes);
}

void spy_output_add_text(struct spy_output *output, const char *text)
{
    spy_output_add(output, bytes_from_text(text));
}

void spy_output_add_format(struct spy_output *output, const char *format, ...)
{
    char text[FORMAT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    CHECK(length >= 0 && (size_t)length < sizeof(text));
    spy_output_add(output, (struct bytes){(const uint8_t *)text, (size_t)length});
}

bool spy_output_to_descriptor(void *context, struct bytes bytes)
{
    struct error ignored;
    return file_write_all(*(const int *)context, bytes, &ignored);
}
