#include "host/image_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/memory.h"
#include "system/file.h"

enum { LINK_LIMIT = 40 /* symbolic links in one path, as the kernel has it */ };

void image_tree_init(struct image_tree *tree)
{
    *tree = (struct image_tree){0};
}

static void free_node(struct image_node *node)
{
    free(node->path);
    free(node->link);
}

void image_tree_done(struct image_tree *tree)
{
    for (size_t i = 0; i < tree->count; i++)
        free_node(&tree->nodes[i]);
    for (size_t i = 0; i < tree->kept_count; i++)
        free(tree->kept[i]);
    for (size_t i = 0; i < tree->mapped_count; i++)
        munmap((void *)tree->mapped[i].data, tree->mapped[i].length);
    free(tree->nodes);
    free(tree->kept);
    free(tree->mapped);
    image_tree_init(tree);
}

void image_tree_keep(struct image_tree *tree, void *block)
{
    tree->kept = memory_resize_array(tree->kept, tree->kept_count + 1, sizeof(*tree->kept));
    tree->kept[tree->kept_count++] = block;
}

bool image_tree_map_file(struct image_tree *tree, const char *path, struct bytes *content,
                         struct error *error)
{
    CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0)
        return error_set_errno(error, errno, "%s", path);
    if (!S_ISREG(status.st_mode))
        return error_set(error, "%s: not a regular file", path);
    *content = BYTES_EMPTY;
    if (status.st_size == 0)
        return true;
    void *block = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (block == MAP_FAILED)
        return error_set_errno(error, errno, "%s", path);
    *content = (struct bytes){block, (size_t)status.st_size};
    tree->mapped = memory_resize_array(tree->mapped, tree->mapped_count + 1, sizeof(*tree->mapped));
    tree->mapped[tree->mapped_count++] = *content;
    return true;
}

static struct image_node *append(struct image_tree *tree, enum tar_type type, char *path,
                                 uint32_t mode)
{
    if (tree->count == tree->allocated) {
        tree->allocated = tree->allocated == 0 ? 1024 : tree->allocated * 2;
        tree->nodes = memory_resize_array(tree->nodes, tree->allocated, sizeof(*tree->nodes));
    }
    struct image_node *node = &tree->nodes[tree->count++];
    *node = (struct image_node){.type = type, .path = path, .mode = mode};
    return node;
}

void image_tree_add_directory(struct image_tree *tree, const char *path, uint32_t mode)
{
    append(tree, TAR_DIRECTORY, memory_copy_text(path), mode);
}

void image_tree_add_file(struct image_tree *tree, const char *path, uint32_t mode,
                         struct bytes content)
{
    append(tree, TAR_FILE, memory_copy_text(path), mode)->content = content;
}

void image_tree_add_symlink(struct image_tree *tree, const char *path, const char *target)
{
    append(tree, TAR_SYMLINK, memory_copy_text(path), 0777)->link = memory_copy_text(target);
}

void image_tree_add_text(struct image_tree *tree, const char *path, uint32_t mode, const char *text)
{
    char *copy = memory_copy_text(text);
    image_tree_keep(tree, copy);
    image_tree_add_file(tree, path, mode, bytes_from_text(copy));
}

/* ---- from archives and folders ---- */

static char *join(const char *folder, struct bytes rest)
{
    if (rest.length == 0)
        return memory_copy_text(folder);
    return memory_format("%s%s%.*s", folder, *folder == '\0' ? "" : "/", (int)rest.length,
                         (const char *)rest.data);
}

static void add_entry(struct image_tree *tree, const struct tar_entry *entry, const char *prefix,
                      const char *folder, bool owner_is_root)
{
    if (entry->type == TAR_CHARACTER_DEVICE || entry->type == TAR_BLOCK_DEVICE ||
        !bytes_start_with(entry->path, bytes_from_text(prefix)))
        return;
    char *path = join(folder, bytes_from(entry->path, strlen(prefix)));
    if (*path == '\0') {
        free(path);
        return;
    }
    struct image_node *node = append(tree, entry->type, path, entry->mode);
    node->content = entry->content;
    if (entry->type == TAR_SYMLINK)
        node->link = bytes_copy_text(entry->link);
    if (entry->type == TAR_HARD_LINK)
        node->link = join(folder, bytes_from(entry->link, strlen(prefix)));
    if (owner_is_root) {
        bool is_executable = entry->type == TAR_DIRECTORY || (entry->mode & 0111) != 0;
        node->mode = is_executable ? 0755 : 0644;
        return;
    }
    node->user = entry->user;
    node->group = entry->group;
    node->time_seconds = entry->time_seconds;
}

