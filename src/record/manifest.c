#include "record/manifest.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "record/json_fields.h"

static const char *const origin_names[] = {
    [MANIFEST_ORIGIN_DEBIAN] = "debian",
    [MANIFEST_ORIGIN_NPM] = "npm",
};

void manifest_init(struct manifest *manifest)
{
    *manifest = (struct manifest){0};
}

void manifest_done(struct manifest *manifest)
{
    free(manifest->files);
    free(manifest->packages);
    manifest_init(manifest);
}

void manifest_add_file(struct manifest *manifest, const struct manifest_file *file)
{
    CHECK(manifest->file_count < MANIFEST_FILE_LIMIT);
    if (manifest->files == NULL)
        manifest->files = memory_new_array(MANIFEST_FILE_LIMIT, sizeof(*manifest->files));
    manifest->files[manifest->file_count++] = *file;
}

void manifest_add_package(struct manifest *manifest, const struct manifest_package *package)
{
    CHECK(manifest->package_count < MANIFEST_PACKAGE_LIMIT);
    if (manifest->packages == NULL)
        manifest->packages = memory_new_array(MANIFEST_PACKAGE_LIMIT, sizeof(*manifest->packages));
    manifest->packages[manifest->package_count++] = *package;
}

const struct manifest_file *manifest_find_file(const struct manifest *manifest, const char *name)
{
    for (size_t i = 0; i < manifest->file_count; i++) {
        if (strcmp(manifest->files[i].name, name) == 0)
            return &manifest->files[i];
    }
    return NULL;
}

/* ---- values ---- */

static bool is_name_byte(uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '.' || byte == '_' || byte == '+' || byte == '-';
}

bool manifest_is_file_name(struct bytes name)
{
    if (name.length == 0 || name.length >= MANIFEST_NAME_SIZE)
        return false;
    struct bytes rest = name;
    struct bytes part;
    size_t parts = 0;
    while (bytes_next_token(&rest, '/', &part)) {
        parts++;
        if (part.length == 0 || part.data[0] == '.')
            return false;
        for (size_t i = 0; i < part.length; i++) {
            if (!is_name_byte(part.data[i]))
                return false;
        }
    }
    return parts <= 2;
}

static bool is_hash(const char *text)
{
    return strspn(text, "0123456789abcdef") == MANIFEST_HASH_SIZE - 1 &&
           text[MANIFEST_HASH_SIZE - 1] == '\0';
}

/* ---- reading ---- */

/* The name, hash and size that a file and its download both have. */
static bool read_content(const json_t *object, const char *place, char *name, char *sha256,
                         uint64_t *size_bytes, struct error *error)
{
    if (!json_fields_text(object, place, "name", name, MANIFEST_NAME_SIZE, error) ||
        !json_fields_text(object, place, "sha256", sha256, MANIFEST_HASH_SIZE, error) ||
        !json_fields_number(object, place, "bytes", 0, INT64_MAX, size_bytes, error))
        return false;
    if (!manifest_is_file_name(bytes_from_text(name)))
        return error_set(error, "%s: \"name\" is no file name of an image", place);
    return is_hash(sha256) || error_set(error, "%s: \"sha256\" is no SHA-256", place);
}

static bool read_file(const json_t *object, const char *place, struct manifest *manifest,
                      struct error *error)
{
    static const char *const keys[] = {"name", "sha256", "bytes", "download", NULL};
    static const char *const download_keys[] = {"name", "sha256", "bytes", NULL};
    struct manifest_file file = {0};
    if (!json_fields_only(object, place, keys, error) ||
        !read_content(object, place, file.name, file.sha256, &file.size_bytes, error))
        return false;
    if (manifest_find_file(manifest, file.name) != NULL)
        return error_set(error, "%s: %s is listed twice", place, file.name);
    const json_t *download = json_object_get(object, "download");
    if (download != NULL && (!json_fields_only(download, place, download_keys, error) ||
                             !read_content(download, place, file.download.name,
                                           file.download.sha256, &file.download.size_bytes, error)))
        return false;
    manifest_add_file(manifest, &file);
    return true;
}

static bool read_package(const json_t *object, const char *place, struct manifest *manifest,
                         struct error *error)
{
    static const char *const keys[] = {"origin", "name", "version", "integrity", NULL};
    struct manifest_package package = {0};
    char origin[16];
    if (!json_fields_only(object, place, keys, error) ||
        !json_fields_text(object, place, "origin", origin, sizeof(origin), error) ||
        !json_fields_text(object, place, "name", package.name, sizeof(package.name), error) ||
        !json_fields_text(object, place, "version", package.version, sizeof(package.version),
                          error))
        return false;
    if (strcmp(origin, origin_names[MANIFEST_ORIGIN_NPM]) == 0)
        package.origin = MANIFEST_ORIGIN_NPM;
    else if (strcmp(origin, origin_names[MANIFEST_ORIGIN_DEBIAN]) == 0)
        package.origin = MANIFEST_ORIGIN_DEBIAN;
    else
        return error_set(error, "%s: \"origin\" is neither debian nor npm", place);
    if (json_object_get(object, "integrity") != NULL &&
        !json_fields_text(object, place, "integrity", package.integrity, sizeof(package.integrity),
                          error))
        return false;
    manifest_add_package(manifest, &package);
    return true;
}

