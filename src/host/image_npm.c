#include "host/image_npm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/memory.h"
#include "host/image_fetch.h"
#include "host/image_hash.h"
#include "host/image_host.h"
#include "host/image_initramfs.h"
#include "system/child.h"
#include "system/file.h"

enum {
    TARBALL_BYTES_LIMIT = 512 * 1024 * 1024,
    UNPACKED_BYTES_LIMIT = 1024 * 1024 * 1024,
    SETTINGS_BYTES_LIMIT = 64 * 1024,
    GZIP_WINDOW = 16 + MAX_WBITS, /* inflateInit2: a gzip header is expected */
};

/* ---- the pinned list ---- */

static bool take_word(struct bytes *rest, char *text, size_t size)
{
    *rest = bytes_trim(*rest);
    size_t length = bytes_index_of(*rest, ' ');
    if (length == 0 || length >= size)
        return false;
    snprintf(text, size, "%.*s", (int)length, (const char *)rest->data);
    *rest = bytes_from(*rest, length);
    return true;
}

static bool read_line(struct bytes line, struct image_npm_package *package, char *architecture,
                      size_t size)
{
    *package = (struct image_npm_package){.package = {.origin = MANIFEST_ORIGIN_NPM}};
    *architecture = '\0';
    if (!take_word(&line, package->role, sizeof(package->role)) ||
        !take_word(&line, package->package.name, sizeof(package->package.name)) ||
        !take_word(&line, package->package.version, sizeof(package->package.version)) ||
        !take_word(&line, package->package.integrity, sizeof(package->package.integrity)))
        return false;
    line = bytes_trim(line);
    return line.length == 0 || take_word(&line, architecture, size);
}

bool image_npm_find_package(struct bytes list, const char *role, const char *architecture,
                            struct image_npm_package *package, struct error *error)
{
    struct bytes line;
    while (image_initramfs_next_name(&list, &line)) {
        struct image_npm_package read;
        char only[16];
        if (!read_line(line, &read, only, sizeof(only)))
            return error_set(error, "npm-packages.txt: malformed line: %.*s", (int)line.length,
                             line.data);
        if (strcmp(read.role, role) == 0 && (*only == '\0' || strcmp(only, architecture) == 0)) {
            *package = read;
            return true;
        }
    }
    return error_set(error, "npm-packages.txt: nothing has the role %s on %s", role, architecture);
}

/* ---- the registry ---- */

static char *as_registry(struct bytes url)
{
    url = bytes_trim(url);
    while (bytes_end_with(url, BYTES_LITERAL("/")) || bytes_end_with(url, BYTES_LITERAL("\n")))
        url.length--;
    bool is_web = bytes_start_with(url, BYTES_LITERAL("https://")) ||
                  bytes_start_with(url, BYTES_LITERAL("http://"));
    return is_web ? memory_format("%.*s/", (int)url.length, (const char *)url.data) : NULL;
}

/* The `registry=` line of an npmrc. */
static char *read_settings(const char *path)
{
    struct buffer text;
    struct error ignored;
    buffer_init(&text, SETTINGS_BYTES_LIMIT);
    char *found = NULL;
    if (file_exists(path) && file_read(path, &text, &ignored)) {
        struct bytes rest = buffer_bytes(&text);
        struct bytes line;
        while (bytes_next_token(&rest, '\n', &line)) {
            struct bytes key = bytes_trim(bytes_first(line, bytes_index_of(line, '=')));
            if (found == NULL && bytes_equal_text(key, "registry"))
                found = as_registry(bytes_from(line, bytes_index_of(line, '=') + 1));
        }
    }
    buffer_done(&text);
    return found;
}

static char *ask_npm(void)
{
    struct argument_list arguments CLEANUP_ARGUMENTS;
    struct buffer output;
    struct error ignored;
    argument_list_init(&arguments);
    argument_list_add_all(&arguments, "npm", "config", "get", "registry", NULL);
    buffer_init(&output, SETTINGS_BYTES_LIMIT);
    char *found = NULL;
    if (child_run_quietly(&arguments, &output, &ignored))
        found = as_registry(buffer_bytes(&output));
    buffer_done(&output);
    return found;
}

char *image_npm_find_registry(void)
{
    static const char *const variables[] = {"npm_config_registry", "NPM_CONFIG_REGISTRY"};
    char *found = NULL;
    for (size_t i = 0; found == NULL && i < 2; i++) {
        const char *value = getenv(variables[i]);
        if (value != NULL)
            found = as_registry(bytes_from_text(value));
    }
    const char *home = getenv("HOME");
    if (found == NULL && home != NULL) {
        CLEANUP_FREE char *path = memory_format("%s/.npmrc", home);
        found = read_settings(path);
    }
    if (found == NULL)
        found = read_settings("/etc/npmrc");
    return found != NULL ? found : ask_npm();
}