bool image_tree_add_tar(struct image_tree *tree, struct bytes archive, const char *prefix,
                        const char *folder, bool owner_is_root, struct error *error)
{
    struct tar_reader reader;
    struct tar_entry entry;
    enum tar_status status;
    tar_reader_init(&reader, archive);
    while ((status = tar_reader_next(&reader, &entry)) == TAR_ENTRY)
        add_entry(tree, &entry, prefix, folder, owner_is_root);
    bool is_good = status == TAR_END || error_set(error, "tar archive: %s", reader.reason);
    tar_reader_done(&reader);
    return is_good;
}

static bool add_host_entry(struct image_tree *tree, const char *host_path, const char *path,
                           struct error *error)
{
    struct stat status;
    if (lstat(host_path, &status) != 0)
        return error_set_errno(error, errno, "%s", host_path);
    if (S_ISDIR(status.st_mode)) {
        image_tree_add_directory(tree, path, 0755);
        return image_tree_add_folder(tree, host_path, path, error);
    }
    if (S_ISLNK(status.st_mode)) {
        char target[PATH_MAX];
        ssize_t length = readlink(host_path, target, sizeof(target) - 1);
        if (length < 0)
            return error_set_errno(error, errno, "%s", host_path);
        target[length] = '\0';
        image_tree_add_symlink(tree, path, target);
        return true;
    }
    struct bytes content;
    if (!image_tree_map_file(tree, host_path, &content, error))
        return false;
    image_tree_add_file(tree, path, (status.st_mode & 0111) != 0 ? 0755 : 0644, content);
    return true;
}

