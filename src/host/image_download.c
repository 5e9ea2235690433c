#include "host/image_download.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "host/image_fetch.h"
#include "host/image_folder.h"
#include "host/image_hash.h"
#include "host/image_zstd.h"
#include "host/message.h"
#include "system/file.h"
#include "system/progress.h"

enum { SIGNATURE_LIMIT = 64, QUIET_MS = 0 };

struct download {
    const struct image_download_options *options;
    char *partial; /* owned: FOLDER.download */
    char *place;   /* owned: the address of the manifest's folder, with a slash */
    struct manifest manifest;
    struct progress progress;
};

static void tell_bytes(void *context, uint64_t done, uint64_t total)
{
    struct download *download = context;
    progress_count(&download->progress, done, total, true);
}

/* ---- the manifest ---- */

static bool fetch_beside(const char *url, const char *path, struct buffer *text,
                         struct error *error)
{
    return image_fetch_text(url, true, text, error) &&
           file_write_atomic(path, buffer_bytes(text), 0644, error);
}

static bool check_manifest(struct download *download, struct bytes text, struct bytes signature,
                           struct error *error)
{
    const struct image_download_options *options = download->options;
    CLEANUP_FREE char *key = memory_format("%s/image-signing.pub", options->data);
    /* Nothing in the text is looked at before the signature fits. */
    if (!image_hash_check_signature(text, signature, key, error) ||
        !manifest_parse(text, &download->manifest, error))
        return false;
    return strcmp(download->manifest.architecture, options->architecture) == 0 ||
           error_set(error, "the image is for %s, this host is %s", download->manifest.architecture,
                     options->architecture);
}

static bool fetch_manifest(struct download *download, struct error *error)
{
    const char *url = download->options->manifest_url;
    CLEANUP_FREE char *signature_url = memory_format("%s.sig", url);
    CLEANUP_FREE char *path = memory_format("%s/manifest.json", download->partial);
    CLEANUP_FREE char *signature_path = memory_format("%s.sig", path);
    struct buffer text;
    struct buffer signature;
    buffer_init(&text, MANIFEST_BYTES_LIMIT);
    buffer_init(&signature, SIGNATURE_LIMIT);
    bool is_good =
        fetch_beside(url, path, &text, error) &&
        fetch_beside(signature_url, signature_path, &signature, error) &&
        (check_manifest(download, buffer_bytes(&text), buffer_bytes(&signature), error) ||
         error_add_context(error, "%s", url));
    buffer_done(&text);
    buffer_done(&signature);
    return is_good;
}

/* ---- files ---- */

static bool has_hash(const char *path, const char *sha256, uint64_t size_bytes)
{
    char found[MANIFEST_HASH_SIZE];
    uint64_t found_bytes;
    struct error ignored;
    return file_size(path) == (int64_t)size_bytes &&
           image_hash_file(path, found, &found_bytes, NULL, NULL, &ignored) &&
           strcmp(found, sha256) == 0;
}

static bool make_parent(const char *path, struct error *error)
{
    CLEANUP_FREE char *folder = memory_copy_text(path);
    *strrchr(folder, '/') = '\0';
    return file_make_directories(folder, 0755, error);
}

/* Fetch until the hash fits; what is there of an earlier try is continued. */
static bool fetch_checked(struct download *download, const char *name, const char *path,
                          const char *sha256, uint64_t size_bytes, struct error *error)
{
    CLEANUP_FREE char *url = memory_format("%s%s", download->place, name);
    struct image_fetch_request request = {.url = url,
                                          .path = path,
                                          .limit_bytes = size_bytes,
                                          .is_https_only = true,
                                          .on_progress = tell_bytes,
                                          .context = download};
    if (has_hash(path, sha256, size_bytes))
        return true;
    /* As long as it should be and wrong, or longer: nothing to continue. */
    if (file_size(path) >= (int64_t)size_bytes)
        unlink(path);
    if (!make_parent(path, error) || !image_fetch_file(&request, error))
        return false;
    if (has_hash(path, sha256, size_bytes))
        return true;
    unlink(path);
    return error_set(error, "%s: its hash or size is not the one in the manifest", url);
}

static bool fetch_file(struct download *download, const struct manifest_file *file,
                       struct error *error)
{
    CLEANUP_FREE char *path = memory_format("%s/%s", download->partial, file->name);
    const struct manifest_download *packed = &file->download;
    if (has_hash(path, file->sha256, file->size_bytes))
        return true;
    if (packed->name[0] == '\0')
        return fetch_checked(download, file->name, path, file->sha256, file->size_bytes, error);
    CLEANUP_FREE char *packed_path = memory_format("%s.packed", path);
    if (!fetch_checked(download, packed->name, packed_path, packed->sha256, packed->size_bytes,
                       error) ||
        !image_zstd_decompress(packed_path, path, file->size_bytes, error))
        return false;
    if (!has_hash(path, file->sha256, file->size_bytes))
        return error_set(error, "%s: its hash is not the one in the manifest", file->name);
    unlink(packed_path);
    return true;
}

static bool fetch_files(struct download *download, struct error *error)
{
    for (size_t i = 0; i < download->manifest.file_count; i++) {
        const struct manifest_file *file = &download->manifest.files[i];
        CLEANUP_FREE char *text = memory_format("image: fetch %s", file->name);
        progress_begin(&download->progress, text, QUIET_MS);
        if (!fetch_file(download, file, error)) {
            progress_abandon(&download->progress);
            return false;
        }
        progress_end(&download->progress);
    }
    return true;
}

/* ---- the whole ---- */

/* What is there has the very manifest that is offered, and what it says. */
static bool is_current(const struct download *download)
{
    const char *folder = download->options->folder;
    char there[MANIFEST_HASH_SIZE], offered[MANIFEST_HASH_SIZE];
    struct error why;
    return image_folder_check(folder, download->options->architecture, &why) &&
           image_folder_identify(folder, there, &why) &&
           image_folder_identify(download->partial, offered, &why) && strcmp(there, offered) == 0 &&
           image_folder_check_hashes(folder, "image: hashes of what is there", &why);
}

static bool fetch_or_keep(struct download *download, struct error *error)
{
    if (!is_current(download))
        return fetch_files(download, error) &&
               image_folder_publish(download->partial, download->options->folder, error);
    message_note("the image that is offered is there already");
    return file_remove_tree(download->partial, error);
}

bool image_download_run(const struct image_download_options *options, struct error *error)
{
    const char *slash = strrchr(options->manifest_url, '/');
    if (strncmp(options->manifest_url, "https://", 8) != 0 || slash < options->manifest_url + 8)
        return error_set(error, "ROOTCELL_IMAGE_MANIFEST_URL: not https://HOST/.../manifest.json");
    struct download download = {.options = options};
    download.partial = memory_format("%s.download", options->folder);
    download.place =
        memory_format("%.*s", (int)(slash + 1 - options->manifest_url), options->manifest_url);
    manifest_init(&download.manifest);
    bool is_good = file_make_directories(download.partial, 0755, error) &&
                   fetch_manifest(&download, error) && fetch_or_keep(&download, error);
    manifest_done(&download.manifest);
    free(download.place);
    free(download.partial);
    return is_good || error_add_context(error, "fetch the image");
}
