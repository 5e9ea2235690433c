#include "wire/sse.h"

#include "base/buffer.h"
#include "base/memory.h"

#include <stdlib.h>

/*
 * Theory of operation
 *
 *   MARK -> NAME -> SPACE -> VALUE -> (line end) -> NAME ...
 *             \-> IGNORED -----------/
 *
 * A line is never held as a whole: its name is (the longest that counts has five letters), and its
 * value goes at once where it belongs. So the most that an event holds is its data, and that has a
 * bound. A line ends at CR, LF or CRLF: after a CR the next LF belongs to it, also in later input.
 */
enum state {
    MARK,   /* the first bytes of the stream: a byte order mark is skipped */
    NAME,   /* at the start of a line, or in its field's name */
    SPACE,  /* behind the colon: one space is skipped */
    VALUE,  /* goes into `target` */
    IGNORED /* the rest of a line that says nothing */
};

enum target { NO_TARGET, TARGET_DATA, TARGET_TYPE, TARGET_ID, TARGET_COMMENT };

enum { NAME_LENGTH_MAX = 5, TARGETS = 5, KEPT_BYTES = 64 * 1024 };

static const uint8_t mark[] = {0xef, 0xbb, 0xbf};

struct sse {
    sse_emit *emit;
    void *context; /* borrowed */
    enum state state;
    enum target target;
    size_t mark_length;            /* of the mark's bytes seen */
    uint8_t name[NAME_LENGTH_MAX]; /* as far as read */
    size_t name_length;            /* one more than fits: no name that counts */
    bool is_after_cr;              /* a LF that follows is no line */
    bool has_data;                 /* a line of data came, even an empty one */
    bool has_field;                /* any line but comments since the last event */
    bool is_id_illegal;            /* has a NUL */
    struct buffer values[TARGETS]; /* by target */
    bool is_cut[TARGETS];          /* by target */
    struct buffer last_id;
    uint64_t position;       /* in the stream, of the next byte */
    uint64_t line_position;  /* of the line that is read */
    uint64_t event_position; /* of the first line of the event */
};

struct sse *sse_new(const struct sse_limits *limits, sse_emit *emit, void *context)
{
    struct sse *sse = memory_new(sizeof(*sse));
    *sse = (struct sse){.emit = emit, .context = context};
    for (size_t i = 0; i < TARGETS; i++)
        buffer_init(&sse->values[i], SSE_NAME_BYTES_MAX);
    buffer_init(&sse->values[TARGET_DATA], limits ? limits->event_bytes : SSE_EVENT_BYTES_MAX);
    buffer_init(&sse->last_id, SSE_NAME_BYTES_MAX);
    return sse;
}

void sse_free(struct sse *sse)
{
    if (sse == NULL)
        return;
    for (size_t i = 0; i < TARGETS; i++)
        buffer_done_secret(&sse->values[i]);
    buffer_done_secret(&sse->last_id);
    free(sse);
}

static void clear_target(struct sse *sse, enum target target)
{
    /* One long event is no reason to hold its memory for the next hour. */
    if (sse->values[target].allocated > KEPT_BYTES)
        buffer_done(&sse->values[target]);
    buffer_clear(&sse->values[target]);
    sse->is_cut[target] = false;
}

/* As much of the bytes as fits. */
static void append(struct sse *sse, enum target target, struct bytes bytes)
{
    struct buffer *value = &sse->values[target];
    size_t room = buffer_room(value);
    if (bytes.length > room) {
        sse->is_cut[target] = true;
        bytes = bytes_first(bytes, room);
    }
    (void)!buffer_append(value, bytes);
}

static void emit_event(struct sse *sse, enum sse_kind kind)
{
    const struct sse_event event = {
        .kind = kind,
        .type = buffer_bytes(&sse->values[TARGET_TYPE]),
        .data = buffer_bytes(&sse->values[TARGET_DATA]),
        .last_id = buffer_bytes(&sse->last_id),
        .is_cut = sse->is_cut[TARGET_DATA] || sse->is_cut[TARGET_TYPE],
        .position = sse->event_position,
        .stream_bytes = sse->position - sse->event_position,
    };
    sse->emit(sse->context, &event);
    clear_target(sse, TARGET_DATA);
    clear_target(sse, TARGET_TYPE);
    sse->has_data = sse->has_field = false;
}

static void emit_comment(struct sse *sse)
{
    const struct sse_event event = {
        .kind = SSE_COMMENT,
        .data = buffer_bytes(&sse->values[TARGET_COMMENT]),
        .last_id = buffer_bytes(&sse->last_id),
        .is_cut = sse->is_cut[TARGET_COMMENT],
        .position = sse->line_position,
        .stream_bytes = sse->position - sse->line_position,
    };
    sse->emit(sse->context, &event);
    clear_target(sse, TARGET_COMMENT);
}

static enum target find_target(const struct sse *sse)
{
    static const struct {
        const char *name;
        enum target target;
    } names[] = {
        {"data", TARGET_DATA},
        {"event", TARGET_TYPE},
        {"id", TARGET_ID},
        {"", TARGET_COMMENT},
    };
    if (sse->name_length > NAME_LENGTH_MAX)
        return NO_TARGET;
    struct bytes name = {sse->name, sse->name_length};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (bytes_equal_text(name, names[i].name))
            return names[i].target;
    return NO_TARGET;
}

