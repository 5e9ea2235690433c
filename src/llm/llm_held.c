#include "llm/llm_held.h"

void llm_held_init(struct llm_held *held, struct llm_context *context, size_t cap)
{
    *held = (struct llm_held){.context = context};
    buffer_init(&held->buffer, cap);
}

void llm_held_done(struct llm_held *held)
{
    buffer_done(&held->buffer);
    if (held->context)
        llm_held_count(held->context, &held->counted, 0);
}

bool llm_held_count(struct llm_context *context, size_t *counted, size_t size)
{
    context->held_bytes = context->held_bytes - *counted + size;
    *counted = size;
    return context->held_bytes <= context->held_maximum;
}

static size_t room(const struct llm_held *held)
{
    const struct llm_context *context = held->context;
    size_t left = context->held_maximum > context->held_bytes
                      ? context->held_maximum - context->held_bytes
                      : 0;
    /* What is allocated already is counted already. A buffer grows to the double. */
    size_t free_now = held->buffer.allocated - held->buffer.end;
    size_t possible = free_now > left / 2 ? free_now : left / 2;
    size_t of_cap = buffer_room(&held->buffer);
    return possible < of_cap ? possible : of_cap;
}

bool llm_held_append(struct llm_held *held, struct bytes bytes)
{
    if (bytes.length > room(held) || !buffer_append(&held->buffer, bytes))
        return false;
    llm_held_count(held->context, &held->counted, held->buffer.allocated);
    return true;
}

size_t llm_held_append_some(struct llm_held *held, struct bytes bytes)
{
    struct bytes fits = bytes_first(bytes, room(held));
    return llm_held_append(held, fits) ? fits.length : 0;
}

struct bytes llm_held_bytes(const struct llm_held *held)
{
    return buffer_bytes(&held->buffer);
}
