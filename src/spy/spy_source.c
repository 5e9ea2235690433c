#include "spy/spy_source.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "llm/llm_event_json.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { BLOCK_BYTES = 64 * 1024 };

struct spy_source {
    int fd;                /* borrowed */
    uint64_t offset;       /* of the next byte that is read */
    struct buffer pending; /* of the line that has no end yet */
    uint64_t line_length;  /* of that line so far, also where it is too long to be kept */
    uint8_t block[BLOCK_BYTES];
};

struct spy_source *spy_source_new(int fd)
{
    struct spy_source *source = memory_new(sizeof(*source));
    source->fd = fd;
    buffer_init(&source->pending, LLM_EVENT_LINE_MAX);
    return source;
}

void spy_source_free(struct spy_source *source)
{
    if (source == NULL)
        return;
    buffer_done(&source->pending);
    free(source);
}

/* The line is whole: `last` is its end, the rest stands in pending. `end` is the offset after it.
 */
static void give_line(struct spy_source *source, struct bytes last, uint64_t end,
                      spy_source_line_fn *give, void *context)
{
    uint64_t length = source->line_length + last.length;
    bool is_too_long = length > LLM_EVENT_LINE_MAX;
    struct bytes line = last;
    if (source->line_length > 0 && !is_too_long) {
        is_too_long = !buffer_append(&source->pending, last);
        line = buffer_bytes(&source->pending);
    }
    if (is_too_long)
        line = BYTES_EMPTY;
    if (length > 0)
        give(context, line, end - length, is_too_long);
    buffer_clear(&source->pending);
    source->line_length = 0;
}

static void hold(struct spy_source *source, struct bytes part)
{
    source->line_length += part.length;
    if (source->line_length > LLM_EVENT_LINE_MAX || !buffer_append(&source->pending, part))
        buffer_clear(&source->pending);
}

enum spy_source_state spy_source_read(struct spy_source *source, spy_source_line_fn *give,
                                      void *context, struct error *error)
{
    ssize_t got = read(source->fd, source->block, sizeof(source->block));
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return SPY_SOURCE_MORE;
    if (got < 0) {
        error_set_errno(error, errno, "read what was captured");
        return SPY_SOURCE_FAILED;
    }
    if (got == 0) {
        give_line(source, BYTES_EMPTY, source->offset, give, context);
        return SPY_SOURCE_END;
    }
    struct bytes rest = {source->block, (size_t)got};
    while (rest.length > 0) {
        size_t length = bytes_index_of(rest, '\n');
        struct bytes part = bytes_first(rest, length);
        source->offset += part.length;
        if (length == rest.length) {
            hold(source, part);
            break;
        }
        give_line(source, part, source->offset, give, context);
        source->offset++;
        rest = bytes_from(rest, length + 1);
    }
    return SPY_SOURCE_MORE;
}