/* The name is whole: its value, even an empty one, counts from here. */
static void begin_value(struct sse *sse, enum target target)
{
    sse->target = target;
    if (target != TARGET_COMMENT)
        sse->has_field = true;
    if (target == TARGET_DATA && sse->has_data)
        append(sse, TARGET_DATA, BYTES_LITERAL("\n"));
    else if (target != TARGET_DATA)
        clear_target(sse, target);
    if (target == TARGET_DATA)
        sse->has_data = true;
    sse->is_id_illegal = false;
}

static void take_id(struct sse *sse)
{
    if (sse->is_id_illegal || sse->is_cut[TARGET_ID])
        return;
    buffer_clear(&sse->last_id);
    (void)!buffer_append(&sse->last_id, buffer_bytes(&sse->values[TARGET_ID]));
}

/* `position` stands behind the byte that ended the line. */
static void end_line(struct sse *sse)
{
    if (sse->state == NAME && sse->name_length == 0) {
        if (sse->has_field)
            emit_event(sse, sse->has_data ? SSE_EVENT : SSE_WITHOUT_DATA);
    } else {
        if (sse->state == NAME) /* a line without a colon is a name with an empty value */
            begin_value(sse, find_target(sse));
        if (sse->target == TARGET_COMMENT)
            emit_comment(sse);
        else if (sse->target == TARGET_ID)
            take_id(sse);
    }
    sse->state = NAME;
    sse->target = NO_TARGET;
    sse->name_length = 0;
    sse->line_position = sse->position;
}

/* A part of a line, without its end. */
static void take_part(struct sse *sse, struct bytes part)
{
    while (sse->state == NAME && part.length) {
        if (sse->name_length == 0 && !sse->has_field)
            sse->event_position = sse->position;
        uint8_t byte = part.data[0];
        part = bytes_from(part, 1);
        sse->position++;
        if (byte == ':') {
            begin_value(sse, find_target(sse));
            sse->state = sse->target == NO_TARGET ? IGNORED : SPACE;
        } else if (sse->name_length < NAME_LENGTH_MAX) {
            sse->name[sse->name_length++] = byte;
        } else {
            sse->name_length = NAME_LENGTH_MAX + 1;
            begin_value(sse, NO_TARGET);
            sse->state = IGNORED;
        }
    }
    sse->position += part.length;
    if (sse->state == SPACE && part.length) {
        part = bytes_from(part, part.data[0] == ' ');
        sse->state = VALUE;
    }
    if (sse->state == VALUE && part.length) {
        if (sse->target == TARGET_ID && bytes_index_of(part, 0) < part.length)
            sse->is_id_illegal = true;
        append(sse, sse->target, part);
    }
}

/* Skips the mark. What looked like one and is none belongs to the first line. */
static struct bytes take_mark(struct sse *sse, struct bytes input)
{
    while (sse->state == MARK && input.length) {
        if (input.data[0] != mark[sse->mark_length]) {
            sse->state = NAME;
            take_part(sse, (struct bytes){mark, sse->mark_length});
            break;
        }
        input = bytes_from(input, 1);
        if (++sse->mark_length == sizeof(mark)) {
            sse->state = NAME;
            sse->position = sizeof(mark);
            sse->line_position = sse->position;
        }
    }
    return input;
}

void sse_feed(struct sse *sse, struct bytes input)
{
    struct bytes rest = take_mark(sse, input);
    /* Both kinds of line end are searched for once only, whatever lines are made of. */
    size_t at = 0;
    size_t lf = bytes_index_of(rest, '\n');
    size_t cr = bytes_index_of(rest, '\r');
    while (at < rest.length) {
        size_t end = lf < cr ? lf : cr;
        bool is_rest_of_crlf = sse->is_after_cr && lf == at;
        sse->is_after_cr = false;
        if (is_rest_of_crlf) {
            sse->position++;
            sse->line_position++;
        } else {
            take_part(sse, bytes_first(bytes_from(rest, at), end - at));
            if (end < rest.length) {
                sse->position++;
                sse->is_after_cr = end == cr;
                end_line(sse);
            }
        }
        at = end + 1;
        if (end == rest.length)
            break;
        if (end == lf)
            lf = at + bytes_index_of(bytes_from(rest, at), '\n');
        else
            cr = at + bytes_index_of(bytes_from(rest, at), '\r');
    }
}

void sse_end(struct sse *sse)
{
    if (sse->state == MARK && sse->mark_length) {
        sse->state = NAME;
        take_part(sse, (struct bytes){mark, sse->mark_length});
    }
    if (sse->state != NAME || sse->name_length)
        end_line(sse);
    if (sse->has_field)
        emit_event(sse, SSE_TRUNCATED);
}

size_t sse_held(const struct sse *sse)
{
    size_t held = sse->last_id.allocated;
    for (size_t i = 0; i < TARGETS; i++)
        held += sse->values[i].allocated;
    return held;
}
