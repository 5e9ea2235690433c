#include "host/image_download.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "base/memory.h"
#include "host/image_fetch.h"
#include "host/image_folder.h"
#include "host/image_hash.h"
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

static bool decompress_stream(int from, int to, uint64_t limit_bytes, struct error *error)
{
    size_t in_size = ZSTD_DStreamInSize();
    size_t out_size = ZSTD_DStreamOutSize();
    CLEANUP_FREE uint8_t *in_block = memory_new(in_size);
    CLEANUP_FREE uint8_t *out_block = memory_new(out_size);
    ZSTD_DCtx *context = ZSTD_createDCtx();
    uint64_t written = 0;
    size_t state = 0;
    ssize_t length;
    bool is_good = context != NULL || error_set(error, "zstd does not start");
    while (is_good && (length = read(from, in_block, in_size)) > 0) {
        ZSTD_inBuffer in = {in_block, (size_t)length, 0};
        while (is_good && in.pos < in.size) {
            ZSTD_outBuffer out = {out_block, out_size, 0};
            state = ZSTD_decompressStream(context, &out, &in);
            written += out.pos;
            if (ZSTD_isError(state) || written > limit_bytes)
                is_good = error_set(error, "not the zstd file that the manifest tells of");
            else
                is_good = file_write_all(to, (struct bytes){out_block, out.pos}, error);
        }
    }
    ZSTD_freeDCtx(context);
    return is_good && (state == 0 || error_set(error, "the zstd file is cut short"));
}

static bool decompress(const char *from_path, const char *to_path, uint64_t limit_bytes,
                       struct error *error)
{
    CLEANUP_FD int from = open(from_path, O_RDONLY | O_CLOEXEC);
    if (from < 0)
        return error_set_errno(error, errno, "%s", from_path);
    CLEANUP_FD int to = open(to_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (to < 0)
        return error_set_errno(error, errno, "%s", to_path);
    return decompress_stream(from, to, limit_bytes, error) ||
           error_add_context(error, "%s", from_path);
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
        !decompress(packed_path, path, file->size_bytes, error))
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

static bool publish(const struct download *download, struct error *error)
{
    const char *folder = download->options->folder;
    CLEANUP_FREE char *old = memory_format("%s.old", folder);
    if (!file_remove_tree(old, error))
        return false;
    if (file_exists(folder) && rename(folder, old) != 0)
        return error_set_errno(error, errno, "%s", folder);
    if (rename(download->partial, folder) != 0)
        return error_set_errno(error, errno, "%s", download->partial);
    return file_remove_tree(old, error);
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
                   fetch_manifest(&download, error) && fetch_files(&download, error) &&
                   publish(&download, error);
    manifest_done(&download.manifest);
    free(download.place);
    free(download.partial);
    return is_good || error_add_context(error, "fetch the image");
}
