#include "policy/rule_index.h"

#include "base/check.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/*
 * Theory of operation
 *
 * Every pattern is a literal text behind an optional wildcard; {aws-region} counts as literal,
 * because a name is looked up a second time with its region labels replaced by that word. So a
 * pattern matches when its literal is a whole end of the name: all ends are looked up in one
 * hash table, from the shortest to the whole name. The hash runs over the bytes from the last to
 * the first, so one pass over the name gives the hashes of all its ends.
 */

enum { NODES_SMALLEST = 16, LABELS_MAX = HOST_NAME_LENGTH_MAX / 2 + 1 };

/* A literal that patterns end with. */
struct node {
    char *text; /* owned */
    uint64_t hash;
    uint32_t length;
    /* groups of `text`, `*.text`, `**.text`: index plus one, 0 for none */
    uint32_t groups[3];
};

struct link {
    uint32_t rule;
    uint32_t next; /* index plus one */
};

struct rule_index {
    bool has_holes;     /* some pattern has {aws-region} */
    size_t label_max;   /* of the literals: longer ends of a name need no look */
    struct node *nodes; /* owned */
    size_t node_count;
    size_t node_room;
    uint32_t *buckets; /* owned; index of a node plus one; a power of two, at most half full */
    size_t bucket_count;
    struct rule_group *groups; /* owned, their texts too */
    size_t group_count;
    size_t group_room;
    struct link *links; /* owned */
    size_t link_count;
    size_t link_room;
};

struct rule_index *rule_index_new(void)
{
    struct rule_index *index = memory_new(sizeof(*index));
    index->bucket_count = 2 * NODES_SMALLEST;
    index->buckets = memory_new_array(index->bucket_count, sizeof(*index->buckets));
    return index;
}

void rule_index_free(struct rule_index *index)
{
    if (index == NULL)
        return;
    for (size_t i = 0; i < index->node_count; i++)
        free(index->nodes[i].text);
    for (size_t i = 0; i < index->group_count; i++)
        free(index->groups[i].text);
    free(index->nodes);
    free(index->buckets);
    free(index->groups);
    free(index->links);
    free(index);
}

/* Room for one more element in an array that doubles. */
static void *grow(void *array, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return array;
    *room = *room ? *room * 2 : NODES_SMALLEST;
    return memory_resize_array(array, *room, size);
}

static uint64_t hash_start(void)
{
    return UINT64_C(0xcbf29ce484222325);
}

static uint64_t hash_byte(uint64_t hash, uint8_t byte)
{
    return (hash ^ byte) * UINT64_C(0x100000001b3);
}

static size_t bucket_of(const struct rule_index *index, uint64_t hash)
{
    return (size_t)(hash ^ (hash >> 29)) & (index->bucket_count - 1);
}

static struct node *find_node(const struct rule_index *index, uint64_t hash, struct bytes text)
{
    size_t bucket = bucket_of(index, hash);
    while (index->buckets[bucket]) {
        struct node *node = &index->nodes[index->buckets[bucket] - 1];
        if (node->hash == hash && node->length == text.length &&
            memcmp(node->text, text.data, text.length) == 0)
            return node;
        bucket = (bucket + 1) & (index->bucket_count - 1);
    }
    return NULL;
}

static void enter_bucket(struct rule_index *index, uint32_t node)
{
    size_t bucket = bucket_of(index, index->nodes[node].hash);
    while (index->buckets[bucket])
        bucket = (bucket + 1) & (index->bucket_count - 1);
    index->buckets[bucket] = node + 1;
}

static struct node *add_node(struct rule_index *index, uint64_t hash, struct bytes text)
{
    index->nodes = grow(index->nodes, index->node_count, &index->node_room, sizeof(struct node));
    index->nodes[index->node_count++] =
        (struct node){.text = bytes_copy_text(text), .hash = hash, .length = (uint32_t)text.length};
    if (index->node_count * 2 > index->bucket_count) {
        index->bucket_count *= 2;
        free(index->buckets);
        index->buckets = memory_new_array(index->bucket_count, sizeof(*index->buckets));
        for (size_t i = 0; i < index->node_count; i++)
            enter_bucket(index, (uint32_t)i);
    } else {
        enter_bucket(index, (uint32_t)(index->node_count - 1));
    }
    return &index->nodes[index->node_count - 1];
}

static uint32_t add_group(struct rule_index *index, const struct pattern *pattern)
{
    index->groups =
        grow(index->groups, index->group_count, &index->group_room, sizeof(struct rule_group));
    index->groups[index->group_count++] =
        (struct rule_group){.text = bytes_copy_text(pattern_bytes(pattern)),
                            .length = (uint16_t)pattern->length,
                            .is_exact = pattern->kind == PATTERN_EXACT && !pattern->has_hole};
    return (uint32_t)index->group_count;
}

