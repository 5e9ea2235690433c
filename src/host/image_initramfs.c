#include "host/image_initramfs.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "record/cpio_archive.h"
#include "system/file.h"

enum {
    ARCHIVE_BYTES_LIMIT = 256 * 1024 * 1024,
    LIST_BYTES_LIMIT = 64 * 1024,
    COMPRESSION_LEVEL = 12,
    COMPRESSION_WINDOW_LOG = 20, /* the kernel allocates the window, and the machine is small */
    DEPTH_LIMIT = 32,            /* of modules that need modules */
};

bool image_initramfs_next_name(struct bytes *rest, struct bytes *name)
{
    struct bytes line;
    while (bytes_next_token(rest, '\n', &line)) {
        *name = bytes_trim(bytes_first(line, bytes_index_of(line, '#')));
        if (name->length > 0)
            return true;
    }
    return false;
}

/* ---- modules ---- */

struct module_set {
    struct image_tree *initramfs;
    const struct image_tree *system;
    const char *folder;    /* usr/lib/modules/VERSION */
    struct bytes needs;    /* modules.dep */
    struct bytes builtins; /* modules.builtin */
    struct buffer list;    /* paths in the initramfs, in order */
};

/* The name of the module in a path: without folders and `.ko`. */
static struct bytes module_name(struct bytes path)
{
    size_t slash;
    while ((slash = bytes_index_of(path, '/')) != path.length)
        path = bytes_from(path, slash + 1);
    return bytes_first(path, bytes_index_of(path, '.'));
}

/* `-` and `_` are the same in names of modules. */
static bool is_same_name(struct bytes a, struct bytes b)
{
    if (a.length != b.length)
        return false;
    for (size_t i = 0; i < a.length; i++) {
        uint8_t first = a.data[i] == '-' ? '_' : a.data[i];
        uint8_t second = b.data[i] == '-' ? '_' : b.data[i];
        if (first != second)
            return false;
    }
    return true;
}

/* The line of modules.dep (`PATH: NEEDED...`) or of modules.builtin for this module. */
static bool find_line(struct bytes text, struct bytes name, struct bytes *line)
{
    while (bytes_next_token(&text, '\n', line)) {
        if (is_same_name(module_name(bytes_first(*line, bytes_index_of(*line, ':'))), name))
            return true;
    }
    return false;
}

static bool add_module(struct module_set *set, struct bytes name, int depth, struct error *error);

static bool add_needed(struct module_set *set, struct bytes line, int depth, struct error *error)
{
    struct bytes rest = bytes_trim(bytes_from(line, bytes_index_of(line, ':') + 1));
    struct bytes path;
    while (rest.length > 0 && bytes_next_token(&rest, ' ', &path)) {
        if (path.length > 0 && !add_module(set, module_name(path), depth + 1, error))
            return false;
    }
    return true;
}

static bool add_module(struct module_set *set, struct bytes name, int depth, struct error *error)
{
    struct bytes line;
    if (!find_line(set->needs, name, &line)) {
        if (find_line(set->builtins, name, &line))
            return true;
        return error_set(error, "the kernel has no module %.*s", (int)name.length, name.data);
    }
    CLEANUP_FREE char *entry =
        memory_format("/modules/%.*s.ko\n", (int)name.length, (const char *)name.data);
    struct bytes list = buffer_bytes(&set->list);
    if (memmem(list.data, list.length, entry, strlen(entry)) != NULL)
        return true;
    if (depth > DEPTH_LIMIT)
        return error_set(error, "modules need one another");
    if (!add_needed(set, line, depth, error))
        return false;
    CLEANUP_FREE char *path =
        memory_format("%s/%.*s", set->folder, (int)bytes_index_of(line, ':'), line.data);
    const struct image_node *node = image_tree_find(set->system, path);
    if (node == NULL)
        return error_set(error, "%s is missing", path);
    CLEANUP_FREE char *target = memory_format("%.*s", (int)strlen(entry) - 2, entry + 1);
    image_tree_add_file(set->initramfs, target, 0644, node->content);
    return buffer_append_text(&set->list, entry) || error_set(error, "too many modules");
}

static bool read_index(struct module_set *set, const char *name, struct bytes *content,
                       struct error *error)
{
    CLEANUP_FREE char *path = memory_format("%s/%s", set->folder, name);
    const struct image_node *node = image_tree_find(set->system, path);
    if (node == NULL)
        return error_set(error, "%s is missing", path);
    *content = node->content;
    return true;
}

bool image_initramfs_add_modules(struct image_tree *initramfs, const struct image_tree *system,
                                 const char *kernel, struct bytes names, struct error *error)
{
    CLEANUP_FREE char *folder = memory_format("usr/lib/modules/%s", kernel);
    struct module_set set = {.initramfs = initramfs, .system = system, .folder = folder};
    buffer_init(&set.list, LIST_BYTES_LIMIT);
    struct bytes name;
    bool is_good = read_index(&set, "modules.dep", &set.needs, error) &&
                   read_index(&set, "modules.builtin", &set.builtins, error);
    while (is_good && image_initramfs_next_name(&names, &name))
        is_good = add_module(&set, name, 0, error);
    if (is_good) {
        CLEANUP_FREE char *text = bytes_copy_text(buffer_bytes(&set.list));
        image_tree_add_text(initramfs, "modules/list", 0644, text);
    }
    buffer_done(&set.list);
    return is_good;
}

