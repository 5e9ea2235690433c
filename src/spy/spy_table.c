#include "spy/spy_table.h"

#include "base/memory.h"
#include "spy/spy_hash.h"

#include <stdlib.h>

enum { FIRST_SLOTS = 64 };

enum slot_state { SLOT_EMPTY, SLOT_USED, SLOT_REMOVED };

struct slot {
    uint64_t key, value;
    enum slot_state state;
};

/* Open addressing over a power of two of slots, at most half of which are not empty. */
struct generation {
    struct slot *slots; /* owned */
    size_t slot_count;
    size_t taken; /* used and removed */
};

struct spy_table {
    struct generation young, old;
    size_t maximum;
};

static void generation_init(struct generation *generation, size_t slot_count)
{
    *generation = (struct generation){
        .slots = memory_new_array(slot_count, sizeof(struct slot)),
        .slot_count = slot_count,
    };
}

struct spy_table *spy_table_new(size_t maximum)
{
    struct spy_table *table = memory_new(sizeof(*table));
    table->maximum = maximum;
    generation_init(&table->young, FIRST_SLOTS);
    generation_init(&table->old, FIRST_SLOTS);
    return table;
}

void spy_table_free(struct spy_table *table)
{
    if (table == NULL)
        return;
    free(table->young.slots);
    free(table->old.slots);
    free(table);
}

/* The slot of the key, or the empty one where its search ends. */
static struct slot *slot_of(const struct generation *generation, uint64_t key)
{
    size_t mask = generation->slot_count - 1;
    for (size_t i = (size_t)spy_hash_of(&key, 1) & mask;; i = (i + 1) & mask) {
        struct slot *slot = &generation->slots[i];
        if (slot->state == SLOT_EMPTY || (slot->state == SLOT_USED && slot->key == key))
            return slot;
    }
}

static void insert(struct generation *generation, uint64_t key, uint64_t value)
{
    struct slot *slot = slot_of(generation, key);
    if (slot->state == SLOT_EMPTY)
        generation->taken++;
    *slot = (struct slot){key, value, SLOT_USED};
}

/* Twice the slots, without those that were removed. */
static void grow(struct generation *generation)
{
    struct generation larger;
    generation_init(&larger, generation->slot_count * 2);
    for (size_t i = 0; i < generation->slot_count; i++) {
        if (generation->slots[i].state == SLOT_USED)
            insert(&larger, generation->slots[i].key, generation->slots[i].value);
    }
    free(generation->slots);
    *generation = larger;
}

static void make_room(struct spy_table *table)
{
    if (table->young.taken >= table->maximum) {
        free(table->old.slots);
        table->old = table->young;
        generation_init(&table->young, FIRST_SLOTS);
    }
    if ((table->young.taken + 1) * 2 > table->young.slot_count)
        grow(&table->young);
}

bool spy_table_find(struct spy_table *table, uint64_t key, uint64_t *value)
{
    struct slot *slot = slot_of(&table->young, key);
    if (slot->state == SLOT_USED) {
        *value = slot->value;
        return true;
    }
    slot = slot_of(&table->old, key);
    if (slot->state != SLOT_USED)
        return false;
    *value = slot->value;
    spy_table_set(table, key, *value);
    return true;
}

void spy_table_set(struct spy_table *table, uint64_t key, uint64_t value)
{
    if (slot_of(&table->young, key)->state == SLOT_EMPTY)
        make_room(table);
    insert(&table->young, key, value);
}

void spy_table_remove(struct spy_table *table, uint64_t key)
{
    struct slot *slots[] = {slot_of(&table->young, key), slot_of(&table->old, key)};
    for (size_t i = 0; i < 2; i++) {
        if (slots[i]->state == SLOT_USED)
            slots[i]->state = SLOT_REMOVED;
    }
}
