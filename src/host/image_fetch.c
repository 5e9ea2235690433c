#include "host/image_fetch.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "system/file.h"

enum {
    CONNECT_TIMEOUT_SECONDS = 30,
    SLOW_BYTES_PER_SECOND = 1024, /* slower than this ... */
    SLOW_SECONDS = 60,            /* ... for so long is a broken connection */
    REDIRECT_LIMIT = 5,
    STATUS_PARTIAL = 206,
    STATUS_RANGE = 416, /* nothing is left to fetch */
};

struct transfer {
    const struct image_fetch_request *request; /* NULL when it goes to memory */
    CURL *handle;
    int fd; /* borrowed; -1 when it goes to memory */
    struct buffer *out;
    uint64_t start_bytes; /* there already */
    uint64_t done_bytes;  /* in the file */
    bool is_started;
    struct error *error; /* set when a callback ends the transfer */
    bool is_failed;
};

static size_t stop(struct transfer *transfer)
{
    transfer->is_failed = true;
    return 0;
}

/* The first bytes: a server that does not continue sends all from the beginning. */
static bool start_file(struct transfer *transfer)
{
    long status = 0;
    curl_easy_getinfo(transfer->handle, CURLINFO_RESPONSE_CODE, &status);
    transfer->is_started = true;
    if (transfer->start_bytes == 0 || status == STATUS_PARTIAL)
        return true;
    transfer->start_bytes = transfer->done_bytes = 0;
    if (ftruncate(transfer->fd, 0) != 0 || lseek(transfer->fd, 0, SEEK_SET) != 0)
        return error_set_errno(transfer->error, errno, "start over");
    return true;
}

static size_t receive(char *data, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    struct bytes part = {(const uint8_t *)data, size * count};
    if (transfer->out != NULL) {
        if (buffer_append(transfer->out, part))
            return part.length;
        error_set(transfer->error, "longer than %zu bytes", transfer->out->cap);
        return stop(transfer);
    }
    if (!transfer->is_started && !start_file(transfer))
        return stop(transfer);
    transfer->done_bytes += part.length;
    if (transfer->done_bytes > transfer->request->limit_bytes) {
        error_set(transfer->error, "longer than %llu bytes",
                  (unsigned long long)transfer->request->limit_bytes);
        return stop(transfer);
    }
    if (!file_write_all(transfer->fd, part, transfer->error))
        return stop(transfer);
    return part.length;
}

static int tell_progress(void *context, curl_off_t total, curl_off_t now, curl_off_t up_total,
                         curl_off_t up_now)
{
    (void)up_total;
    (void)up_now;
    struct transfer *transfer = context;
    const struct image_fetch_request *request = transfer->request;
    if (request != NULL && request->on_progress != NULL)
        request->on_progress(request->context, transfer->start_bytes + (uint64_t)now,
                             total > 0 ? transfer->start_bytes + (uint64_t)total : 0);
    return 0;
}

static void set_options(struct transfer *transfer, const char *url, bool is_https_only)
{
    CURL *handle = transfer->handle;
    const char *protocols = is_https_only ? "https" : "https,http";
    curl_easy_setopt(handle, CURLOPT_URL, url);
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, protocols);
    curl_easy_setopt(handle, CURLOPT_REDIR_PROTOCOLS_STR, protocols);
    curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(handle, CURLOPT_MAXREDIRS, (long)REDIRECT_LIMIT);
    curl_easy_setopt(handle, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_TIMEOUT_SECONDS);
    curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, (long)SLOW_BYTES_PER_SECOND);
    curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, (long)SLOW_SECONDS);
    curl_easy_setopt(handle, CURLOPT_USERAGENT, "rootcell/" ROOTCELL_VERSION);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, tell_progress);
    curl_easy_setopt(handle, CURLOPT_XFERINFODATA, transfer);
    curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
    if (transfer->start_bytes > 0)
        curl_easy_setopt(handle, CURLOPT_RESUME_FROM_LARGE, (curl_off_t)transfer->start_bytes);
    /* The same variable as other tools of a host with a company's CA. */
    const char *bundle = getenv("CURL_CA_BUNDLE");
    if (bundle != NULL && *bundle != '\0')
        curl_easy_setopt(handle, CURLOPT_CAINFO, bundle);
}

static bool run(struct transfer *transfer, const char *url, bool is_https_only)
{
    static bool is_initialised;
    if (!is_initialised && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return error_set(transfer->error, "libcurl does not start");
    is_initialised = true;
    transfer->handle = curl_easy_init();
    if (transfer->handle == NULL)
        return error_set(transfer->error, "libcurl does not start");
    char reason[CURL_ERROR_SIZE] = "";
    curl_easy_setopt(transfer->handle, CURLOPT_ERRORBUFFER, reason);
    set_options(transfer, url, is_https_only);
    CURLcode code = curl_easy_perform(transfer->handle);
    long status = 0;
    curl_easy_getinfo(transfer->handle, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_cleanup(transfer->handle);
    if (transfer->is_failed)
        return error_add_context(transfer->error, "%s", url);
    bool is_complete = transfer->start_bytes > 0 && status == STATUS_RANGE;
    if (code != CURLE_OK && !is_complete)
        return error_set(transfer->error, "%s: %s", url,
                         *reason != '\0' ? reason : curl_easy_strerror(code));
    return true;
}

bool image_fetch_file(const struct image_fetch_request *request, struct error *error)
{
    CLEANUP_FD int fd = open(request->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0)
        return error_set_errno(error, errno, "%s", request->path);
    off_t there = lseek(fd, 0, SEEK_END);
    if (there < 0)
        return error_set_errno(error, errno, "%s", request->path);
    struct transfer transfer = {.request = request,
                                .fd = fd,
                                .start_bytes = (uint64_t)there,
                                .done_bytes = (uint64_t)there,
                                .error = error};
    return run(&transfer, request->url, request->is_https_only);
}

bool image_fetch_text(const char *url, bool is_https_only, struct buffer *out, struct error *error)
{
    struct transfer transfer = {.fd = -1, .out = out, .error = error};
    return run(&transfer, url, is_https_only);
}