static bool read_array(const json_t *root, const char *key, size_t limit,
                       bool (*read_one)(const json_t *, const char *, struct manifest *,
                                        struct error *),
                       struct manifest *manifest, struct error *error)
{
    const json_t *array;
    if (!json_fields_array(root, "manifest", key, limit, &array, error))
        return false;
    for (size_t i = 0; i < json_array_size(array); i++) {
        char *place = memory_format("%s[%zu]", key, i);
        bool is_good = read_one(json_array_get(array, i), place, manifest, error);
        free(place);
        if (!is_good)
            return false;
    }
    return true;
}

static bool read_root(const json_t *root, struct manifest *manifest, struct error *error)
{
    static const char *const keys[] = {"version", "architecture", "release",
                                       "files",   "packages",     NULL};
    uint64_t version;
    return json_fields_only(root, "manifest", keys, error) &&
           json_fields_number(root, "manifest", "version", MANIFEST_VERSION, MANIFEST_VERSION,
                              &version, error) &&
           json_fields_text(root, "manifest", "architecture", manifest->architecture,
                            sizeof(manifest->architecture), error) &&
           json_fields_text(root, "manifest", "release", manifest->release,
                            sizeof(manifest->release), error) &&
           read_array(root, "files", MANIFEST_FILE_LIMIT, read_file, manifest, error) &&
           read_array(root, "packages", MANIFEST_PACKAGE_LIMIT, read_package, manifest, error);
}

bool manifest_parse(struct bytes text, struct manifest *manifest, struct error *error)
{
    if (text.length > MANIFEST_BYTES_LIMIT)
        return error_set(error, "longer than %d bytes", MANIFEST_BYTES_LIMIT);
    json_t *root = json_fields_load(text, error);
    if (root == NULL)
        return false;
    struct manifest read;
    manifest_init(&read);
    bool is_good = read_root(root, &read, error);
    if (is_good)
        *manifest = read;
    else
        manifest_done(&read);
    json_decref(root);
    return is_good;
}

/* ---- writing ---- */

static int compare_files(const void *a, const void *b)
{
    const struct manifest_file *first = a;
    const struct manifest_file *second = b;
    return strcmp(first->name, second->name);
}

static int compare_packages(const void *a, const void *b)
{
    const struct manifest_package *first = a;
    const struct manifest_package *second = b;
    if (first->origin != second->origin)
        return first->origin < second->origin ? -1 : 1;
    return strcmp(first->name, second->name);
}

static json_t *content_value(const char *name, const char *sha256, uint64_t size_bytes)
{
    json_t *object = json_object();
    json_object_set_new(object, "name", json_string(name));
    json_object_set_new(object, "bytes", json_integer((json_int_t)size_bytes));
    json_object_set_new(object, "sha256", json_string(sha256));
    return object;
}

static json_t *files_value(const struct manifest *manifest)
{
    json_t *array = json_array();
    for (size_t i = 0; i < manifest->file_count; i++) {
        const struct manifest_file *file = &manifest->files[i];
        json_t *object = content_value(file->name, file->sha256, file->size_bytes);
        const struct manifest_download *download = &file->download;
        if (download->name[0] != '\0')
            json_object_set_new(
                object, "download",
                content_value(download->name, download->sha256, download->size_bytes));
        json_array_append_new(array, object);
    }
    return array;
}

static json_t *packages_value(const struct manifest *manifest)
{
    json_t *array = json_array();
    for (size_t i = 0; i < manifest->package_count; i++) {
        const struct manifest_package *package = &manifest->packages[i];
        json_t *object = json_object();
        json_object_set_new(object, "origin", json_string(origin_names[package->origin]));
        json_object_set_new(object, "name", json_string(package->name));
        json_object_set_new(object, "version", json_string(package->version));
        if (package->integrity[0] != '\0')
            json_object_set_new(object, "integrity", json_string(package->integrity));
        json_array_append_new(array, object);
    }
    return array;
}

bool manifest_encode(struct manifest *manifest, struct buffer *out, struct error *error)
{
    if (manifest->file_count > 0)
        qsort(manifest->files, manifest->file_count, sizeof(*manifest->files), compare_files);
    if (manifest->package_count > 0)
        qsort(manifest->packages, manifest->package_count, sizeof(*manifest->packages),
              compare_packages);
    json_t *root = json_object();
    json_object_set_new(root, "version", json_integer(MANIFEST_VERSION));
    json_object_set_new(root, "architecture", json_string(manifest->architecture));
    json_object_set_new(root, "release", json_string(manifest->release));
    json_object_set_new(root, "files", files_value(manifest));
    json_object_set_new(root, "packages", packages_value(manifest));
    bool is_good = json_fields_dump(root, out, error);
    json_decref(root);
    return is_good;
}
