#ifndef POLICY_PROVIDER_FILE_H
#define POLICY_PROVIDER_FILE_H

#include "base/error.h"
#include "policy/path_pattern.h"
#include "policy/pattern.h"

/*
 * A provider of language models, as data: rootcell-provider(5).
 *
 *     provider NAME
 *     api API METHOD HOST PATH      requests of that interface: captured and decoded
 *     never METHOD HOST PATH        logins and tokens: never captured, whatever `api` says
 *
 * One statement a line, words apart by spaces or tabs; `#` at the start of a word starts a comment.
 * HOST and PATH are the patterns of the policy (pattern.h, path_pattern.h, without `?service=`);
 * METHOD is one method or `*`. `provider` comes first, once. Unknown statements are refused, so a
 * file that says more than this program knows is not taken for one that says less.
 *
 * Which line decides. `never` lines of all files come first, and see the path as a careless server
 * might: escapes decoded, letters lower, empty and dot segments gone, `;` parameters cut off. Then
 * `api` lines in the order of the files and lines; a path that two servers may read differently
 * (path_pattern_check_target) is of no API. What no line names is not captured.
 */

enum {
    PROVIDER_FILE_BYTES_MAX = 64 * 1024,
    PROVIDER_NAME_MAX = 32,    /* [a-z0-9-], a letter first */
    PROVIDER_API_MAX = 64,     /* bytes of an API's name */
    PROVIDER_FILES_MAX = 64,   /* in a folder */
    PROVIDER_LINES_MAX = 1024, /* statements of all files together */
};

struct provider_set;

/** Is this the name of an API that the caller knows? */
typedef bool provider_api_fn(struct bytes name);

struct provider_set *provider_set_new(provider_api_fn *is_api);
void provider_set_free(struct provider_set *set);

/**
 * Add a file. `shown` is its name in errors, `FILE:LINE: reason`; the text is copied. False when a
 * line is refused, or the provider's name stands in another file: the set is then as before.
 */
bool provider_set_add(struct provider_set *set, const char *shown, struct bytes text,
                      struct error *error);

size_t provider_set_count(const struct provider_set *set);

/** What a request is of. Borrowed from the set. */
struct provider_match {
    struct bytes provider;
    struct bytes api;
};

/**
 * Whose request is this? False when it is of no provider, or one whose content is never to be
 * captured. `target` is path and query as they are forwarded.
 */
bool provider_set_find(const struct provider_set *set, const struct host_name *host,
                       struct bytes method, struct bytes target, struct provider_match *match);

/** Some line names the host. Cheap: asked for each request while capture is on. */
bool provider_set_has_host(const struct provider_set *set, const struct host_name *host);

#endif