/* `define('registry', {\n default: 'https://...'`: the first quoted address behind the name. */
char *image_npm_default_registry(struct bytes definitions)
{
    static const char start[] = "define('registry'";
    static const char scheme[] = "https://";
    const uint8_t *at = memmem(definitions.data, definitions.length, start, strlen(start));
    if (at == NULL)
        return NULL;
    struct bytes rest = bytes_from(definitions, (size_t)(at - definitions.data));
    const uint8_t *url = memmem(rest.data, rest.length, scheme, strlen(scheme));
    if (url == NULL)
        return NULL;
    rest = bytes_from(rest, (size_t)(url - rest.data));
    return as_registry(bytes_first(rest, bytes_index_of(rest, '\'')));
}

/* ---- the policy group ---- */

bool image_npm_write_group(const char *registry, struct buffer *group, struct error *error)
{
    struct bytes url = bytes_from_text(registry);
    struct bytes place = bytes_from(url, bytes_index_of(url, '/') + 2);
    struct bytes host = bytes_first(place, bytes_index_of(place, '/'));
    CLEANUP_FREE char *name =
        memory_format("%.*s", (int)bytes_index_of(host, ':'), (const char *)host.data);
    CLEANUP_FREE char *folder = memory_format("%.*s", (int)(place.length - host.length - 1),
                                              (const char *)place.data + host.length);
    const char *flag = image_host_is_private(name) ? " +private" : "";
    bool has_room = buffer_append_format(group, "https %.*s GET,HEAD +encoded-slash%s\n",
                                         (int)host.length, host.data, flag) &&
                    buffer_append_format(group, "https %.*s POST %s/-/npm/v1/security/**%s\n",
                                         (int)host.length, host.data, folder, flag);
    return has_room || error_set(error, "the registry's address is too long");
}

/* ---- tarballs ---- */

static bool inflate_all(struct bytes packed, struct buffer *out, struct error *error)
{
    z_stream stream = {.next_in = (Bytef *)packed.data, .avail_in = (uInt)packed.length};
    if (inflateInit2(&stream, GZIP_WINDOW) != Z_OK)
        return error_set(error, "zlib does not start");
    int status = Z_OK;
    while (status == Z_OK) {
        size_t room;
        uint8_t *space = buffer_reserve(out, 1024 * 1024, &room);
        if (room == 0)
            break;
        stream.next_out = space;
        stream.avail_out = (uInt)room;
        status = inflate(&stream, Z_NO_FLUSH);
        buffer_commit(out, room - stream.avail_out);
    }
    inflateEnd(&stream);
    return status == Z_STREAM_END || error_set(error, "the tarball is no whole gzip file");
}

/* `NAME/-/BASE-VERSION.tgz`, where BASE is the name without its scope. */
static char *tarball_url(const char *registry, const struct manifest_package *package)
{
    const char *slash = strchr(package->name, '/');
    const char *base = slash == NULL ? package->name : slash + 1;
    return memory_format("%s%s/-/%s-%s.tgz", registry, package->name, base, package->version);
}

static bool is_pinned(const char *path, const struct manifest_package *package, struct error *error)
{
    struct image_tree tree;
    struct bytes content;
    image_tree_init(&tree);
    bool is_good = image_tree_map_file(&tree, path, &content, error) &&
                   image_hash_check_integrity(content, package->integrity, error);
    image_tree_done(&tree);
    return is_good;
}

static bool fetch(const char *registry, const struct manifest_package *package, const char *path,
                  void (*on_progress)(void *context, uint64_t done, uint64_t total), void *context,
                  struct error *error)
{
    CLEANUP_FREE char *url = tarball_url(registry, package);
    CLEANUP_FREE char *part = memory_format("%s.part", path);
    struct image_fetch_request request = {.url = url,
                                          .path = part,
                                          .limit_bytes = TARBALL_BYTES_LIMIT,
                                          .on_progress = on_progress,
                                          .context = context};
    if (!image_fetch_file(&request, error))
        return false;
    if (!is_pinned(part, package, error)) {
        unlink(part);
        return error_add_context(error, "%s", url);
    }
    return rename(part, path) == 0 || error_set(error, "%s: cannot be renamed", part);
}

bool image_npm_fetch(const char *registry, const struct image_npm_package *package,
                     const char *folder, struct image_tree *tree, struct bytes *archive,
                     void (*on_progress)(void *context, uint64_t done, uint64_t total),
                     void *context, struct error *error)
{
    CLEANUP_FREE char *path =
        memory_format("%s/%s-%s.tgz", folder, package->role, package->package.version);
    struct error ignored;
    if ((!file_exists(path) || !is_pinned(path, &package->package, &ignored)) &&
        !fetch(registry, &package->package, path, on_progress, context, error))
        return false;
    struct bytes packed;
    if (!image_tree_map_file(tree, path, &packed, error))
        return false;
    struct buffer unpacked;
    buffer_init(&unpacked, UNPACKED_BYTES_LIMIT);
    if (!inflate_all(packed, &unpacked, error)) {
        buffer_done(&unpacked);
        return error_add_context(error, "%s", path);
    }
    image_tree_keep(tree, unpacked.data);
    *archive = buffer_bytes(&unpacked);
    return true;
}