void rule_index_add(struct rule_index *index, const struct pattern *pattern, uint32_t rule)
{
    struct bytes base = pattern_base(pattern);
    uint64_t hash = hash_start();
    size_t labels = 1;
    for (size_t i = base.length; i > 0; i--) {
        hash = hash_byte(hash, base.data[i - 1]);
        labels += base.data[i - 1] == '.';
    }
    index->has_holes |= pattern->has_hole;
    if (labels > index->label_max)
        index->label_max = labels;
    struct node *node = find_node(index, hash, base);
    if (node == NULL)
        node = add_node(index, hash, base);
    uint32_t *group_number = &node->groups[pattern->kind];
    if (*group_number == 0)
        *group_number = add_group(index, pattern);
    index->links = grow(index->links, index->link_count, &index->link_room, sizeof(struct link));
    index->links[index->link_count++] = (struct link){.rule = rule};
    uint32_t link = (uint32_t)index->link_count;
    struct rule_group *group = &index->groups[*group_number - 1];
    if (group->last)
        index->links[group->last - 1].next = link;
    else
        group->first = link;
    group->last = link;
}

/* The nodes of a name's ends, by the number of labels in the end, from 1 on; NULL: none. */
struct ends {
    const struct node *nodes[LABELS_MAX + 1];
};

/* Returns how many labels were looked at: those of the name, or the index's longest. */
static size_t find_ends(const struct rule_index *index, struct bytes name, struct ends *ends)
{
    size_t labels = 0;
    uint64_t hash = hash_start();
    for (size_t i = name.length; i > 0 && labels < index->label_max; i--) {
        hash = hash_byte(hash, name.data[i - 1]);
        if (i == 1 || name.data[i - 2] == '.')
            ends->nodes[++labels] = find_node(index, hash, bytes_from(name, i - 1));
    }
    return labels;
}

/* The name with its region labels replaced; false when it has none. */
static bool fill_holes(const struct host_name *name, char *text, size_t size, size_t *length)
{
    static const char hole[] = "{aws-region}";
    struct bytes rest = host_name_bytes(name);
    struct bytes label;
    bool has_hole = false;
    *length = 0;
    while (bytes_next_token(&rest, '.', &label)) {
        if (pattern_is_aws_region(label)) {
            label = BYTES_LITERAL(hole);
            has_hole = true;
        }
        CHECK(*length + label.length + 1 <= size);
        memcpy(text + *length, label.data, label.length);
        *length += label.length;
        if (rest.data)
            text[(*length)++] = '.';
    }
    return has_hole;
}

static size_t count_labels(const struct host_name *name)
{
    size_t labels = 1;
    for (size_t i = 0; i < name->length; i++)
        labels += name->text[i] == '.';
    return labels;
}

/* How many labels at the front a wildcard may stand for: none from the first with `_` on. */
static size_t wildcard_labels(const struct host_name *name)
{
    if (!name->has_underscore)
        return SIZE_MAX;
    size_t labels = 0;
    for (size_t i = 0; name->text[i] != '_'; i++)
        if (name->text[i] == '.')
            labels++;
    return labels;
}

static void take_group(const struct rule_index *index, const struct node *node,
                       enum pattern_kind kind, const struct rule_group **matches, size_t *count)
{
    if (node->groups[kind])
        matches[(*count)++] = &index->groups[node->groups[kind] - 1];
}

size_t rule_index_find(const struct rule_index *index, const struct host_name *name,
                       const struct rule_group **matches)
{
    char generic[2 * HOST_NAME_LENGTH_MAX + 16];
    size_t generic_length = 0;
    struct ends ends[2];
    size_t forms = 1;
    size_t looked_at = find_ends(index, host_name_bytes(name), &ends[0]);
    if (index->has_holes && fill_holes(name, generic, sizeof(generic), &generic_length)) {
        find_ends(index, (struct bytes){(uint8_t *)generic, generic_length}, &ends[1]);
        forms = 2;
    }
    size_t labels = count_labels(name);
    size_t wild = wildcard_labels(name);
    size_t count = 0;
    for (size_t length = looked_at; length > 0; length--) {
        size_t before = labels - length;
        for (size_t form = 0; form < forms; form++) {
            const struct node *node = ends[form].nodes[length];
            if (node == NULL || (form == 1 && node == ends[0].nodes[length]))
                continue;
            if (before == 0)
                take_group(index, node, PATTERN_EXACT, matches, &count);
            if (before == 1 && before <= wild)
                take_group(index, node, PATTERN_ONE_LABEL, matches, &count);
            if (before >= 1 && before <= wild)
                take_group(index, node, PATTERN_ANY_LABELS, matches, &count);
        }
    }
    return count;
}

uint32_t rule_index_start(const struct rule_group *group)
{
    return group->first;
}

bool rule_index_next(const struct rule_index *index, uint32_t *cursor, uint32_t *rule)
{
    if (*cursor == 0)
        return false;
    const struct link *link = &index->links[*cursor - 1];
    *rule = link->rule;
    *cursor = link->next;
    return true;
}

size_t rule_index_group_count(const struct rule_index *index)
{
    return index->group_count;
}

const struct rule_group *rule_index_group_at(const struct rule_index *index, size_t position)
{
    return &index->groups[position];
}