bool image_tree_add_folder(struct image_tree *tree, const char *host_folder, const char *folder,
                           struct error *error)
{
    DIR *entries = opendir(host_folder);
    if (entries == NULL)
        return error_set_errno(error, errno, "%s", host_folder);
    bool is_good = true;
    struct dirent *entry;
    while (is_good && (entry = readdir(entries)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        CLEANUP_FREE char *host_path = memory_format("%s/%s", host_folder, entry->d_name);
        CLEANUP_FREE char *path = join(folder, bytes_from_text(entry->d_name));
        is_good = add_host_entry(tree, host_path, path, error);
    }
    closedir(entries);
    return is_good;
}

static bool is_at_or_below(const struct image_node *node, const char *path)
{
    size_t length = strlen(path);
    return strncmp(node->path, path, length) == 0 &&
           (node->path[length] == '\0' || node->path[length] == '/');
}

void image_tree_remove(struct image_tree *tree, const char *path)
{
    size_t kept = 0;
    for (size_t i = 0; i < tree->count; i++) {
        if (is_at_or_below(&tree->nodes[i], path))
            free_node(&tree->nodes[i]);
        else
            tree->nodes[kept++] = tree->nodes[i];
    }
    tree->count = kept;
}

void image_tree_set_owner(struct image_tree *tree, const char *path, uint32_t user, uint32_t group)
{
    for (size_t i = 0; i < tree->count; i++) {
        if (is_at_or_below(&tree->nodes[i], path)) {
            tree->nodes[i].user = user;
            tree->nodes[i].group = group;
        }
    }
}

/* ---- order ---- */

/* By path with '/' before every other byte, so that a folder's files follow it; equal paths in the
 * order in which they were added, which is their place in the array. */
static int compare_paths(const char *a, const char *b)
{
    for (; *a == *b; a++, b++) {
        if (*a == '\0')
            return 0;
    }
    int first = *a == '/' ? 1 : (unsigned char)*a;
    int second = *b == '/' ? 1 : (unsigned char)*b;
    return first - second;
}

static int compare_nodes(const void *a, const void *b)
{
    const struct image_node *const *first = a;
    const struct image_node *const *second = b;
    int order = compare_paths((*first)->path, (*second)->path);
    if (order != 0)
        return order;
    return *first < *second ? -1 : 1;
}

static void sort_nodes(struct image_tree *tree)
{
    const struct image_node **order = memory_new_array(tree->count + 1, sizeof(*order));
    for (size_t i = 0; i < tree->count; i++)
        order[i] = &tree->nodes[i];
    qsort(order, tree->count, sizeof(*order), compare_nodes);
    struct image_node *sorted = memory_new_array(tree->count + 1, sizeof(*sorted));
    size_t count = 0;
    for (size_t i = 0; i < tree->count; i++) {
        bool is_replaced = i + 1 < tree->count && strcmp(order[i]->path, order[i + 1]->path) == 0;
        if (is_replaced)
            free_node((struct image_node *)order[i]);
        else
            sorted[count++] = *order[i];
    }
    free(order);
    free(tree->nodes);
    tree->nodes = sorted;
    tree->allocated = tree->count + 1;
    tree->count = count;
}

const struct image_node *image_tree_find(const struct image_tree *tree, const char *path)
{
    size_t low = 0;
    size_t high = tree->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_paths(tree->nodes[middle].path, path);
        if (order == 0)
            return &tree->nodes[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

void image_tree_sort(struct image_tree *tree, uint64_t latest_seconds)
{
    sort_nodes(tree);
    size_t sorted = tree->count;
    size_t known = sorted;
    for (size_t i = 0; i < known; i++) {
        CLEANUP_FREE char *parent = memory_copy_text(tree->nodes[i].path);
        char *slash;
        while ((slash = strrchr(parent, '/')) != NULL) {
            *slash = '\0';
            size_t count = tree->count;
            tree->count = sorted; /* only these are in order */
            bool is_there = image_tree_find(tree, parent) != NULL;
            tree->count = count;
            if (is_there)
                break;
            image_tree_add_directory(tree, parent, 0755);
        }
    }
    if (tree->count != sorted)
        sort_nodes(tree);
    for (size_t i = 0; i < tree->count; i++) {
        uint64_t *time = &tree->nodes[i].time_seconds;
        *time = *time == 0 || *time > latest_seconds ? latest_seconds : *time;
    }
}

/* ---- following links ---- */

/* `path` with the first part that is a symbolic link replaced; NULL when there is none. */
static char *follow_one(const struct image_tree *tree, const char *path)
{
    for (size_t end = 1; end <= strlen(path); end++) {
        if (path[end] != '/' && path[end] != '\0')
            continue;
        CLEANUP_FREE char *part = memory_format("%.*s", (int)end, path);
        const struct image_node *node = image_tree_find(tree, part);
        if (node == NULL || node->type != TAR_SYMLINK)
            continue;
        if (*node->link == '/')
            return memory_format("%s%s", node->link + 1, path + end);
        char *slash = strrchr(part, '/');
        int folder = slash == NULL ? 0 : (int)(slash + 1 - part);
        return memory_format("%.*s%s%s", folder, part, node->link, path + end);
    }
    return NULL;
}

/* Take `..` and `.` parts out of a path that is made of folders only. */
static void normalise(char *path)
{
    CLEANUP_FREE char *source = memory_copy_text(path);
    struct bytes rest = bytes_from_text(source);
    struct bytes part;
    char *end = path;
    *end = '\0';
    while (bytes_next_token(&rest, '/', &part)) {
        if (part.length == 0 || bytes_equal_text(part, "."))
            continue;
        if (bytes_equal_text(part, "..")) {
            char *slash = strrchr(path, '/');
            end = slash == NULL ? path : slash;
            *end = '\0';
            continue;
        }
        if (end != path)
            *end++ = '/';
        memcpy(end, part.data, part.length);
        end += part.length;
        *end = '\0';
    }
}

const struct image_node *image_tree_resolve(const struct image_tree *tree, const char *path)
{
    char *now = memory_copy_text(path);
    for (int i = 0; i < LINK_LIMIT; i++) {
        char *next = follow_one(tree, now);
        if (next == NULL)
            break;
        free(now);
        now = next;
        normalise(now);
    }
    const struct image_node *node = image_tree_find(tree, now);
    free(now);
    if (node != NULL && node->type == TAR_HARD_LINK)
        return image_tree_find(tree, node->link);
    return node;
}