/* ---- files ---- */

/* `path` with the architecture's folder of libraries and dynamic loader put in. */
static char *expand_path(struct bytes path, const char *architecture)
{
    bool is_arm = strcmp(architecture, "aarch64") == 0;
    if (bytes_equal_text(path, "@LOADER@"))
        return memory_copy_text(is_arm ? "lib/ld-linux-aarch64.so.1"
                                       : "lib64/ld-linux-x86-64.so.2");
    CLEANUP_FREE char *text = bytes_copy_text(path);
    static const char mark[] = "@TRIPLE@";
    char *at = strstr(text, mark);
    if (at == NULL)
        return memory_copy_text(text);
    return memory_format("%.*s%s-linux-gnu%s", (int)(at - text), text, architecture,
                         at + strlen(mark));
}

static bool is_merged_folder(const char *path)
{
    return strncmp(path, "bin/", 4) == 0 || strncmp(path, "sbin/", 5) == 0 ||
           strncmp(path, "lib/", 4) == 0 || strncmp(path, "lib64/", 6) == 0;
}

bool image_initramfs_add_files(struct image_tree *initramfs, const struct image_tree *system,
                               const char *architecture, struct bytes names, struct error *error)
{
    struct bytes name;
    while (image_initramfs_next_name(&names, &name)) {
        CLEANUP_FREE char *path = expand_path(name, architecture);
        const struct image_node *node = image_tree_resolve(system, path);
        if (node == NULL || node->type != TAR_FILE)
            return error_set(error, "%s is in no package of the firewall", path);
        CLEANUP_FREE char *target =
            memory_format("%s%s", is_merged_folder(path) ? "usr/" : "", path);
        image_tree_add_file(initramfs, target, node->mode & 0755, node->content);
    }
    return true;
}

void image_initramfs_add_applets(struct image_tree *initramfs, struct bytes names)
{
    struct bytes name;
    while (image_initramfs_next_name(&names, &name)) {
        CLEANUP_FREE char *path =
            memory_format("usr/bin/%.*s", (int)name.length, (const char *)name.data);
        image_tree_add_symlink(initramfs, path, "busybox");
    }
}

/* ---- the archive ---- */

static bool add_node(struct cpio_archive *archive, const struct image_node *node)
{
    switch (node->type) {
    case TAR_DIRECTORY:
        return cpio_archive_add_directory(archive, node->path, node->mode);
    case TAR_SYMLINK:
        return cpio_archive_add_symlink(archive, node->path, node->link);
    case TAR_FILE:
        return cpio_archive_add_file(archive, node->path, node->mode, node->content);
    default:
        return true;
    }
}

static bool pack(const struct image_tree *initramfs, struct buffer *out)
{
    struct cpio_archive archive;
    cpio_archive_init(&archive, out);
    for (size_t i = 0; i < initramfs->count; i++) {
        if (!add_node(&archive, &initramfs->nodes[i]))
            return false;
    }
    /* The kernel opens it for process 1 before anything can be mounted. */
    return cpio_archive_add_directory(&archive, "dev", 0755) &&
           cpio_archive_add_character_device(&archive, "dev/console", 0600, 5, 1) &&
           cpio_archive_finish(&archive);
}

static bool compress(struct bytes archive, struct buffer *out, struct error *error)
{
    ZSTD_CCtx *context = ZSTD_createCCtx();
    size_t room;
    uint8_t *target = buffer_reserve(out, ZSTD_compressBound(archive.length), &room);
    if (context == NULL)
        return error_set(error, "zstd does not start");
    ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, COMPRESSION_LEVEL);
    ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, COMPRESSION_WINDOW_LOG);
    /* With the size in its head the kernel would take a window for the whole. */
    ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
    size_t length = ZSTD_compress2(context, target, room, archive.data, archive.length);
    ZSTD_freeCCtx(context);
    if (ZSTD_isError(length))
        return error_set(error, "zstd: %s", ZSTD_getErrorName(length));
    buffer_commit(out, length);
    while (buffer_length(out) % CPIO_ARCHIVE_ALIGNMENT != 0) {
        if (!buffer_append_byte(out, 0))
            return error_set(error, "no room for the padding");
    }
    return true;
}

bool image_initramfs_write(const struct image_tree *initramfs, const char *base, const char *path,
                           struct error *error)
{
    struct buffer archive;
    struct buffer compressed;
    buffer_init(&archive, ARCHIVE_BYTES_LIMIT);
    buffer_init(&compressed, ARCHIVE_BYTES_LIMIT);
    bool is_good =
        pack(initramfs, &archive) || error_set(error, "larger than %d bytes", ARCHIVE_BYTES_LIMIT);
    is_good = is_good && (base == NULL || file_read(base, &compressed, error)) &&
              compress(buffer_bytes(&archive), &compressed, error) &&
              file_write_atomic(path, buffer_bytes(&compressed), 0644, error);
    buffer_done(&archive);
    buffer_done(&compressed);
    return is_good;
}
