#include "host/image_inputs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "host/image_debian.h"
#include "host/image_hash.h"
#include "host/image_npm.h"
#include "host/image_tree.h"
#include "system/file.h"
#include "system/own_program.h"

enum { TEXT_BYTES_LIMIT = 1024 * 1024 };

static char *note_path(const char *folder)
{
    return memory_format("%s/inputs.sha256", folder);
}

/* The key decides who may sign what is downloaded, and nothing about what is built. */
static bool is_part(const struct image_node *node)
{
    return strcmp(node->path, "image-signing.pub") != 0;
}

static bool add_node(struct buffer *text, const struct image_node *node, struct error *error)
{
    char sha256[MANIFEST_HASH_SIZE];
    return image_hash_bytes(node->content, sha256, error) &&
           (buffer_append_format(text, "%s %d %o %s %s\n", node->path, (int)node->type,
                                 (unsigned)node->mode, node->link ? node->link : "-", sha256) ||
            error_set(error, "too many files"));
}

static bool add_data(struct buffer *text, const char *data, struct error *error)
{
    struct image_tree tree;
    image_tree_init(&tree);
    bool is_good = image_tree_add_folder(&tree, data, "", error);
    image_tree_sort(&tree, 0);
    for (size_t i = 0; is_good && i < tree.count; i++) {
        if (is_part(&tree.nodes[i]))
            is_good = add_node(text, &tree.nodes[i], error);
    }
    image_tree_done(&tree);
    return is_good || error_add_context(error, "%s", data);
}

static bool add_places(struct buffer *text, struct error *error)
{
    CLEANUP_FREE char *registry = image_npm_find_registry();
    return image_debian_find_sources(text, error) &&
           (buffer_append_format(text, "npm %s\n", registry ? registry : "-") ||
            error_set(error, "too many apt sources"));
}

static bool add_maker(struct buffer *text, struct error *error)
{
    char sha256[MANIFEST_HASH_SIZE];
    uint64_t size_bytes;
    CLEANUP_FREE char *program = own_program_path(error);
    return program && image_hash_file(program, sha256, &size_bytes, NULL, NULL, error) &&
           (buffer_append_format(text, "maker %s\n", sha256) || error_set(error, "too long"));
}

bool image_inputs_hash(const struct image_build_options *options, char sha256[MANIFEST_HASH_SIZE],
                       struct error *error)
{
    struct buffer text;
    buffer_init(&text, TEXT_BYTES_LIMIT);
    bool is_good = (buffer_append_format(&text, "%s\n", options->architecture) ||
                    error_set(error, "too long")) &&
                   add_data(&text, options->data, error) && add_places(&text, error) &&
                   add_maker(&text, error) && image_hash_bytes(buffer_bytes(&text), sha256, error);
    buffer_done(&text);
    return is_good;
}

bool image_inputs_write(const char *folder, const char *sha256, struct error *error)
{
    CLEANUP_FREE char *path = note_path(folder);
    return file_write_atomic(path, bytes_from_text(sha256), 0644, error);
}

bool image_inputs_read(const char *folder, char sha256[MANIFEST_HASH_SIZE])
{
    CLEANUP_FREE char *path = note_path(folder);
    struct buffer text;
    struct error ignored;
    buffer_init(&text, MANIFEST_HASH_SIZE);
    bool is_there = file_exists(path) && file_read(path, &text, &ignored) &&
                    buffer_length(&text) == MANIFEST_HASH_SIZE - 1;
    if (is_there)
        snprintf(sha256, MANIFEST_HASH_SIZE, "%.*s", MANIFEST_HASH_SIZE - 1,
                 (const char *)buffer_bytes(&text).data);
    buffer_done(&text);
    return is_there;
}
