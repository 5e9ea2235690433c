#ifndef HOST_IMAGE_FETCH_H
#define HOST_IMAGE_FETCH_H

#include "base/buffer.h"
#include "base/error.h"

/** A download over HTTPS (or HTTP where the settings of a registry say so), by libcurl. */
struct image_fetch_request {
    const char *url;
    const char *path;     /* written here; what is there already is continued */
    uint64_t limit_bytes; /* more is an error */
    bool is_https_only;   /* redirects included */
    void (*on_progress)(void *context, uint64_t done, uint64_t total); /* total 0 is unknown */
    void *context;
};

/**
 * Fetch into the file. After a break it may be called again and carries on where it was, when the
 * server can; the caller checks the hash. Proxies come from the usual variables.
 */
bool image_fetch_file(const struct image_fetch_request *request, struct error *error);

/** Fetch a small document into `out`, up to its cap. */
bool image_fetch_text(const char *url, bool is_https_only, struct buffer *out, struct error *error);

#endif
