#include "firewall/capture_ring.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"

/*
 * Positions only grow; `position % size` is the place in memory. An entry is a header and its line,
 * rounded up to the size of a header, so that a header never wraps. A line does not wrap either:
 * where it would, an entry without a line fills the rest.
 */
struct entry {
    uint32_t length; /* of the line */
    uint32_t kind;   /* of enum capture_line, or ENTRY_FILLS */
};

enum { ENTRY_FILLS = 2, ENTRY_BYTES = sizeof(struct entry) };

struct capture_ring {
    uint8_t *data; /* owned */
    size_t size;   /* a multiple of ENTRY_BYTES */
    struct capture_cursor oldest;
    struct capture_cursor newest; /* behind the last entry */
};

struct capture_ring *capture_ring_new(size_t bytes)
{
    struct capture_ring *ring = memory_new(sizeof(*ring));
    ring->size = bytes / ENTRY_BYTES * ENTRY_BYTES;
    CHECK(ring->size >= CAPTURE_RING_LINE_PART * 2 * ENTRY_BYTES);
    ring->data = memory_new(ring->size);
    return ring;
}

void capture_ring_free(struct capture_ring *ring)
{
    if (ring == NULL)
        return;
    free(ring->data);
    free(ring);
}

size_t capture_ring_line_max(const struct capture_ring *ring)
{
    return ring->size / CAPTURE_RING_LINE_PART - 2 * ENTRY_BYTES;
}

static size_t entry_bytes(size_t line_length)
{
    return (ENTRY_BYTES + line_length + ENTRY_BYTES - 1) / ENTRY_BYTES * ENTRY_BYTES;
}

static struct entry entry_at(const struct capture_ring *ring, uint64_t position)
{
    struct entry entry;
    memcpy(&entry, ring->data + position % ring->size, sizeof(entry));
    return entry;
}

/* Over one entry. */
static void step(const struct capture_ring *ring, struct capture_cursor *cursor)
{
    struct entry entry = entry_at(ring, cursor->position);
    if (entry.kind == ENTRY_FILLS) {
        cursor->position += ring->size - cursor->position % ring->size;
        return;
    }
    cursor->position += entry_bytes(entry.length);
    cursor->number++;
    cursor->bodies += entry.kind == CAPTURE_LINE_BODY ? 1 : 0;
}

static void make_room(struct capture_ring *ring, size_t bytes)
{
    while (ring->newest.position + bytes - ring->oldest.position > ring->size)
        step(ring, &ring->oldest);
}

bool capture_ring_append(struct capture_ring *ring, struct bytes line, enum capture_line kind)
{
    if (line.length > capture_ring_line_max(ring))
        return false;
    size_t wanted = entry_bytes(line.length);
    size_t offset = ring->newest.position % ring->size;
    if (ring->size - offset < wanted) {
        struct entry filler = {0, ENTRY_FILLS};
        make_room(ring, ring->size - offset);
        memcpy(ring->data + offset, &filler, sizeof(filler));
        ring->newest.position += ring->size - offset;
        offset = 0;
    }
    make_room(ring, wanted);
    struct entry entry = {(uint32_t)line.length, (uint32_t)kind};
    memcpy(ring->data + offset, &entry, sizeof(entry));
    if (line.length > 0)
        memcpy(ring->data + offset + ENTRY_BYTES, line.data, line.length);
    step(ring, &ring->newest);
    return true;
}

struct capture_cursor capture_ring_oldest(const struct capture_ring *ring)
{
    return ring->oldest;
}

struct capture_cursor capture_ring_newest(const struct capture_ring *ring)
{
    return ring->newest;
}

uint64_t capture_ring_dropped(const struct capture_ring *ring)
{
    return ring->oldest.number;
}

bool capture_ring_next(const struct capture_ring *ring, struct capture_cursor *cursor,
                       bool wants_bodies, struct bytes *line, uint64_t *lost)
{
    if (cursor->number < ring->oldest.number) {
        uint64_t bodies = ring->oldest.bodies - cursor->bodies;
        *lost += ring->oldest.number - cursor->number - (wants_bodies ? 0 : bodies);
    }
    if (cursor->position < ring->oldest.position)
        *cursor = ring->oldest;
    while (cursor->position < ring->newest.position) {
        struct entry entry = entry_at(ring, cursor->position);
        const uint8_t *data = ring->data + cursor->position % ring->size + ENTRY_BYTES;
        step(ring, cursor);
        if (entry.kind == CAPTURE_LINE_EVENT || (entry.kind == CAPTURE_LINE_BODY && wants_bodies)) {
            *line = (struct bytes){data, entry.length};
            return true;
        }
    }
    return false;
}
